"""What exports and plain sessions read: a published copy, or a server as it was at one moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb

from state.warehouse import Place, Server, Warehouse
from state.warehouse.databases.database import Dialect
from state.warehouse.databases.duckdb_file import MEMORY_LIMIT
from state.warehouse.databases.statements import DUCKDB, TYPES, quoted
from state.warehouse.definitions import Column

LONGEST_LINE = 64 << 20
"""Bytes; a row's JSON is longer than the record that it comes from, and that has 256 KB at most."""


class Origin(Protocol):
    """One consistent state of a warehouse. Moments are UTC."""

    dialect: Dialect

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query in its own SQL."""

    def names(self) -> set[str]:
        """Return the tables and views that it has: an older release's has fewer."""

    def relation(self, query: str, columns: Sequence[Column], spill: Path) -> str:
        """Return what stands for a query's rows in DuckDB's SQL; a server's are brought into the folder `spill`."""


@contextlib.contextmanager
def origin(place: Place) -> Iterator[tuple[Origin, duckdb.DuckDBPyConnection]]:
    """Open it, and the DuckDB in which its relations stand. Raises WarehouseLocked, WarehouseUnfit."""
    Warehouse.read(place).close()  # says what is wrong with it, if anything is
    if isinstance(place, Server):
        with snapshot(place) as taken, duckdb.connect(":memory:") as session:
            _settle(session)
            yield taken, session
        return
    with duckdb.connect(place, read_only=True) as session:
        _settle(session)
        yield _Copy(session), session


@contextlib.contextmanager
def snapshot(server: Server) -> Iterator[Origin]:
    """A server as it is now: what a sink writes meanwhile does not show. Raises WarehouseUnfit."""
    from state.warehouse.databases.postgres import PostgreSQL  # noqa: PLC0415 - who has a file needs no PostgreSQL

    with contextlib.closing(PostgreSQL(server, writing=False)) as connection:
        connection.begin_snapshot()
        yield _Snapshot(connection)


def _settle(session: duckdb.DuckDBPyConnection) -> None:
    session.execute(f"SET TimeZone = 'UTC'; SET memory_limit = '{MEMORY_LIMIT}'")


def names_in(session: duckdb.DuckDBPyConnection, catalog: str | None = None) -> set[str]:
    """The tables and views of an attached database; without a name, of the one that was opened."""
    found = session.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = coalesce(?, current_database())",
        [catalog],
    )
    return {name for (name,) in found.fetchall()}


class _Copy:
    dialect: Dialect = DUCKDB

    def __init__(self, session: duckdb.DuckDBPyConnection) -> None:
        self._session = session

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._session.execute(query).fetchall()

    def names(self) -> set[str]:
        return names_in(self._session)

    def relation(self, query: str, columns: Sequence[Column], spill: Path) -> str:
        del columns, spill
        return f"({query})"


class _Snapshot:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.dialect: Dialect = connection.dialect

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.rows(query)
        return found

    def names(self) -> set[str]:
        found: set[str] = self._connection.tables() | self._connection.views()
        return found

    def relation(self, query: str, columns: Sequence[Column], spill: Path) -> str:
        """As CSV, in which PostgreSQL tells null from the empty text: a null has no quotes."""
        spill.mkdir(parents=True, exist_ok=True)
        file = spill / "rows.csv"
        with file.open("wb") as rows:
            for part in self._connection.copied(query):
                rows.write(part)
        types = ", ".join(f"{literal(column.name)}: '{TYPES[column.kind]}'" for column in columns)
        if not file.stat().st_size:
            empty = ", ".join(f"NULL::{TYPES[column.kind]} AS {quoted(column.name)}" for column in columns)
            return f"(SELECT {empty} WHERE false)"
        return (
            f"read_csv({literal(file)}, columns = {{{types}}}, auto_detect = false, header = false, delim = ',', "
            f"quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, new_line = '\\n', "
            f"parallel = false, max_line_size = {LONGEST_LINE})"
        )


def literal(text: object) -> str:
    """A text or a path as a text in SQL: ATTACH and COPY take no parameters."""
    return "'" + str(text).replace("'", "''") + "'"
