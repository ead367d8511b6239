"""The warehouse's receipt (I4): for each partition, that its rows are exactly those that the topic's records give."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from processors.analytics import OUTCOME_TABLES, TABLE_OF
from state.warehouse import Warehouse
from state.warehouse.catalog import TABLES
from state.warehouse.databases.database import Dialect
from state.warehouse.digest import Tally, Tallying
from streams.settings import Settings
from streams.sink_decoding import Decoders, decoders
from streams.sink_place import opened_to_read
from streams.sink_reading import read_below
from streams.sink_records import Record, SinkStopped, decode, rows_of

COMPARED_OFFSETS = 10_000  # how many are held against each other at once when a difference is looked for

TRANSACTION_TABLES = tuple(name for name in TABLE_OF.values() if name not in OUTCOME_TABLES)

Tallies = dict[tuple[str, int, str], Tally]
"""(topic, partition, table) -> what its rows amount to."""


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
        mend = f"billfold warehouse rebuild {' '.join(self.differing)}"
        return f"{place}: differs first at offset {self.first_difference} ({tables}); `{mend}` mends it"


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
    with contextlib.closing(opened_to_read(settings)) as warehouse, decoders(settings) as decoding:
        return _Comparing(settings, warehouse, decoding, say).receipts()


def tally(dialect: Dialect, records: list[Record], transactions: str) -> Tallies:
    """What the rows of some records amount to. Raises SinkStopped for one that cannot be read."""
    tallies: Tallies = {}
    decoded = decode(records, transactions)
    if decoded.failure is not None:
        raise SinkStopped(decoded.failure)
    for name, rows in decoded.rows.items():
        topic = next(each.topic for each in records if (each.topic == transactions) == (name in TRANSACTION_TABLES))
        counting = Tallying(TABLES[name], dialect)
        for row in rows:
            place = (topic, row[0], name)
            if place not in tallies:
                tallies[place] = counting.nothing()
            counting.add(tallies[place], row)
    return tallies


class _Comparing:
    def __init__(
        self, settings: Settings, warehouse: Warehouse, decoding: Decoders, say: Callable[[int, int], None]
    ) -> None:
        self.settings, self.warehouse, self.decoding, self.say = settings, warehouse, decoding, say
        self.counting = {name: Tallying(TABLES[name], warehouse.dialect) for name in TABLE_OF.values()}

    def receipts(self) -> list[Receipt]:
        """One for each partition that the warehouse reads, in their order."""
        topology = self.settings.topology
        tables = {topology.transactions: TRANSACTION_TABLES, topology.outcomes: OUTCOME_TABLES}
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
        to_do, done = sum(reading.before for reading in readings), 0
        bunches = read_below(self.settings, "receipt", {place: each.before for place, each in by_place.items()})
        for count, tallies in self.decoding.in_turn(partial(tally, self.warehouse.dialect), bunches):
            for (topic, partition, name), more in tallies.items():
                by_place[topic, partition].tallies[name].add(more)
            done += count
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
        for records in read_below(self.settings, "receipt", {(reading.topic, reading.partition): reading.before}):
            for each in records:
                while each.offset >= first + COMPARED_OFFSETS:
                    if (found := self._differs(expected, reading, table, first)) is not None:
                        return found
                    expected, first = {}, first + COMPARED_OFFSETS
                for row in rows_of(each, self.settings.topology.transactions):
                    if TABLE_OF[type(row)] == table:
                        self.counting[table].add(expected.setdefault(each.offset, self.counting[table].nothing()), row)
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
