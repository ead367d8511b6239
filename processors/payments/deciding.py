"""RecordOrderPayment and ReverseOrderPayment: money taken with an order is booked once, and given back with it."""

from __future__ import annotations

from collections.abc import Iterator

from processors.context import Context
from processors.decision import Decision, Refused
from processors.orders.states import settle
from processors.payments.reversing import reversal
from processors.synchronization.progress import account_sync, missing_lines, recorded_payment
from processors.view.customer import CustomerView
from processors.wallets.amounts import as_given, fits, in_scale, scale_of
from schemas.billing_profiles import BillingProfile, ProfileState
from schemas.fields import Event
from schemas.lineage import AccountSync, PaymentState
from schemas.orders import CLOSED, Order, OrderState
from schemas.payments import (
    Payment,
    PaymentFailed,
    PaymentRecorded,
    PaymentResult,
    RecordOrderPayment,
    ReverseOrderPayment,
)
from schemas.refusals import Code, Violation, violation
from schemas.synchronization import OrderAccountSyncCompleted, OrderPaymentAwaited

# -- recording


def record(customer: CustomerView, command: RecordOrderPayment, context: Context) -> Decision:
    """Book a payment, or note that it failed (PAY-0 .. PAY-6a)."""
    order = customer.order(command.order_id)
    if order is None:
        return Refused((violation(Code.ORDER_UNKNOWN, "PAY-0", "order_id", order_id=command.order_id),))
    if order.state is OrderState.CANCELLED:
        closed = violation(Code.ORDER_NOT_INFLIGHT, "PAY-0", "order_id", order_id=order.order_id, state=order.state)
        return Refused((closed,))
    known = customer.payment(command.payment_id)
    conflicts = () if known is None else tuple(_conflicts(order, known, command, context))
    if known is not None and not conflicts and _is_repeated(known, command):
        return ()
    strict = context.catalog.switches.strict_vendor_behaviour
    missing = missing_lines(customer, order, strict=strict)
    sync = account_sync(customer, order, strict=strict)
    profile_id = command.billing_profile_id or order.payment_billing_profile
    profile = None if profile_id is None else customer.billing_profile(profile_id)
    early = tuple(_early(order, sync, missing))
    if early:
        return Refused(early)  # what a payment belongs to is not there yet

    violations = (
        *_profile_violations(order, profile_id, profile, command),
        *conflicts,
        *_amount_violations(profile, command, context),
    )
    if violations:
        return Refused(violations)

    if command.result is PaymentResult.FAILED:
        return _failed(customer, command, profile_id, context)
    assert profile is not None, "a payment without a profile was refused"
    return _booked(customer, order, command, profile, known, context)


def _early(order: Order, sync: AccountSync, missing: tuple[str, ...]) -> Iterator[Violation]:
    """Never before the accounts (PAY-1)."""
    if sync in (AccountSync.NONE, AccountSync.PARTIAL):
        yield violation(
            Code.ORDER_NOT_SYNCHRONIZED, "PAY-1", "order_id", order_id=order.order_id, missing_lines=missing
        )


def _profile_violations(
    order: Order, profile_id: str | None, profile: BillingProfile | None, command: RecordOrderPayment
) -> Iterator[Violation]:
    """A payment belongs to an active paying profile, the order's if it has one (PAY-3, PAY-3a)."""
    path = "billing_profile_id"
    if profile_id is None:
        if command.result is PaymentResult.CONFIRMED:
            yield violation(Code.BILLING_PROFILE_REQUIRED, "PAY-3", path, order_id=order.order_id)
        return
    if profile is None:
        yield violation(Code.PROFILE_UNKNOWN, "PAY-3a", path, billing_profile_id=profile_id)
    elif not profile.paying:
        yield violation(Code.PROFILE_NOT_PAYING, "PAY-3a", path, line_id=None, billing_profile_id=profile_id)
    elif profile.state is not ProfileState.ACTIVE:
        yield violation(
            Code.PROFILE_NOT_ACTIVE, "PAY-3a", path, line_id=None, billing_profile_id=profile_id, state=profile.state
        )

    if order.payment_billing_profile is not None and profile_id != order.payment_billing_profile:
        yield violation(
            Code.PAYMENT_PROFILE_MISMATCH,
            "PAY-3a",
            path,
            given=profile_id,
            expected=order.payment_billing_profile,
        )


def _conflicts(order: Order, known: Payment, command: RecordOrderPayment, context: Context) -> Iterator[Violation]:
    """A payment id means one payment: of one order, with one content, not given back (PAY-5, PAY-6)."""
    for field, recorded, given in _differences(order, known, command, context):
        yield violation(
            Code.PAYMENT_CONFLICT,
            "PAY-5",
            field if field in command.__struct_fields__ else "payment_id",
            payment_id=known.payment_id,
            field=field,
            recorded=recorded,
            given=given,
        )


def _differences(
    order: Order, known: Payment, command: RecordOrderPayment, context: Context
) -> Iterator[tuple[str, object, object]]:
    if known.order_id != order.order_id:
        yield "order_id", known.order_id, order.order_id
        return
    confirmed = command.result is PaymentResult.CONFIRMED
    if known.state is PaymentState.REVERSED:
        yield "state", known.state, command.result
    elif known.state is PaymentState.RECORDED and not confirmed:
        yield "result", PaymentResult.CONFIRMED, command.result
    elif known.state is PaymentState.RECORDED:
        assert command.amount is not None, "a confirmed payment has an amount"
        if known.amount != command.amount:
            scale = scale_of(command.currency or "", context.catalog)
            yield "amount", known.amount, as_given(command.amount, scale)
        if known.currency != command.currency:
            yield "currency", known.currency, command.currency
        if command.billing_profile_id not in (None, known.billing_profile_id):
            yield "billing_profile_id", known.billing_profile_id, command.billing_profile_id
        if command.received_at not in (None, known.received_at):
            yield "received_at", known.received_at, command.received_at


def _is_repeated(known: Payment, command: RecordOrderPayment) -> bool:
    """Whether the same was said before (PAY-5)."""
    if command.result is PaymentResult.FAILED:
        return known.state is PaymentState.FAILED and known.failure_reason == command.failure_reason
    return known.state is PaymentState.RECORDED


def _amount_violations(
    profile: BillingProfile | None, command: RecordOrderPayment, context: Context
) -> Iterator[Violation]:
    """A positive amount in its currency's scale, in the profile's currency, taken before now (PAY-6a)."""
    if command.result is PaymentResult.FAILED:
        return
    amount, currency = command.amount, command.currency
    assert amount is not None, "a confirmed payment has an amount"
    assert currency is not None, "a confirmed payment has a currency"
    configured = context.catalog.currency(currency) is not None
    scale = scale_of(currency, context.catalog)
    shown = as_given(amount, scale)
    if amount <= 0:
        yield violation(Code.AMOUNT_NOT_POSITIVE, "PAY-6a", "amount", amount=shown)
    if configured and not fits(amount, scale):
        yield violation(Code.AMOUNT_SCALE, "PAY-6a", "amount", amount=shown, scale=scale)
    if profile is not None and currency != profile.currency:
        yield violation(
            Code.CURRENCY_MISMATCH, "PAY-6a", "currency", of="PROFILE", given=currency, expected=profile.currency
        )
    if command.received_at is not None and command.received_at > context.at:
        yield violation(
            Code.RECEIVED_IN_FUTURE, "PAY-6a", "received_at", received_at=command.received_at, at=context.at
        )


def _failed(
    customer: CustomerView, command: RecordOrderPayment, profile_id: str | None, context: Context
) -> tuple[Event, ...]:
    """The accounts stay, the payment is still awaited (PAY-6)."""
    assert command.failure_reason is not None, "a failed payment has its reason"
    failed = PaymentFailed(
        payment_id=command.payment_id,
        order_id=command.order_id,
        billing_profile_id=profile_id,
        failure_reason=command.failure_reason,
        failed_at=context.at,
    )
    draft = customer.draft()
    draft.record(failed)
    return failed, *settle(draft, command.order_id, context)


def _booked(  # the order, its profile, and what is known of the payment
    customer: CustomerView,
    order: Order,
    command: RecordOrderPayment,
    profile: BillingProfile,
    known: Payment | None,
    context: Context,
) -> tuple[Event, ...]:
    assert command.amount is not None, "a confirmed payment has an amount"
    assert command.currency is not None, "a confirmed payment has a currency"
    events: list[Event] = [
        PaymentRecorded(
            payment_id=command.payment_id,
            order_id=order.order_id,
            billing_profile_id=profile.billing_profile_id,
            account_id=profile.account_id,
            amount=in_scale(command.amount, scale_of(command.currency, context.catalog)),
            currency=command.currency,
            received_at=command.received_at or context.at,
            recorded_at=context.at,
            previous_state=known.state if known else None,
        )
    ]
    draft = customer.draft()
    draft.record(events[0])
    if customer.completed_revision(order.order_id) != order.revision:
        completed = OrderAccountSyncCompleted(
            order_id=order.order_id, revision=order.revision, payment_id=command.payment_id
        )
        draft.record(completed)
        events.append(completed)
    return *events, *settle(draft, order.order_id, context)


# -- giving back


def reverse(customer: CustomerView, command: ReverseOrderPayment, context: Context) -> Decision:
    """Give a payment back in full, in any state of its order (PAY-8 .. PAY-10)."""
    order = customer.order(command.order_id)
    if order is None:
        return Refused((violation(Code.ORDER_UNKNOWN, "PAY-0", "order_id", order_id=command.order_id),))
    payment = customer.payment(command.payment_id)
    if payment is None or payment.order_id != order.order_id:
        unknown = violation(Code.PAYMENT_UNKNOWN, "PAY-9", "payment_id", payment_id=command.payment_id)
        return Refused((unknown,))
    disposition = command.disposition or context.catalog.switches.payment_reversal
    if payment.state is PaymentState.FAILED:
        failed = violation(
            Code.PAYMENT_NOT_RECORDED,
            "PAY-9",
            "payment_id",
            payment_id=payment.payment_id,
            state=payment.state,
        )
        return Refused((failed,))
    if payment.state is PaymentState.REVERSED:
        if payment.disposition is disposition:
            return ()
        done = violation(
            Code.PAYMENT_ALREADY_REVERSED,
            "PAY-9",
            "payment_id",
            payment_id=payment.payment_id,
            disposition=payment.disposition,
        )
        return Refused((done,))

    draft = customer.draft()
    given_back = reversal(payment, command.reason, disposition, context)
    draft.record(given_back)
    awaited_again = _awaited_again(draft, order, given_back.billing_profile_id)
    for event in awaited_again:
        draft.record(event)
    return given_back, *awaited_again, *settle(draft, order.order_id, context)


def _awaited_again(draft: CustomerView, order: Order, paid_on: str) -> tuple[OrderPaymentAwaited, ...]:
    """Another payment is awaited while lines are open and none stands recorded (PAY-10)."""
    closed = order.state in CLOSED
    if closed or order.account_sync is not AccountSync.COMPLETED:
        return ()
    if recorded_payment(draft, order.order_id) is not None:
        return ()
    profile = order.payment_billing_profile or paid_on
    return (OrderPaymentAwaited(order_id=order.order_id, billing_profile_id=profile),)
