"""The warehouse: what its tables are, and the databases that may hold them."""

from state.warehouse.batches import (
    Advance,
    Batch,
    Gap,
    Source,
    WarehouseAway,
    WarehouseLocked,
    WarehouseUnfit,
    WarehouseUnreachable,
)
from state.warehouse.databases.places import Place, Server
from state.warehouse.published_copy import copy_path, publish
from state.warehouse.warehouse import Warehouse

__all__ = [
    "Advance",
    "Batch",
    "Gap",
    "Place",
    "Server",
    "Source",
    "Warehouse",
    "WarehouseAway",
    "WarehouseLocked",
    "WarehouseUnfit",
    "WarehouseUnreachable",
    "copy_path",
    "publish",
]
