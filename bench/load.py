"""The load: accounts are created, then their bill cycles planned, cancelled, planned again, performed and changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Producer

from schemas import codec, headers, wire
from schemas.envelope import CommandRecord
from schemas.malformed import Misfit, read_body
from schemas.partition import partition_of

ACCOUNT = {"account_id": "a-1"}
CREATE = (
    "CreateAccount",
    {"account_id": "a-1", "type": "RESIDENTIAL", "currency": "EUR", "bill_cycle": {"code": "MONTHLY_1"}},
)
CHANGES: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "UpdateAccountBillCycle",
        {"account": ACCOUNT, "bill_cycle": "MONTHLY_15", "cutover": "AFTER_CURRENT_PERIOD"},
    ),
    ("CancelAccountBillCycleChange", {"account": ACCOUNT}),
    (
        "UpdateAccountBillCycle",
        {"account": ACCOUNT, "bill_cycle": "MONTHLY_31", "cutover": "AFTER_CURRENT_PERIOD"},
    ),
    ("PerformAccountBillCycleChange", {"account": ACCOUNT}),
    ("UpdateAccountBillCycle", {"account": ACCOUNT, "bill_cycle": "MONTHLY_1"}),
)


def commands(count: int, customers: int, run: str = "b") -> Iterator[CommandRecord]:
    """So many commands over so many customers, each customer's in a sensible order; every hundredth comes twice."""
    for number in range(count):
        turn, place = divmod(number, customers)
        name, body = CREATE if turn == 0 else CHANGES[(turn - 1) % len(CHANGES)]
        parsed = read_body(name, body)
        assert not isinstance(parsed, Misfit)
        repeated = number % 100 == 99 and turn > 0  # the id of this customer's command before
        yield CommandRecord(
            command_id=f"{run}-{place}-{turn - 1 if repeated and turn > 1 else turn}",
            customer_id=f"customer-{place}",
            source="bench",
            performed_by="bench",
            body=parsed,
        )


def fill(kafka: dict[str, Any], topic: str, partitions: int, count: int, customers: int) -> float:
    """Put the load on the topic; answers the average bytes of a command's value."""
    producer = Producer({**kafka, "enable.idempotence": True, "linger.ms": 20, "queue.buffering.max.messages": 500_000})
    schema_id, size = wire.current_id("Command"), 0
    for record in commands(count, customers):
        value = wire.frame(schema_id, codec.COMMAND.encode(record))
        size += len(value)
        while True:
            try:
                producer.produce(
                    topic,
                    value,
                    record.customer_id.encode(),
                    partition_of(record.customer_id, partitions),
                    headers=list(headers.for_command(record)),
                )
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()
    return size / count


def connected(kafka: dict[str, Any]) -> Producer:
    """A producer for `paced`. Kept over several runs: a new one needs up to a second for its first record."""
    producer = Producer({**kafka, "enable.idempotence": True, "linger.ms": 1})
    producer.list_topics(timeout=10)
    return producer


def paced(
    producer: Producer, topic: str, partitions: int, per_second: float, seconds: float, customers: int
) -> dict[str, float]:
    """Send at a steady rate; answers when each command id was handed to the producer."""
    schema_id = wire.current_id("Command")
    sent: dict[str, float] = {}
    began = time.perf_counter()
    for number, record in enumerate(commands(int(per_second * seconds), customers, run=f"p{time.time_ns()}")):
        due = began + number / per_second
        while (wait := due - time.perf_counter()) > 0:
            producer.poll(min(wait, 0.002))
        sent.setdefault(record.command_id, time.perf_counter())
        producer.produce(
            topic,
            wire.frame(schema_id, codec.COMMAND.encode(record)),
            record.customer_id.encode(),
            partition_of(record.customer_id, partitions),
        )
    producer.flush()
    return sent
