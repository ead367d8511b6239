"""Rows of synchronization: what became of each line, and which objects came, stayed and went because of it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from processors.analytics.customer_data_rows import LineSyncFact, OrderObjectFact
from processors.analytics.rows import Origin, place
from schemas.accounts import AccountCreated, AccountState, AccountStateChanged, StateCause
from schemas.billing_profiles import (
    BillingProfileCreated,
    BillingProfileStateChanged,
    BillingProfileSwitched,
    PaymentMethodClosed,
    PaymentMethodCreated,
    PaymentMethodReopened,
    ProfileState,
    SwitchTo,
)
from schemas.envelope import BusinessTransaction
from schemas.fields import Event
from schemas.hierarchies import AccountReopened
from schemas.lineage import Lineage, LineRef, UseKind
from schemas.synchronization import OrderLineSkipped, OrderLineSynchronized, OrderObjectKept

_json = msgspec.json.Encoder(order="deterministic")

CREATED, KEPT, CLOSED, REOPENED = "CREATED", "KEPT", "CLOSED", "REOPENED"
SWITCHED = "SWITCHED"
"""Why a nonpaying profile is closed when its account pays for itself again (HIE-13)."""


def line_sync(
    transaction: BusinessTransaction,
    origin: Origin,
    position: int,
    event: OrderLineSynchronized | OrderLineSkipped,
) -> LineSyncFact:
    """Return what one synchronization, or a cancellation, did with one line."""
    done = event if isinstance(event, OrderLineSynchronized) else None
    skipped = event if isinstance(event, OrderLineSkipped) else None
    return LineSyncFact(
        *place(transaction, origin, position),
        event.order_id,
        event.line_id,
        event.revision,
        event.row,
        done.original_action.value if done else None,
        event.compensation_action.value if event.compensation_action else None,
        done.service_id if done else None,
        _text(done.changed if done else ()),
        _text(done.prior_values if done else {}),
        _text(done.applied if done else {}),
        _text(done.kept if done else ()),
        len(done.kept) if done else 0,
        bool(done and done.ignored),
        skipped.reason.value if skipped else None,
        _text(skipped.untracked_changes if skipped else ()),
        done.sync_state.value if done else None,
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )


def objects(transaction: BusinessTransaction, origin: Origin, position: int, event: Event) -> Iterator[OrderObjectFact]:
    """Give the row of an object that an order line made, kept, closed or opened again; none for other events."""
    told = _told(event)
    if told is None:
        return
    kind, object_id, line, happened, reason, needed_by = told
    yield OrderObjectFact(
        *place(transaction, origin, position),
        kind.value,
        object_id,
        line.order_id if line else None,
        line.line_id if line else None,
        happened,
        reason,
        needed_by.order_id if needed_by else None,
        needed_by.line_id if needed_by else None,
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )


_Told = tuple[UseKind, str, Lineage | LineRef | None, str, str | None, LineRef | None]


def _told(event: Event) -> _Told | None:
    match event:
        case AccountCreated(created_by=Lineage() as line):
            return UseKind.ACCOUNT, event.account_id, line, CREATED, None, None
        case AccountStateChanged(cause=StateCause.ORDER, to=AccountState.DEACTIVATED):
            return UseKind.ACCOUNT, event.account_id, event.line, CLOSED, event.reason, None
        case AccountReopened():
            return UseKind.ACCOUNT, event.account_id, event.lineage, REOPENED, event.reason, None
        case PaymentMethodCreated(lineage=Lineage() as line):
            return UseKind.PAYMENT_METHOD, event.payment_method_id, line, CREATED, None, None
        case PaymentMethodClosed():
            return UseKind.PAYMENT_METHOD, event.payment_method_id, event.line, CLOSED, None, None
        case PaymentMethodReopened():
            return UseKind.PAYMENT_METHOD, event.payment_method_id, event.line, REOPENED, None, None
        case OrderObjectKept():
            line_ref = LineRef(order_id=event.order_id, line_id=event.line_id)
            return event.kind, event.id, line_ref, KEPT, event.reason.value, event.by
        case _:
            return _told_of_profile(event)


def _told_of_profile(event: Event) -> _Told | None:
    """INACTIVE is a profile that waits for its turn, or for its payer: neither gone nor new."""
    kind = UseKind.BILLING_PROFILE
    match event:
        case BillingProfileCreated(lineage=Lineage() as line):
            return kind, event.billing_profile_id, line, CREATED, None, None
        case BillingProfileStateChanged(new_state=ProfileState.CLOSED):
            return kind, event.billing_profile_id, event.line, CLOSED, event.cause.value, None
        case BillingProfileStateChanged(old_state=ProfileState.CLOSED):
            return kind, event.billing_profile_id, event.line, REOPENED, event.cause.value, None
        case BillingProfileSwitched(to=SwitchTo.OWN):
            return kind, event.billing_profile_id, event.line, CLOSED, SWITCHED, None
        case _:
            return None


def _text(value: object) -> str:
    return _json.encode(value).decode()
