"""From a business transaction to its rows: the transaction itself, a step per event, a version per changed entity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import msgspec

from processors.analytics import accounts, bill_cycles
from processors.analytics.rows import Origin, RawTransaction, Row
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
from schemas.bundles import BundleEvent
from schemas.codec import UnknownEvent
from schemas.customers import Customer, CustomerRegistered, CustomerUpdated
from schemas.envelope import BusinessTransaction, Change
from schemas.erasure import CustomerDataErased
from schemas.provisioning import ProvisioningEvent
from schemas.schedule import DueWorkParked, ScheduleEvent
from schemas.subscriptions import SubscriptionEvent
from schemas.wallets import WalletEvent
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
        step = _step(transaction, origin, position, cast("AnyEvent | UnknownEvent", change.event))
        if step is not None:
            rows.append(step)
    rows.extend(_versions(transaction, origin))
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


def _step(
    transaction: BusinessTransaction, origin: Origin, position: int, event: AnyEvent | UnknownEvent
) -> Row | None:
    """Return the row of one event, None for those that no table has steps of. A new event must be named here."""
    if isinstance(event, SubscriptionEvent | BundleEvent | WalletEvent | ScheduleEvent | ProvisioningEvent):
        return None
    match event:
        case BillingPeriodStarted() | BillingPeriodEndChanged() | BillingPeriodReplaced():
            return bill_cycles.period_step(transaction, origin, position, event)
        case BillCycleChangePlanned() | BillCycleChanged() | BillCycleChangeCancelled() | BillCycleChangeFailed():
            return bill_cycles.change_step(transaction, origin, position, event)
        case AccountCreated() | AccountStateChanged():
            return accounts.state_step(transaction, origin, position, event)
        case AccountStateChangePlanned() | AccountStateChangeCancelled() | AccountStateChangeFailed():
            return None
        case AccountDetailsChanged() | CustomerRegistered() | CustomerUpdated() | CustomerDataErased():
            return None
        case DueWorkParked() | UnknownEvent():
            return None


def _versions(transaction: BusinessTransaction, origin: Origin) -> Iterator[Row]:
    """Give a version of each entity that the transaction left different; it stands in full at its last change."""
    changed: set[str] = set()
    any_unknown = False
    for change in transaction.changes:
        event = change.event
        if type(event) is UnknownEvent:
            any_unknown = True
        elif type(event) not in _NO_NEW_VERSION:
            changed.add(getattr(event, event.about[1]))
    for change in transaction.changes:
        match change.entity:
            case Account() as account if any_unknown or account.account_id in changed:
                yield accounts.account_version(transaction, origin, account)
            case Customer() as customer if any_unknown or customer.customer_id in changed:
                yield accounts.customer_version(transaction, origin, customer)
            case _:
                pass  # null, unchanged, or an entity without a dimension
