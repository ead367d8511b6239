"""The deciding half of a turn: from records to what one transaction will hold. No socket, no file, no clock."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from state.source import SOURCE_KEY, STATE_VERSION, SourceEntry, decode, encode
from state.tables import Tables
from streams.engine.boundary import Decided, Halt, Handle, HandleBug, Outgoing, SourceRecord

log = logging.getLogger(__name__)


class TooManyBugs(Exception):
    """So many commands in a row met a bug that the fault is ours. The turn is not committed."""


@dataclass(frozen=True)
class Limits:
    """When a turn closes, and when a worker gives up."""

    items: int = 2000
    seconds: float = 1.0
    size: int = 64 << 20
    bugs: int = 100


@dataclass(frozen=True)
class Halted:
    """A partition that waits before a record."""

    offset: int
    seconds: float
    reason: str


@dataclass
class Turn:
    """What one transaction will hold."""

    tables: dict[int, Tables] = field(default_factory=dict)
    """Partition -> its tables, overlays open."""
    source: dict[int, SourceEntry] = field(default_factory=dict)
    """Partition -> the next command, and how many of its answers are given."""
    found: dict[int, SourceEntry] = field(default_factory=dict)
    """The same before the turn."""
    records: list[Outgoing] = field(default_factory=list)
    halted: dict[int, Halted] = field(default_factory=dict)
    items: int = 0
    size: int = 0

    def take(self, tables: Tables, decided: Decided) -> None:
        """Apply one decided item, whole."""
        if decided.state:
            tables.state.apply(decided.state)
        if decided.answers:
            tables.answers.apply(decided.answers)
        for record in decided.records:
            self.size += len(record.value or b"")
        self.records += decided.records
        self.items += 1


class Decider:
    """Decides records one by one, in order, until they are used up or a limit closes the turn."""

    def __init__(self, handle: Handle, handle_bug: HandleBug, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._handle, self._handle_bug, self._limits, self._monotonic = handle, handle_bug, limits, monotonic
        self._bugs = 0  # in a row

    def decide(self, waiting: deque[SourceRecord], owned: Mapping[int, Tables]) -> Turn:
        """Take records from the left; what is left over heads the next turn.

        1. Open the tables of a partition at its first record.
        2. Ask the handler for one item after the other, and apply each before the next.
        3. A record that is used up moves its partition's `source` entry on.
        4. When a limit closes the turn in the middle of a record, the entry says how many items were taken.
        5. At the end the `source` entries join the state.

        Nothing here leaves memory: a crash anywhere in it costs the turn, which is decided again.
        """
        turn = Turn()
        deadline = self._monotonic() + self._limits.seconds
        while waiting and not self._closed(turn, deadline):
            record = waiting[0]
            tables = turn.tables.get(record.partition) or self._open(turn, record.partition, owned)  # 1
            entry = turn.source[record.partition]
            if record.offset < entry.offset:
                raise AssertionError(f"command {record.offset} of partition {record.partition} comes a second time")
            record.answered = entry.answered if entry.offset == record.offset else 0
            try:
                used_up = self._items(turn, tables, record, deadline)  # 2
            except Halt as halt:
                self._halt(turn, waiting, record, halt)
                continue
            if used_up:  # 3
                waiting.popleft()
                turn.source[record.partition] = SourceEntry(STATE_VERSION, record.offset + 1)
            else:  # 4
                turn.source[record.partition] = SourceEntry(STATE_VERSION, record.offset, record.answered)
        for number, entry in turn.source.items():  # 5
            if entry == turn.found[number]:
                del turn.tables[number]  # it halted before anything was decided
            else:
                turn.tables[number].state.apply({SOURCE_KEY: encode(entry)})
        return turn

    def _closed(self, turn: Turn, deadline: float) -> bool:
        limits = self._limits
        return turn.items >= limits.items or turn.size >= limits.size or self._monotonic() >= deadline

    def _open(self, turn: Turn, number: int, owned: Mapping[int, Tables]) -> Tables:
        tables = owned[number]  # a KeyError means that the partition is not ours
        tables.open()
        turn.tables[number] = tables
        stored = tables.state.get(SOURCE_KEY)
        turn.source[number] = turn.found[number] = decode(stored) if stored else SourceEntry(STATE_VERSION, 0)
        return tables

    def _items(self, turn: Turn, tables: Tables, record: SourceRecord, deadline: float) -> bool:
        """Take the items of one record; return whether it is used up.

        A limit is looked at before an item is taken. One that is decided by then is thrown away: it has changed
        nothing, and only asking for it tells whether the record is used up.
        """
        items: Iterator[Decided] = iter(())
        try:
            items = self._handle(tables, record)
            for taken, decided in enumerate(items):
                if taken and self._closed(turn, deadline):
                    return False
                turn.take(tables, decided)
                record.answered += 1
        except Halt:
            raise
        except Exception as bug:  # noqa: BLE001 - whatever a rule raises costs its own command only
            return self._bug(turn, tables, record, bug)
        self._bugs = 0
        return True

    def _bug(self, turn: Turn, tables: Tables, record: SourceRecord, bug: Exception) -> bool:
        log.error("bug at %s[%d]@%d", record.topic, record.partition, record.offset, exc_info=bug)
        self._bugs += 1
        if self._bugs >= self._limits.bugs:
            raise TooManyBugs(f"{self._bugs} commands in a row met a bug, the last one: {bug!r}") from bug
        turn.take(tables, self._handle_bug(tables, record, bug))
        return True

    def _halt(self, turn: Turn, waiting: deque[SourceRecord], record: SourceRecord, halt: Halt) -> None:
        """Leave the record and all behind it in its partition for later; they are fetched again."""
        number = record.partition
        log.warning("partition %d halts before command %d: %s", number, record.offset, halt.reason)
        turn.halted[number] = Halted(record.offset, halt.seconds, halt.reason)
        if record.answered:
            turn.source[number] = SourceEntry(STATE_VERSION, record.offset, record.answered)
        others = [other for other in waiting if other.partition != number]
        waiting.clear()
        waiting.extend(others)
