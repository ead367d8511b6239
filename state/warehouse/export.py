"""What an export of a table looks like: which month a row belongs to, and the statements that write a month."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from state.warehouse.databases.database import Dialect
from state.warehouse.databases.statements import quoted
from state.warehouse.definitions import Table, View


class Format(StrEnum):
    """How the files of an export are written."""

    PARQUET = "parquet"
    CSV = "csv"

    @property
    def options(self) -> str:
        """The options of DuckDB's COPY."""
        return "FORMAT parquet, COMPRESSION zstd" if self is Format.PARQUET else "FORMAT csv, HEADER true"


OCCURRED_AT = "occurred_at"
SAME_MOMENT = ("valid_from", "decided_at")
"""What stands for `occurred_at` where a table has none: dimensions begin at it, outcomes are decided at it."""
UNKNOWN = "unknown"
"""The month of a row whose transaction is not there: broken, but an export leaves nothing out."""
EVERYTHING = ""
"""The month of what has no months: a question's answer, the sink's own tables."""


@dataclass(frozen=True)
class Plan:
    """How a table or view is exported. `$1` stands for the month, 2026-03, where there are months."""

    name: str
    months: str
    """A query for (month, rows), in order; one row with EVERYTHING where there are no months."""
    rows: str
    """A query for the rows of a month, in an order that does not change from run to run."""
    monthly: bool


def plan(described: Table | View, dialect: Dialect) -> Plan:
    """Plan the export: by the month (UTC) of `occurred_at`, of the row or else of its transaction."""
    names = [column.name for column in described.columns]
    table = f"{quoted(described.name)} AS exported"
    moment = next((name for name in (OCCURRED_AT, *SAME_MOMENT) if name in names), None)
    if moment is not None:
        month = dialect.month(f"exported.{moment}")
    elif isinstance(described, Table) and {"kafka_partition", "kafka_offset", "sequence"} <= set(names):
        table += " LEFT JOIN raw_transaction AS told USING (kafka_partition, kafka_offset)"
        month = f"coalesce({dialect.month(f'told.{OCCURRED_AT}')}, '{UNKNOWN}')"
    else:
        month = None

    columns = ", ".join(f"exported.{quoted(name)}" for name in names)
    order = _order(described)
    if month is None:
        counted = f"SELECT '{EVERYTHING}', count(*) FROM {table}"  # noqa: S608 - made of definitions, like the others
        return Plan(described.name, counted, f"SELECT {columns} FROM {table} ORDER BY {order}", monthly=False)  # noqa: S608
    return Plan(
        described.name,
        f"SELECT {month}, count(*) FROM {table} GROUP BY 1 ORDER BY 1",  # noqa: S608
        f"SELECT {columns} FROM {table} WHERE {month} = $1 ORDER BY {order}",  # noqa: S608
        monthly=True,
    )


def _order(described: Table | View) -> str:
    """By the place in the log, then by the key; views by all their columns."""
    if not isinstance(described, Table):
        return ", ".join(str(place) for place in range(1, len(described.columns) + 1))
    names = [column.name for column in described.columns]
    placed = [name for name in ("kafka_partition", "kafka_offset") if name in names]
    return ", ".join(f"exported.{quoted(name)}" for name in dict.fromkeys([*placed, *described.key]))
