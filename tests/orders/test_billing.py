"""What no story of an update tells: several subscriptions at once, what waits for them, and five hundred lines."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import msgspec

from schemas.envelope import CommandOutcome, Mode
from schemas.fields import Event
from schemas.order_events import OrderLineLocked
from schemas.order_lines import LineState
from schemas.refusals import Violation
from schemas.subscriptions import SubscriptionCreated, SubscriptionServiceAdded, SubscriptionServiceStateChanged
from tests.accounts.book import events, refusals
from tests.orders.billed import Shop


def add(product: str, service_id: str, **more: Any) -> dict[str, Any]:
    """A line that adds a service."""
    return {"service_action": "ADD", "product_id": product, "service_id": service_id, **more}


def on(service_id: str, action: str, product: str = "NET", **more: Any) -> dict[str, Any]:
    """A line about a service that is there."""
    return {"service_action": action, "product_id": product, "service_id": service_id, **more}


def with_both_kinds() -> Shop:
    """A POSTPAID subscription s-1 with `net` and `guard`, a PREPAID one s-2 with `tv`."""
    shop = Shop()
    shop.subscribes("s-1", "POSTPAID", [{"product": "NET", "service_id": "net"}])
    shop.done(
        "ChangeServiceState",
        subscription_id="s-1",
        action="ADD",
        initial_state="EFFECTIVE",
        services=[{"product": "GUARD", "service_id": "guard"}],
    )
    shop.subscribes("s-2", "PREPAID", [{"product": "LINE_A", "service_id": "tv"}])
    return shop


def said(violations: tuple[Violation, ...]) -> list[tuple[str, str | None]]:
    """Codes, and the lines that are their cause."""
    return [(found.code, found.carries.get("line_id") or found.carries.get("line_ids")) for found in violations]


def subscriptions_of(happened: list[Event]) -> list[str]:
    """Subscriptions in the order in which events speak of them."""
    named = (getattr(one, "subscription_id", None) for one in happened)
    return list(dict.fromkeys(name for name in named if name is not None))


def test_one_subscription_comes_after_another_in_the_order_of_their_first_line() -> None:
    """The order of an update's events; inside a subscription lines act in the order of BSU-22."""
    shop = with_both_kinds()
    order_id = shop.order(
        add("LINE_B", "new-2", subscription_id="s-2"),
        add("LINE_B", "new-1", subscription_id="s-1"),
        on("tv", "DISCONNECT"),
        on("guard", "DISCONNECT"),
    )

    happened = events(shop.done("UpdateBillingSystem", order_id=order_id))

    assert subscriptions_of(happened) == ["s-2", "s-1"]
    moved = [
        one.service_id
        for one in happened
        if isinstance(one, SubscriptionServiceAdded | SubscriptionServiceStateChanged)
    ]
    assert moved == ["tv", "new-2", "guard", "new-1"]
    locked = [one.line_id for one in happened if isinstance(one, OrderLineLocked)]
    assert locked == [f"{order_id}-{place}" for place in range(4)]


def test_violations_stand_row_by_row_over_all_subscriptions() -> None:
    """BSU-22: states, then dependencies, then money, whichever subscription they are of."""
    shop = with_both_kinds()
    shop.done("AdjustWallet", wallet_id="w-s-2", amount="-49.00", currency="EUR", reason="GOODWILL")
    order_id = shop.order(
        add("LINE_B", "a", subscription_id="s-2"),
        on("net", "DISCONNECT"),
        on("tv", "RESTORE"),
        on("guard", "RESTORE"),
    )

    refused = refusals(shop.ask("UpdateBillingSystem", order_id=order_id))

    assert said(refused) == [
        ("SERVICE_STATE_INVALID", f"{order_id}-2"),
        ("SERVICE_STATE_INVALID", f"{order_id}-3"),
        ("DEPENDENCY_VIOLATED", f"{order_id}-1"),
        ("INSUFFICIENT_FUNDS", f"{order_id}-0"),
    ]


def test_two_lines_that_together_take_what_a_service_needs_are_both_its_cause() -> None:
    """BSU-22: `line_ids` where more than one line is the cause."""
    shop = with_both_kinds()
    shop.done(
        "ChangeServiceState",
        subscription_id="s-1",
        action="ADD",
        initial_state="EFFECTIVE",
        services=[{"product": "LINE_B", "service_id": "line"}],
    )
    order_id = shop.order(on("net", "DISCONNECT"), on("tv", "SUSPEND"), on("line", "SUSPEND"))

    refused = refusals(shop.ask("UpdateBillingSystem", order_id=order_id))

    assert said(refused) == [("DEPENDENCY_VIOLATED", f'["{order_id}-0","{order_id}-2"]')]


def test_what_waits_must_still_pass_after_all_lines() -> None:
    """SCH-7 is judged on the result too: one line crosses an action that waits, another makes room for it."""
    shop = with_both_kinds()
    shop.done(
        "ChangeServiceState",
        subscription_id="s-1",
        action="ADD",
        initial_state="EFFECTIVE",
        services=[{"product": "LINE_A", "service_id": "stays"}],
    )
    shop.done(
        "ChangeServiceState",
        subscription_id="s-1",
        action="ADD",
        initial_state="EFFECTIVE",
        services=[{"product": "GUARD", "service_id": "second"}],
        schedule={"when": "AFTER_DAYS", "days": 9},
    )
    order_id = shop.order(on("guard", "DISCONNECT"), on("net", "DISCONNECT"))

    refused = refusals(shop.ask("UpdateBillingSystem", order_id=order_id))
    assert said(refused) == [("CONFLICTS_WITH_SCHEDULED", f'["{order_id}-0","{order_id}-1"]')]

    other = shop.order(on("guard", "DISCONNECT"), on("net", "DISCONNECT"), add("LINE_B", "line", subscription_id="s-1"))
    shop.done("UpdateBillingSystem", order_id=other)


def test_independent_groups_may_go_in_any_order() -> None:
    """INV-ORD-9, over all orders of three groups."""
    results = set()
    for sequence in permutations(range(3)):
        shop = with_both_kinds()
        order_id = shop.order(
            add("LINE_B", "b", subscription_id="s-1", service_catalog="B"),
            on("tv", "SUSPEND", service_catalog="C"),
            add("QUEUE", "d", subscription_id="s-2", service_catalog="D"),
        )
        shop.done("SplitOrder", order_id=order_id, dimensions=["SERVICE_CATALOG"])
        order = shop.view().order(order_id)
        assert order is not None
        for place in sequence:
            shop.done("UpdateBillingSystem", group_id=order.groups[place].group_id)
        states = tuple(line.state for line in shop.view().lines(order_id))
        results.add((tuple(shop.live()), tuple(shop.balances().items()), states))
    assert len(results) == 1
    assert next(iter(results))[2] == (LineState.BILLED,) * 3


def test_a_preview_of_an_update_says_what_it_would_do_to_all_subscriptions() -> None:
    """ABS-30 for orders: events and entities, and the figures of the subscriptions part added up."""
    shop = with_both_kinds()
    order_id = shop.order(
        add("PACK", "pack", subscription_id="s-2"), on("net", "SUSPEND"), add("NET", "more", subscription_id="s-1")
    )
    before = dict(shop.state.scan(b""))

    outcome = shop.ask("UpdateBillingSystem", mode=Mode.PREVIEW, order_id=order_id).outcome
    assert isinstance(outcome, CommandOutcome)

    assert dict(shop.state.scan(b"")) == before
    assert [service.product for service in outcome.added] == ["PACK", "LINE_A", "QUEUE", "QUEUE", "NET"]
    assert outcome.cost is not None
    assert outcome.cost.total == 5
    assert outcome.wallet is not None
    assert (outcome.wallet.balance_before, outcome.wallet.balance_after) == (Decimal(49), Decimal(45))
    assert outcome.recurring_change == 10
    assert outcome.entities
    assert [type(one) for one in outcome.events] == [
        type(one) for one in events(shop.done("UpdateBillingSystem", order_id=order_id))
    ]


def test_new_subscriptions_are_counted_after_those_that_end() -> None:
    """DEF-2 on the result: a subscription that ends makes room for the one that comes."""
    shop = Shop()
    shop.catalog = _at_most_one_subscription(shop)
    shop.subscribes("s-1", "POSTPAID", [{"product": "NET", "service_id": "net"}])
    leave = on("net", "DISCONNECT")
    come = add("NET", "other", subscription_kind="PREPAID")

    refused = refusals(shop.ask("UpdateBillingSystem", order_id=shop.order(come)))
    assert said(refused) == [("SUBSCRIPTION_LIMIT", "o-1-0"), ("INSUFFICIENT_FUNDS", "o-1-0")]

    refused = refusals(shop.ask("UpdateBillingSystem", order_id=shop.order(come, leave)))
    assert said(refused) == [("INSUFFICIENT_FUNDS", "o-2-0")]


def _at_most_one_subscription(shop: Shop) -> Any:
    definitions = tuple(
        msgspec.structs.replace(definition, max_subscriptions_per_account=1)
        for definition in shop.catalog.subscription_definitions
    )
    return msgspec.structs.replace(shop.catalog, subscription_definitions=definitions)


def test_five_hundred_lines_are_one_action() -> None:
    """ORD-22: the most that an order may have is billed and undone, each in one transaction."""
    shop = Shop()
    order_id = shop.order(*(add("LINE_A", f"l-{number}") for number in range(500)))

    happened = events(shop.done("UpdateBillingSystem", order_id=order_id))

    assert sum(isinstance(one, SubscriptionCreated) for one in happened) == 1
    assert len(shop.live()) == 500
    shop.done("CompensateOrder", order_id=order_id, reason="UNDO")
    assert shop.live() == []
