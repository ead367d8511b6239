"""Fifteen questions across the domains, each on a history whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from state.warehouse import Batch, Server, Warehouse
from state.warehouse.catalog import VIEWS
from state.warehouse.databases.statements import quoted
from state.warehouse.questions import VIEWS as QUESTIONS
from tests.warehouse.household import firm_and_household
from tests.warehouse.played import SOURCES, Played
from tests.warehouse.switchboard import switchboard, television

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
Answer = Callable[[str], list[tuple[Any, ...]]]


def asking(warehouse: Warehouse) -> Answer:
    return warehouse.rows


@pytest.fixture(scope="module")
def everyday(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    warehouse = firm_and_household().into(tmp_path_factory.mktemp("everyday") / "w.duckdb")
    yield asking(warehouse)
    warehouse.close()


@pytest.fixture(scope="module")
def prepaid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    warehouse = switchboard().into(tmp_path_factory.mktemp("prepaid") / "w.duckdb")
    yield asking(warehouse)
    warehouse.close()


@pytest.fixture(scope="module")
def swapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    warehouse = television().into(tmp_path_factory.mktemp("swapped") / "w.duckdb")
    yield asking(warehouse)
    warehouse.close()


def test_there_are_fifteen_and_each_is_a_view_of_the_warehouse() -> None:
    assert len(QUESTIONS) == 15
    assert all(VIEWS[view.name] is view for view in QUESTIONS)
    assert all("?" in view.doc for view in QUESTIONS), "a question ends with a question mark"


def test_each_question_has_a_test_here() -> None:
    asked = Path(__file__).read_text()
    assert [view.name for view in QUESTIONS if f" {view.name}" not in asked] == []


@pytest.mark.parametrize("history", ["everyday", "prepaid", "swapped"])
def test_what_a_view_says_is_always_there_is_there(history: str, request: pytest.FixtureRequest) -> None:
    answer: Answer = request.getfixturevalue(history)
    missing = [
        f"{view.name}.{column.name}"
        for view in VIEWS.values()
        for column in view.columns
        if column.required and answer(f"SELECT 1 FROM {view.name} WHERE {quoted(column.name)} IS NULL LIMIT 1")
    ]
    assert missing == []


@pytest.mark.parametrize("played", [firm_and_household, switchboard, television])
def test_postgresql_answers_the_same(tmp_path: Path, postgres: str, played: Callable[[], Played]) -> None:
    database = f"questions_{played.__name__}_{tmp_path.parent.name.rpartition('-')[2]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"'.encode())
    history = played()
    file = history.into(tmp_path / "w.duckdb")
    server = Warehouse.open(Server(f"{postgres.rpartition('/')[0]}/{database}"), SOURCES)
    server.write(Batch(rows=history.rows()))
    for view in QUESTIONS:
        order = ", ".join(str(place) for place in range(1, len(view.columns) + 1))
        asked = f"SELECT * FROM {view.name} ORDER BY {order}"
        assert server.rows(asked) == file.rows(asked), view.name
    server.close()
    file.close()


def test_active_customers_by_month(everyday: Answer) -> None:
    """The firm's change of cycle in April counts; what the clock does for it in May does not."""
    assert everyday("SELECT * FROM active_customers_by_month ORDER BY month") == [
        (MARCH, 2, 2, 6),
        (APRIL, 2, 0, 3),
        (MAY, 1, 0, 3),
    ]


def test_customer_overview(everyday: Answer) -> None:
    query = """SELECT customer_id, erased, first_seen, last_seen, accounts, active_accounts, subscriptions, services_on,
                      refused_commands FROM customer_overview ORDER BY customer_id"""
    begin = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert everyday(query) == [
        ("firm", False, begin, datetime(2026, 4, 10, 8, tzinfo=UTC), 4, 4, 0, 0, 0),
        ("household", False, begin, datetime(2026, 5, 4, 8, tzinfo=UTC), 2, 1, 1, 1, 2),
    ]


def test_accounts_by_bill_cycle(everyday: Answer) -> None:
    assert everyday("SELECT * FROM accounts_by_bill_cycle ORDER BY 1, 2") == [
        ("MONTHLY_1", "ACTIVE", 3, 0, 1),
        ("MONTHLY_15", "ACTIVE", 1, 1, 1),
        ("MONTHLY_15", "SUSPENDED", 1, 1, 1),
    ]


def test_account_trees(everyday: Answer) -> None:
    assert everyday("SELECT * FROM account_trees") == [("firm", "head", 4, 3, 4, 1)]


def test_service_churn_by_month(everyday: Answer, prepaid: Answer, swapped: Answer) -> None:
    query = "SELECT * FROM service_churn_by_month ORDER BY month, product"
    assert everyday(query) == [
        (APRIL, "FIBER_500", 0, 1, 0, 0, None),
        (APRIL, "TV_MINI", 0, 1, 0, 0, None),
        (MAY, "TV_MINI", 1, 0, 1, 0, 1.0),
    ]
    assert prepaid(query)[-1] == (MARCH, "QUEUE_S", 0, 2, 1, 0, None)
    assert swapped(query)[:2] == [(MARCH, "FIBER_1000", 0, 1, 0, 0, None), (MARCH, "FIBER_500", 0, 1, 0, 1, None)]


def test_services_of_stopped_accounts(everyday: Answer, prepaid: Answer) -> None:
    since = datetime(2026, 5, 4, 8, tzinfo=UTC)
    assert everyday("SELECT * FROM services_of_stopped_accounts") == [
        ("household", "home", "SUSPENDED", "UNPAID", since, 1, 1)
    ]
    assert prepaid("SELECT * FROM services_of_stopped_accounts") == []


def test_services_and_network_disagree_when_a_request_is_lost(tmp_path: Path) -> None:
    warehouse = switchboard().into(tmp_path / "w.duckdb")
    query = "SELECT service_id, provider, state, asked_for FROM services_and_network_disagree ORDER BY service_id"
    assert warehouse.rows(query) == []
    warehouse.rows("DELETE FROM fact_provisioning_request WHERE service_id = 'l-1' AND version = 3")
    warehouse.rows("DELETE FROM fact_provisioning_request WHERE service_id = 'l-2'")
    assert warehouse.rows(query) == [
        ("l-1", "SWITCH", "EFFECTIVE", "INACTIVE"),
        ("l-2", "SWITCH", "EFFECTIVE", None),
    ]
    warehouse.close()


def test_wallet_money_by_month(prepaid: Answer) -> None:
    def euros(*amounts: str) -> tuple[Decimal, ...]:
        return tuple(map(Decimal, amounts))

    assert prepaid("SELECT * FROM wallet_money_by_month ORDER BY month") == [
        (MARCH, "EUR", 1, *euros("40.50", "18.50", "3.00", "-20.00", "5.00")),
        (APRIL, "EUR", 1, *euros("25.00", "27.00", "0", "0", "-2.00")),
    ]


def test_prepaid_revenue_by_product(prepaid: Answer) -> None:
    query = "SELECT product, activations, recurring, refunded, earned FROM prepaid_revenue_by_product "
    assert prepaid(f"{query} WHERE month = '2026-03-01' ORDER BY product") == [
        ("LINE_A", 5, 0, 0, 5),
        ("LINE_B", Decimal("7.5"), 0, 0, Decimal("7.5")),
        ("PBX", 0, 0, 0, 0),
        ("QUEUE_S", 6, 0, 3, 3),
    ]
    assert prepaid(f"{query} WHERE month = '2026-04-01' ORDER BY product") == [
        ("LINE_A", 0, 9, 0, 9),
        ("LINE_B", 0, 14, 0, 14),
        ("QUEUE_S", 0, 4, 0, 4),
    ]


def test_wallets_running_dry(prepaid: Answer) -> None:
    assert prepaid("SELECT * FROM wallets_running_dry") == [("nordlys", "w-1", "u-1", "EUR", 3, APRIL, 27, 24)]


def test_bill_run_load_by_day(everyday: Answer) -> None:
    """The account of a test is left out; the firm's branches do not pay for themselves."""
    assert everyday("SELECT * FROM bill_run_load_by_day WHERE day < '2026-05-01' ORDER BY day, bill_cycle") == [
        (date(2026, 3, 15), "MONTHLY_15", 1, 1, 0, 1),
        (APRIL, "MONTHLY_1", 4, 4, 0, 1),
        (date(2026, 4, 15), "MONTHLY_15", 1, 0, 0, 1),
    ]


def test_refused_share_by_source(everyday: Answer, prepaid: Answer) -> None:
    query = "SELECT * FROM refused_share_by_source WHERE refused > 0 ORDER BY source"
    assert everyday(query) == [
        (APRIL, "crm", "UpdateAccountBillCycle", 3, 1, pytest.approx(1 / 3), "BILL_CYCLE_UNKNOWN"),
        (APRIL, "portal", "UpdateAccountBillCycle", 1, 1, 1.0, "BILL_CYCLE_UNKNOWN"),
    ]
    assert prepaid(query) == [(MARCH, "crm", "AmendBundleServices", 5, 2, 0.4, "COMPONENT_NOT_ALLOWED")]


def test_answer_time_by_day(tmp_path: Path) -> None:
    warehouse = switchboard().into(tmp_path / "w.duckdb")
    warehouse.rows(
        "UPDATE fact_command_outcome SET published_at = recorded_at + kafka_offset * INTERVAL '100 milliseconds'"
    )
    query = "SELECT * FROM answer_time_by_day WHERE answers > 1 ORDER BY day"
    amendments = (date(2026, 3, 12), "AmendBundleServices", 5)  # offsets 5, 7, 8, 9, 10
    assert warehouse.rows(query)[0] == (*amendments, pytest.approx(0.8), pytest.approx(0.98), pytest.approx(1.0))
    warehouse.close()


def test_clock_lateness_by_month(everyday: Answer, prepaid: Answer) -> None:
    late = 58 * 3600.0
    assert everyday("SELECT * FROM clock_lateness_by_month") == [(APRIL, "UpdateAccountBillCycle", 1, 1, late, late)]
    first, second = 334800.0, 550800.0  # due on the 25th and the 20th at midnight, run on the 26th
    assert prepaid("SELECT * FROM clock_lateness_by_month") == [(MARCH, "AmendBundleServices", 2, 2, first, second)]


def test_work_ahead_by_day(everyday: Answer, swapped: Answer) -> None:
    query = "SELECT * FROM work_ahead_by_day ORDER BY day"
    assert everyday(query) == [(date(2026, 5, 19), "UpdateAccountBillCycle", 1, 0, 1)]
    assert swapped(query) == [
        (date(2026, 3, 25), "ChangeServiceState", 1, 1, 1),
        (date(2026, 3, 27), "ChangeSubscriptionState", 1, 0, 1),
        (date(2026, 4, 19), "ChangeSubscriptionState", 1, 0, 1),
        (date(2026, 4, 24), "ChangeServiceState", 1, 0, 1),
    ]
