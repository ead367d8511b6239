"""The deciding half of a turn, in memory: limits, splits, bugs, halts."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import pytest

from state.partition import Changes, Getter, Meta
from state.source import SOURCE_KEY, STATE_VERSION, SourceEntry, decode
from state.tables import Tables
from streams.engine.boundary import Decided, Halt, Outgoing, SourceRecord
from streams.engine.turn import Decider, Limits, TooManyBugs, Turn


class MemoryDisk:
    """A partition's copy without files."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[bytes, bytes]] = {"state": {}, "answers": {}}

    def getter(self, table: str) -> Getter:
        return self.rows[table].get

    def scan(self, table: str, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        rows = sorted(self.rows[table].items())
        return iter([row for row in rows if row[0].startswith(prefix) and row[0] >= start])

    def position(self, table: str) -> int | None:
        raise NotImplementedError

    def write(self, changes: Changes, positions: Mapping[str, int], written_at: float) -> None:
        del positions, written_at
        for table, rows in changes.items():
            for key, value in rows.items():
                self.rows[table].pop(key, None)
                if value is not None:
                    self.rows[table][key] = value

    def meta(self) -> Meta | None:
        raise NotImplementedError

    def identify(self, meta: Meta) -> None:
        raise NotImplementedError

    def damaged(self, failure: Exception) -> BaseException:
        return failure


class Partitions:
    """Turns over partitions in memory, committed at once."""

    def __init__(
        self, handle: Callable[[Tables, SourceRecord], Iterator[Decided]], limits: Limits | None = None
    ) -> None:
        self.disks = {0: MemoryDisk(), 1: MemoryDisk()}
        self.tables = {number: Tables(disk) for number, disk in self.disks.items()}
        self.now = 0.0
        self.decider = Decider(handle, self.bug, limits or Limits(items=3, bugs=3), lambda: self.now)
        self.waiting: deque[SourceRecord] = deque()

    def bug(self, tables: Tables, record: SourceRecord, bug: Exception) -> Decided:
        del tables
        return Decided(records=[Outgoing("dead", record.key, str(bug).encode() + b"@%d" % record.answered)])

    def turn(self) -> Turn:
        turn = self.decider.decide(self.waiting, self.tables)
        for number, tables in turn.tables.items():
            self.disks[number].write(tables.changes(), {}, 0.0)
            tables.open()
        return turn

    def source(self, number: int) -> SourceEntry:
        return decode(self.disks[number].rows["state"][SOURCE_KEY])


def record(offset: int, value: bytes = b"1", partition: int = 0) -> SourceRecord:
    return SourceRecord("commands", partition, offset, datetime(2026, 1, 1, tzinfo=UTC), b"c", value)


def items(tables: Tables, record: SourceRecord) -> Iterator[Decided]:
    """As many items as the value says; `b` in it is a bug, `h` a halt."""
    for position, what in enumerate((record.value or b"").decode()):
        if position < record.answered:
            continue
        if what == "b":
            raise ValueError("bug")
        if what == "h":
            raise Halt("wait", 2)
        count = int(tables.state.get(b"count") or b"0") + 1
        answer = b"%d:%d" % (record.offset, position)
        yield Decided(state={b"count": b"%d" % count}, records=[Outgoing("out", b"c", answer)])


def values(turn: Turn) -> list[bytes | None]:
    return [record.value for record in turn.records]


def test_a_record_is_split_where_the_items_of_a_turn_end() -> None:
    partitions = Partitions(items)
    partitions.waiting.extend([record(0, b"..."), record(1, b"...."), record(2, b".")])

    assert values(partitions.turn()) == [b"0:0", b"0:1", b"0:2"]
    assert partitions.source(0) == SourceEntry(STATE_VERSION, 1)
    assert values(partitions.turn()) == [b"1:0", b"1:1", b"1:2"]
    assert partitions.source(0) == SourceEntry(STATE_VERSION, 1, 3)
    assert values(partitions.turn()) == [b"1:3", b"2:0"]
    assert partitions.source(0) == SourceEntry(STATE_VERSION, 3)
    assert partitions.disks[0].rows["state"][b"count"] == b"8"


def test_a_record_that_ends_exactly_at_the_limit_is_used_up() -> None:
    partitions = Partitions(items)
    partitions.waiting.append(record(0, b"..."))

    partitions.turn()
    assert not partitions.waiting
    assert partitions.source(0) == SourceEntry(STATE_VERSION, 1)


def test_a_slow_decision_closes_the_turn_after_it() -> None:
    def slow(tables: Tables, record: SourceRecord) -> Iterator[Decided]:
        partitions.now += 2
        yield Decided()

    partitions = Partitions(slow)
    partitions.waiting.extend([record(0), record(1)])
    assert partitions.turn().items == 1
    assert [record.offset for record in partitions.waiting] == [1]


def test_a_large_output_closes_the_turn_after_it() -> None:
    def large(tables: Tables, record: SourceRecord) -> Iterator[Decided]:
        yield Decided(records=[Outgoing("out", None, bytes(100))])

    partitions = Partitions(large, Limits(size=150))
    partitions.waiting.extend([record(0), record(1), record(2)])
    assert partitions.turn().items == 2


def test_a_bug_leaves_the_items_before_it_and_knows_their_number() -> None:
    partitions = Partitions(items, Limits(bugs=2))
    partitions.waiting.extend([record(0, b"..b"), record(1, b"."), record(2, b"b")])

    assert values(partitions.turn()) == [b"0:0", b"0:1", b"bug@2", b"1:0", b"bug@0"]
    assert partitions.source(0) == SourceEntry(STATE_VERSION, 3)


def test_bugs_in_a_row_end_the_turn() -> None:
    partitions = Partitions(items)
    partitions.waiting.extend(record(offset, b"b") for offset in range(3))
    with pytest.raises(TooManyBugs, match="3 commands in a row"):
        partitions.turn()


def test_a_halt_leaves_its_partition_for_later_and_lets_the_others_go_on() -> None:
    partitions = Partitions(items)
    partitions.waiting.extend([record(5, b".h"), record(6), record(0, partition=1)])
    turn = partitions.turn()

    assert values(turn) == [b"5:0", b"0:0"]
    assert (turn.halted[0].offset, turn.halted[0].seconds) == (5, 2)
    assert partitions.source(0) == SourceEntry(STATE_VERSION, 5, 1)
    assert not partitions.waiting


def test_a_halt_before_anything_was_decided_changes_nothing() -> None:
    partitions = Partitions(items)
    partitions.waiting.append(record(5, b"h"))
    turn = partitions.turn()

    assert turn.tables == {}
    assert turn.halted[0].offset == 5
    assert partitions.disks[0].rows["state"] == {}


def test_a_record_that_was_decided_before_is_never_decided_again() -> None:
    partitions = Partitions(items)
    partitions.waiting.append(record(0))
    partitions.turn()
    partitions.waiting.append(record(0))
    with pytest.raises(AssertionError, match="comes a second time"):
        partitions.turn()


def test_an_item_sees_the_items_before_it_and_a_discarded_one_left_nothing() -> None:
    seen: list[bytes | None] = []

    def looking(tables: Tables, record: SourceRecord) -> Iterator[Decided]:
        for number in range(record.answered, 5):
            seen.append(tables.state.get(b"last"))
            yield Decided(state={b"last": b"%d" % number})

    partitions = Partitions(looking, Limits(items=2))
    partitions.waiting.append(record(0))
    while partitions.waiting:
        partitions.turn()
    assert partitions.disks[0].rows["state"][b"last"] == b"4"
    assert seen == [None, b"0", b"1", b"1", b"2", b"3", b"3"]
