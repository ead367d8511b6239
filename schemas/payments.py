"""The words of payments that are taken with an order."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from schemas.catalog import PaymentReversal
from schemas.fields import AccountId, Command, CurrencyCode, Entity, Event, doc
from schemas.lineage import OrderId, PaymentState

PaymentId = Annotated[str, doc("The CRM's id of the payment, unique within the customer")]
PaidProfile = Annotated[str, doc("Billing profile that the payment belongs to")]
FailureReason = Annotated[str, doc("Code of the CRM, for instance PAYMENT_NOT_FOUND")]


class PaymentResult(StrEnum):
    """What the CRM says of a payment."""

    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"


class RecordOrderPayment(Command, frozen=True, kw_only=True):
    """Book a payment that was taken with an order, or say that it failed (PAY-0 .. PAY-6a)."""

    order_id: OrderId
    payment_id: PaymentId
    result: Annotated[PaymentResult, doc("Taken, or not to be had")] = PaymentResult.CONFIRMED
    failure_reason: FailureReason | None = None
    billing_profile_id: Annotated[str | None, doc("Default the order's payment_billing_profile")] = None
    amount: Annotated[Decimal | None, doc("More than 0, in the currency's scale")] = None
    currency: CurrencyCode | None = None
    received_at: Annotated[datetime | None, doc("When the CRM took it; default now")] = None

    def __post_init__(self) -> None:
        if self.result is PaymentResult.FAILED and self.failure_reason is None:
            raise ValueError("Expected `failure_reason` where the result is FAILED")
        if self.result is PaymentResult.CONFIRMED and (self.amount is None or self.currency is None):
            raise ValueError("Expected `amount` and `currency` where the result is CONFIRMED")


class ReverseOrderPayment(Command, frozen=True, kw_only=True):
    """Give a payment back, in full (PAY-8 .. PAY-10)."""

    order_id: OrderId
    payment_id: PaymentId
    reason: Annotated[str, doc("Why, as the caller says")]
    disposition: Annotated[PaymentReversal | None, doc("What to do with the money; default the catalog's")] = None


class Payment(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """Money that was taken with an order."""

    identity: ClassVar = ("payment", "payment_id")

    payment_id: PaymentId
    order_id: OrderId
    billing_profile_id: Annotated[str | None, doc("Billing profile that it belongs to")] = None
    account_id: Annotated[str | None, doc("Account of that profile")] = None
    state: Annotated[PaymentState, doc("State")]
    amount: Annotated[Decimal | None, doc("What was taken")] = None
    currency: CurrencyCode | None = None
    received_at: Annotated[datetime | None, doc("When the CRM took it")] = None
    recorded_at: Annotated[datetime | None, doc("When it was booked")] = None
    failure_reason: FailureReason | None = None
    failed_at: Annotated[datetime | None, doc("When it failed")] = None
    disposition: Annotated[PaymentReversal | None, doc("What a reversal asks for")] = None
    reversed_at: Annotated[datetime | None, doc("When it was given back")] = None


class PaymentRecorded(Event, frozen=True, kw_only=True):
    """A payment is booked."""

    about: ClassVar = ("payment", "payment_id")

    payment_id: PaymentId
    order_id: OrderId
    billing_profile_id: PaidProfile
    account_id: AccountId
    amount: Annotated[Decimal, doc("What was taken")]
    currency: CurrencyCode
    received_at: Annotated[datetime, doc("When the CRM took it")]
    recorded_at: Annotated[datetime, doc("When it was booked")]
    previous_state: Annotated[PaymentState | None, doc("FAILED where it had failed before")] = None


class PaymentFailed(Event, frozen=True, kw_only=True):
    """A payment could not be delivered or collected."""

    about: ClassVar = ("payment", "payment_id")

    payment_id: PaymentId
    order_id: OrderId
    billing_profile_id: Annotated[str | None, doc("Billing profile that it was for")] = None
    failure_reason: FailureReason
    failed_at: Annotated[datetime, doc("When it was said")]


class PaymentReversed(Event, frozen=True, kw_only=True):
    """A payment is to be given back."""

    about: ClassVar = ("payment", "payment_id")

    payment_id: PaymentId
    order_id: OrderId
    billing_profile_id: PaidProfile
    amount: Annotated[Decimal, doc("All of it")]
    currency: CurrencyCode
    disposition: Annotated[PaymentReversal, doc("What to do with the money")]
    reason: Annotated[str, doc("Why")]
    reversed_at: Annotated[datetime, doc("When")]
    old_state: Annotated[PaymentState, doc("State before")]


PaymentCommand = RecordOrderPayment | ReverseOrderPayment
PaymentEvent = PaymentRecorded | PaymentFailed | PaymentReversed
