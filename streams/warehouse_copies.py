"""The published copy, copied for those whose DuckDB is older."""

from __future__ import annotations

from pathlib import Path

import duckdb

from state.warehouse import Warehouse, WarehouseUnfit
from streams.warehouse_origins import literal

STORAGE_VERSION = "v1.4.0"
"""What DuckDB 1.4 and later read; the published copy is in the newest."""


class CopyRefused(WarehouseUnfit):
    """A copy cannot be written there. The sentence says why."""


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
