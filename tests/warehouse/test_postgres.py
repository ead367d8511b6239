"""Views are written once, in DuckDB's SQL: in PostgreSQL they have the same columns, comments and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from state.warehouse import Warehouse
from state.warehouse.catalog import TABLES, VIEWS
from state.warehouse.databases.postgres_sql import POSTGRES
from state.warehouse.definitions import Kind, Table, View
from tests.warehouse.household import firm_and_household
from tests.warehouse.places import fresh_database
from tests.warehouse.played import Played
from tests.warehouse.switchboard import switchboard, television

HISTORIES = [switchboard, television, firm_and_household]


class Both(NamedTuple):
    duckdb: Warehouse
    postgres: Warehouse


@pytest.fixture(scope="module", params=HISTORIES, ids=lambda history: history.__name__)
def both(request: pytest.FixtureRequest, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The same history in both databases."""
    history: Callable[[], Played] = request.param
    played = history()
    databases = fresh_database(postgres)
    opened = Both(played.into(tmp_path_factory.mktemp("both") / "w.duckdb"), played.into(next(databases)))
    yield opened
    for each in opened:
        each.close()
    for _ in databases:
        pass


def plain(value: Any) -> Any:
    """A value as both databases mean it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return value.normalize()
    return round(value, 6) if isinstance(value, float) else value


def answers(warehouse: Warehouse, view: View) -> list[tuple[Any, ...]]:
    """A view's rows, without an order; what depends on the present is left out."""
    passing = {Kind.FRACTION, Kind.WHOLE} if "now()" in view.query else set()
    names = ", ".join(f'"{column.name}"' for column in view.columns if column.kind not in passing)
    rows = warehouse.rows(f"SELECT {names} FROM {view.name}")
    return sorted((tuple(map(plain, row)) for row in rows), key=repr)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view_answers_the_same(both: Both, view: View) -> None:
    assert answers(both.postgres, view) == answers(both.duckdb, view)


def test_every_table_view_and_column_says_what_it_means(both: Both) -> None:
    told = both.postgres.rows(
        "SELECT relname, attname, col_description(pg_class.oid, attnum), obj_description(pg_class.oid, 'pg_class') "
        "FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 "
        "WHERE relnamespace = 'billfold'::regnamespace AND relkind IN ('r', 'v')"
    )
    described: list[Table | View] = [*TABLES.values(), *VIEWS.values()]
    expected = {(each.name, column.name, column.comment, each.doc) for each in described for column in each.columns}
    assert set(told) == expected


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view_can_be_translated(view: View) -> None:
    assert POSTGRES.view_query(view)
