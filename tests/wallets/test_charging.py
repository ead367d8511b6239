"""What activating services costs (WAL-2 to WAL-8, WAL-10, WAL-20)."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from processors.view.rows.subscriptions import CHARGES_MAX
from processors.wallets.charging import charge, refund
from processors.wallets.units import period_started
from schemas.actions import ServiceState
from schemas.bill_cycles import BillingPeriodStarted, PeriodKind
from schemas.refusals import Violation
from schemas.subscriptions import SubscriptionService
from schemas.wallets import WalletCredited, WalletDebited
from tests.wallets.prepaid import ACCOUNT, BEGIN, PERIOD, Prepaid, catalog, product

SOLD = catalog(
    product("P", "25.00"),
    product("Q", "20.00"),
    product("R", "0.00"),
    product("PRICELESS", None),
    product("LATER", "1.00", valid_from=BEGIN + timedelta(days=1)),
    product("GONE", "1.00", valid_to=BEGIN),
)


def carried(violation: Violation) -> dict[str, Any]:
    return {name: json.loads(text) if text and text[0] == "[" else text for name, text in violation.carries.items()}


def added(prepaid: Prepaid, *products: str) -> list[SubscriptionService]:
    return [prepaid.add(f"s-{place}", sold) for place, sold in enumerate(products, 1)]


def test_a_shortfall_is_told_per_service() -> None:
    prepaid = Prepaid(SOLD, "40.00")
    services = added(prepaid, "P", "Q", "R")
    violations, events = charge(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
    assert events == []
    assert [carried(found) for found in violations] == [
        {
            "wallet_id": "w-1",
            "currency": "EUR",
            "needed": "45.00",
            "available": "40.00",
            "shortfall": "5.00",
            "per_service": [
                {"service_id": "s-1", "product": "P", "price": "25.00", "covered": "25.00", "shortfall": "0.00"},
                {"service_id": "s-2", "product": "Q", "price": "20.00", "covered": "15.00", "shortfall": "5.00"},
                {"service_id": "s-3", "product": "R", "price": "0.00", "covered": "0.00", "shortfall": "0.00"},
            ],
        }
    ]


def test_balance_equal_to_the_sum_is_enough_and_free_services_have_an_entry() -> None:
    prepaid = Prepaid(SOLD, "45.00")
    services = added(prepaid, "P", "Q", "R")
    # money is allotted in the order of adding, in whatever order services are started
    violations, events = charge(
        prepaid.view, prepaid.subscription(), services[::-1], prepaid.action(), prepaid.context()
    )
    assert violations == []
    entries = [event for event in events if isinstance(event, WalletDebited)]
    assert [(entry.entry_number, str(entry.amount), str(entry.balance_after)) for entry in entries] == [
        (2, "25.00", "20.00"),
        (3, "20.00", "0.00"),
        (4, "0.00", "0.00"),
    ]
    prepaid.given(*events)
    assert (prepaid.wallet().balance, prepaid.wallet().entry_number) == (Decimal(0), 4)


def test_what_cannot_be_sold_is_named_service_by_service_and_funds_are_not_judged() -> None:
    prepaid = Prepaid(SOLD, "0.00")
    services = added(prepaid, "PRICELESS", "P", "LATER", "GONE")
    violations, _ = charge(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
    assert [
        (found.code, found.carries["service_id"], found.carries["why"], found.carries["currency"])
        for found in violations
    ] == [
        ("SERVICE_NOT_ACTIVATABLE", "s-1", "PRICE_MISSING", "EUR"),
        ("SERVICE_NOT_ACTIVATABLE", "s-3", "NOT_IN_SALE", None),
        ("SERVICE_NOT_ACTIVATABLE", "s-4", "NOT_IN_SALE", None),
    ]
    tomorrow = prepaid.action(at=BEGIN + timedelta(days=1))
    violations, _ = charge(prepaid.view, prepaid.subscription(), [services[2]], tomorrow, prepaid.context())
    assert [found.code for found in violations] == ["INSUFFICIENT_FUNDS"]  # sold from its first moment on


def test_no_money_is_judged_or_moved_in_a_projection() -> None:
    prepaid = Prepaid(SOLD, "0.00")
    services = added(prepaid, "PRICELESS", "P", "LATER")
    violations, events = charge(
        prepaid.view, prepaid.subscription(), services, prepaid.action(funds=False), prepaid.context()
    )
    assert [found.carries["why"] for found in violations] == ["NOT_IN_SALE"]
    assert events == []
    violations, events = charge(
        prepaid.view, prepaid.subscription(), services[1:2], prepaid.action(funds=False), prepaid.context()
    )
    assert (violations, events) == ([], [])


def test_a_postpaid_subscription_has_no_wallet() -> None:
    prepaid = Prepaid(SOLD, balance=None)
    services = added(prepaid, "PRICELESS", "P", "LATER")
    violations, events = charge(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
    assert [found.carries["service_id"] for found in violations] == ["s-3"]
    violations, events = charge(prepaid.view, prepaid.subscription(), services[:2], prepaid.action(), prepaid.context())
    assert (violations, events) == ([], [])
    assert refund(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context()) == []


def test_a_currency_without_decimals() -> None:
    prices = catalog(
        msgspec.structs.replace(
            product("P", "500"), prices=(msgspec.structs.replace(product("P", "500").prices[0], currency="JPY"),)
        )
    )
    prepaid = Prepaid(prices, "499", currency="JPY")
    violations, _ = charge(
        prepaid.view, prepaid.subscription(), added(prepaid, "P"), prepaid.action(), prepaid.context()
    )
    assert carried(violations[0])["per_service"] == [
        {"service_id": "s-1", "product": "P", "price": "500", "covered": "499", "shortfall": "1"}
    ]
    assert violations[0].carries["needed"] == "500"


def test_a_removed_component_gets_back_what_it_paid_in_the_running_period() -> None:
    prepaid = Prepaid(catalog(*SOLD.products, refunds=True), "60.00")
    first, second, free = added(prepaid, "P", "Q", "R")
    _, debits = charge(prepaid.view, prepaid.subscription(), (first, free), prepaid.action(), prepaid.context())
    prepaid.given(*debits)
    prepaid.given(
        BillingPeriodStarted(
            account_id=ACCOUNT,
            number=2,
            start=date(2026, 6, 1),
            end=date(2026, 7, 1),
            kind=PeriodKind.REGULAR,
            bill_cycle="MONTHLY_1",
            days=30,
            of_days=30,
            previous_end=date(2026, 6, 1),
        )
    )
    prepaid.at = datetime(2026, 5, 31, 22, 0, tzinfo=UTC)  # the period's first moment, in Berlin
    _, debits = charge(prepaid.view, prepaid.subscription(), (second,), prepaid.action(), prepaid.context())
    prepaid.given(*debits)
    credits_ = refund(prepaid.view, prepaid.subscription(), (second, first, free), prepaid.action(), prepaid.context())
    assert [
        (entry.service_id, str(entry.amount), entry.kind, entry.refunds_entry_number, entry.entry_number)
        for entry in credits_
        if isinstance(entry, WalletCredited)
    ] == [("s-2", "20.00", "REMOVAL_REFUND", 4, 5)]


def test_nothing_is_refunded_unless_the_deployment_says_so() -> None:
    prepaid = Prepaid(SOLD, "60.00")
    services = added(prepaid, "P")
    _, debits = charge(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
    prepaid.given(*debits)
    assert refund(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context()) == []


def test_a_service_that_is_started_later_keeps_its_place() -> None:
    prepaid = Prepaid(SOLD, "30.00")
    draft = prepaid.add("s-1", "Q", ServiceState.DRAFT)
    effective = prepaid.add("s-2", "P", ServiceState.DRAFT)
    violations, _ = charge(
        prepaid.view, prepaid.subscription(), (effective, draft), prepaid.action(), prepaid.context()
    )
    assert [line["covered"] for line in carried(violations[0])["per_service"]] == ["20.00", "10.00"]


def test_two_that_go_together_are_paid_back_one_after_the_other() -> None:
    prepaid = Prepaid(catalog(*SOLD.products, refunds=True), "45.00")
    services = added(prepaid, "P", "R", "Q")
    _, debits = charge(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
    prepaid.given(*debits)
    events = refund(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
    prepaid.given(*events)
    assert (str(prepaid.wallet().balance), prepaid.wallet().entry_number) == ("45.00", 6)  # what was free has no entry


def test_all_that_was_charged_within_the_period_is_paid_back_as_one() -> None:
    prepaid = Prepaid(catalog(product("P", "25.00", "9.00"), refunds=True), "100.00")
    services = added(prepaid, "P")
    for _ in range(2):  # stopped and started again, it pays again
        _, debits = charge(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
        prepaid.given(*debits)
    prepaid.given(*period_started(prepaid.view, ACCOUNT, PERIOD, prepaid.context()))  # still the one that was given
    (credit,) = refund(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
    assert isinstance(credit, WalletCredited)
    assert (str(credit.amount), credit.refunds_entry_number) == ("59.00", 4)
    prepaid.given(credit)
    assert refund(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context()) == []


def test_what_is_remembered_of_charges_does_not_grow() -> None:
    prepaid = Prepaid(catalog(product("P", "0.01"), refunds=True), "10.00")
    services = added(prepaid, "P")
    for _ in range(CHARGES_MAX + 1):
        _, debits = charge(prepaid.view, prepaid.subscription(), services, prepaid.action(), prepaid.context())
        prepaid.given(*debits)
    assert len(prepaid.view.charges("s-1")) == CHARGES_MAX
