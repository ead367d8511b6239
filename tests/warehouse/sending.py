"""The worker's side of the topics, and what a sink made of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from confluent_kafka import KafkaException, Producer

from schemas import wire
from schemas.partition import partition_of
from state.offsets import Offsets
from state.warehouse import Batch, Warehouse, WarehouseUnfit
from state.warehouse.catalog import FACTS
from state.warehouse.databases.statements import quoted
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


def ends(settings: Settings) -> dict[tuple[str, int], int]:
    """Where the committed records of every partition end; brokers learn of new partitions after we do."""
    names = settings.topology.transactions, settings.topology.outcomes
    places = [(name, number) for name in names for number in range(settings.partitions)]
    deadline = time.monotonic() + 30
    with contextlib.closing(Offsets(settings.client_properties(), "read_committed")) as offsets:
        while True:
            try:
                return offsets.ends(places)
            except KafkaException:
                assert time.monotonic() < deadline
                time.sleep(0.1)


LOOKS = 5
"""A sink that has nothing to do is left so many times to look, so that it has begun."""


class Complete:
    """Stops a sink when it has read, and published, all that is in the topics now."""

    def __init__(self, settings: Settings) -> None:
        self.missing = ends(settings)
        self.missing = {place: end for place, end in self.missing.items() if end > 0}
        self.began, self.asked = time.monotonic(), 0
        with contextlib.suppress(WarehouseUnfit), contextlib.closing(Warehouse.read(place_of(settings))) as warehouse:
            self.reach(warehouse.offsets())

    def __call__(self) -> bool:
        assert time.monotonic() - self.began < 90, f"the sink does not come to {self.missing}"
        self.asked += 1
        return not self.missing and self.asked > LOOKS

    def wrote(self, batch: Batch) -> None:
        self.reach({(each.topic, each.partition): each.after for each in batch.advances})

    def reach(self, offsets: Mapping[tuple[str, int], int]) -> None:
        self.missing = {place: end for place, end in self.missing.items() if offsets.get(place, 0) < end}


def filled(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Let the sink run until all is there; everything in the warehouse."""
    complete = Complete(settings)
    fill(settings, complete, complete.wrote)
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
