"""Where a warehouse is: a DuckDB file, or a PostgreSQL database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from state.warehouse.batches import WarehouseUnfit


@dataclass(frozen=True)
class Server:
    """Where a PostgreSQL database is. Its text has no secrets; the URL may."""

    url: str

    def __repr__(self) -> str:
        return f"Server({self})"

    def __str__(self) -> str:
        parts = self.parts()
        host, port = parts.get("host", "localhost"), parts.get("port", 5432)
        return f"postgresql://{host}:{port}/{parts.get('dbname', '')}"

    def parts(self) -> dict[str, Any]:
        """Return libpq's parameters in the URL. Raises WarehouseUnfit where it is none."""
        import psycopg  # noqa: PLC0415 - who has a file needs no PostgreSQL
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

        try:
            return dict(conninfo_to_dict(self.url))
        except psycopg.ProgrammingError:  # its text would show parts of the URL
            raise WarehouseUnfit(
                "The setting `warehouse` is no URL of a PostgreSQL database: postgresql://user@host:port/database; "
                "characters like @ : / in a password are written %40 %3A %2F."
            ) from None


Place = Path | Server
