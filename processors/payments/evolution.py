"""How a payment evolves."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from schemas.amounts import as_stored
from schemas.lineage import PaymentState
from schemas.payments import Payment, PaymentEvent, PaymentFailed, PaymentRecorded, PaymentReversed


def evolve(payment: Payment | None, event: PaymentEvent) -> Payment:
    """The payment after the event. One that failed may be recorded after all (PAY-6)."""
    match event:
        case PaymentRecorded():
            return Payment(
                payment_id=event.payment_id,
                order_id=event.order_id,
                billing_profile_id=event.billing_profile_id,
                account_id=event.account_id,
                state=PaymentState.RECORDED,
                amount=as_stored(event.amount),
                currency=event.currency,
                received_at=event.received_at,
                recorded_at=event.recorded_at,
            )
        case PaymentFailed():
            return Payment(
                payment_id=event.payment_id,
                order_id=event.order_id,
                billing_profile_id=event.billing_profile_id,
                state=PaymentState.FAILED,
                failure_reason=event.failure_reason,
                failed_at=event.failed_at,
            )
        case PaymentReversed():
            assert payment is not None, "only a recorded payment is reversed"
            return replace(
                payment,
                state=PaymentState.REVERSED,
                disposition=event.disposition,
                reversed_at=event.reversed_at,
            )
        case _:
            assert_never(event)
