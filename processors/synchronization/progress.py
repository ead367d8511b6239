"""How far an order's customer data has come. Derived from its lines, so no event of a revision carries it (PAY-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.synchronization.planning import is_gone, to_undo
from schemas.lineage import AccountSync, PaymentState
from schemas.order_lines import OrderLine
from schemas.orders import CLOSED, Order, OrderState

if TYPE_CHECKING:
    from processors.view.customer import CustomerView


def missing_lines(customer: CustomerView, order: Order, *, strict: bool) -> tuple[str, ...]:
    """Lines that are still to be synchronized, in their order; then those to be taken back, by line_id."""
    missing = [line for line in customer.lines(order.order_id) if _is_missing(line, strict=strict)]
    here = [line.line_id for line in missing if not is_gone(line)]
    return (*here, *sorted(line.line_id for line in missing if is_gone(line)))


def _is_missing(line: OrderLine, *, strict: bool) -> bool:
    if is_gone(line):
        return to_undo(line, strict=strict)
    answered = line.synchronized_revision
    return answered is None or answered < line.customer_data_revision


def account_sync(customer: CustomerView, order: Order, *, strict: bool) -> AccountSync:
    """How far an order's customer data has come now: what its revisions and modifications left of it."""
    if order.account_sync is AccountSync.NONE or order.state is OrderState.CANCELLED:
        return order.account_sync
    return reached(customer, order, missing_lines(customer, order, strict=strict))


def reached(customer: CustomerView, order: Order, missing: tuple[str, ...]) -> AccountSync:
    """How far it has come when these lines are missing."""
    if missing:
        return AccountSync.PARTIAL
    if order.payment_billing_profile is None or recorded_payment(customer, order.order_id) is not None:
        return AccountSync.COMPLETED
    if order.state in CLOSED and order.account_sync is AccountSync.COMPLETED:
        payments = customer.payments_of(order.order_id)
        if any(payment.state is PaymentState.REVERSED for payment in payments):
            return AccountSync.COMPLETED  # what was given back after the end is not awaited again (PAY-10)
    return AccountSync.AWAITING_PAYMENT


def recorded_payment(customer: CustomerView, order_id: str) -> str | None:
    """The order's latest payment that stands RECORDED."""
    recorded = [
        (payment.recorded_at, payment.payment_id)
        for payment in customer.payments_of(order_id)
        if payment.state is PaymentState.RECORDED and payment.recorded_at is not None
    ]
    return max(recorded)[1] if recorded else None
