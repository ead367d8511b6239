"""Rows of payments that were taken with orders: recorded, failed, reversed."""

from __future__ import annotations

from typing import assert_never

from processors.analytics.customer_data_rows import PaymentStep
from processors.analytics.rows import Origin, place
from schemas.envelope import BusinessTransaction
from schemas.lineage import PaymentState
from schemas.payments import PaymentEvent, PaymentFailed, PaymentRecorded, PaymentReversed


def step(transaction: BusinessTransaction, origin: Origin, position: int, event: PaymentEvent) -> PaymentStep:
    """Return the step that an event is in the life of a payment."""
    begun = PaymentStep(
        *place(transaction, origin, position),
        event.payment_id,
        event.order_id,
        "",
        event.billing_profile_id,
        transaction.occurred_at,
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )
    match event:
        case PaymentRecorded():
            return begun._replace(
                state=PaymentState.RECORDED.value,
                happened_at=event.recorded_at,
                account_id=event.account_id,
                amount=event.amount,
                currency=event.currency,
                received_at=event.received_at,
            )
        case PaymentFailed():
            return begun._replace(
                state=PaymentState.FAILED.value, happened_at=event.failed_at, failure_reason=event.failure_reason
            )
        case PaymentReversed():
            return begun._replace(
                state=PaymentState.REVERSED.value,
                happened_at=event.reversed_at,
                amount=event.amount,
                currency=event.currency,
                disposition=event.disposition.value,
                reason=event.reason,
            )
        case _:
            assert_never(event)
