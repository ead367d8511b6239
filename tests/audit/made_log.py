"""A whole installation in memory: the real worker decides, everything that it sends is kept, and the auditor judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from processors.catalog import in_force
from schemas.catalog import Catalog
from schemas.catalog_file import read_catalog
from schemas.partition import partition_of
from state.source import SOURCE_KEY, STATE_VERSION, SourceEntry, encode
from state.tables import Tables
from streams.audit.partition import Judge, PartitionLog, Tally, audit_partition
from streams.audit.reading import described, digest_of
from streams.audit.scratch import Scratch
from streams.audit.tables import with_offset
from streams.engine.boundary import Decided, SourceRecord
from streams.settings import Settings
from streams.worker import Worker
from tests.faults.load import Load, Sent

NORDLYS = Path(__file__).parents[2] / "compose" / "catalogs" / "nordlys.yaml"
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PARTITIONS = 2
SETTINGS = Settings(topic_prefix="made", partitions=PARTITIONS)
TOPOLOGY = SETTINGS.topology
Spot = tuple[str, int]


FIRST = msgspec.structs.replace(read_catalog(NORDLYS), version=1)
SECOND = msgspec.structs.replace(
    FIRST,
    version=2,
    effective_from=BEGIN + timedelta(days=3),
    bill_cycles=tuple(cycle for cycle in FIRST.bill_cycles if cycle.code != "DAILY"),
)


class Versions:
    """A shelf with these versions of the catalog."""

    def __init__(self, *versions: Catalog) -> None:
        self.versions = versions

    def of(self, customer_id: str) -> Callable[[datetime], Catalog]:
        del customer_id
        return lambda at: in_force(self.versions, at) or FIRST


class MemoryDisk:
    """Rows in dictionaries; what a turn needs of a partition."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[bytes, bytes]] = {"state": {}, "answers": {}}

    def getter(self, table: str) -> Any:
        return self.tables[table].get

    def scan(self, table: str, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        rows = sorted(self.tables[table].items())
        return iter([row for row in rows if row[0].startswith(prefix) and row[0] >= start])

    def write(self, changes: Any, positions: Any, written_at: float) -> None:
        del positions, written_at
        for table, rows in changes.items():
            for row_key, value in rows.items():
                if value is None:
                    self.tables[table].pop(row_key, None)
                else:
                    self.tables[table][row_key] = value


def in_memory(name: str) -> Scratch:
    del name
    disk: Any = MemoryDisk()
    return Scratch(disk)


class MadeLog:
    """Topics by name and partition. Copies are cheap: records are never changed in place."""

    def __init__(self) -> None:
        self.topics: dict[Spot, list[SourceRecord]] = {}
        self.reach: dict[int, SourceEntry] = {}

    def copy(self) -> MadeLog:
        made = MadeLog()
        made.topics = {spot: list(records) for spot, records in self.topics.items()}
        made.reach = dict(self.reach)
        return made

    def append(
        self, topic: str, number: int, key: bytes | None, value: bytes | None, at: datetime, headers: Any = ()
    ) -> None:
        records = self.topics.setdefault((topic, number), [])
        records.append(SourceRecord(topic, number, len(records), at, key, value, tuple(headers), 0, 100.0))

    def decide(self, *versions: Catalog) -> MadeLog:
        """Let the worker answer all commands."""
        shelf: Any = Versions(*versions or (FIRST,))
        worker = Worker(SETTINGS, shelf)
        for number in range(PARTITIONS):
            disk = in_memory("")
            tables: Any = disk
            for record in self.topics.get((TOPOLOGY.commands, number), ()):
                self._one(worker, disk, tables, record)
                self.reach[number] = SourceEntry(STATE_VERSION, record.offset + 1)
                self._stored("state", number, {SOURCE_KEY: encode(self.reach[number])}, record.timestamp)
            disk.close()
        return self

    def _one(self, worker: Worker, disk: Scratch, tables: Tables, record: SourceRecord) -> None:
        asked = msgspec.structs.replace(record)  # the engine counts in it
        try:
            for decided in worker.handle(tables, asked):
                self._take(disk, record, decided)
                asked.answered += 1
        except ZeroDivisionError as bug:  # what a test lets a decision raise
            self._take(disk, record, worker.handle_bug(tables, asked, bug))

    def _take(self, disk: Scratch, record: SourceRecord, decided: Decided) -> None:
        disk.apply(decided.state, decided.answers)
        self._stored("state", record.partition, decided.state, record.timestamp)
        self._stored("answers", record.partition, decided.answers, record.timestamp)
        for sent in decided.records:
            number = record.partition if sent.topic != TOPOLOGY.dead_letters else 0
            self.append(sent.topic, number, sent.key, sent.value, record.timestamp, sent.headers)

    def _stored(self, table: str, number: int, rows: Any, at: datetime) -> None:
        for row_key, value in rows.items():
            self.append(TOPOLOGY.changelogs[table], number, row_key, value, at)

    def audit(
        self, *numbers: int, later: SourceEntry | None = None, versions: Sequence[Catalog] = (FIRST,)
    ) -> list[Tally]:
        shelf: Any = Versions(*versions)
        judge = Judge(
            topology=TOPOLOGY,
            catalogs={version.version: version for version in versions},
            read=Worker(SETTINGS, shelf).read,
            digest=digest_of,
            scratch=in_memory,
            now=BEGIN,
        )
        return [audit_partition(self.partition(number, later), judge) for number in numbers or range(PARTITIONS)]

    def partition(self, number: int, later: SourceEntry | None) -> PartitionLog:
        changelogs = in_memory("")
        for table in ("state", "answers"):
            for record in self.topics.get((TOPOLOGY.changelogs[table], number), ()):
                row = {record.key or b"": None if record.value is None else with_offset(record.offset, record.value)}
                changelogs.apply(*((row, {}) if table == "state" else ({}, row)))
        letters: dict[int, list[Any]] = {}
        for record in self.topics.get((TOPOLOGY.dead_letters, 0), ()):
            letter, origin, offset = described(record)
            if origin == number:
                letters.setdefault(offset, []).append(letter)
        reach = self.reach.get(number, SourceEntry(STATE_VERSION, 0))

        def stream(topic: str) -> Iterator[SourceRecord]:
            return iter(self.topics.get((topic, number), ()))

        return PartitionLog(
            number=number,
            commands=stream(TOPOLOGY.commands),
            transactions=stream(TOPOLOGY.transactions),
            outcomes=stream(TOPOLOGY.outcomes),
            letters=letters,
            changelogs=changelogs,
            reach=reach,
            later=lambda: later or reach,
        )


def ordered(load: Load, count: int, *, poison: Sequence[bytes] = ()) -> MadeLog:
    """A log of commands, a few seconds apart, so that planned work falls due between them."""
    made, at = MadeLog(), BEGIN
    sent: list[Sent] = []
    for number in range(count):
        sent = list(load.commands(1, at))
        append(made, sent[0], at)
        if poison and number % 40 == 39:
            append(made, Sent(sent[0].customer_id, poison[number // 40 % len(poison)]), at)
        at += timedelta(seconds=load.random.choice([0.2, 1, 5, 3600, 100_000]))
    return made


def append(made: MadeLog, sent: Sent, at: datetime) -> None:
    made.append(
        TOPOLOGY.commands, partition_of(sent.customer_id, PARTITIONS), sent.customer_id.encode(), sent.value, at
    )


def findings(tallies: list[Tally]) -> list[str]:
    return [finding.sentence() for tally in tallies for finding in tally.findings]


__all__ = ["BEGIN", "FIRST", "PARTITIONS", "SECOND", "SETTINGS", "TOPOLOGY", "MadeLog", "append", "findings", "ordered"]
