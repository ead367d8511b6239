"""Payments that are given back: with their cancelled order, or on request (PAY-7 .. PAY-10)."""

from __future__ import annotations

from collections.abc import Iterator

from processors.context import Context
from processors.view.customer import CustomerView
from schemas.catalog import PaymentReversal
from schemas.lineage import PaymentState
from schemas.payments import Payment, PaymentReversed

ORDER_CANCELLED = "ORDER_CANCELLED"
"""The core's own reason."""


def reverse_all(customer: CustomerView, order_id: str, context: Context) -> tuple[PaymentReversed, ...]:
    """Every recorded payment of an order that was cancelled before anything was billed (PAY-7)."""
    return tuple(_reversed_each(customer, order_id, context))


def _reversed_each(customer: CustomerView, order_id: str, context: Context) -> Iterator[PaymentReversed]:
    disposition = context.catalog.switches.payment_reversal
    for payment in customer.payments_of(order_id):
        if payment.state is PaymentState.RECORDED:
            yield reversal(payment, ORDER_CANCELLED, disposition, context)


def reversal(payment: Payment, reason: str, disposition: PaymentReversal, context: Context) -> PaymentReversed:
    """A recorded payment is given back in full."""
    assert payment.billing_profile_id is not None, "a recorded payment is on a profile"
    assert payment.amount is not None, "a recorded payment has an amount"
    assert payment.currency is not None, "a recorded payment has a currency"
    return PaymentReversed(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        billing_profile_id=payment.billing_profile_id,
        amount=payment.amount,
        currency=payment.currency,
        disposition=disposition,
        reason=reason,
        reversed_at=context.at,
        old_state=payment.state,
    )
