"""The published copy, opened to be read, and copied for those whose DuckDB is older."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from state.warehouse import Warehouse, WarehouseUnfit
from state.warehouse.databases.duckdb_file import MEMORY_LIMIT

STORAGE_VERSION = "v1.4.0"
"""What DuckDB 1.4 and later read; the published copy is in the newest."""


class CopyRefused(WarehouseUnfit):
    """A copy cannot be written there. The sentence says why."""


@contextlib.contextmanager
def reading(copy: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published copy, read only, moments in UTC. Raises WarehouseLocked, WarehouseUnfit."""
    Warehouse.read(copy).close()  # says what is wrong with it, if anything is
    with duckdb.connect(copy, read_only=True) as database:
        database.execute(f"SET TimeZone = 'UTC'; SET memory_limit = '{MEMORY_LIMIT}'")
        yield database


def present(database: duckdb.DuckDBPyConnection, catalog: str | None = None) -> set[str]:
    """The names of the tables and views of a database; without a name, of the one that was opened."""
    found = database.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = coalesce(?, current_database())",
        [catalog],
    )
    return {name for (name,) in found.fetchall()}


def portable_copy(copy: Path, to: Path) -> None:
    """Write a published copy again, for tools with an older DuckDB. Raises CopyRefused, WarehouseUnfit."""
    if to.exists():
        raise CopyRefused(f"{to} is there already: remove it, or name another file.")
    Warehouse.read(copy).close()
    with duckdb.connect(":memory:") as session:
        try:
            session.execute(f"SET TimeZone = 'UTC'; ATTACH {literal(copy)} AS published (READ_ONLY)")
            session.execute(f"ATTACH {literal(to)} AS portable (STORAGE_VERSION '{STORAGE_VERSION}')")
            session.execute("COPY FROM DATABASE published TO portable")
        except duckdb.IOException as failure:
            raise CopyRefused(f"{to} cannot be written: {failure}") from failure


def literal(path: Path) -> str:
    """Return a path as a text in SQL: ATTACH and COPY take no parameters."""
    return "'" + str(path).replace("'", "''") + "'"
