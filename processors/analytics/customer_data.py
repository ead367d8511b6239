"""From events about customer data that orders make to rows: which domain has which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from processors.analytics import accounts, billing_profiles, payments, synchronization
from processors.analytics.rows import Origin, Row
from schemas.accounts import AccountCreated, AccountStateChanged
from schemas.billing_profiles import (
    AssignmentEvent,
    BillingAssignment,
    BillingAssignmentChanged,
    BillingAssignmentEnded,
    BillingAssignmentStarted,
    BillingProfile,
    MethodEvent,
    PaymentMethod,
    ProfileEvent,
)
from schemas.envelope import BusinessTransaction
from schemas.hierarchies import (
    AccountBillingSystemAdded,
    AccountHierarchyChanged,
    AccountLinkEvent,
    AccountReopened,
    CorporateHierarchySynchronized,
    GroupEvent,
)
from schemas.payments import PaymentEvent, PaymentFailed, PaymentRecorded, PaymentReversed
from schemas.synchronization import (
    LineSyncEvent,
    OrderAccountsSynchronized,
    OrderAccountSyncCompleted,
    OrderLineRebased,
    OrderLineSkipped,
    OrderLineSynchronized,
    OrderObjectKept,
    OrderPaymentAwaited,
    OrderSyncEvent,
)

OfObjects = MethodEvent | ProfileEvent | GroupEvent | CorporateHierarchySynchronized
OfCustomerData = AccountLinkEvent | OfObjects | AssignmentEvent | LineSyncEvent | OrderSyncEvent | PaymentEvent


def steps(transaction: BusinessTransaction, origin: Origin, position: int, event: OfCustomerData) -> Iterable[Row]:
    """Return the rows of one event. Links, memberships and nodes stand in `hierarchies.versions`."""
    if isinstance(event, OfObjects):
        return synchronization.objects(transaction, origin, position, event)
    match event:
        case OrderLineSynchronized() | OrderLineSkipped():
            return (synchronization.line_sync(transaction, origin, position, event),)
        case OrderObjectKept():
            return synchronization.objects(transaction, origin, position, event)
        case AccountReopened():
            return states(transaction, origin, position, event)
        case BillingAssignmentStarted() | BillingAssignmentChanged() | BillingAssignmentEnded():
            return billing_profiles.assignment_changes(transaction, origin, position, event)
        case PaymentRecorded() | PaymentFailed() | PaymentReversed():
            return (payments.step(transaction, origin, position, event),)
        case AccountHierarchyChanged() | AccountBillingSystemAdded() | OrderLineRebased():
            return ()
        case OrderAccountsSynchronized() | OrderAccountSyncCompleted() | OrderPaymentAwaited():
            return ()
        case _:
            assert_never(event)


def states(
    transaction: BusinessTransaction,
    origin: Origin,
    position: int,
    event: AccountCreated | AccountStateChanged | AccountReopened,
) -> Iterable[Row]:
    """Return an account's state, and what its order line did with the account."""
    state = accounts.state_step(transaction, origin, position, event)
    return (state, *synchronization.objects(transaction, origin, position, event))


def version(
    transaction: BusinessTransaction, origin: Origin, entity: BillingAssignment | BillingProfile | PaymentMethod
) -> Iterator[Row]:
    """Give the row of an entity as the transaction left it."""
    match entity:
        case BillingAssignment():
            yield billing_profiles.assignment_version(transaction, origin, entity)
        case BillingProfile():
            yield billing_profiles.profile_version(transaction, origin, entity)
        case PaymentMethod():
            yield billing_profiles.method_version(transaction, origin, entity)
        case _:
            assert_never(entity)
