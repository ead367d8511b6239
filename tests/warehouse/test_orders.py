"""Orders in flight: what the warehouse says of a history whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.ordering import ask, line, ordered
from tests.warehouse.played import Played

Answer = Callable[[str], list[tuple[Any, ...]]]

RULE_BOOK = {
    "fact_order_line": (
        "order_id, line_id, revision_added, service_action, action, service_catalog, service_item, product, "
        "service_account_id, billing_account_id, customer_account_id, owner_account_id, billing_system, group_id, "
        "group_key, state, submitted_at, confirmed_at, locked_at, locked_by, lock_scope, cancelled_at, "
        "cancelled_because, changes_before_lock, changes_refused_by_lock, version_billed, lead_time_seconds, "
        "compensated_by_order_id, compensated_by_line_id"
    ),
    "fact_billing_system_update": (
        "order_id, scope, group_id, line_ids, services_added, services_changed, services_ended, effective_at, codes"
    ),
    "fact_order_split": "order_id, number, dimensions, attribute, explicit, split_at, split_by",
    "fact_order_revision": "order_id, revision, added, changed, cancelled, past_soft_point",
    "dim_order": "state, revision, locked, split, lines_live, lines_billed, lines_cancelled, compensates_order_id",
}


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    warehouse = ordered().into(tmp_path_factory.mktemp("ordered") / "w.duckdb")
    yield warehouse.rows
    warehouse.close()


def on(day: int, hour: int = 8) -> datetime:
    return datetime(2026, 5, day, hour, tzinfo=UTC)


@pytest.mark.parametrize("name", RULE_BOOK)
def test_what_the_rule_book_names_is_there(answer: Answer, name: str) -> None:
    assert answer(f"SELECT {RULE_BOOK[name]} FROM {name}")


def test_lines_as_they_stand(answer: Answer) -> None:
    query = """SELECT line_id, service_action, product, state, submitted_at, locked_at, lock_scope, lead_time_seconds
               FROM fact_order_line WHERE order_id = 'o-31' ORDER BY line_id"""
    assert answer(query) == [
        ("f1", "ADD", "FIBER_500", "BILLED", on(4, 9), on(6), "ORDER", 47 * 3600),
        ("f2", "ADD", "STATIC_IP", "BILLED", on(4, 9), on(4, 10), "LINES", 3600),
        ("f3", "ADD", "TV_MINI", "BILLED", on(4, 11), on(6), "ORDER", 45 * 3600),
    ]


def test_changes_made_and_changes_that_came_too_late(answer: Answer) -> None:
    """A sub-state is no change; a preview is no refusal; what the whole order refused names no line."""
    query = """SELECT line_id, changes_before_lock, changes_refused_by_lock, version, version_billed, amount,
                      confirmed_at FROM fact_order_line WHERE order_id = 'o-31' ORDER BY line_id"""
    assert answer(query) == [
        ("f1", 1, 0, 2, 2, Decimal(39), on(5)),
        ("f2", 0, 2, 1, 1, Decimal(0), None),
        ("f3", 0, 0, 1, 1, None, None),
    ]


def test_groups_and_cancellations(answer: Answer) -> None:
    query = """SELECT line_id, revision_added, state, group_key, cancelled_at, cancelled_because
               FROM fact_order_line WHERE order_id = 'o-32' ORDER BY line_id"""
    data, television = '{"SERVICE_CATALOG":"DATA"}', '{"SERVICE_CATALOG":"TV"}'
    assert answer(query) == [
        ("g1", 1, "BILLED", television, None, None),
        ("g2", 1, "CANCELLED", data, on(10), "ORDER_CANCELLED"),
        ("g3", 1, "CANCELLED", data, on(9), "REVISED"),
        ("g4", 3, "CANCELLED", television, on(10), "ORDER_CANCELLED"),
    ]


def test_a_line_names_the_one_that_undoes_it(answer: Answer) -> None:
    query = """SELECT undone.line_id, undoing.order_id, undoing.service_action, undoing.state
               FROM fact_order_line undone JOIN fact_order_line undoing
               ON undoing.order_id = undone.compensated_by_order_id
               AND undoing.line_id = undone.compensated_by_line_id"""
    assert answer(query) == [("f2", "o-36", "DISCONNECT", "BILLED")]


def test_updates_also_those_without_effect(answer: Answer) -> None:
    query = """SELECT order_id, command_type, status, number, scope, services_added, services_changed, services_ended,
                      codes FROM fact_billing_system_update ORDER BY decided_at, order_id, number"""
    update = "UpdateBillingSystem"
    assert answer(query) == [
        ("o-31", update, "COMPLETED", 1, "LINES", 1, 0, 0, "[]"),
        ("o-31", update, "UNCHANGED", None, None, 0, 0, 0, "[]"),
        ("o-31", update, "COMPLETED", 2, "ORDER", 2, 0, 0, "[]"),
        ("o-32", update, "REJECTED", None, None, 0, 0, 0, '["GROUP_REQUIRED"]'),
        ("o-32", update, "COMPLETED", 1, "GROUP", 0, 1, 0, "[]"),  # a swap changes one service
        ("o-36", "CompensateOrder", "COMPLETED", 1, "ORDER", 0, 0, 1, "[]"),
        ("o-99", update, "REJECTED", None, None, 0, 0, 0, '["ORDER_UNKNOWN"]'),
    ]


def test_a_split(answer: Answer) -> None:
    query = "SELECT order_id, number, dimensions, groups, lines_moved, split_by FROM fact_order_split"
    assert answer(query) == [("o-32", 1, '["SERVICE_CATALOG"]', 2, 3, "ada")]
    query = """SELECT group_key, state, occurred_at FROM log_order_group ORDER BY sequence, place"""
    data, television = '{"SERVICE_CATALOG":"DATA"}', '{"SERVICE_CATALOG":"TV"}'
    assert answer(query) == [
        (television, "OPEN", on(8)),
        (data, "OPEN", on(8)),
        (television, "BILLED", on(8, 20)),
        (television, "OPEN", on(9)),  # a finished group takes no line: a new one with the same key
        (data, "CANCELLED", on(10)),
        (television, "CANCELLED", on(10)),
    ]


def test_an_accepted_revision(answer: Answer) -> None:
    query = """SELECT order_id, revision, previous_revision, added, changed, cancelled, unchanged, past_soft_point,
                      reason FROM fact_order_revision"""
    assert answer(query) == [("o-32", 3, 1, 1, 1, 1, 1, 1, "CALLED_BACK")]


def test_versions_of_an_order(answer: Answer) -> None:
    query = """SELECT state, revision, locked, split, lines_live, lines_billed, lines_cancelled, valid_from, valid_to,
                      is_current FROM dim_order WHERE order_id = 'o-32' ORDER BY sequence"""
    assert answer(query) == [
        ("SUBMITTED", 1, False, False, 3, 0, 0, on(8), on(8), False),
        ("IN_PROGRESS", 1, False, True, 3, 0, 0, on(8), on(8, 20), False),
        ("PARTIALLY_BILLED", 1, False, True, 2, 1, 0, on(8, 20), on(9), False),
        ("PARTIALLY_BILLED", 3, False, True, 2, 1, 1, on(9), on(10), False),
        ("COMPLETED", 3, True, True, 0, 1, 3, on(10), None, True),
    ]


def test_how_orders_ended(answer: Answer) -> None:
    query = """SELECT order_id, state, lock_why, closed_at, compensates_order_id, compensated_by_order_ids
               FROM dim_order WHERE is_current ORDER BY order_id"""
    assert answer(query) == [
        ("o-31", "COMPLETED", "BILLING_SYSTEM_UPDATE", on(6), None, '["o-36"]'),
        ("o-32", "COMPLETED", "ORDER_CLOSED", on(10), None, "[]"),
        ("o-33", "CANCELLED", None, on(12), None, "[]"),
        ("o-34", "IN_PROGRESS", None, None, None, "[]"),
        ("o-36", "COMPLETED", "BILLING_SYSTEM_UPDATE", on(11), "o-31", "[]"),
    ]


def test_a_line_that_goes_alone_makes_a_version_of_its_order(tmp_path: Path) -> None:
    """Removing one of two lines leaves the order as it is, but not the count of its lines."""
    played = Played()
    played.on("2026-05-04").account("nordlys")
    lines = [line(name, "ADD", "TV", "TV_MINI") for name in ("i", "j")]
    played.ask("nordlys", "SubmitOrder", order_id="o-1", lines=lines)
    played.on("2026-05-05").ask("nordlys", "ModifyOrderLine", order_id="o-1", operation="REMOVE", line_id="j")
    query = "SELECT state, lines_live, lines_cancelled, valid_from, is_current FROM dim_order ORDER BY sequence"
    assert played.found(tmp_path, query) == [
        ("SUBMITTED", 2, 0, on(4), False),
        ("SUBMITTED", 1, 1, on(5), True),
    ]


def test_orders_in_flight_by_age_and_state(answer: Answer) -> None:
    assert answer("SELECT order_id, state, submitted_at, lines_live FROM orders_in_flight") == [
        ("o-34", "IN_PROGRESS", on(11), 1)
    ]
    assert answer("SELECT age, state, orders, lines_live FROM orders_in_flight_by_age") == [
        ("OLDER", "IN_PROGRESS", 1, 1)
    ]


def test_lines_locked_per_day(answer: Answer) -> None:
    assert answer("SELECT * FROM order_lines_locked_by_day ORDER BY day") == [
        (date(2026, 5, 4), "ADD", "LINES", 1, 1),
        (date(2026, 5, 6), "ADD", "ORDER", 2, 1),
        (date(2026, 5, 8), "CHANGE", "GROUP", 1, 1),
        (date(2026, 5, 11), "DISCONNECT", "ORDER", 1, 1),
    ]


def test_edits_refused_because_of_a_lock(answer: Answer) -> None:
    assert answer("SELECT * FROM edits_refused_by_lock ORDER BY last_at, source") == [
        ("STATIC_IP", "ada", "crm", "ModifyOrderLine", "ORDER_ITEM_LOCKED", 1, 1, on(4, 10)),
        ("STATIC_IP", "ada", "portal", "ModifyOrderLine", "ORDER_ITEM_LOCKED", 1, 1, on(4, 10)),
        (None, "ada", "crm", "ModifyOrderLine", "ORDER_LOCKED", 1, 0, on(7)),
        ("TV_MAX", "ada", "crm", "ReviseOrder", "POINT_OF_NO_RETURN", 1, 1, on(9)),
    ]


def test_lead_times_leave_generated_lines_out(answer: Answer) -> None:
    query = (
        "SELECT product, service_action, lines, median_seconds / 3600 FROM order_lead_time_by_product ORDER BY product"
    )
    assert answer(query) == [
        ("FIBER_500", "ADD", 1, 47),
        ("STATIC_IP", "ADD", 1, 1),
        ("TV_MAX", "CHANGE", 1, 12),
        ("TV_MINI", "ADD", 1, 45),
    ]


def test_implemented_and_not_billed(answer: Answer) -> None:
    query = "SELECT order_id, line_id, product, confirmed_at FROM order_lines_implemented_not_billed"
    assert answer(query) == [("o-34", "h4", "FIBER_500", on(12))]


def test_a_compensation_that_is_cancelled_frees_its_line(tmp_path: Path) -> None:
    played = ordered()
    played.on("2026-05-13")
    more: dict[str, Any] = {"order_id": "o-31", "line_ids": ["f1"], "reason": "REGRET"}
    ask(played, "CompensateOrder", compensating_order_id="o-37", bill_now=False, **more)
    ask(played, "CancelOrder", order_id="o-37", reason="REGRET")
    query = "SELECT step FROM log_order_line_step WHERE line_id = 'f1' AND step LIKE 'COMPENSAT%' ORDER BY sequence"
    warehouse = played.into(tmp_path / "w.duckdb")
    assert warehouse.rows(query) == [("COMPENSATED",), ("COMPENSATION_DROPPED",)]
    assert warehouse.rows("SELECT compensated_by_order_id FROM fact_order_line WHERE line_id = 'f1'") == [(None,)]
    warehouse.close()
