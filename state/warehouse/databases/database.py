"""What a warehouse needs of a database, whichever it is. DuckDB and PostgreSQL are the two that there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from state.warehouse.definitions import Column, Table, View


class Dialect(Protocol):
    """A database's SQL for the definitions, where databases differ."""

    def type_of(self, column: Column) -> str:
        """Return the type that holds a column."""

    def view_query(self, view: View) -> str:
        """Return a view's query, which the definitions keep in DuckDB's SQL."""

    def exact_text(self, column: Column) -> str:
        """Return an expression for a value's text as `digest` writes it, null for null."""

    def row_hash(self, text: str, hex_digits: int) -> str:
        """Return an expression for the first digits of a text's SHA-256, as a whole number."""

    def month(self, moment: str) -> str:
        """Return an expression for the month (UTC) of a moment, as 2026-03."""

    def kept_text(self, text: str) -> str:
        """Return what the database keeps of a text."""


class Database(Protocol):
    """An open connection, one thread. Parameters stand as `$1` in statements.

    Every method may raise WarehouseAway, after which the connection is of no use.
    """

    @property
    def dialect(self) -> Dialect:
        """The SQL that it speaks."""

    @property
    def file(self) -> Path | None:
        """The file, where the database is one: people read a copy of it. A server is read as it is."""

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it has any."""

    def append(self, table: Table, rows: pa.Table, name: str) -> None:
        """Add rows, with the table's columns, to the table of that name."""

    def begin(self) -> None:
        """Begin a database transaction."""

    def commit(self) -> None:
        """Commit it."""

    def rollback(self) -> None:
        """Undo it; raises nothing."""

    def tables(self) -> set[str]:
        """Return the names of all tables where the warehouse is, or would be."""

    def replace_views(self, views: Iterable[View]) -> None:
        """Make views, in this order, in place of those that are there."""

    def replace_rows(self, table: str, beside: str) -> None:
        """Give a table the rows of the one beside it, which goes. Readers are not held up."""

    def hold_rebuild(self) -> None:
        """Let nobody else rebuild until this connection ends. Raises WarehouseLocked."""

    def checkpoint(self) -> None:
        """Bring everything into the file itself, where there is one."""

    def close(self) -> None:
        """Leave; what is not committed is gone."""
