"""Random commands on random orders: what must hold at any moment (INV-ORD-1 to INV-ORD-8)."""

from __future__ import annotations

from collections import Counter as Counted
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from processors.answering import Answered
from processors.orders.grouping import group_state, key_of
from processors.orders.lines import CUSTOMER_DATA, LIVE, SETTABLE, as_given
from schemas.bundles import BundleEvent
from schemas.envelope import Mode, Status
from schemas.fields import Event
from schemas.order_events import BillingSystemUpdated, OrderEvent, OrderLineLocked
from schemas.order_lines import LineState, OrderLine
from schemas.orders import GroupState, Order, OrderState
from schemas.subscriptions import SubscriptionEvent, SubscriptionService
from schemas.wallets import WalletEvent
from tests.orders.counter import Counter, line

pytestmark = pytest.mark.slow

ORDERS = ("o-1", "o-2")
MOVES_LATER = ("compensated_by", "provisioning", "sync", "synchronized_revision")
"""What may still change in a locked line (LCK-3)."""

order_ids = st.sampled_from(ORDERS)
places = st.integers(0, 5)
flat = st.sampled_from(["LINE_A", "LINE_A", "LINE_B", "QUEUE", "QUEUE", "GUARD"])
new_lines = st.one_of(
    flat.map(lambda product: line(product=product)),
    st.sampled_from(["TV", "DATA"]).map(lambda catalog: line(service_catalog=catalog, attributes={"zone": catalog})),
    st.just(line(product="PBX", features=[{"product_id": "LINE_A"}, {"product_id": "QUEUE"}])),
    st.just(line(product="PBX", action="CHANGE", service_id="pbx", features=[{"product_id": "LINE_B"}])),
    st.sampled_from(["SUSPEND", "RESTORE", "DISCONNECT"]).map(
        lambda action: line(product="NET", action=action, service_id="net")
    ),
    st.just(line(service_account={"external_id": "later"})),
)
changes = st.sampled_from(
    [
        {"set": {"amount": "3.00"}},
        {"set": {"service_catalog": "TV"}},
        {"set": {"service_catalog": "VOICE", "attributes": {"zone": "TV"}}},
        {"set": {"product_id": "LINE_B"}},
        {"set": {"product_id": "QUEUE"}, "custom_state": "seen"},
        {"set": {"billing_account": {"account_id": "a-1"}}},
        {"set": {"service_account": {"account_id": "a-1"}, "action": "NONE"}},
        {"custom_state": "seen"},
        {"add_features": [{"product_id": "LINE_A"}]},
    ]
)
splits = st.sampled_from(
    [
        {"dimensions": ["SERVICE_ACTION"]},
        {"dimensions": ["SERVICE_CATALOG", "SERVICE_ACTION"]},
        {"dimensions": ["ATTRIBUTE", "SERVICE_ITEM"], "attribute": "attributes.zone"},
        {"dimensions": ["ATTRIBUTE"], "attribute": "service_account"},
        None,
    ]
)
twists = st.lists(st.sampled_from(["same", "same", "same", "amount", "product", "drop", "TV"]), min_size=6, max_size=6)


class Orders(RuleBasedStateMachine):
    """Two orders of one customer, changed, split, revised, billed, cancelled and undone in any interleaving."""

    def __init__(self) -> None:
        super().__init__()
        self.counter = Counter()
        self.locked: dict[str, OrderLine] = {}
        self.lockings: Counted[str] = Counted()

    @initialize(lines=st.lists(new_lines, min_size=2, max_size=4))
    def two_orders(self, lines: list[dict[str, Any]]) -> None:
        for order_id in ORDERS:
            self.tried("SubmitOrder", order_id=order_id, lines=[line(), *lines])

    # -- what happens

    def tried(self, command_type: str, **body: Any) -> Answered:
        """Preview the command, then give it: the preview promises what comes, and a refusal changes nothing."""
        body = {name: value for name, value in body.items() if value is not None}
        preview = self.counter.ask(command_type, mode=Mode.PREVIEW, **body)
        self.counter.asked -= 1  # the same id: derived ids must be the same too
        versions = {line_id: self.counter.line(line_id) for line_id in self.counter.view().ids("line")}
        before = dict(self.counter.state.scan(b""))
        answered = self.counter.ask(command_type, **body)
        assert preview.outcome is not None
        assert answered.outcome is not None
        assert preview.outcome.violations == answered.outcome.violations
        happened = tuple(change.event for change in (answered.transaction.changes if answered.transaction else ()))
        assert preview.outcome.events == happened
        if answered.outcome.status is Status.REJECTED or not answered.outcome.changed:
            moved = {found for found, value in self.counter.state.scan(b"") if before.get(found) != value}
            assert all(b"head" in found for found in moved), "nothing changes without an event (INV-ORD-8)"
        self.only_updates_touch_services(happened)
        self.versions_rise_by_one(versions)
        self.lockings.update(event.line_id for event in happened if isinstance(event, OrderLineLocked))
        self.counter.passes(minutes=1)
        return answered

    def only_updates_touch_services(self, happened: tuple[Event, ...]) -> None:
        """INV-ORD-1."""
        orders = any(isinstance(event, OrderEvent) for event in happened)
        services = any(isinstance(event, SubscriptionEvent | BundleEvent | WalletEvent) for event in happened)
        assert not (orders and services) or any(isinstance(event, BillingSystemUpdated) for event in happened)

    def versions_rise_by_one(self, before: dict[str, OrderLine]) -> None:
        """INV-ORD-8."""
        for line_id, was in before.items():
            now = self.counter.line(line_id)
            differs = any(getattr(was, field) != getattr(now, field) for field in (*SETTABLE, "features"))
            found_later = was.service_id is None and now.state is LineState.BILLED
            assert now.version == was.version + (differs and not found_later)

    def chosen(self, order_id: str, place: int) -> str:
        """A line of an order, whatever its state; of an order that is not there: none."""
        order = self.counter.view().order(order_id)
        return order.line_ids[place % len(order.line_ids)] if order else "nothing"

    @rule(order_id=order_ids, added=new_lines)
    def add(self, order_id: str, added: dict[str, Any]) -> None:
        self.tried("ModifyOrderLine", order_id=order_id, operation="ADD", line=added)

    @rule(order_id=order_ids, place=places, change=changes)
    def change(self, order_id: str, place: int, change: dict[str, Any]) -> None:
        line_id = self.chosen(order_id, place)
        self.tried("ModifyOrderLine", order_id=order_id, operation="CHANGE", line_id=line_id, **change)

    @rule(order_id=order_ids, place=places)
    def remove(self, order_id: str, place: int) -> None:
        self.tried("ModifyOrderLine", order_id=order_id, operation="REMOVE", line_id=self.chosen(order_id, place))

    @rule(order_id=order_ids, how=splits, cut=places)
    def split(self, order_id: str, how: dict[str, Any] | None, cut: int) -> None:
        if how is None:
            view = self.counter.view()
            live = (
                [found.line_id for found in view.lines(order_id) if found.state in LIVE] if view.order(order_id) else []
            )
            how = {"groups": [{"line_ids": part} for part in (live[:cut], live[cut:]) if part]}
        self.tried("SplitOrder", order_id=order_id, **how)

    @rule(
        order_id=order_ids,
        twisted=twists,
        step=st.sampled_from([0, 1, 1, 2]),
        replace=st.booleans(),
        added=new_lines | st.none(),
    )
    def revise(self, order_id: str, twisted: list[str], step: int, replace: bool, added: dict[str, Any] | None) -> None:
        view = self.counter.view()
        order = view.order(order_id)
        if order is None:
            return
        lines = [] if added is None else [added]
        for found, twist in zip(view.lines(order_id), twisted * 100, strict=False):
            if found.state is not LineState.CANCELLED and twist != "drop":
                lines.append(self.said_again(found, twist))
        self.tried(
            "ReviseOrder",
            order_id=order_id,
            revision=order.revision + step,
            lines=lines,
            replace_changed_products=replace,
        )

    def said_again(self, found: OrderLine, twist: str) -> dict[str, Any]:
        """A line as the CRM says it in a revision."""
        given = as_given(found, _Catalog(self.counter.catalog))  # type: ignore[arg-type]
        said: dict[str, Any] = msgspec.to_builtins(given) | {"line_id": found.line_id}
        said = {field: value for field, value in said.items() if value is not None}
        for field in ("service_account", "billing_account", "customer_account"):
            if field in said:
                said[field] = {name: value for name, value in said[field].items() if value is not None}
        twisted = {"amount": {"amount": "9.00"}, "product": {"product_id": "LINE_B"}, "TV": {"service_catalog": "TV"}}
        return said | twisted.get(twist, {})

    @rule(order_id=order_ids, place=places, result=st.sampled_from(["CONFIRMED", "FAILED"]))
    def confirm(self, order_id: str, place: int, result: str) -> None:
        line_id = self.chosen(order_id, place)
        self.tried("ConfirmLineProvisioning", order_id=order_id, lines=[{"line_id": line_id, "result": result}])

    @rule(order_id=order_ids)
    def synchronize(self, order_id: str) -> None:
        self.tried("SynchronizeOrderBillingAccounts", order_id=order_id)

    @rule(order_id=order_ids, picked=st.none() | st.lists(places, min_size=1, max_size=3))
    def bill(self, order_id: str, picked: list[int] | None) -> None:
        line_ids = None if picked is None else [self.chosen(order_id, place) for place in picked]
        self.tried("UpdateBillingSystem", order_id=order_id, line_ids=line_ids)

    @rule(order_id=order_ids, place=places)
    def bill_group(self, order_id: str, place: int) -> None:
        order = self.counter.view().order(order_id)
        group_id = order.groups[place % len(order.groups)].group_id if order and order.groups else None
        self.tried("UpdateBillingSystem", order_id=order_id, group_id=group_id)

    @rule(order_id=order_ids, partly=st.sampled_from(["CANCEL_REST", "REFUSE"]), sure=places)
    def cancel(self, order_id: str, partly: str, sure: int) -> None:
        if sure == 0:  # else most orders would end so
            self.tried("CancelOrder", order_id=order_id, reason="changed their mind", if_partly_billed=partly)

    @rule(order_id=order_ids, now=st.booleans())
    def compensate(self, order_id: str, now: bool) -> None:
        self.tried("CompensateOrder", order_id=order_id, reason="undo", bill_now=now)

    @rule(order_id=order_ids)
    def cancel_compensation(self, order_id: str) -> None:
        order = self.counter.view().order(order_id)
        if order is not None and order.compensated_by_order_ids:
            self.tried("CancelOrder", order_id=order.compensated_by_order_ids[-1], reason="not after all")

    # -- what must hold

    def all_orders(self) -> list[tuple[Order, tuple[OrderLine, ...]]]:
        view = self.counter.view()
        return [(self.counter.order(order_id), view.lines(order_id)) for order_id in view.ids("order")]

    @invariant()
    def locked_lines_never_change(self) -> None:
        """INV-ORD-2, INV-ORD-3."""
        for _, lines in self.all_orders():
            for found in lines:
                billed = found.state is LineState.BILLED
                assert billed == (found.locked is not None) == (found.billed is not None)
                assert self.lockings[found.line_id] == billed
                if billed:
                    kept = self.locked.setdefault(found.line_id, found)
                    later = {field: getattr(found, field) for field in MOVES_LATER}
                    assert msgspec.structs.replace(kept, **later) == found

    @invariant()
    def services_come_from_billed_lines(self) -> None:
        """INV-ORD-4."""
        view = self.counter.view()
        services: dict[str, list[SubscriptionService]] = {}
        for service_id in view.ids("service"):
            service = view.service(service_id)
            assert service is not None
            if service.line_id is not None:
                services.setdefault(service.line_id, []).append(service)
        for _, lines in self.all_orders():
            for found in lines:
                own = services.pop(found.line_id, [])
                assert found.state is LineState.BILLED or not own
                if found.state is LineState.BILLED and found.service_action == "ADD":
                    assert found.service_id in {service.service_id for service in own}
        assert not services

    @invariant()
    def editable_says_what_is(self) -> None:
        """INV-ORD-5."""
        for order, lines in self.all_orders():
            in_flight = order.state not in (OrderState.COMPLETED, OrderState.CANCELLED)
            for found in lines:
                assert found.editable == (in_flight and order.locked is None and found.state in LIVE)
                assert bool(found.editable_fields) == found.editable
                frozen = found.synchronized_revision is not None and found.editable
                assert set(SETTABLE) - set(found.editable_fields) == (
                    set(CUSTOMER_DATA) if frozen else set() if found.editable else set(SETTABLE)
                )

    @invariant()
    def groups_hold_their_lines(self) -> None:
        """INV-ORD-6."""
        view = self.counter.view()
        for order, lines in self.all_orders():
            groups = {group.group_id: group for group in order.groups}
            for found in lines:
                if found.state not in LIVE:
                    continue
                assert (found.group_id is not None) == (order.split is not None) == (found.state is LineState.IN_GROUP)
                if found.group_id is not None and order.split is not None:
                    assert groups[found.group_id].state is GroupState.OPEN
                    assert groups[found.group_id].key == key_of(view, found, order.split)
            open_keys = [frozenset(group.key.items()) for group in order.groups if group.state is GroupState.OPEN]
            assert order.split is None or order.split.explicit or len(open_keys) == len(set(open_keys))
            for group in order.groups:
                assert group.state is group_state(view.group_tally(group.group_id))
                assert view.group(group.group_id) == (order, group)

    @invariant()
    def states_are_derived(self) -> None:
        """INV-ORD-7, and the small rows say what the lines say."""
        view = self.counter.view()
        for order, lines in self.all_orders():
            counted = Counted(found.state for found in lines)
            live, billed = sum(counted[state] for state in LIVE), counted[LineState.BILLED]
            tally = view.order_tally(order.order_id)
            assert (tally.live, tally.billed, tally.cancelled) == (live, billed, counted[LineState.CANCELLED])
            if live:
                expected = {OrderState.PARTIALLY_BILLED} if billed else {OrderState.SUBMITTED, OrderState.IN_PROGRESS}
            else:
                expected = {OrderState.COMPLETED if billed else OrderState.CANCELLED}
            assert order.state in expected
            assert (order.state is OrderState.COMPLETED) == (order.locked is not None)
            assert (order.closed_at is not None) == (not live)
            assert (order.order_id in view.orders_in_flight()) == bool(live)


class _Catalog(msgspec.Struct):
    """As much of a context as reading a line back needs."""

    catalog: Any


TestOrders = Orders.TestCase
TestOrders.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
