"""The index and summary rows that follow from subscriptions, services, distributors, items, actions and references.

Live services stand in small rows (`Member`) per subscription and per bundle, and are counted per product (`Tally`), so
that a rule about many services reads neither all of them nor any of those that ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from processors.acting import LIVE, ON
from processors.periods import local_day
from processors.view.rows.accounts import SCHEDULED_ACTION, clock_id
from processors.view.rows.indexes import Index, IndexRows, Reading
from schemas.actions import ServiceState
from schemas.amounts import as_stored
from schemas.provisioning import Distributor, InstalledItem, InstalledItemRegistered, ProvisioningDistributorCreated
from schemas.rosters import Charge, Member, Numbers, ReferenceRow, Tally
from schemas.rows import DUE, Due, due_member, moment_bytes
from schemas.schedule import ActionState, ScheduledAction, ScheduledActionCreated
from schemas.subscriptions import (
    ActionReferenceRecorded,
    Subscription,
    SubscriptionService,
    SubscriptionServiceAdded,
)
from schemas.wallets import WalletCredited, WalletDebited

REFERENCE, CHARGES, NUMBERS = "reference", "charges", "numbers"
SUBSCRIPTION_OF, HAD_SUBSCRIPTION = "subscription_of", "had_subscription"
SERVICE_OF, PLANNED, LIVE_SERVICE, COMPONENT = "service_of", "planned", "live_service", "component"
TOP_LEVEL, TALLY = "top_level", "tally"
DISTRIBUTOR_OF, ITEM_OF, SERIAL = "distributor_of", "item_of", "serial"
ACTION_OF, PENDING = "action_of", "pending"
SERVICE_ON, ITEM_ON = "service_on", "item_on"

_encode = msgspec.msgpack.Encoder().encode
decode_member = msgspec.msgpack.Decoder(Member).decode
decode_tally = msgspec.msgpack.Decoder(Tally).decode
decode_numbers = msgspec.msgpack.Decoder(Numbers).decode
decode_reference = msgspec.msgpack.Decoder(ReferenceRow).decode
decode_charges = msgspec.msgpack.Decoder(tuple[Charge, ...]).decode

CHARGES_MAX = 10
"""Charges of a service that are remembered, the latest. They are paid back within one billing period only, and hardly
anybody stops a service and starts it again, paying each time, as often in one."""


def _number(number: int) -> bytes:
    """The place of a row in a list that is kept in order of number."""
    return number.to_bytes(4, "big")


# -- what events say once: references, charges, numbers given


def _referred(event: ActionReferenceRecorded, _: Reading) -> IndexRows:
    owner = event.subscription_id or event.wallet_id
    assert owner is not None, "a reference is one of a subscription or of a wallet"
    row = ReferenceRow(event.command_id, event.command_type, event.body_digest)
    return {((REFERENCE, owner), event.reference.encode()): _encode(row)}


def _charged(event: WalletDebited, view: Reading) -> IndexRows:
    """What may have to be paid back. With a recurring charge a billing period begins: those before it are settled."""
    if event.amount == 0:
        return {}
    row = (CHARGES,), event.service_id.encode()
    raw = view.index(*row)
    charges = () if raw is None else decode_charges(raw)
    if event.period_start is not None:
        charges = tuple(charge for charge in charges if charge.day >= event.period_start)
    day = event.period_start or local_day(event.effective_at, view.zone())
    charge = Charge(event.entry_number, as_stored(event.amount), day)
    return {row: _encode((*charges, charge)[-CHARGES_MAX:])}


def _paid_back(event: WalletCredited, _: Reading) -> IndexRows:
    """Nothing is paid back twice, and what was removed is never charged again."""
    return {} if event.service_id is None else {((CHARGES,), event.service_id.encode()): None}


def _counting(kind: str) -> Callable[[Any, Reading], IndexRows]:
    """Events that give a number of this kind on their subscription."""

    def counted(event: Any, view: Reading) -> IndexRows:
        row = (NUMBERS,), event.subscription_id.encode()
        raw = view.index(*row)
        numbers = Numbers() if raw is None else decode_numbers(raw)
        return {row: _encode(msgspec.structs.replace(numbers, **{kind: event.number}))}

    return counted


# -- subscriptions


def _subscription(before: Subscription | None, after: Subscription, _: Reading) -> IndexRows:
    """Live subscriptions of an account; whether it ever had one."""
    if before is not None and before.state is after.state:
        return {}
    rows: IndexRows = {}
    rows[(SUBSCRIPTION_OF, after.account_id), after.subscription_id.encode()] = b"" if after.state in LIVE else None
    if before is None:
        rows[(HAD_SUBSCRIPTION,), after.account_id.encode()] = b""
    return rows


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


def _service(before: SubscriptionService | None, after: SubscriptionService, view: Reading) -> IndexRows:
    rows: IndexRows = {}
    owner, place, mine = after.subscription_id, _number(after.number), after.service_id.encode()
    if before is None:
        rows[(SERVICE_OF, owner), place] = mine
    planned = any(point.planned for point in after.history)
    if planned != (before is not None and any(point.planned for point in before.history)):
        rows[(PLANNED, owner), place] = mine if planned else None
    was, is_ = None if before is None else member(before), member(after)
    if was == is_:
        return rows
    row = _encode(is_) if after.state in LIVE else None
    rows[(LIVE_SERVICE, owner), place] = row
    if after.bundle_service_id is not None:
        rows[(COMPONENT, after.bundle_service_id), place] = row
    else:
        rows[(TOP_LEVEL, owner), place] = row
    if was is None or was.distributor_id != is_.distributor_id:
        if was is not None and was.distributor_id is not None:
            rows[(SERVICE_ON, was.distributor_id), place] = None
        if is_.distributor_id is not None:
            rows[(SERVICE_ON, is_.distributor_id), place] = mine
    if before is None or before.state is not after.state:
        rows |= _tallied(before.state if before else None, after, view)
    return rows


def _tallied(old: ServiceState | None, after: SubscriptionService, view: Reading) -> IndexRows:
    row = (TALLY, after.subscription_id), after.product.encode()
    raw = view.index(*row)
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
    return {row: _encode(tally) if tally.live else None}


# -- provisioning


def _distributor(_: Distributor | None, after: Distributor, __: Reading) -> IndexRows:
    row = None if after.removed else after.distributor_id.encode()
    return {((DISTRIBUTOR_OF, after.subscription_id), _number(after.number)): row}


def _item(before: InstalledItem | None, after: InstalledItem, _: Reading) -> IndexRows:
    rows: IndexRows = {}
    place, mine = _number(after.number), after.item_id.encode()
    if before is None:
        rows[(ITEM_OF, after.subscription_id), place] = mine
        if after.serial_number is not None:
            rows[(SERIAL, after.serial_number), mine] = b""
    was = before.distributor_id if before else None
    if was != after.distributor_id:
        if was is not None:
            rows[(ITEM_ON, was), place] = None
        if after.distributor_id is not None:
            rows[(ITEM_ON, after.distributor_id), place] = mine
    return rows


# -- scheduled actions


def _action(before: ScheduledAction | None, after: ScheduledAction, view: Reading) -> IndexRows:
    """All actions of a subscription; the pending ones in order of (due, number), and on the due index (SCH-6)."""
    rows: IndexRows = {}
    owner, mine = after.subscription_id, after.action_id.encode()
    if before is None:
        rows[(ACTION_OF, owner), _number(after.number)] = mine
    old = before.due if before is not None and before.state is ActionState.PENDING else None
    new = after.due if after.state is ActionState.PENDING else None
    if old == new:
        return rows  # what stays is not written again: an entry that was parked must not come back by itself
    tail = f"{owner}\x00{after.number:010d}"
    if old is not None:
        rows[(PENDING, owner), moment_bytes(old) + _number(after.number)] = None
        rows[(DUE,), due_member(old, SCHEDULED_ACTION, tail)] = None
    if new is not None:
        rows[(PENDING, owner), moment_bytes(new) + _number(after.number)] = mine
        entry = Due(
            command_type="ExecuteScheduledAction",
            body={"subscription_id": owner, "action_id": after.action_id, "due": new.isoformat()},
            command_id=clock_id(view.customer_id, "ExecuteScheduledAction", after.action_id, new),
            due_at=new,
        )
        rows[(DUE,), due_member(new, SCHEDULED_ACTION, tail)] = _encode(entry)
    return rows


INDEXES = (
    Index(REFERENCE, of_events={ActionReferenceRecorded: _referred}),
    Index(CHARGES, of_events={WalletDebited: _charged, WalletCredited: _paid_back}),
    Index(
        NUMBERS,
        of_events={
            SubscriptionServiceAdded: _counting("service"),
            ScheduledActionCreated: _counting("action"),
            ProvisioningDistributorCreated: _counting("distributor"),
            InstalledItemRegistered: _counting("item"),
        },
    ),
    Index(SUBSCRIPTION_OF, HAD_SUBSCRIPTION, of_entities={Subscription: _subscription}),
    Index(
        SERVICE_OF,
        PLANNED,
        LIVE_SERVICE,
        COMPONENT,
        TOP_LEVEL,
        TALLY,
        SERVICE_ON,
        of_entities={SubscriptionService: _service},
    ),
    Index(DISTRIBUTOR_OF, of_entities={Distributor: _distributor}),
    Index(ITEM_OF, SERIAL, ITEM_ON, of_entities={InstalledItem: _item}),
    Index(ACTION_OF, PENDING, DUE, of_entities={ScheduledAction: _action}),
)
