"""PostgreSQL's SQL for the definitions. Views are written once, in DuckDB's SQL, and translated here.

sqlglot does the most; what it leaves is done on its syntax tree below. Two aggregates of ours stand for DuckDB's
`last(x ORDER BY ...)` and `last_value(x IGNORE NULLS) OVER ...`. A test makes every view in a real PostgreSQL and
compares its answers with DuckDB's.
"""

from __future__ import annotations

from functools import cache

from sqlglot import exp, parse_one
from sqlglot.errors import ErrorLevel
from sqlglot.optimizer.qualify import qualify

from state.warehouse.catalog import TABLES, VIEWS
from state.warehouse.databases.statements import quoted
from state.warehouse.definitions import Column, Kind, Table, View

TYPES: dict[Kind, str] = {
    Kind.TEXT: "TEXT",
    Kind.COUNT: "INTEGER",
    Kind.WHOLE: "BIGINT",
    Kind.AMOUNT: "NUMERIC(38, 9)",
    Kind.FRACTION: "DOUBLE PRECISION",
    Kind.MOMENT: "TIMESTAMPTZ",
    Kind.DAY: "DATE",
    Kind.FLAG: "BOOLEAN",
    Kind.JSON: "TEXT",  # kept as it was written; a receipt compares it letter by letter
}

AGGREGATES = (
    "CREATE FUNCTION latter(anyelement, anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT $2'",
    "CREATE FUNCTION latter_known(anyelement, anyelement) RETURNS anyelement LANGUAGE sql STRICT AS 'SELECT $2'",
    "CREATE AGGREGATE last(anyelement) (SFUNC = latter, STYPE = anyelement)",
    "CREATE AGGREGATE last_known(anyelement) (SFUNC = latter_known, STYPE = anyelement)",
)

NUL, SHOWN_NUL = "\x00", "\N{SYMBOL FOR NULL}"


class PostgreSQLDialect:
    """As PostgreSQL 16 and later understand it."""

    def type_of(self, column: Column) -> str:
        """Return the type that holds a column."""
        return TYPES[column.kind]

    def view_query(self, view: View) -> str:
        """Return a view's query, translated."""
        return translated(view.query)

    def exact_text(self, column: Column) -> str:
        """Return an expression for a value's text as `digest` writes it, null for null."""
        name = quoted(column.name)
        match column.kind:
            case Kind.MOMENT:
                return f"(extract(epoch FROM {name}) * 1000000)::BIGINT::TEXT"
            case Kind.DAY:
                return f"to_char({name}, 'YYYY-MM-DD')"
            case Kind.TEXT | Kind.COUNT | Kind.WHOLE | Kind.FLAG | Kind.JSON | Kind.AMOUNT | Kind.FRACTION:
                return f"{name}::TEXT"

    def row_hash(self, text: str, hex_digits: int) -> str:
        """Return an expression for the first digits of a text's SHA-256, as a whole number."""
        digest = f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"
        return f"('x' || left({digest}, {hex_digits}))::BIT({4 * hex_digits})::BIGINT"

    def month(self, moment: str) -> str:
        """Return an expression for the month (UTC) of a moment, as 2026-03."""
        return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM')"

    def kept_text(self, text: str) -> str:
        """Return what PostgreSQL keeps of a text: any character but 0."""
        return text.replace(NUL, SHOWN_NUL) if NUL in text else text


POSTGRES = PostgreSQLDialect()


@cache
def translated(query: str) -> str:
    """A view's query in PostgreSQL's SQL. Raises UnsupportedError for what has no translation."""
    tree = parse_one(query, dialect="duckdb")
    if any(star.args.get("except_") for star in tree.find_all(exp.Star)):
        tree = qualify(tree, schema=_columns(), dialect="duckdb", quote_identifiers=False, identify=False)
    for node in reversed(list(tree.walk())):  # what is inside first
        if (plain := _plain(node)) is not node:
            node.replace(plain)
    return str(tree.sql(dialect="postgres", unsupported_level=ErrorLevel.RAISE))


def _plain(node: exp.Expr) -> exp.Expr:
    """What sqlglot leaves as it is, and PostgreSQL does not know."""
    match node:
        case exp.Group() if node.args.get("all"):
            return _grouped_by_places(node)
        case exp.CountIf():
            return exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=node.this))
        case exp.IgnoreNulls(this=exp.LastValue() as last):
            return exp.Anonymous(this="last_known", expressions=[last.this])
        case exp.IgnoreNulls(this=exp.AnyValue() as any_value):
            return any_value  # PostgreSQL's passes nulls over
        case exp.Anonymous(this=str(name), expressions=[moment]) if name.lower() == "epoch_us":
            seconds = f"EXTRACT(EPOCH FROM {moment.sql('postgres')})"
            return parse_one(f"CAST({seconds} * 1000000 AS BIGINT)", dialect="postgres")
        case exp.Explode(this=exp.GenerateSeries() as series):
            return series
        case exp.Explode(this=exp.FromJson(this=text)):
            return exp.Anonymous(this="json_array_elements", expressions=[exp.cast(text, "json")])
        case exp.JSONExtract() | exp.JSONExtractScalar() if not isinstance(node.this, exp.JSONExtract | exp.Cast):
            node.set("this", exp.cast(node.this, "json"))
            return node
        case _:
            return node


def _grouped_by_places(group: exp.Group) -> exp.Expr:
    """`GROUP BY ALL`: by every column that is no aggregate."""
    select = group.parent
    assert isinstance(select, exp.Select)
    places = [
        exp.Literal.number(place)
        for place, column in enumerate(select.expressions, 1)
        if column.find(exp.AggFunc) is None and column.find(exp.Filter) is None
    ]
    return exp.Group(expressions=places)


@cache
def _columns() -> dict[str, object]:
    """Which columns there are: `SELECT * EXCLUDE` has to name the others."""
    described: tuple[Table | View, ...] = (*TABLES.values(), *VIEWS.values())
    return {each.name: {column.name: TYPES[column.kind] for column in each.columns} for each in described}
