"""The turn as a whole. Knows no Faust and no thread: the worker calls it from two, the simulation from one."""

from collections import deque
from collections.abc import Callable, Sequence

from state.partition import Disk
from state.restore import Memory
from state.tables import Tables
from streams.engine.boundary import Hook, SourceRecord
from streams.engine.session import Session
from streams.engine.turn import Decider, Turn


class Engine:
    """Fetched records in; decided, committed and written turns out."""

    def __init__(
        self, decider: Decider, session: Session, memory: Memory, clock: Callable[[], float], hook: Hook
    ) -> None:
        self._decider, self._session, self._memory, self._clock, self._hook = decider, session, memory, clock, hook
        self.tables: dict[int, Tables] = {}
        self._disks: dict[int, Disk] = {}

    def serve(self, numbers: Sequence[int]) -> None:
        """From now on these partitions are served; each is restored. An empty sequence: a rebalance is on."""
        self._disks = {number: self._memory.disks[number] for number in numbers}
        self.tables = {number: Tables(disk) for number, disk in self._disks.items()}

    def decide(self, waiting: deque[SourceRecord]) -> Turn:
        """Decide until the records are used up or a limit closes the turn. Opens the overlays."""
        return self._decider.decide(waiting, self.tables)

    def commit(self, turn: Turn, group: object) -> None:
        """Commit and write a decided turn.

        1. **Commit** everything that the turn changed and sends, and its offsets, in one transaction.
        2. **Write** each partition's copy on disk: rows and changelog positions in one batch.
        3. Close the overlays; only now may the next turn be decided.

        A crash before 1 is done: the turn never was, it is decided again. Between 1 and 2: the copy lags its
        changelogs, and the restore rolls it forward. Between two partitions of 2: the same, for some of them.
        """
        if not turn.tables:
            return  # it halted before anything was decided
        positions = self._session.commit(turn, group)  # 1
        self._hook("committed")
        for number, tables in turn.tables.items():  # 2
            changes = tables.changes()
            assert positions[number].keys() == changes.keys(), "a committed record was never reported as delivered"
            self._disks[number].write(changes, positions[number], self._clock())
        self._hook("written")
        for tables in turn.tables.values():  # 3
            tables.open()
