"""The two contestants, each a process of its own: `python -m bench.contestants worker|plain COUNT`.

Both decode, decide, evolve, encode, keep state in RocksDB and commit transactions with the same code; `plain` has
neither Faust nor the engine around it: poll, decide, transaction, write, in one loop of one thread.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from state.partition import Partition
from state.tables import Tables
from streams import settings
from streams.catalogs import Shelf
from streams.engine.boundary import Decided, Outgoing, SourceRecord
from streams.engine.worker import run_worker
from streams.settings import Settings
from streams.worker import Worker


class Meter:
    """Counts what is decided and sent; at the target prints the figures and ends the process."""

    def __init__(self, worker: Worker, target: int) -> None:
        self.worker, self.target = worker, target
        self.count = self.bytes = 0
        self.began = self.cpu = 0.0
        self.resident: list[int] = []

    def handle(self, tables: Tables, record: SourceRecord) -> Iterator[Decided]:
        """The worker's own handler, counted."""
        if not self.count:
            self.began, self.cpu = time.perf_counter(), time.process_time()
        for decided in self.worker.handle(tables, record):
            self.bytes += sum(len(row or b"") + len(key) for key, row in decided.state.items())
            self.bytes += sum(len(row or b"") + len(key) for key, row in decided.answers.items())
            self.bytes += sum(len(sent.value or b"") + len(sent.key or b"") for sent in decided.records)
            yield decided
        self.count += 1

    def hook(self, point: str) -> None:
        """Called at every step of a turn; the turn has ended once it is written."""
        if point != "written" or not self.count:
            return
        if len(self.resident) < 10 * self.count // self.target:
            self.resident.append(psutil.Process().memory_info().rss >> 20)
        if self.count < self.target:
            return
        wall = time.perf_counter() - self.began
        figures = {
            "per_second": self.count / wall,
            "cpu_us": (time.process_time() - self.cpu) / self.count * 1e6,
            "bytes": self.bytes / self.count,
            "resident_mb": self.resident,
        }
        os.write(1, b"RESULT " + json.dumps(figures).encode() + b"\n")
        os._exit(0)


def prepared(count: int) -> tuple[Settings, Meter]:
    """Settings of the environment, and a worker with its catalog read."""
    configured = settings.load()
    shelf = Shelf(configured.consumer_properties(), configured.topology.catalog, configured.catalog)
    shelf.read_to_end()
    shelf.follow()
    return configured, Meter(Worker(configured, shelf), count)


def worker(count: int) -> None:
    """The worker as it is."""
    configured, meter = prepared(count)
    run_worker(configured, meter.handle, meter.worker.handle_bug, hook=meter.hook)


class Plain:
    """One loop of one thread: poll, decide, transaction, write."""

    def __init__(self, count: int) -> None:
        self.configured, self.meter = prepared(count)
        self.names = self.configured.topology
        self.partitions: dict[int, tuple[Partition, Tables]] = {}
        properties = self.configured.client_properties()
        self.consumer = Consumer(
            properties
            | {
                "group.id": f"plain-{os.getpid()}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.queue.backoff.ms": 2,
            }
        )
        self.producer = Producer(
            properties
            | {
                "transactional.id": f"plain-{os.getpid()}",
                "linger.ms": 5,
                "retry.backoff.ms": 5,
                "queue.buffering.max.messages": 1_000_000,
                "partitioner": "murmur2_random",
                "compression.type": "zstd",
                "compression.level": 1,
            }
        )

    def run(self) -> None:
        """Until the meter has counted enough."""
        self.producer.init_transactions(30)
        self.consumer.subscribe([self.names.commands])
        while True:
            first = self.consumer.poll(1)
            if first is None or first.error() is not None:
                continue
            messages = [first, *self.consumer.consume(self.configured.turn_items - 1, 0)]
            touched, records = self.decide(messages)
            self.commit(touched, records)
            self.meter.hook("written")

    def decide(self, messages: list[Message]) -> tuple[dict[int, int], list[Outgoing]]:
        """The worker's own handler over the same tables; answers each partition's next offset, and what to send."""
        touched: dict[int, int] = {}
        records: list[Outgoing] = []
        for message in messages:
            number, offset = message.partition() or 0, message.offset() or 0
            tables = self.opened(number, first=number not in touched)
            touched[number] = offset + 1
            moment = datetime.fromtimestamp((message.timestamp() or (0, 0))[1] / 1000, UTC)
            record = SourceRecord(self.names.commands, number, offset, moment, message.key(), message.value())
            for decided in self.meter.handle(tables, record):
                tables.state.apply(decided.state)
                tables.answers.apply(decided.answers)
                records.extend(decided.records)
        return touched, records

    def opened(self, number: int, *, first: bool) -> Tables:
        """The tables of a partition, emptied at its first record of a turn."""
        if number not in self.partitions:
            disk = Partition(self.configured.data_directory / f"plain-{number}")
            self.partitions[number] = disk, Tables(disk)
        tables = self.partitions[number][1]
        if first:
            tables.open()
        return tables

    def commit(self, touched: dict[int, int], records: list[Outgoing]) -> None:
        """One Kafka transaction, then one RocksDB batch for each partition."""
        produce = self.producer.produce
        self.producer.begin_transaction()
        for number in touched:
            for table, rows in self.partitions[number][1].changes().items():
                for key, row in rows.items():
                    produce(self.names.changelogs[table], row, key, number)
        for sent in records:
            produce(sent.topic, sent.value, sent.key, headers=list(sent.headers))
        positions = [TopicPartition(self.names.commands, number, offset) for number, offset in touched.items()]
        self.producer.send_offsets_to_transaction(positions, self.consumer.consumer_group_metadata(), 30)
        self.producer.commit_transaction(30)
        for number in touched:
            disk, tables = self.partitions[number]
            disk.write(tables.changes(), {}, time.time())


def plain(count: int) -> None:
    """The loop."""
    Plain(count).run()


if __name__ == "__main__":
    {"worker": worker, "plain": plain}[sys.argv[1]](int(sys.argv[2]))
