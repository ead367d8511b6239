"""DuckDB's SQL for the definitions."""

from __future__ import annotations

from collections.abc import Iterator

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


def quoted(name: str) -> str:
    """A name as an identifier: `end` is a reserved word."""
    return '"' + name.replace('"', '""') + '"'


def create_table(table: Table) -> str:
    """The statement that makes a table."""
    columns = ", ".join(
        f"{quoted(column.name)} {TYPES[column.kind]}{' NOT NULL' if column.required else ''}"
        for column in table.columns
    )
    return f"CREATE TABLE {quoted(table.name)} ({columns})"


def create_view(view: View) -> str:
    """The statement that makes a view, or makes it anew; its columns are cast to what they are described as."""
    names = ", ".join(quoted(column.name) for column in view.columns)
    casts = ", ".join(f"{quoted(column.name)}::{TYPES[column.kind]}" for column in view.columns)
    answer = f"SELECT {casts} FROM ({view.query}) AS answer ({names})"  # noqa: S608 - made of definitions, not of input
    return f"CREATE OR REPLACE VIEW {quoted(view.name)} ({names}) AS {answer}"


def comments(described: Table | View) -> Iterator[str]:
    """The statements that put the documentation into the database's catalog."""
    kind = "TABLE" if isinstance(described, Table) else "VIEW"
    name = quoted(described.name)
    yield f"COMMENT ON {kind} {name} IS {_literal(described.doc)}"
    for column in described.columns:
        yield f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {_literal(column.comment)}"


def exact_text(column: Column) -> str:
    """An expression for a value's text as `digest` writes it, null for null."""
    name = quoted(column.name)
    match column.kind:
        case Kind.MOMENT:
            return f"epoch_us({name})::VARCHAR"
        case Kind.DAY:
            return f"strftime({name}, '%Y-%m-%d')"
        case Kind.TEXT | Kind.COUNT | Kind.WHOLE | Kind.FLAG | Kind.JSON | Kind.AMOUNT | Kind.FRACTION:
            return f"{name}::VARCHAR"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
