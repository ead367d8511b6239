"""Scheduled actions: what became of each, late ones, failed ones, and the funnel."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.warehouse.played import Played
from tests.warehouse.switchboard import switchboard, television

ACTIONS = """SELECT number, command_type, origin, submitted_at, due, moved, end_state, ended_at, lateness_seconds,
                    failure_codes, cancel_cause, in_conflict FROM fact_scheduled_action ORDER BY number"""


@pytest.fixture(scope="module")
def played() -> Played:
    return switchboard()


@pytest.fixture(scope="module")
def watched() -> Played:
    return television()


def test_executed_and_failed_late(tmp_path: Path, played: Played) -> None:
    """They count at their moment, however late the record came that had them run: on the 26th."""
    submitted, arrived = datetime(2026, 3, 12, 8, tzinfo=UTC), datetime(2026, 3, 26, 8, tzinfo=UTC)
    first, second = datetime(2026, 3, 19, 23, tzinfo=UTC), datetime(2026, 3, 24, 23, tzinfo=UTC)
    late = [(arrived - due).total_seconds() for due in (first, second)]
    begun = ("AmendBundleServices", "USER", submitted)
    assert played.found(tmp_path, ACTIONS) == [
        (1, *begun, first, 0, "EXECUTED", first, late[0], None, None, False),
        (2, *begun, second, 0, "FAILED", second, late[1], '["INSUFFICIENT_FUNDS"]', None, False),
    ]


def test_late_or_failed(tmp_path: Path, played: Played) -> None:
    query = "SELECT number, end_state, trouble FROM scheduled_actions_late_or_failed ORDER BY number"
    assert played.found(tmp_path, query) == [(1, "EXECUTED", "LATE"), (2, "FAILED", "FAILED")]


def test_moved_cancelled_and_in_conflict(tmp_path: Path, watched: Played) -> None:
    query = """SELECT number, origin, due, moved, end_state, lateness_seconds, cancel_cause, in_conflict
               FROM fact_scheduled_action ORDER BY number"""

    def midnight(month: int, day: int) -> datetime:
        summer = (month, day) >= (3, 29)
        return datetime(2026, month, day - 1, 22 if summer else 23, tzinfo=UTC)

    assert watched.found(tmp_path, query) == [
        (1, "USER", midnight(3, 20), 0, "CANCELLED", None, "REQUEST", False),
        (2, "USER", midnight(3, 26), 1, "PENDING", None, None, True),
        (3, "USER", midnight(4, 25), 0, "PENDING", None, None, False),
        (4, "USER", midnight(3, 28), 0, "PENDING", None, None, False),
        (5, "AUTOMATIC", midnight(4, 20), 0, "PENDING", None, None, False),
    ]


def test_what_waits_too_long_is_overdue(tmp_path: Path, watched: Played) -> None:
    query = "SELECT DISTINCT trouble, lateness_seconds > 60 FROM scheduled_actions_late_or_failed"
    assert watched.found(tmp_path, query) == [("OVERDUE", True)]


def test_the_funnel(tmp_path: Path, played: Played, watched: Played) -> None:
    columns = "week, command_type, origin, created, executed, failed, cancelled, pending, moved"
    query = f"SELECT {columns} FROM scheduled_actions_by_week ORDER BY ALL"
    amended = (date(2026, 3, 9), "AmendBundleServices", "USER", 2, 1, 1, 0, 0, 0)
    assert played.found(tmp_path / "1", query) == [amended]
    monday = date(2026, 3, 2)
    assert watched.found(tmp_path / "2", query) == [
        (monday, "ChangeServiceState", "USER", 3, 0, 0, 1, 2, 1),
        (monday, "ChangeSubscriptionState", "AUTOMATIC", 1, 0, 0, 0, 1, 0),
        (monday, "ChangeSubscriptionState", "USER", 1, 0, 0, 0, 1, 0),
    ]
