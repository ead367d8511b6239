"""What the events of orders do to an order and to its lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never, cast

from msgspec.structs import replace

from processors.orders.changes import applied
from processors.orders.lines import with_editable
from schemas.amounts import as_stored
from schemas.fields import Entity
from schemas.order_events import (
    BillingSystemUpdated,
    GroupChange,
    GroupNamed,
    OrderCancelled,
    OrderCompensated,
    OrderContentChanged,
    OrderEvent,
    OrderLineAdded,
    OrderLineCancelled,
    OrderLineChanged,
    OrderLineCompensated,
    OrderLineGrouped,
    OrderLineLocked,
    OrderLineProvisioningConfirmed,
    OrderLocked,
    OrderRevised,
    OrderSplit,
    OrderStateChanged,
    OrderSubmitted,
)
from schemas.order_lines import LineServiceAction, LineState, OrderLine
from schemas.orders import CLOSED, Group, GroupState, Order, Split

OrderOwnEvent = (
    OrderSubmitted
    | OrderRevised
    | OrderContentChanged
    | OrderSplit
    | OrderStateChanged
    | BillingSystemUpdated
    | OrderLocked
    | OrderCancelled
    | OrderCompensated
)
LineEvent = (
    OrderLineAdded
    | OrderLineChanged
    | OrderLineGrouped
    | OrderLineProvisioningConfirmed
    | OrderLineLocked
    | OrderLineCancelled
    | OrderLineCompensated
)


def evolve(entity: Entity | None, event: OrderEvent) -> Entity:
    """The order or the line after the event."""
    if isinstance(event, LineEvent):
        return _line(cast("OrderLine | None", entity), event)
    return _order(cast("Order | None", entity), event)


def _order(order: Order | None, event: OrderOwnEvent) -> Order:
    if isinstance(event, OrderSubmitted):
        assert order is None, "an order is submitted once"
        return Order(
            order_id=event.order_id,
            line_ids=event.line_ids,
            custom=event.custom,
            submitted_at=event.submitted_at,
            compensates_order_id=event.compensates_order_id,
        )
    assert order is not None, "only OrderSubmitted makes an order"
    match event:
        case OrderRevised():
            return replace(order, revision=event.revision)
        case OrderContentChanged():
            groups = _regrouped(order.groups, event.groups_changed)
            return replace(order, line_ids=(*order.line_ids, *event.line_ids_added), groups=groups)
        case OrderSplit():
            return _split(order, event)
        case OrderStateChanged():
            closed = event.to in CLOSED
            return replace(order, state=event.to, closed_at=event.at if closed else None)
        case BillingSystemUpdated():
            return replace(order, billing_updates=event.number)
        case OrderLocked():
            return replace(order, locked=event.lock)
        case OrderCancelled():
            return order  # its lines and its state say so
        case OrderCompensated():
            compensated_by = (*order.compensated_by_order_ids, event.compensating_order_id)
            return replace(order, compensated_by_order_ids=compensated_by)
        case _:
            assert_never(event)


def _split(order: Order, event: OrderSplit) -> Order:
    dissolved = (GroupNamed(group_id=name, key={}, state=GroupState.DISSOLVED) for name in event.dissolved)
    split = Split(
        number=event.number,
        dimensions=event.dimensions,
        attribute=event.attribute,
        explicit=event.explicit,
        at=event.at,
        by=event.by,
    )
    return replace(order, split=split, groups=_regrouped(order.groups, (*event.groups, *dissolved)))


def _regrouped(groups: tuple[Group, ...], changed: Iterable[GroupNamed | GroupChange]) -> tuple[Group, ...]:
    """The groups with their new states, new ones at the end. A group keeps its key for ever."""
    known = {group.group_id: group for group in groups}
    for change in changed:
        group = known.get(change.group_id)
        if group is None:
            group = Group(group_id=change.group_id, key=change.key, state=change.state)
        known[change.group_id] = replace(group, state=change.state)
    return tuple(known.values())


def _line(line: OrderLine | None, event: LineEvent) -> OrderLine:
    if isinstance(event, OrderLineAdded):
        assert line is None, "a line is added once"
        added, amount = event.line, event.line.amount
        return added if amount is None else replace(added, amount=as_stored(amount))
    assert line is not None, "only OrderLineAdded makes a line"
    match event:
        case OrderLineChanged():
            return applied(line, event)
        case OrderLineGrouped():
            return replace(line, group_id=event.to_group_id, state=LineState.IN_GROUP)
        case OrderLineProvisioningConfirmed():
            return replace(line, provisioning=event.new)
        case OrderLineLocked():
            return with_editable(_locked(line, event))
        case OrderLineCancelled():
            return with_editable(replace(line, state=LineState.CANCELLED, cancelled_because=event.because))
        case OrderLineCompensated():
            return replace(line, compensated_by=event.compensated_by)
        case _:
            assert_never(event)


def _locked(line: OrderLine, event: OrderLineLocked) -> OrderLine:
    """A line that is billed. The new service of a line that never named one got its id from the update."""
    service_id = line.service_id
    if service_id is None and line.service_action is LineServiceAction.ADD and event.billed.services:
        service_id = event.billed.services[0].service_id
    return replace(line, state=LineState.BILLED, locked=event.lock, billed=event.billed, service_id=service_id)
