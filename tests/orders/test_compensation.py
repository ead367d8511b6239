"""What an order's lines do is undone by the order that compensates it (INV-ORD-10, CPO-4, CPO-5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from processors.answering import Answered
from schemas.envelope import Mode
from schemas.fields import Event
from schemas.order_events import BillingSystemUpdated, OrderLineCompensated
from schemas.order_lines import LineState
from schemas.wallets import WalletCreated, WalletCredited, WalletDebited
from tests.accounts.book import events, refusals
from tests.orders.billed import Shop, is_refused

pytestmark = pytest.mark.slow

BUNDLE = {"product": "PBX", "components": [{"product": "LINE_A"}, {"product": "QUEUE"}]}
SERVICES: tuple[dict[str, Any], ...] = (
    {"product": "NET", "service_id": "net"},
    {"product": "GUARD", "service_id": "guard"},
    {"product": "PACK", "service_id": "pack"},
    {**BUNDLE, "service_id": "pbx"},
    {"product": "LINE_B", "service_id": "line"},
)

services = st.lists(st.sampled_from(SERVICES), unique_by=lambda service: service["service_id"], min_size=3)
names = st.sampled_from([service["service_id"] for service in SERVICES])
begun = st.dictionaries(names, st.sampled_from(["DRAFT", "STOPPED", "STOPPED"]), max_size=2)
"""Services that are not EFFECTIVE when they are ordered about."""
ADDED: tuple[dict[str, Any], ...] = (
    {"product_id": "NET"},
    {"product_id": "PACK"},
    {"product_id": "LINE_B", "subscription_kind": "PREPAID"},
    {"product_id": "PBX", "features": [{"product_id": "LINE_A"}, {"product_id": "LINE_B"}]},
    {"product_id": "GUARD", "subscription_kind": "POSTPAID"},
)
added = st.sampled_from(ADDED).map(lambda line: {"service_action": "ADD", **line})
CHANGED: tuple[dict[str, Any], ...] = (
    {"product_id": "LINE_B"},
    {"product_id": "PACK"},
    {"product_id": "PBX", "features": [{"product_id": "LINE_B"}]},
    {"product_id": "PBX", "features": [{"product_id": "LINE_B"}, {"product_id": "QUEUE", "gone": True}]},
    {"product_id": "PBX"},
    {"product_id": "NET"},
)
changes = st.sampled_from(CHANGED).map(lambda line: {"service_action": "CHANGE", **line})
states = st.sampled_from(["DISCONNECT", "DISCONNECT", "SUSPEND", "RESTORE"]).map(
    lambda action: {"service_action": action, "product_id": "NET"}
)
touching = st.tuples(names, changes | states)
orders = st.tuples(
    st.lists(touching, max_size=4, unique_by=lambda touched: touched[0]), st.lists(added, max_size=2)
).filter(lambda order: bool(order[0] or order[1]))


def stands(kind: str, found: list[dict[str, Any]], others: dict[str, str]) -> Shop:
    """A subscription with services, some of them not EFFECTIVE, and an empty one of the other kind."""
    shop = Shop()
    shop.subscribes("s-1", kind, [])
    shop.subscribes("s-2", "PREPAID" if kind == "POSTPAID" else "POSTPAID", [])
    for service in sorted(found, key=lambda service: service["service_id"] == "guard"):
        state = "DRAFT" if others.get(service["service_id"]) == "DRAFT" else "EFFECTIVE"
        shop.ask("ChangeServiceState", subscription_id="s-1", action="ADD", initial_state=state, services=[service])
    for service_id in sorted(name for name, state in others.items() if state == "STOPPED"):
        shop.ask("ChangeServiceState", subscription_id="s-1", action="STOP", service_ids=[service_id])
    return shop


def lines_of(shop: Shop, order: tuple[list[tuple[str, dict[str, Any]]], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Lines about services that are there, and about new ones."""
    view, found = shop.view(), []
    for service_id, asked in order[0]:
        if view.service(service_id) is None:
            continue
        line = {**asked, "service_id": service_id}
        features = []
        for feature in asked.get("features", ()):
            gone = next((part for part in view.components(service_id) if part.product == feature["product_id"]), None)
            if not feature.get("gone"):
                features.append({"product_id": feature["product_id"]})
            elif gone is not None:
                features.append(
                    {"product_id": gone.product, "service_id": gone.service_id, "service_action": "DISCONNECT"}
                )
        if features:
            line["features"] = features
        found.append(line)
    return [*found, *order[1]]


def billed(shop: Shop, order_id: str) -> list[str]:
    """Bring an order to the billing system as a whole; if that is refused, line by line as far as that goes."""
    if not is_refused(previewed_and_done(shop, "UpdateBillingSystem", order_id=order_id)):
        return [line.line_id for line in shop.view().lines(order_id)]
    view = shop.view()
    found = view.order(order_id)
    assert found is not None
    for line_id in found.line_ids:
        shop.ask("UpdateBillingSystem", order_id=order_id, line_ids=[line_id])
    return [line.line_id for line in shop.view().lines(order_id) if line.state is LineState.BILLED]


def previewed_and_done(shop: Shop, command: str, **body: Any) -> Answered:
    """Preview a command, then give it: the preview promises what comes."""
    preview = shop.ask(command, mode=Mode.PREVIEW, **body)
    shop.asked -= 1
    answered = shop.ask(command, **body)
    assert preview.outcome is not None
    assert answered.outcome is not None
    assert preview.outcome.violations == answered.outcome.violations
    assert list(preview.outcome.events) == ([] if is_refused(answered) else events(answered))
    return answered


def money(happened: list[Event]) -> list[Event]:
    """Movements of wallets."""
    return [one for one in happened if isinstance(one, WalletDebited | WalletCredited)]


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(["POSTPAID", "PREPAID"]), found=services, off=begun, order=orders)
def test_an_update_and_its_compensation_leave_what_was_before(
    kind: str, found: list[dict[str, Any]], off: dict[str, str], order: Any
) -> None:
    """INV-ORD-10. Nothing is charged or refunded; where it is refused, nothing happens at all."""
    shop = stands(kind, found, off)
    lines = lines_of(shop, order)
    assume(lines)
    order_id = shop.order(*lines)
    before = shop.live()
    done = billed(shop, order_id)
    event(f"{len(done)} of {len(lines)} lines billed")
    assume(done)
    after, paid = shop.live(), shop.balances()

    answered = previewed_and_done(shop, "CompensateOrder", order_id=order_id, reason="UNDO")

    assert not is_refused(answered), (lines, done, refusals(answered))
    assert shop.live() == before, (lines, after)
    new = {one.wallet_id for one in events(answered) if isinstance(one, WalletCreated)}
    assert {name: balance for name, balance in shop.balances().items() if name not in new} == paid
    assert not money(events(answered))
    assert sum(isinstance(one, BillingSystemUpdated) for one in events(answered)) == 1


@settings(max_examples=40, deadline=None)
@given(found=services, off=begun, order=orders)
def test_a_compensation_that_waits_does_the_same_later(
    found: list[dict[str, Any]], off: dict[str, str], order: Any
) -> None:
    """CPO-7; one that is cancelled frees the lines for another one."""
    shop = stands("POSTPAID", found, off)
    lines = lines_of(shop, order)
    assume(lines)
    order_id = shop.order(*lines)
    before = shop.live()
    done = billed(shop, order_id)
    assume(done)

    shop.done("CompensateOrder", order_id=order_id, reason="UNDO", compensating_order_id="c-1", bill_now=False)
    freed = events(shop.done("CancelOrder", order_id="c-1", reason="NO"))
    assert sum(isinstance(one, OrderLineCompensated) for one in freed) == len(done)
    shop.done("CompensateOrder", order_id=order_id, reason="UNDO", compensating_order_id="c-2", bill_now=False)
    shop.done("UpdateBillingSystem", order_id="c-2")

    assert shop.live() == before
