"""From a business transaction to its rows: the transaction itself, a step per event, a version per changed entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import msgspec

from processors.analytics import (
    accounts,
    bill_cycles,
    customer_data,
    hierarchies,
    order_lines,
    orders,
    provisioning,
    schedule,
    subscriptions,
    synchronization,
    wallets,
)
from processors.analytics.customer_data import OfCustomerData
from processors.analytics.rows import Origin, RawTransaction, Row
from processors.view.customer import identity_of
from schemas.accounts import (
    Account,
    AccountCreated,
    AccountDetailsChanged,
    AccountStateChangeCancelled,
    AccountStateChanged,
    AccountStateChangeFailed,
    AccountStateChangePlanned,
)
from schemas.bill_cycles import (
    BillCycleChangeCancelled,
    BillCycleChanged,
    BillCycleChangeFailed,
    BillCycleChangePlanned,
    BillingPeriodEndChanged,
    BillingPeriodReplaced,
    BillingPeriodStarted,
)
from schemas.billing_profiles import BillingAssignment, BillingProfile, PaymentMethod
from schemas.bundles import BundleEvent, BundleServicesAmended
from schemas.codec import UnknownEvent
from schemas.customers import Customer, CustomerRegistered, CustomerUpdated
from schemas.envelope import BusinessTransaction, Change
from schemas.erasure import CustomerDataErased
from schemas.fields import Entity
from schemas.hierarchies import AccountBillingSystemAdded
from schemas.order_events import OrderCancelled, OrderEvent
from schemas.order_lines import OrderLine
from schemas.orders import Order
from schemas.provisioning import Distributor, InstalledItem, ProvisioningEvent, ProvisioningRequested
from schemas.schedule import DueWorkParked, ScheduleEvent
from schemas.subscriptions import (
    ActionReferenceRecorded,
    ServiceSwapped,
    Subscription,
    SubscriptionEvent,
    SubscriptionService,
)
from schemas.synchronization import OrderLineRebased, OrderObjectKept
from schemas.wallets import Wallet, WalletEvent
from schemas.words import AnyEvent

_OfServices = SubscriptionEvent | BundleEvent
_OfSubscriptions = _OfServices | WalletEvent | ScheduleEvent | ProvisioningEvent

# Events after which an entity is, for its dimension, what it was. Any other event, a new one too, makes a version.
_NO_NEW_VERSION = frozenset(
    {
        AccountStateChangePlanned,
        AccountStateChangeCancelled,
        AccountStateChangeFailed,
        BillCycleChangePlanned,
        BillCycleChangeCancelled,
        BillCycleChangeFailed,
        BillingPeriodStarted,
        BillingPeriodEndChanged,
        BillingPeriodReplaced,
        DueWorkParked,
        ServiceSwapped,
        BundleServicesAmended,
        ActionReferenceRecorded,
        ProvisioningRequested,
        AccountBillingSystemAdded,
        OrderCancelled,
        OrderLineRebased,
        OrderObjectKept,
    }
)

_json = msgspec.json.Encoder(order=None)


def transaction_rows(transaction: BusinessTransaction, origin: Origin) -> list[Row]:
    """Return all rows of one transaction, in the order of its changes.

    Events that this version does not know (UnknownEvent) are counted in the raw row and give no row of their own; a
    rebuild after the upgrade picks them up.
    """
    changes = transaction.changes
    rows: list[Row] = [_raw(transaction, origin)]
    for position, change in enumerate(changes):
        rows.extend(_steps(transaction, origin, position, cast("AnyEvent | UnknownEvent", change.event)))
    rows.extend(_versions(transaction, origin))
    rows.extend(hierarchies.versions(transaction, origin))
    return rows


def _raw(transaction: BusinessTransaction, origin: Origin) -> RawTransaction:
    changes = transaction.changes
    return RawTransaction(
        *origin,
        transaction.customer_id,
        transaction.sequence,
        transaction.transaction_id,
        transaction.command_id,
        transaction.command_type,
        transaction.source,
        transaction.performed_by,
        transaction.performed_at,
        transaction.occurred_at,
        transaction.recorded_at,
        transaction.catalog_version,
        transaction.rules_version,
        transaction.cause.partition,
        transaction.cause.offset,
        transaction.cause.position,
        transaction.previous_hash.hex(),
        transaction.hash.hex(),
        len(changes),
        sum(1 for change in changes if type(change.event) is UnknownEvent),
        _json.encode([_rendered(change) for change in changes]).decode(),
    )


def _rendered(change: Change) -> dict[str, object]:
    """One change as it stands in the JSON: names beside the values, because a struct does not say what it is."""
    event, entity = change.event, change.entity
    if isinstance(event, UnknownEvent):
        return {"event_type": event.name, "event": None, "entity_type": None, "entity": None}
    return {
        "event_type": type(event).__name__,
        "event": event,
        "entity_type": type(entity).__name__ if entity is not None else None,
        "entity": entity,
    }


def _steps(
    transaction: BusinessTransaction, origin: Origin, position: int, event: AnyEvent | UnknownEvent
) -> Iterable[Row]:
    """Return the rows of one event, none for those that no table has steps of. A new event must be named here."""
    if isinstance(event, _OfSubscriptions):
        return _steps_of_subscriptions(transaction, origin, position, event)
    match event:
        case BillingPeriodStarted() | BillingPeriodEndChanged() | BillingPeriodReplaced():
            return (bill_cycles.period_step(transaction, origin, position, event),)
        case BillCycleChangePlanned() | BillCycleChanged() | BillCycleChangeCancelled() | BillCycleChangeFailed():
            return (bill_cycles.change_step(transaction, origin, position, event),)
        case AccountCreated() | AccountStateChanged():
            state = accounts.state_step(transaction, origin, position, event)
            return (state, *synchronization.objects(transaction, origin, position, event))
        case AccountStateChangePlanned() | AccountStateChangeCancelled() | AccountStateChangeFailed():
            return ()
        case AccountDetailsChanged() | CustomerRegistered() | CustomerUpdated() | CustomerDataErased():
            return ()
        case DueWorkParked() | UnknownEvent():
            return ()
        case _:
            return _steps_of_orders(transaction, origin, position, event)


def _steps_of_subscriptions(
    transaction: BusinessTransaction, origin: Origin, position: int, event: _OfSubscriptions
) -> Iterable[Row]:
    if isinstance(event, _OfServices):
        return subscriptions.steps(transaction, origin, position, event)
    if isinstance(event, WalletEvent):
        return wallets.steps(transaction, origin, position, event)
    if isinstance(event, ScheduleEvent):
        return (schedule.step(transaction, origin, position, event),)
    return provisioning.steps(transaction, origin, position, event)


def _steps_of_orders(
    transaction: BusinessTransaction, origin: Origin, position: int, event: OrderEvent | OfCustomerData
) -> Iterable[Row]:
    if isinstance(event, OrderEvent):
        return orders.steps(transaction, origin, position, event)
    return customer_data.steps(transaction, origin, position, event)


def _versions(transaction: BusinessTransaction, origin: Origin) -> Iterator[Row]:
    """Give a version of each entity that the transaction left different; it stands in full at its last change."""
    changed: set[tuple[str, str]] = set()
    any_unknown = False
    for change in transaction.changes:
        event = change.event
        if type(event) is UnknownEvent:
            any_unknown = True
        elif type(event) not in _NO_NEW_VERSION:
            changed.add(identity_of(event))
    for change in transaction.changes:
        entity = change.entity
        if entity is None:
            continue  # it stands at a later change
        kind, id_field = entity.identity
        if any_unknown or (kind, getattr(entity, id_field)) in changed:
            yield from _version(transaction, origin, entity)


def _version(transaction: BusinessTransaction, origin: Origin, entity: Entity) -> Iterator[Row]:
    match entity:
        case Account():
            yield accounts.account_version(transaction, origin, entity)
        case Customer():
            yield accounts.customer_version(transaction, origin, entity)
        case Subscription() | SubscriptionService():
            yield subscriptions.plan_version(transaction, origin, entity)
        case Wallet():
            yield wallets.wallet_version(transaction, origin, entity)
        case Distributor():
            yield provisioning.distributor_version(transaction, origin, entity)
        case InstalledItem():
            yield provisioning.item_version(transaction, origin, entity)
        case Order():
            yield orders.order_version(transaction, origin, entity)
        case OrderLine():
            yield order_lines.line_version(transaction, origin, entity)
        case BillingAssignment() | BillingProfile() | PaymentMethod():
            yield from customer_data.version(transaction, origin, entity)
        case _:
            pass  # an entity without a dimension
