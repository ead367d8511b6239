"""The sink: transactions and outcomes become rows of the warehouse, each exactly once.

It reads in a group of its own making: which records are done is written in the database, with their rows, and nowhere
else. Kafka's group offsets are never committed, so the two can not disagree.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from state.warehouse import Batch, Warehouse, WarehouseLocked, publish
from streams import logs
from streams.registry import use_registry
from streams.settings import Settings, load
from streams.sink_batch import Gathering, SinkStopped
from streams.sink_sources import GONE, sources

log = structlog.get_logger()

FETCH_RECORDS = 2_000
FETCH_SECONDS = 0.1
FLUSH_SECONDS = 1.0
"""No row waits longer for its commit than this, and the time of one batch."""
PREFETCH_KILOBYTES = 32 << 10  # what librdkafka holds ready for us, all partitions together
PUBLISH_SECONDS = 3.0
"""A changed warehouse is published at most so often, and at once when nothing more comes."""
IDLE_PUBLISH_SECONDS = 60.0
"""An unchanged one so often, so that an old copy means a dead sink."""
PUBLISH_SHARE = 20
"""Publishing takes at most one part in so many of the sink's time, however large the file."""
LOCK_SECONDS = 1.0
LOCK_SAYS_SECONDS = 30.0


def run_sink(settings: Settings | None = None) -> None:
    """Fill the warehouse until SIGTERM or SIGINT; finishes the batch at hand first.

    Raises SinkStopped, WarehouseUnfit and TopologyUnfit, each with a sentence that says what to do.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    configured = settings or load()
    logs.configure(configured.log_level)
    use_registry(configured)
    fill(configured, stopping.is_set)


def fill(settings: Settings, stopping: Callable[[], bool], wrote: Callable[[Batch], None] = lambda _: None) -> None:
    """Fill the warehouse until told to stop; `wrote` is told of each batch after its commit.

    1. Ask Kafka which cluster and topics these are.
    2. Open the database; wait while another process has it. It must come from the same cluster and topics.
    3. Read on from the offsets in the database.
    4. Gather records into a batch: bounded in rows, in bytes, in time. Nothing is written, a crash costs the reading.
    5. Write rows and offsets in one database transaction. A crash before its commit: the same records are read again
       and give the same rows. A crash after it: reading goes on behind them. Either way each row is there once.
    6. Publish a copy for readers, now and then. A crash leaves the copy before.
    """
    topics = sources(settings)  # 1
    with contextlib.ExitStack() as leaving:
        # Tens of thousands of rows, none in a cycle: looking for cycles among them takes a third of the time.
        gc.disable()
        leaving.callback(gc.enable)
        warehouse = _open(settings, topics, stopping)  # 2
        if warehouse is None:
            return
        leaving.callback(warehouse.close)
        consumer = _assigned(settings, warehouse)  # 3
        leaving.callback(consumer.close)
        publisher = Publisher(warehouse)
        gathering = Gathering(settings.topology, warehouse)
        while not stopping():
            idle = _gather(consumer, gathering, stopping)  # 4
            if not gathering.empty:
                wrote(gathering.write())  # 5
                publisher.changed = True
            publisher.publish_if_due(idle=idle)  # 6
        publisher.publish_if_due(idle=True, leaving=True)


def _open(settings: Settings, topics: Any, stopping: Callable[[], bool]) -> Warehouse | None:
    """Open the warehouse; None if told to stop while another process has it."""
    said = -LOCK_SAYS_SECONDS
    while not stopping():
        try:
            return Warehouse.open(settings.warehouse, topics)
        except WarehouseLocked as locked:
            if time.monotonic() - said >= LOCK_SAYS_SECONDS:
                log.warning("waiting for the warehouse", file=str(settings.warehouse), held_by=locked.holder)
                said = time.monotonic()
            time.sleep(LOCK_SECONDS)
    return None


def _assigned(settings: Settings, warehouse: Warehouse) -> Consumer:
    consumer = Consumer(
        {
            **settings.consumer_properties(),
            "group.id": f"{settings.group}-sink",  # asked for by the library; nothing is ever committed to it
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": PREFETCH_KILOBYTES,
        }
    )
    ours = {settings.topology.transactions, settings.topology.outcomes}
    consumer.assign(
        [
            TopicPartition(topic, partition, offset)
            for (topic, partition), offset in warehouse.offsets().items()
            if topic in ours
        ]
    )
    return consumer


def _gather(consumer: Consumer, gathering: Gathering, stopping: Callable[[], bool]) -> bool:
    """Fill a batch until it is full, its time is over, or nothing more comes; True in the last case."""
    deadline = time.monotonic() + FLUSH_SECONDS
    while not gathering.full and time.monotonic() < deadline and not stopping():
        messages = consumer.consume(FETCH_RECORDS, FETCH_SECONDS)
        for message in _records(messages, gathering):
            gathering.take(message)
        if not messages:
            return True
    return False


def _records(messages: list[Message], gathering: Gathering) -> Iterator[Message]:
    """The records among what was polled; ends of partitions and passing trouble are dealt with here."""
    for message in messages:
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
            gathering.reached(message)
        elif error.code() in GONE:
            raise SinkStopped(
                f"{message.topic()}, partition {message.partition()}: {error.str()}. What the warehouse has still to "
                "read is not there any more. Was retention changed? `billfold topics check` tells."
            )
        else:
            log.warning("reading", topic=message.topic(), partition=message.partition(), error=error.str())
            if error.fatal():
                raise KafkaException(error)


class Publisher:
    """Decides when the copy for readers is made anew."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.changed = True
        self._not_before = 0.0
        self._published = -IDLE_PUBLISH_SECONDS

    def publish_if_due(self, *, idle: bool, leaving: bool = False) -> None:
        """Publish what changed: when nothing more comes, or PUBLISH_SECONDS after the last copy."""
        now = time.monotonic()
        wanted = self.changed or (idle and now - self._published >= IDLE_PUBLISH_SECONDS)
        patient = idle or now - self._published >= PUBLISH_SECONDS
        if not wanted or not (leaving or (patient and now >= self._not_before)):
            return
        try:
            publish(self.warehouse, datetime.now(UTC))
        except OSError as failure:
            log.warning("the copy for readers was not made", failure=str(failure))
        else:
            self.changed = False
        gc.collect()  # what libraries leave in cycles; the heap is small between two batches
        self._published = time.monotonic()
        self._not_before = self._published + PUBLISH_SHARE * (self._published - now)
