"""The state of an order, derived from its lines after every command that was accepted (ORD-3, ORD-10, ORD-21)."""

from __future__ import annotations

from processors.acting import author
from processors.context import Context
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.lineage import AccountSync
from schemas.order_events import OrderLocked, OrderStateChanged
from schemas.order_lines import Lock, LockReason, Scope
from schemas.order_rosters import OrderTally
from schemas.orders import Order, OrderState


def settle(
    draft: CustomerView, order_id: str, context: Context, *, closed_by_update: bool = False
) -> list[OrderLocked | OrderStateChanged]:
    """Record and answer what an accepted command leaves to say of its order: OrderLocked, OrderStateChanged.

    The last word of every command on an order; nothing, if its state stands. `closed_by_update` tells why an order
    that is now completed is locked.
    """
    order = draft.order(order_id)
    assert order is not None, "a command on an order leaves it there"
    state = _derived(order, draft.order_tally(order_id))
    events: list[OrderLocked | OrderStateChanged] = []
    if state is OrderState.COMPLETED and order.locked is None:
        why = LockReason.BILLING_SYSTEM_UPDATE if closed_by_update else LockReason.ORDER_CLOSED
        events.append(OrderLocked(order_id=order_id, lock=lock(context, why, Scope.ORDER)))
    if state is not order.state:
        events.append(OrderStateChanged(order_id=order_id, from_=order.state, to=state, at=context.at))
    for event in events:
        draft.record(event)
    return events


def lock(context: Context, why: LockReason, scope: Scope) -> Lock:
    """The lock that this command puts on a line or on an order (LCK-1)."""
    return Lock(at=context.at, by=author(context), command_id=context.command_id, why=why, scope=scope)


def _derived(order: Order, tally: OrderTally) -> OrderState:
    if not tally.live:
        return OrderState.COMPLETED if tally.billed else OrderState.CANCELLED
    if tally.billed:
        return OrderState.PARTIALLY_BILLED
    return OrderState.IN_PROGRESS if _has_begun(order, tally) else OrderState.SUBMITTED


def _has_begun(order: Order, tally: OrderTally) -> bool:
    """Whether a line was ever grouped, confirmed, synchronized or paid for; what began never goes back.

    Nothing is paid for before it was synchronized (PAY-1).
    """
    return order.state is not OrderState.SUBMITTED or tally.began or order.account_sync is not AccountSync.NONE


def recorded(draft: CustomerView, events: list[Event], event: Event) -> None:
    """Add an event to those of a command, and let the draft show it."""
    draft.record(event)
    events.append(event)
