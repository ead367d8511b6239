"""The questions that people ask, each on a history whose answer is known."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas.envelope import Mode
from state.warehouse import Warehouse
from tests.warehouse.played import Played

MOBILE = {"account_id": "a-1"}
SEALED = "sealed:v1:AAAAAAAAAAAA:" + "x" * 60


def asked(tmp_path: Path, played: Played, query: str) -> list[tuple[Any, ...]]:
    return played.found(tmp_path, query)


@pytest.fixture
def changes() -> Played:
    """Planned and cancelled, planned and superseded, due three weeks late, made at once, still waiting."""
    played = Played()
    played.on("2026-03-02").account("nordlys")
    played.on("2026-05-20").ask(
        "nordlys",
        "UpdateAccountBillCycle",
        account=MOBILE,
        bill_cycle="MONTHLY_15",
        cutover="AFTER_CURRENT_PERIOD",
    )
    played.on("2026-05-21").ask("nordlys", "CancelAccountBillCycleChange", account=MOBILE)
    for day in ("2026-06-20T12:00:00Z", "2026-06-15T12:00:00Z"):
        played.on("2026-05-22").ask(
            "nordlys",
            "UpdateAccountBillCycle",
            account=MOBILE,
            bill_cycle="MONTHLY_15",
            valid_from=day,
            by="portal",
        )
    played.on("2026-07-03").ask("nordlys", "UpdateAccountBillCycle", account=MOBILE, bill_cycle="WEEKLY_MON")
    played.on("2026-07-04").ask(
        "nordlys",
        "UpdateAccountBillCycle",
        account=MOBILE,
        bill_cycle="MONTHLY_1",
        valid_from="2026-08-01T12:00:00Z",
    )
    return played


def test_what_became_of_every_change(tmp_path: Path, changes: Played) -> None:
    found = asked(
        tmp_path,
        changes,
        """SELECT from_code, to_code, planned_for, outcome, trigger, cancelled_reason, source, lead_time_days,
                  lateness_seconds, executed_at FROM fact_bill_cycle_change ORDER BY requested_at, planned_for""",
    )
    june_1, june_15, june_20, august_1 = date(2026, 6, 1), date(2026, 6, 15), date(2026, 6, 20), date(2026, 8, 1)
    due = datetime(2026, 6, 14, 22, tzinfo=UTC)
    late = (datetime(2026, 7, 3, 8, tzinfo=UTC) - due).total_seconds()
    at_once = datetime(2026, 7, 3, 8, tzinfo=UTC)
    lead = pytest.approx
    one, fifteen, weekly = "MONTHLY_1", "MONTHLY_15", "WEEKLY_MON"
    assert found == [
        (one, fifteen, june_1, "CANCELLED", None, "REQUESTED", "crm", lead(11 + 14 / 24), None, None),
        (one, fifteen, june_15, "CHANGED", "DUE", None, "portal", lead(23 + 14 / 24), late, due),
        (one, fifteen, june_20, "SUPERSEDED", None, "SUPERSEDED", "portal", lead(28 + 14 / 24), None, None),
        (fifteen, weekly, None, "CHANGED", "IMMEDIATE", None, "crm", 0, None, at_once),
        (weekly, one, august_1, "PLANNED", None, None, "crm", lead(27 + 14 / 24), None, None),
    ]


def test_planned_changes_by_day(tmp_path: Path, changes: Played) -> None:
    assert asked(tmp_path, changes, "FROM planned_changes_by_day ORDER BY planned_for") == [
        (date(2026, 6, 1), 1, 0, 0, 1, 0, 0),
        (date(2026, 6, 15), 1, 0, 1, 0, 0, 0),
        (date(2026, 6, 20), 1, 0, 0, 0, 1, 0),
        (date(2026, 8, 1), 1, 1, 0, 0, 0, 0),
    ]


def test_changes_per_cycle_pair_and_source(tmp_path: Path, changes: Played) -> None:
    query = "SELECT * EXCLUDE lead_time_days FROM changes_by_cycle_pair ORDER BY ALL"
    assert asked(tmp_path, changes, query) == [
        ("MONTHLY_1", "MONTHLY_15", "crm", 1, 0, 0, 1),
        ("MONTHLY_1", "MONTHLY_15", "portal", 2, 1, 0, 1),
        ("MONTHLY_15", "WEEKLY_MON", "crm", 1, 1, 0, 0),
        ("WEEKLY_MON", "MONTHLY_1", "crm", 1, 0, 1, 0),
    ]


def test_cancellation_rate(tmp_path: Path, changes: Played) -> None:
    assert asked(tmp_path, changes, "FROM bill_cycle_cancellation_rate ORDER BY ALL") == [
        (date(2026, 5, 1), "crm", 1, 1, 1, 0, 1.0, 0.0),
        (date(2026, 5, 1), "portal", 2, 2, 0, 1, 0.0, 0.5),
        (date(2026, 7, 1), "crm", 1, 0, 0, 0, None, None),
    ]


def test_periods_as_they_stand(tmp_path: Path, changes: Played) -> None:
    query = """SELECT number, start, "end", kind, bill_cycle, days, of_days FROM fact_billing_period ORDER BY number"""
    found = asked(tmp_path, changes, query)
    assert [row[0] for row in found] == list(range(1, len(found) + 1))
    assert all(earlier[2] == later[1] for earlier, later in pairwise(found))
    assert found[0] == (1, date(2026, 3, 2), date(2026, 4, 1), "INITIAL", "MONTHLY_1", 30, 31)
    assert found[3] == (4, date(2026, 6, 1), date(2026, 6, 15), "SHORT", "MONTHLY_1", 14, 30)
    assert found[4] == (5, date(2026, 6, 15), date(2026, 7, 3), "SHORT", "MONTHLY_15", 18, 30)


def test_short_periods_and_their_proration(tmp_path: Path, changes: Played) -> None:
    query = "SELECT number, kind, proration, missing_days FROM short_periods ORDER BY number"
    assert asked(tmp_path, changes, query) == [
        (1, "INITIAL", pytest.approx(30 / 31), 1),
        (4, "SHORT", pytest.approx(14 / 30), 16),
        (5, "SHORT", pytest.approx(18 / 30), 12),
        (6, "SHORT", pytest.approx(3 / 7), 4),
    ]


def test_a_dropped_period_is_gone_and_a_replaced_one_is_new(tmp_path: Path) -> None:
    played = Played()
    played.on("2026-05-01").account("nordlys")
    played.ask("nordlys", "UpdateAccountBillCycle", account=MOBILE, bill_cycle="MONTHLY_15")
    played.on("2026-05-15").ask("nordlys", "ChangeAccountState", account=MOBILE, state="DEACTIVATED", reason="CHURN")
    played.account("other", "a-2")
    played.ask("other", "ChangeAccountState", account={"account_id": "a-2"}, state="DEACTIVATED", reason="CHURN")
    found = asked(
        tmp_path, played, "SELECT customer_id, number, kind, days, of_days, bill_cycle FROM fact_billing_period"
    )
    assert found == [("nordlys", 1, "SHORT", 14, 30, "MONTHLY_15")]  # period 2 began on that very day (PER-9)


@pytest.fixture
def states() -> Played:
    """Three accounts: one suspended twice, one that leaves, one of a test."""
    played = Played()
    for number, more in ((1, {}), (2, {"segment": "GOLD"}), (3, {"test_account": True})):
        played.on("2026-03-02").account("nordlys", f"a-{number}", **more)

    def change(day: str, account: str, state: str, reason: str) -> None:
        played.on(day).ask("nordlys", "ChangeAccountState", account={"account_id": account}, state=state, reason=reason)

    change("2026-03-04", "a-1", "SUSPENDED", "UNPAID")
    change("2026-03-05", "a-1", "ACTIVE", "PAID")
    change("2026-03-06", "a-1", "SUSPENDED", "UNPAID")
    change("2026-03-08", "a-1", "SUSPENDED", "FRAUD")
    change("2026-03-07", "a-2", "DEACTIVATED", "CHURN")
    change("2026-03-07", "a-3", "DEACTIVATED", "CHURN")
    return played


def test_days_in_the_state_before(tmp_path: Path, states: Played) -> None:
    query = """SELECT from_state, to_state, reason, cause, days_in_from_state FROM fact_account_state
               WHERE account_id = 'a-1' ORDER BY sequence"""
    assert asked(tmp_path, states, query) == [
        (None, "ACTIVE", "DEFAULT_ACTIVE", None, None),
        ("ACTIVE", "SUSPENDED", "UNPAID", "REQUESTED", 2.0),
        ("SUSPENDED", "ACTIVE", "PAID", "REQUESTED", 1.0),
        ("ACTIVE", "SUSPENDED", "UNPAID", "REQUESTED", 1.0),
        ("SUSPENDED", "SUSPENDED", "FRAUD", "REQUESTED", 2.0),
    ]


def test_accounts_by_state_and_day(tmp_path: Path, states: Played) -> None:
    query = """SELECT day, state, accounts FROM accounts_by_state_and_day
               WHERE NOT test_account AND accounts > 0 ORDER BY ALL"""
    assert asked(tmp_path, states, query) == [
        (date(2026, 3, 2), "ACTIVE", 2),
        (date(2026, 3, 3), "ACTIVE", 2),
        (date(2026, 3, 4), "ACTIVE", 1),
        (date(2026, 3, 4), "SUSPENDED", 1),
        (date(2026, 3, 5), "ACTIVE", 2),
        (date(2026, 3, 6), "ACTIVE", 1),
        (date(2026, 3, 6), "SUSPENDED", 1),
        (date(2026, 3, 7), "ACTIVE", 1),
        (date(2026, 3, 7), "SUSPENDED", 1),
        # the last command came on the 7th by the clock of the log: its moments never step back
        (date(2026, 3, 8), "DEACTIVATED", 1),
        (date(2026, 3, 8), "SUSPENDED", 1),
    ]


def test_churn_by_reason(tmp_path: Path, states: Played) -> None:
    found = asked(tmp_path, states, "FROM churn_by_reason")
    assert found == [(date(2026, 3, 1), "CHURN", "RESIDENTIAL", "GOLD", 1, 6.0)]


def test_suspended_for_longer_than_so_many_days(tmp_path: Path, states: Played) -> None:
    query = "SELECT account_id, reason, suspended_since FROM suspended_accounts WHERE days_suspended > 30"
    assert asked(tmp_path, states, query) == [("a-1", "FRAUD", datetime(2026, 3, 6, 8, tzinfo=UTC))]


def test_versions_of_an_account_follow_each_other(tmp_path: Path) -> None:
    played = Played()
    contact = {"last_name": SEALED}
    played.on("2026-03-02").account("nordlys", contact=contact)
    played.on("2026-03-03").ask("nordlys", "UpdateAccountDetails", account=MOBILE, segment="GOLD")
    played.on("2026-04-10").ask("nordlys", "UpdateAccountBillCycle", account=MOBILE, bill_cycle="MONTHLY_15")
    found = asked(
        tmp_path,
        played,
        """SELECT segment, bill_cycle, state, contact_last_name, valid_from, valid_to, is_current
           FROM dim_account ORDER BY sequence""",
    )
    moments = [
        datetime(2026, 3, 2, 8, tzinfo=UTC),
        datetime(2026, 3, 3, 8, tzinfo=UTC),
        datetime(2026, 4, 10, 8, tzinfo=UTC),
    ]
    assert found == [
        ("SILVER", "MONTHLY_1", "ACTIVE", SEALED, moments[0], moments[1], False),
        ("GOLD", "MONTHLY_1", "ACTIVE", SEALED, moments[1], moments[2], False),
        ("GOLD", "MONTHLY_15", "ACTIVE", SEALED, moments[2], None, True),
    ]


def test_versions_of_a_customer(tmp_path: Path) -> None:
    played = Played()
    played.on("2026-03-02").ask("nordlys", "RegisterCustomer", name=SEALED)
    played.on("2026-03-03").ask("nordlys", "RegisterCustomer", custom_attributes={"tier": "1"})
    played.on("2026-03-04").ask("nordlys", "EraseCustomerData", reason="asked")
    query = "SELECT name, custom_attributes, erased, is_current FROM dim_customer ORDER BY sequence"
    assert asked(tmp_path, played, query)[-1][2:] == (True, True)
    assert [row[3] for row in asked(tmp_path / "2", played, query)] == [False, False, True]


def test_outcomes_and_refusals(tmp_path: Path) -> None:
    played = Played()
    played.on("2026-03-02").account("nordlys")
    for mode in (Mode.EXECUTE, Mode.PREVIEW):
        played.ask("nordlys", "UpdateAccountBillCycle", account=MOBILE, bill_cycle="NO_SUCH", mode=mode)
    warehouse: Warehouse = played.into(tmp_path / "w.duckdb")
    query = "SELECT mode, status, changed, violation_count, first_code FROM fact_command_outcome ORDER BY kafka_offset"
    assert warehouse.rows(query) == [
        ("EXECUTE", "COMPLETED", True, 0, None),
        ("EXECUTE", "REJECTED", False, 1, "BILL_CYCLE_UNKNOWN"),
        ("PREVIEW", "REJECTED", False, 1, "BILL_CYCLE_UNKNOWN"),
    ]
    refused = (datetime(2026, 3, 2, tzinfo=UTC), "crm", "UpdateAccountBillCycle", "BILL_CYCLE_UNKNOWN", "BCU-4", 1)
    assert warehouse.rows("FROM refusals_by_code") == [refused]
    warehouse.close()
