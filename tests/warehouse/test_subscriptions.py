"""Subscriptions, services and amended bundles: what the warehouse says of two histories whose answers are known."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from processors.analytics import Origin, transaction_rows
from processors.analytics.subscription_rows import ServiceStep
from schemas.actions import ServiceState
from schemas.envelope import Change
from schemas.subscriptions import SubscriptionServiceAdded
from tests.warehouse.played import Played
from tests.warehouse.switchboard import switchboard, television


@pytest.fixture(scope="module")
def played() -> Played:
    return switchboard()


@pytest.fixture(scope="module")
def watched() -> Played:
    return television()


def on(month: int, day: int, hour: int = 8) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_one_row_per_component_moved(tmp_path: Path, played: Played) -> None:
    query = """SELECT bundle_service_id, bundle_product, service_id, product, direction, effective_at, charged_amount,
                      currency, action_id IS NOT NULL, performed_by
               FROM fact_bundle_amendment ORDER BY sequence, place"""
    moved, scheduled = on(3, 10), on(3, 19, 23)
    assert played.found(tmp_path, query) == [
        ("b-1", "PBX", "q-1", "QUEUE_S", "REMOVED", moved, Decimal("-3.00"), "EUR", False, "ada"),
        ("b-1", "PBX", "l-2", "LINE_B", "ADDED", moved, Decimal("7.50"), "EUR", False, "ada"),
        ("b-1", "PBX", "q-3", "QUEUE_S", "ADDED", scheduled, Decimal("3.00"), "EUR", True, "ada"),
    ]


def test_components_by_product_and_month(tmp_path: Path, played: Played) -> None:
    assert played.found(tmp_path, "FROM components_by_product_and_month ORDER BY product") == [
        (date(2026, 3, 1), "LINE_B", "PBX", 1, 0),
        (date(2026, 3, 1), "QUEUE_S", "PBX", 1, 1),
    ]


def test_a_refused_or_failed_amendment_is_counted_once_by_code(tmp_path: Path, played: Played) -> None:
    """Two components were not allowed in one command; a preview that was short of money does not count."""
    assert played.found(tmp_path, "FROM amendment_refusals_by_code ORDER BY code") == [
        (date(2026, 3, 1), "COMPONENT_NOT_ALLOWED", "CMP-1", 1, 0),
        (date(2026, 3, 1), "INSUFFICIENT_FUNDS", "WAL-2", 1, 1),
    ]


def test_states_of_the_subscription(tmp_path: Path, played: Played) -> None:
    query = """SELECT account_id, kind, wallet_id, state, valid_from, valid_to, is_current, cause
               FROM dim_subscription ORDER BY sequence"""
    begun, started, stopped, funded = on(3, 2), on(3, 3), on(3, 31, 22), on(4, 2)
    what = ("a-1", "PREPAID", "w-1")
    assert played.found(tmp_path, query) == [
        (*what, "DRAFT", begun, started, False, None),
        (*what, "EFFECTIVE", started, stopped, False, "SERVICES"),
        (*what, "NOT_EFFECTIVE", stopped, funded, False, "WALLET_SHORT"),
        (*what, "EFFECTIVE", funded, None, True, "WALLET_FUNDED"),
    ]


def test_states_of_a_component(tmp_path: Path, played: Played) -> None:
    query = """SELECT service_id, product, bundle_service_id, state, valid_from, valid_to, cause, action_id IS NOT NULL
               FROM dim_subscription_service WHERE product = 'QUEUE_S' ORDER BY service_id, valid_from"""
    gone, came, stopped, funded = on(3, 10), on(3, 19, 23), on(3, 31, 22), on(4, 2)
    first, third = ("q-1", "QUEUE_S", "b-1"), ("q-3", "QUEUE_S", "b-1")
    assert played.found(tmp_path, query) == [
        (*first, "DRAFT", on(3, 2), on(3, 3), "BUNDLE", False),
        (*first, "EFFECTIVE", on(3, 3), gone, "BUNDLE", False),
        (*first, "REMOVED", gone, None, "AMENDED", False),
        (*third, "EFFECTIVE", came, stopped, "AMENDED", True),
        (*third, "NOT_EFFECTIVE", stopped, funded, "BUNDLE", False),
        (*third, "EFFECTIVE", funded, None, "BUNDLE", False),
    ]


def test_an_order_stays_with_its_service(tmp_path: Path, played: Played) -> None:
    query = "SELECT DISTINCT service_id, order_id, line_id FROM dim_subscription_service WHERE order_id IS NOT NULL"
    assert played.found(tmp_path, query) == [("b-1", "o-1", None)]


@pytest.mark.parametrize("history", ["played", "watched"])
def test_intervals_follow_each_other_and_end_where_the_entities_stand(
    tmp_path: Path, history: str, request: pytest.FixtureRequest
) -> None:
    known: Played = request.getfixturevalue(history)
    warehouse = known.into(tmp_path / "w.duckdb")
    query = """SELECT service_id, valid_from, valid_to, is_current, state FROM dim_subscription_service
               ORDER BY service_id, sequence, valid_from"""
    rows = warehouse.rows(query)
    for earlier, later in pairwise(rows):
        assert earlier[2] == (later[1] if earlier[0] == later[0] else None)
        assert earlier[3] is (earlier[0] != later[0])
    stands = warehouse.rows(
        """SELECT change -> 'entity' ->> 'service_id', last(change -> 'entity' ->> 'state' ORDER BY sequence)
           FROM (SELECT sequence, unnest(from_json(changes, '["json"]')) AS change FROM raw_transaction)
           WHERE change ->> 'entity_type' = 'SubscriptionService' GROUP BY 1"""
    )
    assert sorted((row[0], row[4]) for row in rows if row[3]) == sorted(stands)
    warehouse.close()


def test_what_is_told_late(tmp_path: Path, watched: Played) -> None:
    query = """SELECT old_state, new_state, cause, effective_at, occurred_at, backdated_seconds
               FROM fact_service_state_change WHERE service_id = 'tv' ORDER BY sequence"""
    begun, told = on(3, 2), on(3, 4)
    assert watched.found(tmp_path, query) == [
        (None, "EFFECTIVE", "COMMAND", begun, begun, 0),
        ("EFFECTIVE", "NOT_EFFECTIVE", "COMMAND", on(3, 3), told, 86400),
        ("NOT_EFFECTIVE", "EFFECTIVE", "COMMAND", told, told, 0),
    ]


def test_a_swap_with_its_tiers(tmp_path: Path, watched: Played) -> None:
    query = """SELECT from_service_id, to_service_id, from_product, to_product, swap_class, from_tier, to_tier
               FROM fact_service_swap"""
    assert watched.found(tmp_path, query) == [("net", "net-2", "FIBER_500", "FIBER_1000", "UPGRADE", 2, 4)]


def test_what_is_planned_now(tmp_path: Path, watched: Played) -> None:
    """The start that would fail plans nothing; what came by a swap has the plans of what went."""
    query = """SELECT service_id, product, planned_from, state, action_id IS NOT NULL
               FROM subscription_service_plan ORDER BY service_id NULLS FIRST, planned_from"""
    off = (on(3, 27, 23), "SHORT_TERM_NOT_EFFECTIVE", True)
    back = (on(4, 19, 22), "EFFECTIVE", True)
    assert watched.found(tmp_path, query) == [
        (None, None, *off),
        (None, None, *back),
        ("net-2", "FIBER_1000", *off),
        ("net-2", "FIBER_1000", *back),
        ("tv", "TV_MINI", *off),
        ("tv", "TV_MINI", *back),
        ("tv", "TV_MINI", on(4, 24, 22), "NOT_EFFECTIVE", True),
    ]


def test_facts_that_an_added_service_brings_along(watched: Played) -> None:
    """Each is a row of its own with its number; plans are none."""
    transaction = watched.transactions[1]
    place, change = next(
        (place, change)
        for place, change in enumerate(transaction.changes)
        if isinstance(change.event, SubscriptionServiceAdded)
    )
    assert isinstance(change.event, SubscriptionServiceAdded)
    first = change.event.history[0]
    later = msgspec.structs.replace(first, from_=on(3, 5), state=ServiceState.NOT_EFFECTIVE)
    plan = msgspec.structs.replace(first, from_=on(3, 9), planned=True)
    event = msgspec.structs.replace(change.event, history=(first, later, plan))
    changes = (*transaction.changes[:place], Change(event=event), *transaction.changes[place + 1 :])
    rows = transaction_rows(msgspec.structs.replace(transaction, changes=changes), Origin(0, 0, on(3, 2)))
    states = [row for row in rows if isinstance(row, ServiceStep) and row.service_id == event.service_id]
    assert [(row.position, row.point, row.old_state, row.new_state, row.effective_at) for row in states] == [
        (place, 0, None, "EFFECTIVE", on(3, 2)),
        (place, 1, "EFFECTIVE", "NOT_EFFECTIVE", on(3, 5)),
    ]
