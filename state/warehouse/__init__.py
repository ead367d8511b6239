"""The warehouse: what its tables are, and the DuckDB file that holds them."""

from state.warehouse.duckdb_file import (
    Advance,
    Batch,
    Gap,
    Source,
    Warehouse,
    WarehouseLocked,
    WarehouseUnfit,
)
from state.warehouse.published_copy import copy_path, publish

__all__ = [
    "Advance",
    "Batch",
    "Gap",
    "Source",
    "Warehouse",
    "WarehouseLocked",
    "WarehouseUnfit",
    "copy_path",
    "publish",
]
