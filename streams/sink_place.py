"""Where the warehouse of an installation is, and how whoever reads it opens it."""

from __future__ import annotations

from state.warehouse import Place, Server, Warehouse, WarehouseLocked, copy_path
from streams.settings import Settings


def place_of(settings: Settings) -> Place:
    """The DuckDB file or the PostgreSQL database of the settings."""
    if settings.warehouse_server is not None:
        return Server(settings.warehouse_server.get_secret_value())
    return settings.warehouse


def opened_to_read(settings: Settings) -> Warehouse:
    """The warehouse, open for reading: while the sink has the file, the published copy of it.

    Raises WarehouseUnfit where there is none, and WarehouseLocked.
    """
    place = place_of(settings)
    try:
        return Warehouse.read(place)
    except WarehouseLocked:
        if isinstance(place, Server):
            raise
        return Warehouse.read(copy_path(place))
