"""The index and summary rows that follow from subscriptions, services, distributors, items, actions and references.

Live services stand in small rows (`Member`) per subscription and per bundle, and are counted per product (`Tally`), so
that a rule about many services reads neither all of them nor any of those that ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from processors.acting import LIVE, ON
from processors.view.rows.accounts import SCHEDULED_ACTION, IndexRows, Reading, clock_id
from schemas.actions import ServiceState
from schemas.amounts import as_stored
from schemas.fields import Entity, Event
from schemas.provisioning import Distributor, InstalledItem, InstalledItemRegistered, ProvisioningDistributorCreated
from schemas.rosters import ActivationCharge, Member, Numbers, ReferenceRow, Tally
from schemas.rows import Due, due_key, key, moment_bytes, within
from schemas.schedule import ActionState, ScheduledAction, ScheduledActionCreated
from schemas.subscriptions import (
    ActionReferenceRecorded,
    Subscription,
    SubscriptionService,
    SubscriptionServiceAdded,
)
from schemas.wallets import DebitKind, WalletDebited

Row = TypeVar("Row")

_encode = msgspec.msgpack.Encoder().encode
decode_member = msgspec.msgpack.Decoder(Member).decode
decode_tally = msgspec.msgpack.Decoder(Tally).decode
decode_numbers = msgspec.msgpack.Decoder(Numbers).decode
decode_reference = msgspec.msgpack.Decoder(ReferenceRow).decode
decode_charge = msgspec.msgpack.Decoder(ActivationCharge).decode


def numbered(customer_id: str, kind: str, owner: str, number: int) -> bytes:
    """Key of a row in a list that is kept in order of number."""
    return within(customer_id, kind, owner) + number.to_bytes(4, "big")


CONCERNED: tuple[type[Entity], ...] = (SubscriptionService, Subscription, ScheduledAction, Distributor, InstalledItem)
"""Entities that `changes` says something of."""

FOLLOWED: tuple[type[Event], ...] = (
    ActionReferenceRecorded,
    WalletDebited,
    SubscriptionServiceAdded,
    ScheduledActionCreated,
    ProvisioningDistributorCreated,
    InstalledItemRegistered,
)
"""Events that `followed` says something of."""


def changes(customer_id: str, before: Entity | None, after: Entity, view: Reading) -> IndexRows:
    """Rows to write (or, as None, to delete) because an entity changed."""
    read = view.index
    match after:
        case SubscriptionService():
            assert before is None or isinstance(before, SubscriptionService)
            return _service(customer_id, before, after, read)
        case Subscription():
            assert before is None or isinstance(before, Subscription)
            return _subscription(customer_id, before, after)
        case ScheduledAction():
            assert before is None or isinstance(before, ScheduledAction)
            return _action(customer_id, before, after)
        case Distributor():
            row = None if after.removed else after.distributor_id.encode()
            return {numbered(customer_id, "distributor_of", after.subscription_id, after.number): row}
        case InstalledItem():
            assert before is None or isinstance(before, InstalledItem)
            return _item(customer_id, before, after)
        case _:
            return {}


def followed(customer_id: str, event: Event, view: Reading) -> IndexRows:
    """Rows that an event itself writes: numbers given, references, charges."""
    read = view.index
    match event:
        case ActionReferenceRecorded():
            owner = event.subscription_id or event.wallet_id
            assert owner is not None, "a reference is one of a subscription or of a wallet"
            row = ReferenceRow(event.command_id, event.command_type, event.body_digest)
            return {within(customer_id, "reference", owner) + event.reference.encode(): _encode(row)}
        case WalletDebited(kind=DebitKind.ACTIVATION):
            charge = ActivationCharge(event.wallet_id, event.entry_number, as_stored(event.amount), event.effective_at)
            return {key(customer_id, "activation_charge", event.service_id): _encode(charge)}
        case SubscriptionServiceAdded():
            return _numbered(customer_id, event.subscription_id, "service", event.number, read)
        case ScheduledActionCreated():
            return _numbered(customer_id, event.subscription_id, "action", event.number, read)
        case ProvisioningDistributorCreated():
            return _numbered(customer_id, event.subscription_id, "distributor", event.number, read)
        case InstalledItemRegistered():
            return _numbered(customer_id, event.subscription_id, "item", event.number, read)
        case _:
            return {}


def _numbered(
    customer_id: str, subscription_id: str, kind: str, number: int, read: Callable[[bytes], bytes | None]
) -> IndexRows:
    row_key = key(customer_id, "numbers", subscription_id)
    raw = read(row_key)
    numbers = Numbers() if raw is None else decode_numbers(raw)
    return {row_key: _encode(msgspec.structs.replace(numbers, **{kind: number}))}


def _subscription(customer_id: str, before: Subscription | None, after: Subscription) -> IndexRows:
    """Live subscriptions of an account."""
    if before is not None and before.state is after.state:
        return {}
    row = b"" if after.state in LIVE else None
    return {within(customer_id, "subscription_of", after.account_id) + after.subscription_id.encode(): row}


# -- services


def member(service: SubscriptionService) -> Member:
    """The small row of a service."""
    return Member(
        service.service_id,
        service.number,
        service.product,
        service.product_type,
        service.family,
        service.composition,
        service.bundle_service_id,
        service.state,
        service.provider,
        service.distributor_id,
    )


def _service(
    customer_id: str,
    before: SubscriptionService | None,
    after: SubscriptionService,
    read: Callable[[bytes], bytes | None],
) -> IndexRows:
    rows: IndexRows = {}
    owner, number = after.subscription_id, after.number
    if before is None:
        rows[numbered(customer_id, "service_of", owner, number)] = after.service_id.encode()
    planned = any(point.planned for point in after.history)
    if planned != (before is not None and any(point.planned for point in before.history)):
        rows[numbered(customer_id, "planned", owner, number)] = after.service_id.encode() if planned else None
    was, is_ = None if before is None else member(before), member(after)
    if was == is_:
        return rows
    row = _encode(is_) if after.state in LIVE else None
    rows[numbered(customer_id, "live_service", owner, number)] = row
    if after.bundle_service_id is not None:
        rows[numbered(customer_id, "component", after.bundle_service_id, number)] = row
    else:
        rows[numbered(customer_id, "top_level", owner, number)] = row
    if was is None or was.distributor_id != is_.distributor_id:
        if was is not None and was.distributor_id is not None:
            rows[_on_distributor(customer_id, was.distributor_id, "service", number)] = None
        if is_.distributor_id is not None:
            rows[_on_distributor(customer_id, is_.distributor_id, "service", number)] = after.service_id.encode()
    if before is None or before.state is not after.state:
        rows |= _tallied(customer_id, before.state if before else None, after, read)
    return rows


def _tallied(
    customer_id: str,
    old: ServiceState | None,
    after: SubscriptionService,
    read: Callable[[bytes], bytes | None],
) -> IndexRows:
    row_key = within(customer_id, "tally", after.subscription_id) + after.product.encode()
    raw = read(row_key)
    tally = Tally() if raw is None else decode_tally(raw)
    new = after.state
    top_level = after.bundle_service_id is None
    tally = Tally(
        product_type=after.product_type,
        family=after.family,
        live=tally.live + (new in LIVE) - (old in LIVE),
        on=tally.on + (new in ON) - (old in ON),
        effective=tally.effective + (new is ServiceState.EFFECTIVE) - (old is ServiceState.EFFECTIVE),
        top_level=tally.top_level + (top_level and new in LIVE) - (top_level and old in LIVE),
    )
    return {row_key: _encode(tally) if tally.live else None}


def distributed(customer_id: str, distributor_id: str, kind: str) -> bytes:
    """What the keys of the services (or items) on a distributor begin with."""
    return within(customer_id, f"{kind}_on", distributor_id)


def _on_distributor(customer_id: str, distributor_id: str, kind: str, number: int) -> bytes:
    return distributed(customer_id, distributor_id, kind) + number.to_bytes(4, "big")


def _item(customer_id: str, before: InstalledItem | None, after: InstalledItem) -> IndexRows:
    rows: IndexRows = {}
    if before is None:
        rows[numbered(customer_id, "item_of", after.subscription_id, after.number)] = after.item_id.encode()
        if after.serial_number is not None:
            rows[within(customer_id, "serial", after.serial_number) + after.item_id.encode()] = b""
    was = before.distributor_id if before else None
    if was != after.distributor_id:
        if was is not None:
            rows[_on_distributor(customer_id, was, "item", after.number)] = None
        if after.distributor_id is not None:
            rows[_on_distributor(customer_id, after.distributor_id, "item", after.number)] = after.item_id.encode()
    return rows


# -- scheduled actions


def _action(customer_id: str, before: ScheduledAction | None, after: ScheduledAction) -> IndexRows:
    """All actions of a subscription; the pending ones in order of (due, number), and on the due index (SCH-6)."""
    rows: IndexRows = {}
    owner = after.subscription_id
    if before is None:
        rows[numbered(customer_id, "action_of", owner, after.number)] = after.action_id.encode()
    old = before.due if before is not None and before.state is ActionState.PENDING else None
    new = after.due if after.state is ActionState.PENDING else None
    if old == new:
        return rows  # what stays is not written again: an entry that was parked must not come back by itself
    tail = f"{owner}\x00{after.number:010d}"
    if old is not None:
        rows[within(customer_id, "pending", owner) + moment_bytes(old) + after.number.to_bytes(4, "big")] = None
        rows[due_key(customer_id, old, SCHEDULED_ACTION, tail)] = None
    if new is not None:
        rows[within(customer_id, "pending", owner) + moment_bytes(new) + after.number.to_bytes(4, "big")] = (
            after.action_id.encode()
        )
        entry = Due(
            command_type="ExecuteScheduledAction",
            body={"subscription_id": owner, "action_id": after.action_id, "due": new.isoformat()},
            command_id=clock_id(customer_id, "ExecuteScheduledAction", after.action_id, new),
            due_at=new,
        )
        rows[due_key(customer_id, new, SCHEDULED_ACTION, tail)] = _encode(entry)
    return rows
