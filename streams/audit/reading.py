"""What an audit reads from Kafka: every committed record of a partition, up to an end that was pinned before."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from state.changelogs import KafkaLog, Span
from state.offsets import Spot
from state.partition import TABLES
from state.source import SOURCE_KEY, STATE_VERSION, SourceEntry, decode
from streams.audit.partition import Letter
from streams.audit.scratch import in_folder
from streams.audit.tables import with_offset
from streams.engine.boundary import SourceRecord
from streams.readers import assigned_reader
from streams.topology import Topology

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
READ_RECORDS = 2_000
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 60.0
"""So long nothing may come before the end. An open transaction holds a reader up, at most for its own timeout."""
DIGEST_BYTES = 16

log = structlog.get_logger()


def digest_of(value: bytes | None) -> bytes:
    """What tells the bytes of a record from others."""
    return b"" if value is None else hashlib.blake2b(value, digest_size=DIGEST_BYTES).digest()


class Reader:
    """One stream of records at a time, with a consumer of its own that no group knows."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._consumer = assigned_reader(
            properties,
            "audit",
            enable_partition_eof=True,
            fetch_queue_backoff_ms=2,
            queued_max_messages_kbytes=32_768,
        )

    def records(self, spot: Spot, span: Span) -> Iterator[SourceRecord]:
        """Committed records from the first to the end; transactions that are open there are waited for."""
        if span.low >= span.end:
            return
        self._consumer.assign([TopicPartition(*spot, span.low)])
        patient = time.monotonic() + PATIENCE_SECONDS
        while True:
            first = self._consumer.poll(POLL_SECONDS)  # consume(n, t) would wait for n records
            if first is None:
                if time.monotonic() > patient:
                    raise TimeoutError(
                        f"{spot[0]}[{spot[1]}] cannot be read to its end: a transaction hangs there "
                        "(`kafka-transactions find-hanging`), or Kafka does not answer"
                    )
                continue
            patient = time.monotonic() + PATIENCE_SECONDS
            for message in (first, *self._consumer.consume(READ_RECORDS, 0)):
                error = message.error()
                if error is None:
                    if (message.offset() or 0) >= span.end:
                        return
                    yield source_record(message)
                elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's name for it
                    raise KafkaException(error)
                elif (message.offset() or 0) >= span.end:
                    return

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


def source_record(message: Message) -> SourceRecord:
    """A message as the engine hands it to the worker, but that it has waited as long as any."""
    key, value, headers = message.key(), message.value(), message.headers()
    assert key is None or isinstance(key, bytes)
    assert value is None or isinstance(value, bytes)
    return SourceRecord(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        timestamp=EPOCH + message.timestamp()[1] * MILLISECOND,
        key=key,
        value=value,
        headers=headers or (),  # type: ignore[arg-type]  # pairs of text and bytes
        waited_seconds=float("inf"),
    )


class Reach(NamedTuple):
    """How far a partition's commands are decided, and the offset behind the last record of each changelog."""

    source: SourceEntry
    ends: Mapping[str, int]


class Source:
    """All that an audit asks of Kafka."""

    def __init__(self, properties: Mapping[str, Any], topology: Topology) -> None:
        self._properties, self._topology = properties, topology
        self._asking = KafkaLog(properties, "audit", log.warning)
        self._readers: dict[str, Reader] = {}

    def spans(self, *topics: str) -> dict[Spot, Span]:
        """First offsets and high watermarks of all partitions."""
        return self._asking.spans([(topic, number) for topic in topics for number in range(self._topology.partitions)])

    def records(self, topic: str, number: int, span: Span) -> Iterator[SourceRecord]:
        """Records of one partition. Each topic has a reader of its own, so that several can be read side by side."""
        reader = self._readers.get(topic)
        if reader is None:
            reader = self._readers[topic] = Reader(self._properties)
        return reader.records((topic, number), span)

    def changelogs(self, number: int, folder: Path, spans: Mapping[Spot, Span]) -> Reach:
        """Add both changelogs of a partition up in a folder; returns how far they go."""
        rows = in_folder(folder)
        reach, ends = SourceEntry(STATE_VERSION, 0), dict.fromkeys(TABLES, 0)
        for table in TABLES:
            topic = self._topology.changelogs[table]
            for record in self.records(topic, number, spans[topic, number]):
                row_key, value, ends[table] = record.key or b"", record.value, record.offset + 1
                row = {row_key: None if value is None else with_offset(record.offset, value)}
                rows.apply(row if table == "state" else {}, row if table == "answers" else {})
                if row_key == SOURCE_KEY and value is not None:
                    reach = decode(value)
        rows.close()
        return Reach(reach, ends)

    def later(self, number: int, since: Span, reach: SourceEntry) -> SourceEntry:
        """How far the commands of a partition are decided now."""
        topic = self._topology.changelogs["state"]
        end = self._asking.spans([(topic, number)])[topic, number].end
        for record in self.records(topic, number, Span(since.end, end)):
            if record.key == SOURCE_KEY and record.value is not None:
                reach = decode(record.value)
        return reach

    def letters(self) -> dict[int, dict[int, list[Letter]]]:
        """All dead letters, by partition and offset of the command that they are about. Grows with their number."""
        topic = self._topology.dead_letters
        found: dict[int, dict[int, list[Letter]]] = {}
        for (_, own), span in self.spans(topic).items():
            for record in self.records(topic, own, span):
                letter, origin, offset = described(record)
                found.setdefault(origin, {}).setdefault(offset, []).append(letter)
        return found

    def close(self) -> None:
        """Leave."""
        self._asking.close()
        for reader in self._readers.values():
            reader.close()


def described(record: SourceRecord) -> tuple[Letter, int, int]:
    """A dead letter, with partition and offset of the command that it is about; -1 where its headers do not say."""
    about = {name: value.decode(errors="replace") for name, value in record.headers}
    digest = digest_of(record.value)
    bare = SourceRecord(record.topic, record.partition, record.offset, record.timestamp, record.key, None)
    letter = Letter(record=bare, reason=about.get("billfold.reason", "").partition(" ")[0], digest=digest)
    origin = about.get("__connect.errors.partition", ""), about.get("__connect.errors.offset", "")
    numbers = [int(text) if text.isdigit() else -1 for text in origin]
    return letter, numbers[0], numbers[1]
