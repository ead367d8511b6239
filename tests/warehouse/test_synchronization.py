"""Customer data that orders make: what the warehouse says of a history whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from state.warehouse.catalog import VIEWS
from tests.warehouse.customer_data import (
    SYNCHRONIZED,
    accounts,
    ask,
    line,
    move,
    profile,
    synchronize,
    synchronized,
)
from tests.warehouse.played import Played

Answer = Callable[[str], list[tuple[Any, ...]]]

RULE_BOOK = {
    "fact_order_line_sync": (
        "order_id, line_id, revision, matrix_row, original_action, compensation_action, changed_attributes, "
        "prior_values, new_values, kept, ignored, skip_reason, occurred_at"
    ),
    "fact_order_object": "kind, object_id, line_id, happened, reason",
    "fact_payment": "state, amount, currency, disposition, hours_from_order",
    "fact_billing_assignment_change": "service_id, attribute, old_value, new_value, set_by_order_id, set_by_line_id",
    "dim_billing_assignment": "service_id, valid_from, valid_to, is_current",
    "dim_billing_profile": "billing_profile_id, valid_from, valid_to, is_current",
    "dim_payment_method": "payment_method_id, valid_from, valid_to, is_current",
    "dim_account_hierarchy": "child_account_id, parent_account_id, valid_from, valid_to, is_current",
    "dim_collections_group": "collections_group_id, member_account_id, valid_from, valid_to, is_current",
    "dim_corporate_node": "corporate_account_id, node_account_id, valid_from, valid_to, is_current",
}


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    warehouse = synchronized().into(tmp_path_factory.mktemp("synchronized") / "w.duckdb")
    yield warehouse.rows
    warehouse.close()


def on(month: int, day: int, hour: int = 8) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize("name", RULE_BOOK)
def test_what_the_rule_book_names_is_there(answer: Answer, name: str) -> None:
    assert answer(f"SELECT {RULE_BOOK[name]} FROM {name}")


def test_rows_of_the_matrix_by_line(answer: Answer) -> None:
    query = """SELECT line_id, matrix_row, original_action, compensation_action, changed_attributes, prior_values,
                      sync_state FROM fact_order_line_sync
               WHERE line_id IN ('l-phone', 'l-moved') ORDER BY sequence"""
    everything = '["service_account","billing_account","billing_profile","owner_account"]'
    payer = '["billing_account","billing_profile"]'
    assert answer(query) == [
        ("l-phone", "REV-1", "ADD", "ADD", everything, "{}", "APPLIED"),
        (
            "l-moved",
            "REV-5",
            "UPDATE",
            "UPDATE",
            payer,
            '{"billing_account":"n-hq","billing_profile":"bp-hq"}',
            "APPLIED",
        ),
        (
            "l-moved",
            "REV-8",
            "UPDATE",
            "UPDATE",
            payer,
            '{"billing_account":"n-lab","billing_profile":"bp-lab"}',
            "CANCELLED",
        ),
    ]


def test_what_asks_nothing_says_why(answer: Answer) -> None:
    query = "SELECT line_id, matrix_row, skip_reason FROM fact_order_line_sync WHERE skip_reason IS NOT NULL"
    assert answer(query) == [("l-still", None, "ACTION_NOT_SYNCED")]


def test_the_other_name_gives_the_same(answer: Answer) -> None:
    columns = ", ".join(column.name for column in VIEWS["fact_account_synchronization"].columns)
    query = f"SELECT {columns} FROM {{}} ORDER BY sequence, position"
    assert answer(query.format("fact_account_synchronization")) == answer(query.format("fact_order_line_sync"))


def test_rows_of_the_matrix_by_day(answer: Answer) -> None:
    query = """SELECT day, matrix_row, compensation_action, lines, orders FROM synchronization_rows_by_day
               WHERE day < DATE '2026-06-05' AND skip_reason IS NULL ORDER BY day"""
    assert answer(query) == [
        (date(2026, 5, 4), "REV-1", "ADD", 3, 2),
        (date(2026, 5, 20), "REV-5", "UPDATE", 1, 1),
        (date(2026, 6, 2), "REV-5", "UPDATE", 1, 1),
        (date(2026, 6, 4), "REV-8", "UPDATE", 1, 1),
    ]


def test_every_row_of_the_matrix_that_was_met(answer: Answer) -> None:
    query = "SELECT matrix_row, original_action, lines, orders FROM synchronization_by_row ORDER BY matrix_row"
    assert answer(query) == [
        ("REV-1", "ADD", 7, 6),
        ("REV-4", "ADD", 1, 1),
        ("REV-5", "UPDATE", 2, 2),
        ("REV-8", "UPDATE", 1, 1),
    ]


def test_refusals_by_code(answer: Answer) -> None:
    """Two lines name three accounts and a profile that nobody told anything about."""
    may, june = date(2026, 5, 4), date(2026, 6, 10)
    assert answer("SELECT * FROM synchronization_refusals_by_code ORDER BY day, code") == [
        (may, "SynchronizeOrderBillingAccounts", "ACCOUNT_DATA_MISSING", "CRE-16", 1, 6),
        (may, "SynchronizeOrderBillingAccounts", "BILLING_PROFILE_DATA_MISSING", "CRE-9", 1, 2),
        (june, "RecordOrderPayment", "ORDER_NOT_SYNCHRONIZED", "PAY-1", 1, 1),
    ]


def test_what_came_stayed_and_went(answer: Answer) -> None:
    query = """SELECT kind, object_id, order_id, line_id, happened, reason, needed_by_line_id IS NOT NULL
               FROM fact_order_object WHERE object_id IN ('n-lab', 'pm-bp-lab', 'n-hq') ORDER BY sequence, position"""
    lab, method = ("ACCOUNT", "n-lab"), ("PAYMENT_METHOD", "pm-bp-lab")
    assert answer(query) == [
        ("ACCOUNT", "n-hq", "o-10", "l-phone", "CREATED", None, False),
        (*lab, "o-30", "l-moved", "CREATED", None, False),
        (*method, "o-30", "l-moved", "CREATED", None, False),
        (*method, "o-30", "l-moved", "CLOSED", None, False),
        (*lab, "o-30", "l-moved", "CLOSED", "ORDER_LINE_CANCELLED", False),
        (*lab, "o-31", "l-lab", "REOPENED", "DEFAULT_ACTIVE", False),
        (*method, "o-31", "l-lab", "REOPENED", None, False),
        ("ACCOUNT", "n-hq", "o-50", "l-50", "KEPT", "USED_BY_LINE", True),
    ]


def test_orphans_by_day(answer: Answer) -> None:
    query = """SELECT kind, created, orphans_closed, otherwise_closed, reopened, kept FROM order_objects_by_day
               WHERE day = DATE '2026-06-04' ORDER BY kind"""
    assert answer(query) == [
        ("ACCOUNT", 0, 1, 0, 0, 2),
        ("BILLING_PROFILE", 0, 1, 1, 0, 0),
        ("PAYMENT_METHOD", 0, 1, 0, 0, 0),
    ]


def test_an_account_that_is_opened_again_has_a_state_again(answer: Answer) -> None:
    query = "SELECT from_state, to_state, cause FROM fact_account_state WHERE account_id = 'n-lab' ORDER BY sequence"
    assert answer(query) == [
        (None, "ACTIVE", None),
        ("ACTIVE", "DEACTIVATED", "ORDER"),
        ("DEACTIVATED", "ACTIVE", "ORDER"),
    ]


def test_a_value_that_a_later_line_holds_is_kept(tmp_path: Path) -> None:
    """l-first is cancelled while l-later holds the payer: nothing moves, and the row says who holds it."""
    played = Played(SYNCHRONIZED)
    played.on("2026-05-04")
    begin = line("l-begin", "sv-1", "n-shop", "n-a", "bp-n-a")
    everybody = accounts("n-shop", "n-a")
    synchronize(played, "o-1", begin, accounts=everybody, billing_profiles=[profile("bp-n-a", "n-a")])
    for number, (order, name, payer) in enumerate((("o-2", "l-first", "n-b"), ("o-3", "l-later", "n-c"))):
        played.on(f"2026-05-{number + 5:02}")
        moved = move(name, "sv-1", "n-shop", payer, f"bp-{payer}")
        data = [profile(f"bp-{payer}", payer)]
        synchronize(played, order, moved, accounts=accounts(payer), billing_profiles=data)
    played.on("2026-05-07")
    ask(played, "CancelOrder", order_id="o-2", reason="REGRET", on_superseded="KEEP_CURRENT")
    warehouse = played.into(tmp_path / "w.duckdb")
    query = "SELECT matrix_row, kept_count, kept, sync_state FROM fact_order_line_sync WHERE order_id = 'o-2'"
    [_, (matrix_row, kept_count, kept, state)] = warehouse.rows(query + " ORDER BY sequence")
    assert (matrix_row, kept_count, state) == ("REV-8", 2, "CANCELLED")
    assert json.loads(kept)[0] == {"attribute": "billing_account", "by": {"order_id": "o-3", "line_id": "l-later"}}
    assert warehouse.rows("SELECT sum(with_kept) FROM synchronization_rows_by_day") == [(1,)]
    assert warehouse.rows("SELECT paying_profile_id FROM service_payers WHERE valid_to IS NULL") == [("bp-n-c",)]
    warehouse.close()
