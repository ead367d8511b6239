"""The views of orders and their customer data, in both databases; nothing is missing that they promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from processors.analytics import OUTCOME_TABLES
from state.warehouse import Batch, Server, Warehouse
from state.warehouse.catalog import FACTS
from state.warehouse.databases.statements import quoted
from state.warehouse.definitions import Table, View
from state.warehouse.digest import Tallying
from state.warehouse.tables import (
    billing_profiles,
    billing_updates,
    hierarchies,
    order_lines,
    orders,
    payments,
    synchronization,
)
from tests.warehouse.customer_data import synchronized
from tests.warehouse.ordering import ordered
from tests.warehouse.played import SOURCES, Played

DOMAINS = (orders, order_lines, billing_updates, synchronization, billing_profiles, hierarchies, payments)
TABLES: list[Table] = [table for domain in DOMAINS for table in domain.TABLES]
VIEWS: list[View] = [view for domain in DOMAINS for view in domain.VIEWS]
DESCRIBED: list[Table | View] = [*TABLES, *VIEWS]
UNTIL_NOW = {"age_days", "oldest_days", "days_waiting", "hours_waiting"}


@pytest.mark.parametrize("history", [ordered, synchronized])
def test_postgresql_answers_the_same(tmp_path: Path, database: Server, history: Callable[[], Played]) -> None:
    played = history()
    file = played.into(tmp_path / "w.duckdb")
    server = Warehouse.open(database, SOURCES)
    server.write(Batch(rows=played.rows()))
    for each in DESCRIBED:
        names = ", ".join(quoted(column.name) for column in each.columns if column.name not in UNTIL_NOW)
        asked = f"SELECT {names} FROM {quoted(each.name)}"
        assert sorted(server.rows(asked), key=repr) == sorted(file.rows(asked), key=repr), each.name
    server.close()
    file.close()


@pytest.mark.parametrize("history", [ordered, synchronized])
def test_what_is_promised_is_there(tmp_path: Path, history: Callable[[], Played]) -> None:
    warehouse = history().into(tmp_path / "w.duckdb")
    missing = [
        f"{view.name}.{column.name}"
        for view in VIEWS
        for column in view.columns
        if column.required and warehouse.rows(f"SELECT 1 FROM {view.name} WHERE {quoted(column.name)} IS NULL LIMIT 1")
    ]
    assert missing == []
    warehouse.close()


def test_together_the_histories_fill_every_table_and_answer_every_question(tmp_path: Path) -> None:
    filled: set[str] = set()
    for number, history in enumerate((ordered, synchronized)):
        warehouse = history().into(tmp_path / f"{number}.duckdb")
        filled |= {each.name for each in DESCRIBED if warehouse.rows(f"SELECT 1 FROM {each.name} LIMIT 1")}
        warehouse.close()
    assert {each.name for each in DESCRIBED} - filled == set()


@pytest.mark.parametrize("history", [ordered, synchronized])
def test_keys_are_unique_and_tallies_agree(tmp_path: Path, history: Callable[[], Played]) -> None:
    played = history()
    warehouse = played.into(tmp_path / "w.duckdb")
    for table in TABLES:
        key = ", ".join(quoted(name) for name in table.key)
        twice = f"SELECT {key} FROM {table.name} GROUP BY {key} HAVING count(*) > 1"
        assert warehouse.rows(twice) == [], table.name
        counting = Tallying(table)
        expected = counting.nothing()
        for row in played.rows().get(table.name, []):
            counting.add(expected, row)
        assert warehouse.tallies(table.name, {0: 1000}).get(0, counting.nothing()) == expected, table.name
    warehouse.close()


def test_what_comes_from_outcomes_has_no_sequence() -> None:
    """Whatever has one is expected to stand at the offset of its transaction."""
    ours = set(OUTCOME_TABLES) & {table.name for table in TABLES}
    assert ours == {"log_billing_system_update_refusal", "log_order_refusal"}
    for name in ours:
        assert "sequence" not in {column.name for column in FACTS[name].columns}
