"""How partitions are brought up to date before their first command is read.

The order of the steps is the safety of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from state.changelogs import Current, Log, Span
from state.offsets import Spot
from state.partition import Disk, Meta, Unfit
from state.source import SOURCE_KEY, STATE_VERSION, decode

Hook = Callable[[str], None]
Say = Callable[[str], None]


class Shelf(Protocol):
    """Where the partitions' copies stand: a directory, or memory in the simulation."""

    def open(self, number: int) -> Disk:
        """Open the copy of a partition, a new one when there is none or it is damaged."""

    def renew(self, number: int, disk: Disk) -> Disk:
        """Throw a copy away and open a new one."""

    def close(self, disk: Disk) -> None:
        """Let go of a copy."""


@dataclass(frozen=True)
class Names:
    """The topics around a state."""

    source: str
    changelogs: Mapping[str, str]
    """Table -> its changelog topic."""

    def every(self) -> list[str]:
        """Every topic whose id a copy remembers."""
        return [self.source, *self.changelogs.values()]

    def spots(self, numbers: Iterable[int]) -> list[Spot]:
        """Every topic's partitions of these numbers."""
        return [(topic, number) for number in numbers for topic in self.every()]


@dataclass
class Memory:
    """The partitions that this worker owns, each with its copy on disk."""

    shelf: Shelf
    names: Names
    tombstone_seconds: float
    """How long a changelog keeps a tombstone (`delete.retention.ms`)."""
    clock: Callable[[], float]
    """Seconds since 1970."""
    say: Say
    hook: Hook
    disks: dict[int, Disk] = field(default_factory=dict)

    def restore(self, log: Log, owned: Sequence[int], current: Current) -> dict[int, int] | None:
        """Bring the owned partitions up to date; return the next command offset of each. None when a rebalance came.

        1. Ask the group's **committed offsets**, once they are stable.
        2. **Then** the **high watermark** of every changelog. In the other order a zombie whose offsets were accepted
           could still append to a changelog, commit, and be missed.
        3. **Roll forward** from the position on disk, committed records only, up to the high watermarks.
        4. **Compare** the restored `source` entry with the committed offset. Different: refuse, never guess.
        5. The caller assigns, and only now the first command is read.

        A crash between any of them costs nothing: rows and positions reach the disk together, and nothing is served
        before step 5.
        """
        self._take(log, owned)
        committed = log.committed(self.names.source, owned, current)  # 1
        self.hook("restore.offsets")
        if not current():
            return None
        spans = log.spans(self.names.spots(owned))  # 2
        self.hook("restore.watermarks")
        self._roll_forward(log, owned, spans, current)  # 3
        self.hook("restore.rolled")
        if not current():
            return None
        return {number: self._compared(number, committed[number], spans) for number in owned}  # 4

    def close(self) -> None:
        """Let go of all partitions."""
        while self.disks:
            self.shelf.close(self.disks.popitem()[1])

    def _take(self, log: Log, owned: Sequence[int]) -> None:
        """Let go of what went to others; open what came, and see that it is a copy of this log and no other."""
        for number in set(self.disks) - set(owned):
            self.shelf.close(self.disks.pop(number))
        cluster, topics = log.identity(self.names.every())
        for number in owned:
            disk = self.disks.get(number) or self.shelf.open(number)
            self.disks[number] = disk
            meta = disk.meta()
            if meta is None:
                disk.identify(Meta(cluster, topics, self.clock()))
            elif meta.cluster != cluster:
                raise Unfit(
                    f"The directory of partition {number} is a copy of Kafka cluster {meta.cluster}, this one is "
                    f"{cluster}: point `bootstrap_servers` or `data_directory` elsewhere, or delete the directory."
                )
            elif changed := [name for name, topic_id in topics.items() if meta.topics.get(name) != topic_id]:
                raise Unfit(
                    f"The directory of partition {number} is a copy of another topic {changed[0]}, which was created "
                    "again since: if that was meant, delete the directory."
                )

    def _roll_forward(self, log: Log, owned: Sequence[int], spans: Mapping[Spot, Span], current: Current) -> None:
        tables = {topic: table for table, topic in self.names.changelogs.items()}
        starts: dict[Spot, int] = {}
        for number in owned:
            self._renew_if_stale(number, spans)
            for table, topic in self.names.changelogs.items():
                start = self._start(number, table, spans[topic, number])
                if start < spans[topic, number].end:
                    starts[topic, number] = start
        count = 0
        for pieces in log.read(starts, {spot: spans[spot].end for spot in starts}, current):
            for (topic, number), piece in pieces.items():
                table = tables[topic]
                self.disks[number].write({table: piece.rows}, {table: piece.position}, self.clock())
                count += piece.records
        if count:
            self.say(f"rolled {count} changelog records forward")

    def _renew_if_stale(self, number: int, spans: Mapping[Spot, Span]) -> None:
        """A copy that missed tombstones would bring deleted rows back. Half of their life is the margin."""
        disk = self.disks[number]
        meta = disk.meta()
        assert meta is not None
        behind = any(disk.position(table) != spans[topic, number].end for table, topic in self.names.changelogs.items())
        if behind and self.clock() - meta.written_at > self.tombstone_seconds / 2:
            self.say(f"the copy of partition {number} is too old to be rolled forward: it is made anew")
            self.disks[number] = disk = self.shelf.renew(number, disk)
            disk.identify(Meta(meta.cluster, meta.topics, self.clock()))

    def _start(self, number: int, table: str, span: Span) -> int:
        """Return where to go on reading. A copy may lag its changelog, never lead it; nothing may be gone between."""
        topic = self.names.changelogs[table]
        position = self.disks[number].position(table)
        if position is None:
            if table == "state" and span.low > 0:  # compacted and never cut: the state would be incomplete
                raise Unfit(
                    f"{topic}[{number}] was cut: offsets 0 to {span.low - 1} are gone, the state is incomplete."
                )
            return span.low
        if position > span.end:
            raise Unfit(
                f"The copy of partition {number} was at offset {position} of {topic}, which now ends at {span.end}: "
                "the changelog has lost records."
            )
        if position < span.low:
            raise Unfit(f"{topic}[{number}] was cut: offsets {position} to {span.low - 1} are gone.")
        return position

    def _compared(self, number: int, committed: int, spans: Mapping[Spot, Span]) -> int:
        """Return the next command offset, on which the state and the group must agree."""
        topic, span = self.names.source, spans[self.names.source, number]
        stored = self.disks[number].getter("state")(SOURCE_KEY)
        if stored is None and committed < 0:
            return span.low
        if stored is None:
            raise Unfit(
                f"The group is at command {committed} of {topic}[{number}], but {self.names.changelogs['state']} holds "
                "no state: it has lost records, or the group belongs to another application."
            )
        entry = decode(stored)
        if entry.version > STATE_VERSION:
            raise Unfit(
                f"The state of partition {number} was written by a newer version (state version {entry.version}, this "
                f"one knows {STATE_VERSION}): upgrade this worker."
            )
        if committed < 0:
            raise Unfit(
                f"The group has no offset for {topic}[{number}], but the state is at command {entry.offset}: "
                "run `billfold doctor --restore-offsets`."
            )
        if entry.offset != committed:
            raise Unfit(
                f"The state of partition {number} is at command {entry.offset}, the group at {committed}: "
                "somebody moved the group's offsets, or the changelog has lost records."
            )
        if not span.low <= committed <= span.end:
            raise Unfit(
                f"The next command of {topic}[{number}] is {committed}, but the topic holds {span.low} to {span.end}."
            )
        return committed
