"""The worker's side of the topics, and what a sink made of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Any

import psycopg
from confluent_kafka import Producer

from schemas import wire
from schemas.partition import partition_of
from state.warehouse import Batch, Warehouse
from state.warehouse.catalog import FACTS
from state.warehouse.statements import quoted
from streams.completeness import completeness
from streams.settings import Settings
from streams.sink import fill
from streams.sink_place import place_of
from tests.warehouse.places import PARTITIONS
from tests.warehouse.played import Played


class Sender:
    """The worker's side of the topics: transactional."""

    def __init__(self, settings: Settings) -> None:
        self.names = settings.topology
        self.producer = Producer({**settings.client_properties(), "transactional.id": settings.group, "linger.ms": 0})
        self.producer.init_transactions()

    def send(self, played: Played, *, commit: bool = True, size: int = 40) -> None:
        """Every answer of a history, so many answers in a transaction of Kafka."""
        answers = played.answers
        for begin in range(0, len(answers), size):
            self.producer.begin_transaction()
            for answered in answers[begin : begin + size]:
                assert answered.outcome is not None
                customer = answered.outcome.customer_id
                if answered.transaction is not None:
                    self.one(self.names.transactions, "BusinessTransaction", customer, answered.transaction_payload)
                self.one(self.names.outcomes, "CommandOutcome", customer, answered.outcome_payload)
            if commit:
                self.producer.commit_transaction()
            else:
                self.producer.flush()
                self.producer.abort_transaction()

    def transactions(self, payloads: Iterable[tuple[str, bytes]], schema_id: int | None = None) -> None:
        """Transactions of these customers, in one transaction of Kafka."""
        self.producer.begin_transaction()
        for customer, payload in payloads:
            self.one(self.names.transactions, "BusinessTransaction", customer, payload, schema_id)
        self.producer.commit_transaction()

    def one(self, topic: str, contract: str, customer: str, payload: bytes, schema_id: int | None = None) -> None:
        value = wire.frame(schema_id or wire.local_id(contract), payload)
        self.producer.produce(topic, value, customer.encode(), partition_of(customer, PARTITIONS))


class Quiet:
    """Stops a sink when it has been running for a while and nothing came for two seconds."""

    def __init__(self) -> None:
        self.began = self.wrote_at = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        assert now - self.began < 60, "the sink does not come to rest"
        return now - self.wrote_at > 2

    def wrote(self, _: Batch) -> None:
        self.wrote_at = time.monotonic()


def filled(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Let the sink run until all is there; everything in the warehouse."""
    quiet = Quiet()
    fill(settings, quiet, quiet.wrote)
    return everything(settings)


def everything(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables that are filled from topics, in an order of their own."""
    with contextlib.closing(Warehouse.read(place_of(settings))) as warehouse:
        return {
            table.name: warehouse.rows(f"SELECT {names} FROM {table.name} ORDER BY {names}")
            for table in FACTS.values()
            for names in [", ".join(quoted(column.name) for column in table.columns)]
        }


def changed(settings: Settings, *statements: str) -> None:
    """Somebody writes into the warehouse."""
    with contextlib.closing(Warehouse.open(place_of(settings), [])) as warehouse:
        for statement in statements:
            warehouse.rows(statement)


def dropped(settings: Settings) -> None:
    """The whole warehouse is gone."""
    if settings.warehouse_server is None:
        settings.warehouse.unlink()
        return
    with psycopg.connect(settings.warehouse_server.get_secret_value(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA billfold CASCADE")


def whole(settings: Settings) -> bool:
    receipts = completeness(settings)
    print(*(receipt.sentence for receipt in receipts), sep="\n")
    return len(receipts) == 2 * PARTITIONS and all(receipt.complete for receipt in receipts)
