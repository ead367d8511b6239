"""A partition as the turn being decided sees it: what the turn has changed so far, over what is on disk."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

from state.partition import TABLES, Changes, Disk


class View:
    """One table: an overlay of changes over the disk. None in the overlay is a deletion."""

    __slots__ = ("_disk", "_ordered", "_read", "_table", "overlay")

    def __init__(self, disk: Disk, table: str) -> None:
        self._disk, self._table, self._read = disk, table, disk.getter(table)
        self.overlay: dict[bytes, bytes | None] = {}
        # The overlay's keys in order. Sorted at the first scan of a turn, kept in order by each change after it:
        # a turn without scans pays nothing, one with thousands pays for its own rows only.
        self._ordered: list[bytes] | None = None

    def get(self, key: bytes) -> bytes | None:
        """Return the value under the key, None when there is none."""
        overlay = self.overlay
        if key in overlay:
            return overlay[key]
        try:
            return self._read(key)
        except Exception as failure:  # rocksdict raises Exception itself
            raise self._disk.damaged(failure) from failure

    def scan(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All rows whose key begins with the prefix, from the key `start` on, in key order, as they are at the call."""
        rows = self._disk.scan(self._table, prefix, start)
        changed = self._changed(prefix, start)
        return _merge(rows, changed) if changed else rows

    def apply(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Take over decided changes."""
        if self._ordered is not None:
            for key in changes:
                if key not in self.overlay:
                    insort(self._ordered, key)
        self.overlay.update(changes)

    def open(self) -> None:
        """Begin a turn: nothing is changed yet."""
        self.overlay = {}
        self._ordered = None

    def _changed(self, prefix: bytes, start: bytes) -> list[tuple[bytes, bytes | None]]:
        if not self.overlay:
            return []
        if self._ordered is None:
            self._ordered = sorted(self.overlay)
        ordered, found = self._ordered, []
        for index in range(bisect_left(ordered, max(prefix, start)), len(ordered)):
            if not ordered[index].startswith(prefix):
                break
            found.append((ordered[index], self.overlay[ordered[index]]))
        return found


class Tables:
    """Both tables of a partition."""

    __slots__ = ("answers", "state")

    def __init__(self, disk: Disk) -> None:
        self.state = View(disk, "state")
        self.answers = View(disk, "answers")

    def open(self) -> None:
        """Begin a turn."""
        self.state.open()
        self.answers.open()

    def changes(self) -> Changes:
        """Return what the turn changed, by table. Tables that it left alone are absent."""
        return {name: overlay for name in TABLES if (overlay := getattr(self, name).overlay)}


def _merge(
    rows: Iterator[tuple[bytes, bytes]], changed: list[tuple[bytes, bytes | None]]
) -> Iterator[tuple[bytes, bytes]]:
    """Both in key order; where both have a key the change counts."""
    changes = iter(changed)
    change = next(changes, None)
    for row in rows:
        while change is not None and change[0] < row[0]:
            if change[1] is not None:
                yield change[0], change[1]
            change = next(changes, None)
        if change is not None and change[0] == row[0]:
            continue  # the change is yielded in its turn, before the next row
        yield row
    while change is not None:
        if change[1] is not None:
            yield change[0], change[1]
        change = next(changes, None)
