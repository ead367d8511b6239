"""Who pays, who is below whom, and deposits: what the warehouse says of a history whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from processors.analytics.customer_data_rows import CollectionsMemberVersion
from schemas.accounts import Address, Contact
from schemas.billing_profiles import BillingAssignment, BillingProfile, PaymentMethod
from schemas.order_lines import OrderLine
from schemas.orders import Order
from schemas.payments import Payment
from schemas.shapes import fields_of
from state.warehouse import Batch, Warehouse
from state.warehouse.catalog import FACTS
from tests.warehouse.customer_data import SEALED, ask, line, synchronize, synchronized
from tests.warehouse.played import SOURCES, Played

Answer = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    warehouse = synchronized().into(tmp_path_factory.mktemp("paid") / "w.duckdb")
    yield warehouse.rows
    warehouse.close()


def on(month: int, day: int, hour: int = 8) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


# -- who pays


def test_changes_of_an_assignment_and_who_set_them(answer: Answer) -> None:
    query = """SELECT step, attribute, old_value, new_value, old_set_by_line_id, set_by_line_id, cause
               FROM fact_billing_assignment_change
               WHERE service_id = 'sv-data' AND attribute = 'billing_account' ORDER BY sequence"""
    assert answer(query) == [
        ("STARTED", "billing_account", None, "n-hq", None, "l-data", None),
        ("CHANGED", "billing_account", "n-hq", "n-lab", "l-data", "l-moved", "LINK"),
        ("CHANGED", "billing_account", "n-lab", "n-hq", "l-moved", "l-data", "FLIP"),
    ]
    ended = "SELECT count(*), max(new_value) FROM fact_billing_assignment_change WHERE step = 'ENDED'"
    assert answer(ended) == [(4, None)]


def test_versions_of_an_assignment(answer: Answer) -> None:
    query = """SELECT billing_account_id, billing_profile_id, owner_account_id, valid_from, valid_to, is_current
               FROM dim_billing_assignment WHERE service_id = 'sv-data' ORDER BY sequence"""
    assert answer(query) == [
        ("n-hq", "bp-hq", "n-group", on(5, 4), on(6, 2), False),
        ("n-lab", "bp-lab", "n-group", on(6, 2), on(6, 4), False),
        ("n-hq", "bp-hq", "n-group", on(6, 4), None, True),
    ]


def test_who_pays_on_a_day(answer: Answer) -> None:
    """n-hq is to pay for sv-solo since 20 May; until its next period n-solo still does."""

    def paying(day: str) -> list[tuple[Any, ...]]:
        return answer(
            "SELECT service_id, paying_profile_id, paying_account_id, waits_for_switch FROM service_payers_by_day "
            f"WHERE day = DATE '{day}' AND service_id IN ('sv-data', 'sv-solo') ORDER BY service_id"
        )

    data = ("sv-data", "bp-hq", "n-hq", False)
    assert paying("2026-05-19") == [data, ("sv-solo", "bp-solo", "n-solo", False)]
    assert paying("2026-05-30") == [data, ("sv-solo", "bp-solo", "n-solo", True)]
    assert paying("2026-06-02") == [("sv-data", "bp-lab", "n-lab", False), ("sv-solo", "bp-hq", "n-hq", False)]
    assert paying("2026-06-04") == [data, ("sv-solo", "bp-hq", "n-hq", False)]


def test_an_assignment_that_ended_has_no_payer(answer: Answer) -> None:
    query = "SELECT valid_from, valid_to FROM service_payers WHERE service_id = 'sv-50'"
    assert answer(query) == [(on(6, 10), on(6, 12))]


def _sold(played: Played) -> None:
    """o-60 brings sv-tv and sv-ip, billed on 15 June."""
    played.on("2026-06-15")
    sold = [line(f"l-{one}", f"sv-{one}", "n-hq", "n-hq", "bp-hq") for one in ("tv", "ip")]
    sold[1] |= {"service_catalog": "DATA", "product_id": "STATIC_IP"}
    synchronize(played, "o-60", *sold)
    ask(played, "UpdateBillingSystem", order_id="o-60")


def test_who_pays_ends_with_a_service_that_is_undone_though_its_assignment_stays(tmp_path: Path) -> None:
    played = synchronized()
    _sold(played)
    played.on("2026-06-17")
    undo: dict[str, Any] = {"compensating_order_id": "o-61", "reason": "REGRET"}
    ask(played, "CompensateOrder", order_id="o-60", line_ids=["l-ip"], **undo)
    played.on("2026-06-18").account("nordlys", "n-late")
    warehouse = played.into(tmp_path / "w.duckdb")
    both = "service_id IN ('sv-tv', 'sv-ip')"
    assigned = f"SELECT service_id, state FROM dim_billing_assignment WHERE {both} AND is_current ORDER BY 1"
    assert warehouse.rows(assigned) == [("sv-ip", "ACTIVE"), ("sv-tv", "ACTIVE")]
    query = f"SELECT service_id, valid_from, valid_to FROM service_payers WHERE {both} ORDER BY 1"
    assert warehouse.rows(query) == [("sv-ip", on(6, 15), on(6, 17)), ("sv-tv", on(6, 15), None)]
    days = f"SELECT service_id, max(day) FROM service_payers_by_day WHERE {both} GROUP BY 1 ORDER BY 1"
    assert warehouse.rows(days) == [("sv-ip", date(2026, 6, 16)), ("sv-tv", date(2026, 6, 18))]
    warehouse.close()


def test_who_pays_ends_with_a_service_that_is_cancelled(tmp_path: Path) -> None:
    played = synchronized()
    _sold(played)
    played.on("2026-06-20")
    [(subscription,)] = played.found(
        tmp_path / "before", "SELECT subscription_id FROM log_service WHERE service_id = 'sv-tv'"
    )
    leaves: dict[str, Any] = {"action": "CANCEL", "service_ids": ["sv-tv"]}
    ask(played, "ChangeServiceState", subscription_id=subscription, **leaves)
    query = "SELECT valid_from, valid_to FROM service_payers WHERE service_id = 'sv-tv'"
    assert played.found(tmp_path / "after", query) == [(on(6, 15), on(6, 20))]


def test_profiles_over_several_billing_systems(answer: Answer) -> None:
    query = "SELECT account_id, paying, billing_systems FROM profiles_over_billing_systems ORDER BY account_id"
    both = '["BRM-1","BRM-2"]'
    assert answer(query) == [("n-hq", True, both), ("n-site", False, both), ("n-solo", False, both)]


def test_payers_by_number_of_children(answer: Answer) -> None:
    query = "SELECT account_id, children, profiles, services FROM payers_by_children ORDER BY account_id"
    assert answer(query) == [("n-corp", 1, 1, 1), ("n-hq", 2, 2, 4)]


def test_versions_of_a_payment_method(answer: Answer) -> None:
    query = """SELECT state, kind, brand, valid_from, is_current FROM dim_payment_method
               WHERE payment_method_id = 'pm-bp-lab' ORDER BY sequence"""
    card = ("CARD", "VISA")
    assert answer(query) == [
        ("ACTIVE", *card, on(6, 2), False),
        ("CLOSED", *card, on(6, 4), False),
        ("ACTIVE", *card, on(6, 5), True),
    ]


def test_personal_data_stays_sealed(answer: Answer) -> None:
    query = "SELECT DISTINCT contact_last_name, address_city FROM dim_billing_profile WHERE paying"
    assert answer(query) == [(SEALED, SEALED)]


def test_what_the_words_mark_as_personal_is_marked_in_the_warehouse() -> None:
    marked = {column.name for column in FACTS["log_billing_profile"].columns if column.pii}
    profile = {f"contact_{field.name}" for field in fields_of(Contact) if field.pii}
    profile |= {f"address_{field.name}" for field in fields_of(Address) if field.pii}
    assert marked == profile
    for word in (BillingProfile, PaymentMethod, BillingAssignment, Order, OrderLine, Payment):
        assert not any(field.pii for field in fields_of(word)), "a personal field that no table marks"


def test_what_stands_for_a_card_stays_in_the_topic() -> None:
    assert "token" not in {column.name for column in FACTS["log_payment_method"].columns}


# -- hierarchies


def test_parents(answer: Answer) -> None:
    query = """SELECT child_account_id, parent_account_id, cause, made_by_line_id, valid_from
               FROM dim_account_hierarchy WHERE is_current ORDER BY child_account_id"""
    assert answer(query) == [
        ("n-north", "n-corp", "CORPORATE", "l-oslo", on(6, 8)),
        ("n-oslo", "n-north", "CORPORATE", "l-oslo", on(6, 8)),
        ("n-site", "n-hq", "LINK", "l-phone", on(5, 4)),
        ("n-solo", "n-hq", "LINK", "l-taken", on(5, 20)),
    ]


def test_members_of_a_collections_group(answer: Answer) -> None:
    query = """SELECT member_account_id, owner_account_id, is_member, valid_from, valid_to
               FROM dim_collections_group ORDER BY sequence"""
    assert answer(query) == [
        ("n-hq", "n-group", True, on(5, 4), None),
        ("n-lab", "n-group", True, on(6, 2), on(6, 4)),
        ("n-lab", "n-group", False, on(6, 4), None),
    ]


def test_a_corporate_tree(answer: Answer) -> None:
    query = """SELECT corporate_account_id, node_account_id, parent_account_id, is_node
               FROM dim_corporate_node ORDER BY node_account_id"""
    assert answer(query) == [
        ("n-corp", "n-corp", None, True),
        ("n-corp", "n-north", "n-corp", True),
        ("n-corp", "n-oslo", "n-north", True),
    ]


def test_the_hierarchy_on_a_day(answer: Answer) -> None:
    def links(day: str) -> list[tuple[Any, ...]]:
        return answer(
            "SELECT kind, below_account_id, above_account_id FROM account_hierarchy_by_day "
            f"WHERE day = DATE '{day}' ORDER BY kind, below_account_id"
        )

    assert links("2026-05-03") == []
    assert links("2026-06-03") == [
        ("COLLECTIONS", "n-hq", "n-group"),
        ("COLLECTIONS", "n-lab", "n-group"),
        ("PARENT", "n-site", "n-hq"),
        ("PARENT", "n-solo", "n-hq"),
    ]
    assert links("2026-06-12")[:3] == [
        ("COLLECTIONS", "n-hq", "n-group"),
        ("CORPORATE", "n-north", "n-corp"),
        ("CORPORATE", "n-oslo", "n-north"),
    ]


def test_the_order_of_billing(answer: Answer) -> None:
    """Who is paid for comes first, then payers, then the owner of a payer; ties by account."""
    assert answer("SELECT place, account_id, accounts_before FROM billing_order ORDER BY place") == [
        (1, "n-lab", 0),
        (2, "n-oslo", 0),
        (3, "n-site", 0),
        (4, "n-solo", 0),
        (5, "n-corp", 1),
        (6, "n-hq", 2),
        (7, "n-group", 3),
    ]


# -- payments


def test_payments_as_they_stand(answer: Answer) -> None:
    query = """SELECT payment_id, order_id, state, amount, currency, disposition, hours_from_order, failures,
                      failure_reason, reversed_at FROM fact_payment ORDER BY payment_id"""
    given_back = ("REVERSED", Decimal("149.90"), "EUR", "REFUND", 30.0)
    assert answer(query) == [
        ("pay-7", "o-50", *given_back, 1, "PAYMENT_NOT_FOUND", on(6, 12)),
        ("pay-8", "o-51", "FAILED", None, None, None, None, 1, "DECLINED", None),
    ]


def test_orders_that_wait_for_a_payment(answer: Answer) -> None:
    query = "SELECT order_id, payment_billing_profile_id, waiting_since, failed_payments FROM orders_awaiting_payment"
    assert answer(query) == [("o-51", "bp-hq", on(6, 11, 14), 1)]


@pytest.mark.parametrize(
    "members",
    [
        [("n-hq", "n-site")],  # n-hq pays for n-site: it cannot come before
        [("n-lab", "n-oslo"), ("n-oslo", "n-lab")],  # each would have to come before the other
    ],
)
def test_members_before_owners_only_where_nothing_is_against_it(tmp_path: Path, members: list[tuple[str, str]]) -> None:
    played = synchronized()
    rows = played.rows()
    rows["log_collections_member"] += [
        CollectionsMemberVersion(0, 0, "nordlys", 25, f"g-{owner}", member, on(6, 12), owner, True, None, None)
        for member, owner in members
    ]
    warehouse = Warehouse.open(tmp_path / "w.duckdb", SOURCES)
    warehouse.write(Batch(rows=rows))
    query = "SELECT account_id FROM billing_order ORDER BY place"
    expected = ["n-lab", "n-oslo", "n-site", "n-solo", "n-corp", "n-hq", "n-group"]
    assert [account for (account,) in warehouse.rows(query)] == expected
    warehouse.close()


def test_members_come_before_owners(tmp_path: Path) -> None:
    played = synchronized()
    rows = played.rows()
    rows["log_collections_member"].append(
        CollectionsMemberVersion(0, 0, "nordlys", 25, "g-1", "n-solo", on(6, 12), "n-lab", True, None, None)
    )
    warehouse = Warehouse.open(tmp_path / "w.duckdb", SOURCES)
    warehouse.write(Batch(rows=rows))
    query = (
        "SELECT account_id, accounts_before FROM billing_order WHERE account_id IN ('n-lab', 'n-solo') ORDER BY place"
    )
    assert warehouse.rows(query) == [("n-solo", 0), ("n-lab", 1)]
    warehouse.close()


def test_who_goes_back_to_paying_itself_is_paid_for_until_its_next_period(tmp_path: Path) -> None:
    played = synchronized()
    played.on("2026-06-15")
    ask(played, "CancelOrder", order_id="o-21", reason="REGRET")
    query = """SELECT paying_profile_id, assigned_profile_id, waits_for_switch, valid_from
               FROM service_payers WHERE service_id = 'sv-solo' AND valid_to IS NULL"""
    assert played.found(tmp_path / "june", query) == [("bp-hq", "bp-solo", True, on(6, 15))]
    played.on("2026-07-02")
    ask(played, "UpdateAccountDetails", account={"account_id": "n-solo"}, segment="GOLD")
    assert played.found(tmp_path / "july", query) == [("bp-solo", "bp-solo", False, on(6, 30, 22))]
