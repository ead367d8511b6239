"""Rows of orders in flight: their versions, groups, splits, revisions, and what reached the billing system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import msgspec

from processors.analytics import order_lines
from processors.analytics.order_rows import (
    BillingUpdateStep,
    OrderGroupStep,
    OrderRevisionFact,
    OrderRow,
    OrderSplitFact,
    OrderVersion,
)
from processors.analytics.rows import Origin, place
from schemas.envelope import BusinessTransaction
from schemas.order_events import (
    BillingSystemUpdated,
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
from schemas.order_lines import BilledService
from schemas.orders import GroupState, Order

_json = msgspec.json.Encoder(order="deterministic")

_Group = tuple[str, dict[str, str | None] | None, GroupState]
"""Id, key where the event tells it, and state."""


def steps(transaction: BusinessTransaction, origin: Origin, position: int, event: OrderEvent) -> Iterator[OrderRow]:
    """Give the rows of one event. What an order became stands in the entity: `order_version`."""
    match event:
        case OrderContentChanged():
            groups: list[_Group] = [(group.group_id, group.key, group.state) for group in event.groups_changed]
            yield from _groups(transaction, origin, position, event.order_id, groups)
        case OrderSplit():
            yield _split(transaction, origin, position, event)
            groups = [(group.group_id, group.key, group.state) for group in event.groups]
            groups += [(group_id, None, GroupState.DISSOLVED) for group_id in event.dissolved]
            yield from _groups(transaction, origin, position, event.order_id, groups)
        case OrderRevised():
            yield _revision(transaction, origin, position, event)
        case BillingSystemUpdated():
            yield _update(transaction, origin, position, event)
        case (
            OrderLineAdded()
            | OrderLineChanged()
            | OrderLineGrouped()
            | OrderLineProvisioningConfirmed()
            | OrderLineLocked()
            | OrderLineCancelled()
            | OrderLineCompensated()
        ):
            yield order_lines.step(transaction, origin, position, event)
        case OrderSubmitted() | OrderStateChanged() | OrderLocked() | OrderCancelled() | OrderCompensated():
            return
        case _:
            assert_never(event)


def order_version(transaction: BusinessTransaction, origin: Origin, order: Order) -> OrderVersion:
    """Return an order as the transaction left it."""
    lock, split = order.locked, order.split
    return OrderVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        order.order_id,
        transaction.occurred_at,
        order.revision,
        order.state.value,
        lock is not None,
        lock.at if lock else None,
        lock.by if lock else None,
        lock.why.value if lock else None,
        split is not None,
        split.number if split else None,
        _text(split.dimensions) if split and split.dimensions else None,
        split.attribute if split else None,
        order.account_sync.value,
        order.payment_billing_profile,
        order.submitted_at,
        order.closed_at,
        order.billing_updates,
        order.compensates_order_id,
        _text(order.compensated_by_order_ids),
        _text(order.custom),
    )


def _groups(
    transaction: BusinessTransaction,
    origin: Origin,
    position: int,
    order_id: str,
    groups: list[_Group],
) -> Iterator[OrderGroupStep]:
    for number, (group_id, key, state) in enumerate(groups):
        yield OrderGroupStep(
            *place(transaction, origin, position),
            number,
            order_id,
            group_id,
            None if key is None else _text(key),
            state.value,
            transaction.occurred_at,
        )


def _split(transaction: BusinessTransaction, origin: Origin, position: int, event: OrderSplit) -> OrderSplitFact:
    moved = sum(isinstance(change.event, OrderLineGrouped) for change in transaction.changes)
    return OrderSplitFact(
        *place(transaction, origin, position),
        event.order_id,
        event.number,
        _text(event.dimensions or ()),
        event.attribute,
        event.explicit,
        len(event.groups),
        len(event.dissolved),
        moved,
        event.at,
        event.by,
        transaction.source,
    )


def _revision(
    transaction: BusinessTransaction, origin: Origin, position: int, event: OrderRevised
) -> OrderRevisionFact:
    past = sum(
        change.event.past_soft_point
        for change in transaction.changes
        if isinstance(change.event, OrderLineChanged | OrderLineCancelled)
    )
    return OrderRevisionFact(
        *place(transaction, origin, position),
        event.order_id,
        event.revision,
        event.previous_revision,
        event.reason,
        len(event.added),
        len(event.changed),
        len(event.cancelled),
        len(event.unchanged),
        past,
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )


def _update(
    transaction: BusinessTransaction, origin: Origin, position: int, event: BillingSystemUpdated
) -> BillingUpdateStep:
    billed = set(event.line_ids)
    done = [
        _services(change.event.billed.services)
        for change in transaction.changes
        if isinstance(change.event, OrderLineLocked) and change.event.line_id in billed
    ]
    return BillingUpdateStep(
        *place(transaction, origin, position),
        event.order_id,
        transaction.command_id,
        transaction.command_type,
        event.number,
        event.scope.value,
        event.group_id,
        None if event.filters is None else _text(event.filters),
        _text(event.line_ids),
        _text([line.line_id for line in event.already_billed]),
        sum(added for added, _, _ in done),
        sum(changed for _, changed, _ in done),
        sum(ended for _, _, ended in done),
        event.effective_at,
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )


def _services(services: tuple[BilledService, ...]) -> tuple[int, int, int]:
    """How many services a line added, changed and ended. Of a swap one went and one came: it changed one."""
    came = sum(service.before is None and service.after is not None for service in services)
    went = sum(service.before is not None and service.after is None for service in services)
    stayed = sum(
        service.before is not None and service.after is not None and service.before != service.after
        for service in services
    )
    swapped = min(came, went)
    return came - swapped, stayed + swapped, went - swapped


def _text(value: object) -> str:
    return _json.encode(value).decode()
