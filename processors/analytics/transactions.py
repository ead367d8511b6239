"""From a business transaction to its rows: the transaction itself, a step per event, a version per changed entity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

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
from schemas.fields import Entity, Event
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
    """Return the rows of one event, none for those that no table has steps of."""
    kind = type(event)
    writer = _writers.get(kind)
    if writer is None:
        writer = _writers[kind] = _writer(event)
    return writer(transaction, origin, position, event)


_Writer = Callable[[BusinessTransaction, Origin, int, Any], Iterable[Row]]
_writers: dict[type[AnyEvent | UnknownEvent], _Writer] = {}
"""Who writes the rows of an event: to ask for the domain anew costs more than the rows, unions have many words."""


def _writer(event: AnyEvent | UnknownEvent) -> _Writer:
    """Return who writes the rows of all events of this one's kind. A new event must be named here."""
    if isinstance(event, SubscriptionEvent | BundleEvent | WalletEvent | ScheduleEvent | ProvisioningEvent):
        return _writer_of_subscriptions(event)
    match event:
        case BillingPeriodStarted() | BillingPeriodEndChanged() | BillingPeriodReplaced():
            return _of(event, bill_cycles.period_steps)
        case BillCycleChangePlanned() | BillCycleChanged() | BillCycleChangeCancelled() | BillCycleChangeFailed():
            return _of(event, bill_cycles.change_steps)
        case AccountCreated() | AccountStateChanged():
            return _of(event, customer_data.states)
        case AccountStateChangePlanned() | AccountStateChangeCancelled() | AccountStateChangeFailed():
            return _nothing
        case AccountDetailsChanged() | CustomerRegistered() | CustomerUpdated() | CustomerDataErased():
            return _nothing
        case DueWorkParked() | UnknownEvent():
            return _nothing
        case _:
            return _writer_of_orders(event)


def _writer_of_subscriptions(
    event: SubscriptionEvent | BundleEvent | WalletEvent | ScheduleEvent | ProvisioningEvent,
) -> _Writer:
    if isinstance(event, SubscriptionEvent | BundleEvent):
        return _of(event, subscriptions.steps)
    if isinstance(event, WalletEvent):
        return _of(event, wallets.steps)
    if isinstance(event, ScheduleEvent):
        return _of(event, schedule.steps)
    return _of(event, provisioning.steps)


def _writer_of_orders(event: OrderEvent | OfCustomerData) -> _Writer:
    return _of(event, orders.steps) if isinstance(event, OrderEvent) else _of(event, customer_data.steps)


_Kind = TypeVar("_Kind", bound=Event)


def _of(event: _Kind, writer: Callable[[BusinessTransaction, Origin, int, _Kind], Iterable[Row]]) -> _Writer:
    """Return the writer; mypy sees that it knows the event."""
    del event
    return writer


def _nothing(_transaction: BusinessTransaction, _origin: Origin, _position: int, _event: Event) -> tuple[()]:
    return ()


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
