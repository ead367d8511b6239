"""A warehouse in a DuckDB file: one process at a time has it, readers included."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from state.warehouse.batches import WarehouseAway, WarehouseLocked, WarehouseUnfit
from state.warehouse.catalog import TABLES
from state.warehouse.databases.statements import DUCKDB, comments, create_view, quoted
from state.warehouse.definitions import Table, View

MEMORY_LIMIT = "512MB"
"""DuckDB would take 80 % of the machine, and fills in time what it may take; a checkpoint needs half of this."""
CHECKPOINT_BYTES = "64MB"
"""How long the write-ahead log may grow before a commit also checkpoints; every published copy checkpoints anyway.

What is in the log is in memory, too.
"""
ROW_GROUP_ROWS = 30_720
"""A checkpoint writes anew the last group of rows of each table, which is not full: of DuckDB's own 122,880 rows that
is half of the work, and of the memory.
"""

_OURS = "warehouse"
_ARRIVING = "arriving_rows"

_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<process>\d+)\)")


class DuckDBFile:
    """An open file."""

    dialect = DUCKDB

    def __init__(self, path: Path, *, writing: bool) -> None:
        """Raises WarehouseLocked, and WarehouseUnfit where the file cannot be opened."""
        self.file: Path | None = path
        if writing:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = _connect(path, read_only=not writing)

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it has any."""
        with self._may_fail():
            return self._connection.execute(query, parameters or None).fetchall()

    def append(self, table: Table, rows: pa.Table, name: str) -> None:
        """Add rows, with the table's columns, to the table of that name."""
        names = ", ".join(quoted(column.name) for column in table.columns)
        with self._may_fail():
            self._connection.register(_ARRIVING, rows)
            try:
                self._connection.execute(f"INSERT INTO {quoted(name)} ({names}) SELECT {names} FROM {_ARRIVING}")  # noqa: S608 - our own names
            finally:
                self._connection.unregister(_ARRIVING)

    def begin(self) -> None:
        """Begin a database transaction."""
        self._connection.begin()

    def commit(self) -> None:
        """Commit it. One that finds no room is undone, and the connection of no use."""
        with self._may_fail():
            try:
                self._connection.commit()
            except duckdb.TransactionException as failure:
                raise self._away(failure) from failure

    def rollback(self) -> None:
        """Undo it."""
        with contextlib.suppress(duckdb.Error):  # it ended by itself
            self._connection.rollback()

    def tables(self) -> set[str]:
        """Return the names of all tables in the file."""
        return {name for (name,) in self.rows("SELECT table_name FROM duckdb_tables()")}

    def replace_views(self, views: Iterable[View]) -> None:
        """Make views, in this order, in place of those that are there."""
        for view in views:
            self.rows(create_view(view))

    def replace_rows(self, table: str, beside: str) -> None:
        """Drop the table for the one beside it: views name it, and find the new one."""
        self.rows(f"DROP TABLE {quoted(table)}")
        self.rows(f"ALTER TABLE {quoted(beside)} RENAME TO {quoted(table)}")
        for statement in comments(TABLES[table]):
            self.rows(statement)

    def hold_rebuild(self) -> None:
        """Whoever has the file has it alone."""

    def checkpoint(self) -> None:
        """Bring everything into the file itself."""
        self.rows("CHECKPOINT")

    def close(self) -> None:
        """Leave; what is not committed is gone."""
        self._connection.close()

    @contextlib.contextmanager
    def _may_fail(self) -> Iterator[None]:
        """A disk that is full or gone may be there again."""
        try:
            yield
        except (duckdb.IOException, duckdb.FatalException) as failure:
            raise self._away(failure) from failure

    def _away(self, failure: duckdb.Error) -> WarehouseAway:
        return WarehouseAway(f"{self.file} cannot be written or read now: {failure}")


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")  # else days of moments depend on the machine
    connection.execute(f"SET temp_directory = {_literal(f'{path}.tmp')}")
    connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    how = "READ_ONLY"
    if not read_only:
        connection.execute("SET threads = 1")  # more take longer together: the other processors decode
        connection.execute(f"SET checkpoint_threshold = '{CHECKPOINT_BYTES}'")
        how = f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
    try:
        connection.execute(f"ATTACH {_literal(str(path))} AS {_OURS} ({how})")
    except duckdb.IOException as failure:
        connection.close()
        held = _HOLDER.search(str(failure))
        if held is None:
            raise WarehouseUnfit(f"{path} cannot be opened: {failure}") from failure
        holder = f"{held['program']} (process {held['process']})"
        raise WarehouseLocked(
            f"{path} is in use by {holder}: a DuckDB file has one writer. Close that program; "
            "to look at data, open the published copy (*.read.duckdb).",
            holder,
        ) from failure
    connection.execute(f"USE {_OURS}")
    return connection


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
