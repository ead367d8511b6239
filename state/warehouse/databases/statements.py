"""SQL for the definitions: what every database understands, and DuckDB's dialect."""

from __future__ import annotations

from collections.abc import Iterator

from state.warehouse.databases.database import Dialect
from state.warehouse.definitions import Column, Kind, Table, View

TYPES: dict[Kind, str] = {
    Kind.TEXT: "VARCHAR",
    Kind.COUNT: "INTEGER",
    Kind.WHOLE: "BIGINT",
    Kind.AMOUNT: "DECIMAL(38, 9)",
    Kind.FRACTION: "DOUBLE",
    Kind.MOMENT: "TIMESTAMPTZ",
    Kind.DAY: "DATE",
    Kind.FLAG: "BOOLEAN",
    Kind.JSON: "VARCHAR",  # the type JSON is this one, and parses each value again: half of what a row costs
}
"""DuckDB's types."""


def quoted(name: str) -> str:
    """A name as an identifier: `end` is a reserved word."""
    return '"' + name.replace('"', '""') + '"'


class DuckDBDialect:
    """The definitions' own SQL."""

    def type_of(self, column: Column) -> str:
        """Return the type that holds a column."""
        return TYPES[column.kind]

    def view_query(self, view: View) -> str:
        """Return a view's query as it is."""
        return view.query

    def exact_text(self, column: Column) -> str:
        """Return an expression for a value's text as `digest` writes it, null for null."""
        name = quoted(column.name)
        match column.kind:
            case Kind.MOMENT:
                return f"epoch_us({name})::VARCHAR"
            case Kind.DAY:
                return f"strftime({name}, '%Y-%m-%d')"
            case Kind.TEXT | Kind.COUNT | Kind.WHOLE | Kind.FLAG | Kind.JSON | Kind.AMOUNT | Kind.FRACTION:
                return f"{name}::VARCHAR"

    def row_hash(self, text: str, hex_digits: int) -> str:
        """Return an expression for the first digits of a text's SHA-256, as a whole number."""
        return f"('0x' || left(sha256({text}), {hex_digits}))::BIGINT"

    def month(self, moment: str) -> str:
        """Return an expression for the month (UTC) of a moment, as 2026-03."""
        return f"strftime({moment}, '%Y-%m')"

    def kept_text(self, text: str) -> str:
        """Return a text as it is: DuckDB keeps any."""
        return text


DUCKDB = DuckDBDialect()


def create_table(table: Table, dialect: Dialect = DUCKDB, name: str | None = None) -> str:
    """The statement that makes a table, under another name if one is given; a table that is there stays as it is."""
    columns = ", ".join(
        f"{quoted(column.name)} {dialect.type_of(column)}{' NOT NULL' if column.required else ''}"
        for column in table.columns
    )
    return f"CREATE TABLE IF NOT EXISTS {quoted(name or table.name)} ({columns})"


def add_column(table: Table, name: str, dialect: Dialect = DUCKDB) -> str:
    """The statement that adds a column to a table that lacks it; rows that are there get null."""
    column = next(column for column in table.columns if column.name == name)
    assert not column.required, f"{table.name}.{name}: rows that are there have no value for it"
    return f"ALTER TABLE {quoted(table.name)} ADD COLUMN IF NOT EXISTS {quoted(name)} {dialect.type_of(column)}"


def create_view(view: View, dialect: Dialect = DUCKDB) -> str:
    """The statement that makes a view, or makes it anew; its columns are cast to what they are described as."""
    names = ", ".join(quoted(column.name) for column in view.columns)
    casts = ", ".join(f"{quoted(column.name)}::{dialect.type_of(column)}" for column in view.columns)
    answer = f"SELECT {casts} FROM ({dialect.view_query(view)}) AS answer ({names})"  # noqa: S608 - made of definitions, not of input
    return f"CREATE OR REPLACE VIEW {quoted(view.name)} ({names}) AS {answer}"


def comments(described: Table | View) -> Iterator[str]:
    """The statements that put the documentation into the database's catalog."""
    kind = "TABLE" if isinstance(described, Table) else "VIEW"
    name = quoted(described.name)
    yield f"COMMENT ON {kind} {name} IS {_literal(described.doc)}"
    for column in described.columns:
        yield f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {_literal(column.comment)}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
