"""The order that a command names: that it is there, in flight, and may be changed (ORD-13, ORD-7, ORD-6, CPO-8)."""

from __future__ import annotations

from processors.view.customer import CustomerView
from schemas.orders import Order, OrderState
from schemas.refusals import Code, Violation, violation


def existing(customer: CustomerView, order_id: str) -> Order | Violation:
    """An order of this customer, whatever became of it (ORD-13)."""
    order = customer.order(order_id)
    return violation(Code.ORDER_UNKNOWN, "ORD-13", "order_id", order_id=order_id) if order is None else order


def unlocked(customer: CustomerView, order_id: str) -> Order | Violation:
    """An order that is in flight, and so not locked as a whole (ORD-13, ORD-7, ORD-6)."""
    order = existing(customer, order_id)
    if isinstance(order, Violation):
        return order
    if order.state is OrderState.CANCELLED:
        return violation(Code.ORDER_NOT_INFLIGHT, "ORD-7", "order_id", order_id=order_id, state=order.state)
    return locked_violation(order) or order


def locked_violation(order: Order) -> Violation | None:
    """That an order is locked as a whole, by whom, when and why (ORD-6, LCK-6)."""
    if order.locked is None:
        return None
    return violation(Code.ORDER_LOCKED, "ORD-6", "order_id", order_id=order.order_id, lock=order.locked)


def read_only_violation(order: Order) -> Violation | None:
    """That an order was generated to undo another one: it stays as it was generated (CPO-8)."""
    if order.compensates_order_id is None:
        return None
    return violation(
        Code.COMPENSATING_ORDER_READ_ONLY,
        "CPO-8",
        "order_id",
        order_id=order.order_id,
        compensates_order_id=order.compensates_order_id,
    )
