"""Rows as columns: Arrow's record batches, which both databases take whole and processes hand on without a copy.

What holds rows of Python for a row's every value costs more than the database does; columns are made where rows are
decoded, and from there on nobody looks at a single value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa

from state.warehouse.definitions import Kind, Table

Rows = Sequence[Sequence[Any]] | pa.Table
"""Rows of one table, with its columns in their order."""

_TYPES: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.string(),
    Kind.COUNT: pa.int32(),
    Kind.WHOLE: pa.int64(),
    Kind.AMOUNT: pa.decimal128(38, 9),
    Kind.MOMENT: pa.timestamp("us", "UTC"),
    Kind.DAY: pa.date32(),
    Kind.FLAG: pa.bool_(),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@cache
def schema(table: Table) -> pa.Schema:
    """What a table's columns are to Arrow."""
    return pa.schema([(column.name, _TYPES[column.kind]) for column in table.columns])


def arranged(table: Table, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Columns of rows. Raises ValueError or TypeError for what no column holds exactly."""
    micros = _Micros()
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(table.columns)
    arrays = [
        pa.array(list(map(micros.__getitem__, values)) if column.kind is Kind.MOMENT else values, _TYPES[column.kind])
        for column, values in zip(table.columns, columns, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema(table))


def together(table: Table, batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """One table of several batches, in their order."""
    return pa.Table.from_batches(batches, schema(table))


def packed(batch: pa.RecordBatch) -> pa.Buffer:
    """Columns as bytes, for a process that knows the table."""
    return batch.serialize()


def unpacked(table: Table, content: pa.Buffer) -> pa.RecordBatch:
    """Columns of such bytes, which they go on using."""
    return pa.ipc.read_record_batch(content, schema(table))


class _Micros(dict[datetime | None, int | None]):
    """Moments as microseconds since 1970. Most come again: decoders give the same object for the same bytes."""

    def __missing__(self, moment: datetime | None) -> int | None:
        value = self[moment] = None if moment is None else (moment - _EPOCH) // _MICROSECOND
        return value
