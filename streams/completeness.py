"""The warehouse's receipt (I4): for each partition, that its rows are exactly those that the topic's records give."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from processors.analytics import TABLE_OF
from processors.analytics.rows import CommandOutcomeFact
from state.warehouse import Warehouse, WarehouseLocked, copy_path
from state.warehouse.catalog import TABLES
from state.warehouse.digest import Tally, Tallying
from streams.settings import Settings
from streams.sink_batch import SinkStopped, rows_of
from streams.sink_sources import GONE

FETCH_RECORDS = 2_000
FETCH_SECONDS = 1.0
SILENCE_SECONDS = 30.0
COMPARED_OFFSETS = 10_000  # how many are held against each other at once when a difference is looked for

_OUTCOME_TABLES = (TABLE_OF[CommandOutcomeFact],)
_TRANSACTION_TABLES = tuple(name for name in TABLE_OF.values() if name not in _OUTCOME_TABLES)


@dataclass(frozen=True)
class Receipt:
    """One partition of a topic beside the warehouse. Tallies are by table."""

    topic: str
    partition: int
    before: int
    """Compared are the records below this offset, the first that the warehouse does not claim to have."""
    expected: dict[str, Tally]
    found: dict[str, Tally]
    differing: tuple[str, ...] = ()
    """Tables that are not what the topic says."""
    first_difference: int | None = None
    """The first offset whose rows are missing, too many or altered."""

    @property
    def complete(self) -> bool:
        """Whether the warehouse has exactly what the topic says."""
        return not self.differing

    @property
    def sentence(self) -> str:
        """The finding in one line."""
        place = f"{self.topic}, partition {self.partition}"
        if self.complete:
            return f"{place}: complete up to offset {self.before} ({sum(t.rows for t in self.found.values())} rows)"
        tables = ", ".join(
            f"{name} has {self.found[name].rows} rows for {self.expected[name].rows}" for name in self.differing
        )
        return f"{place}: differs first at offset {self.first_difference} ({tables}); drop the file and start the sink"


@dataclass
class _Reading:
    """One partition on the way through its records."""

    topic: str
    partition: int
    before: int
    tables: tuple[str, ...]
    tallies: dict[str, Tally] = field(default_factory=dict)


def completeness(settings: Settings, say: Callable[[int, int], None] = lambda _done, _all: None) -> list[Receipt]:
    """Compare the warehouse with the topics, up to the offsets that it stores; `say` is told records done and to do.

    Reads the published copy while the sink has the file. Raises SinkStopped where a topic cannot be read any more.
    """
    try:
        warehouse = Warehouse.read(settings.warehouse)
    except WarehouseLocked:
        warehouse = Warehouse.read(copy_path(settings.warehouse))
    try:
        return _Comparing(settings, warehouse, say).receipts()
    finally:
        warehouse.close()


class _Comparing:
    def __init__(self, settings: Settings, warehouse: Warehouse, say: Callable[[int, int], None]) -> None:
        self.settings, self.warehouse, self.say = settings, warehouse, say
        self.counting = {name: Tallying(TABLES[name]) for name in TABLE_OF.values()}

    def receipts(self) -> list[Receipt]:
        """One for each partition that the warehouse reads, in their order."""
        topology = self.settings.topology
        tables = {topology.transactions: _TRANSACTION_TABLES, topology.outcomes: _OUTCOME_TABLES}
        readings = [
            _Reading(topic, partition, before, tables[topic])
            for (topic, partition), before in sorted(self.warehouse.offsets().items())
            if topic in tables
        ]
        self._count(readings)
        found = {
            (topic, name): self.warehouse.tallies(name, {r.partition: r.before for r in readings if r.topic == topic})
            for topic, names in tables.items()
            for name in names
        }
        return [
            self._receipt(reading, {name: found[reading.topic, name].get(reading.partition) for name in reading.tables})
            for reading in readings
        ]

    def _count(self, readings: list[_Reading]) -> None:
        """Add up what the topics say."""
        for reading in readings:
            reading.tallies = {name: self.counting[name].nothing() for name in reading.tables}
        by_place = {(reading.topic, reading.partition): reading for reading in readings}
        to_do = sum(reading.before for reading in readings)
        for done, message in enumerate(self._records(readings), 1):
            reading = by_place[message.topic() or "", message.partition() or 0]
            for row in rows_of(message, self.settings.topology):
                name = TABLE_OF[type(row)]
                self.counting[name].add(reading.tallies[name], row)
            if done % FETCH_RECORDS == 0:
                self.say(done, to_do)
        self.say(to_do, to_do)

    def _receipt(self, reading: _Reading, found: dict[str, Tally | None]) -> Receipt:
        there = {name: tally or self.counting[name].nothing() for name, tally in found.items()}
        differing = tuple(name for name in reading.tables if there[name] != reading.tallies[name])
        first = min((self._first_difference(reading, name) for name in differing), default=None)
        return Receipt(reading.topic, reading.partition, reading.before, reading.tallies, there, differing, first)

    def _first_difference(self, reading: _Reading, table: str) -> int:
        """Read the partition once more, and hold it offset by offset against the table."""
        expected: dict[int, Tally] = {}
        first = 0
        for message in self._records([reading]):
            offset = message.offset() or 0
            while offset >= first + COMPARED_OFFSETS:
                if (found := self._differs(expected, reading, table, first)) is not None:
                    return found
                expected, first = {}, first + COMPARED_OFFSETS
            for row in rows_of(message, self.settings.topology):
                if TABLE_OF[type(row)] == table:
                    self.counting[table].add(expected.setdefault(offset, self.counting[table].nothing()), row)
        while first < reading.before:
            if (found := self._differs(expected, reading, table, first)) is not None:
                return found
            expected, first = {}, first + COMPARED_OFFSETS
        return reading.before

    def _differs(self, expected: dict[int, Tally], reading: _Reading, table: str, first: int) -> int | None:
        before = min(first + COMPARED_OFFSETS, reading.before)
        found = self.warehouse.tallies_by_offset(table, reading.partition, first, before)
        said = {offset: Tally(tally.rows, tally.digest) for offset, tally in expected.items()}
        return min((offset for offset in said.keys() | found if said.get(offset) != found.get(offset)), default=None)

    def _records(self, readings: list[_Reading]) -> Iterator[Message]:
        """The committed records below each reading's offset."""
        waiting = {(reading.topic, reading.partition): reading.before for reading in readings if reading.before}
        consumer = Consumer(
            {
                **self.settings.consumer_properties(),
                "group.id": f"{self.settings.group}-receipt",  # asked for by the library; never committed to
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
            }
        )
        try:
            consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in waiting])
            heard = time.monotonic()
            while waiting:
                messages = consumer.consume(FETCH_RECORDS, FETCH_SECONDS)
                yield from _below(messages, waiting)
                if messages:
                    heard = time.monotonic()
                elif time.monotonic() - heard > SILENCE_SECONDS:
                    raise SinkStopped(f"Kafka is silent for {SILENCE_SECONDS:.0f} s: is it running?")
        finally:
            consumer.close()


def _below(messages: list[Message], waiting: dict[tuple[str, int], int]) -> Iterator[Message]:
    """Those messages that are waited for; a partition leaves `waiting` when its last one has come."""
    for message in messages:
        place = (message.topic() or "", message.partition() or 0)
        error, offset = message.error(), message.offset() or 0
        ended = error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - the library's own name
        if error is not None and error.code() in GONE:
            raise SinkStopped(f"{place[0]}, partition {place[1]}: {error.str()}. The topic cannot be read any more.")
        if place not in waiting or (error is not None and not ended):
            continue
        if not ended and offset < waiting[place]:
            yield message
        if ended or offset + 1 >= waiting[place]:
            del waiting[place]
