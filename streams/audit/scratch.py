"""Where an audit keeps rows: the worker's own tables in a directory of its own, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from state.partition import Disk, Partition
from state.tables import Tables, View

ROWS_IN_MEMORY = 50_000
"""So many changed rows are held before they go to disk."""


class Scratch:
    """Two tables that are thrown away afterwards."""

    def __init__(self, disk: Disk, close: Callable[[], None] = lambda: None) -> None:
        self._disk, self._close = disk, close
        self._tables = Tables(self._disk)
        self.state: View = self._tables.state
        self.answers: View = self._tables.answers

    def apply(self, state: Mapping[bytes, bytes | None], answers: Mapping[bytes, bytes | None] | None = None) -> None:
        """Take over changed rows; None deletes."""
        self.state.apply(state)
        self.answers.apply(answers or {})
        if len(self.state.overlay) + len(self.answers.overlay) >= ROWS_IN_MEMORY:
            self._flush()

    def rows(self, table: str, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All rows of a table whose key begins so, in key order."""
        view: View = getattr(self._tables, table)
        return view.scan(start)

    def close(self) -> None:
        """Write what is held, and let go of the files; what was in a folder can be opened again."""
        self._flush()
        self._close()

    def _flush(self) -> None:
        self._disk.write(self._tables.changes(), {}, 0.0)
        self._tables.open()


def in_folder(folder: Path) -> Scratch:
    """Tables in a directory, made if it is not there."""
    disk = Partition(folder)
    return Scratch(disk, disk.close)
