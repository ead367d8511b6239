"""A digest over rows that comes out the same from the database and from the topic, in any order, in flat memory.

A row's text is its values in column order, each as `<characters>:<text>`, null as `-`. Its number is the first 60 bits
of the text's SHA-256. The digest of many rows is the sum of their numbers: it sees what was lost, doubled or altered.
It does not resist someone who forges rows to hit a sum; the customers' hash chains do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from state.warehouse.databases.database import Dialect
from state.warehouse.databases.statements import DUCKDB, quoted
from state.warehouse.definitions import Kind, Table

_HEX_DIGITS = 15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ADDING = Context(prec=60)  # exact for any amounts; the usual one would round behind 28 digits


def _moment(value: datetime) -> str:
    return str((value - _EPOCH) // _MICROSECOND)


def _flag(value: bool) -> str:  # noqa: FBT001 - a table of functions of one value
    return "true" if value else "false"


def _amount(value: Decimal) -> str:
    return f"{value:z.9f}"  # as the database writes it: nine decimals, and no zero below zero


_EXACT: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: str,
    Kind.JSON: str,
    Kind.COUNT: str,
    Kind.WHOLE: str,
    Kind.AMOUNT: _amount,
    Kind.MOMENT: _moment,
    Kind.DAY: date.isoformat,
    Kind.FLAG: _flag,
}


def row_number(table: Table, dialect: Dialect = DUCKDB) -> Callable[[Sequence[Any]], int]:
    """The function that gives a row's number; rows have the table's columns in its order."""
    exact = _EXACT | dict.fromkeys((Kind.TEXT, Kind.JSON), dialect.kept_text)
    writers = [exact[column.kind] for column in table.columns]

    def number(row: Sequence[Any]) -> int:
        texts = [None if value is None else write(value) for write, value in zip(writers, row, strict=True)]
        whole = "".join(["-" if text is None else f"{len(text)}:{text}" for text in texts])
        return int(hashlib.sha256(whole.encode()).hexdigest()[:_HEX_DIGITS], 16)

    return number


def row_number_sql(table: Table, dialect: Dialect = DUCKDB) -> str:
    """The same as an expression of a database."""
    texts = (dialect.exact_text(column) for column in table.columns)
    parts = ", ".join(f"coalesce(length({text})::VARCHAR || ':' || {text}, '-')" for text in texts)
    return dialect.row_hash(f"concat({parts})", _HEX_DIGITS)


def sums_sql(table: Table, dialect: Dialect) -> str:
    """A query for (partition, rows, digest, sums...) of a table's rows below an offset per partition.

    Its parameters are two lists of the same length: partitions, and the first offset of each that does not count.
    """
    sums = "".join(f", coalesce(sum({quoted(name)}), 0)::VARCHAR" for name in summed(table))
    return f"""
        SELECT kafka_partition, count(*), sum({row_number_sql(table, dialect)})::VARCHAR{sums}
        FROM {quoted(table.name)}
        JOIN (SELECT unnest($1::BIGINT[]) AS part, unnest($2::BIGINT[]) AS before) AS ends ON part = kafka_partition
        WHERE kafka_offset < before
        GROUP BY 1 ORDER BY 1
    """  # noqa: S608 - made of definitions, not of input


def by_offset_sql(table: Table, dialect: Dialect) -> str:
    """A query for (offset, rows, digest); its parameters are partition, first offset, and the first not to count."""
    return f"""
        SELECT kafka_offset, count(*), sum({row_number_sql(table, dialect)})::VARCHAR
        FROM {quoted(table.name)}
        WHERE kafka_partition = $1 AND kafka_offset >= $2 AND kafka_offset < $3
        GROUP BY 1
    """  # noqa: S608 - made of definitions, not of input


def summed(table: Table) -> tuple[str, ...]:
    """The columns that receipts add up: all money, and what the definitions name."""
    return tuple(column.name for column in table.columns if column.summed or column.kind is Kind.AMOUNT)


@dataclass
class Tally:
    """What a set of rows amounts to, whatever their order: equal tallies, equal rows."""

    rows: int = 0
    digest: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Count the rows of another tally, too."""
        self.rows += other.rows
        self.digest += other.digest
        for name, value in other.sums.items():
            self.sums[name] = _ADDING.add(self.sums.get(name, Decimal(0)), value)


class Tallying:
    """Adds up rows of one table."""

    def __init__(self, table: Table, dialect: Dialect = DUCKDB) -> None:
        names = [column.name for column in table.columns]
        self._number = row_number(table, dialect)
        self._summed = [(name, names.index(name)) for name in summed(table)]

    def nothing(self) -> Tally:
        """The tally of no rows."""
        return Tally(sums={name: Decimal(0) for name, _ in self._summed})

    def add(self, tally: Tally, row: Sequence[Any]) -> None:
        """Count one row, values in the order of the table's columns."""
        tally.rows += 1
        tally.digest += self._number(row)
        for name, place in self._summed:
            if row[place]:
                tally.sums[name] = _ADDING.add(tally.sums[name], row[place])
