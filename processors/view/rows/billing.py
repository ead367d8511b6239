"""The index rows that follow from who pays for what: found by account, by profile, by payer, by what names what.

`NAMED_BY_LINE` and `NAMED_BY_ASSIGNMENT` answer in one scan whether anything still needs an object (UND-2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from processors.view.rows.accounts import IndexRows, Reading
from schemas.billing_profiles import (
    AssignmentState,
    BillingAssignment,
    BillingAssignmentChanged,
    BillingAssignmentStarted,
    BillingProfile,
    ProfileState,
)
from schemas.fields import Entity, Event
from schemas.hierarchies import CollectionsGroup, CorporateHierarchy
from schemas.lineage import PaymentState, SyncState
from schemas.order_lines import LineState, OrderLine
from schemas.orders import CLOSED, Order
from schemas.payments import Payment
from schemas.rows import key, within
from schemas.subscriptions import Subscription
from schemas.synchronization import OrderAccountSyncCompleted, OrderPaymentAwaited

PROFILE_OF, PAID_BY, PAYING_WITH, SWITCH_OF = "profile_of", "paid_by", "paying_with", "switch_of"
ASSIGNED_TO, ASSIGNED_NUMBER, OWNED, FIRST_USE = "assigned_to", "assigned_number", "owned", "first_use"
NAMED_BY_LINE, NAMED_BY_ASSIGNMENT, CHARGED = "named_by_line", "named_by_assignment", "charged"
GROUP_OF_OWNER, CORPORATE_NODE = "group_of_owner", "corporate_node"
HAD_SUBSCRIPTION, HAD_PROFILE = "had_subscription", "had_profile"
PAYMENT_ON, PAYMENT_OF, AWAITED_BY, SYNC_COMPLETED = "payment_on", "payment_of", "awaited_by", "sync_completed"

ACCOUNT, PROFILE = "a:", "p:"
"""What stands before an id in rows about accounts and profiles alike."""

Read = Callable[[bytes], bytes | None]

CONCERNED: tuple[type[Entity], ...] = (
    BillingAssignment,
    OrderLine,
    BillingProfile,
    Order,
    CollectionsGroup,
    CorporateHierarchy,
    Payment,
    Subscription,
)
"""Entities that `changes` says something of."""

FOLLOWED: tuple[type[Event], ...] = (
    BillingAssignmentStarted,
    BillingAssignmentChanged,
    OrderAccountSyncCompleted,
    OrderPaymentAwaited,
)
"""Events that `followed` says something of."""

_encode = msgspec.msgpack.Encoder().encode


class Assigned(msgspec.Struct, frozen=True, array_like=True):
    """A service of a service account: who pays for it, and when that was set, counted per account."""

    service_id: str
    billing_account: str | None
    billing_profile: str | None
    number: int
    by_order: bool
    """An order line set the billing account."""


decode_assigned = msgspec.msgpack.Decoder(Assigned).decode
decode_moment = msgspec.msgpack.Decoder(datetime).decode
decode_revision = msgspec.msgpack.Decoder(int).decode


def changes(customer_id: str, before: Entity | None, after: Entity, view: Reading) -> IndexRows:
    """Rows to write (or, as None, to delete) because an entity changed."""
    read = view.index
    match after:
        case BillingAssignment():
            assert before is None or isinstance(before, BillingAssignment)
            return _assignment(customer_id, before, after, read)
        case OrderLine():
            assert before is None or isinstance(before, OrderLine)
            return _line(customer_id, before, after)
        case BillingProfile():
            assert before is None or isinstance(before, BillingProfile)
            return _profile(customer_id, before, after)
        case Order():
            assert before is None or isinstance(before, Order)
            return _order(customer_id, before, after)
        case CollectionsGroup():
            row = None if after.closed else after.collections_group_id.encode()
            return {key(customer_id, GROUP_OF_OWNER, after.owner_account_id): row}
        case CorporateHierarchy():
            assert before is None or isinstance(before, CorporateHierarchy)
            return _tree(customer_id, before, after)
        case Payment():
            return _payment(customer_id, after)
        case Subscription() if before is None:
            return {key(customer_id, HAD_SUBSCRIPTION, after.account_id): b""}
        case _:
            return {}


def followed(customer_id: str, event: Event, view: Reading) -> IndexRows:
    """Rows that an event itself writes: since when an object is used, which revision was completed."""
    read = view.index
    match event:
        case BillingAssignmentStarted():
            return _first_uses(customer_id, event.values.items(), event.at, read)
        case BillingAssignmentChanged():
            return _first_uses(customer_id, ((found.attribute, found.new) for found in event.changes), event.at, read)
        case OrderAccountSyncCompleted():
            return {key(customer_id, SYNC_COMPLETED, event.order_id): _encode(event.revision)}
        case OrderPaymentAwaited():
            return {key(customer_id, SYNC_COMPLETED, event.order_id): None}
        case _:
            return {}


def marked(attribute: str, value: str) -> str:
    """A value of a tracked attribute as rows name it."""
    return (PROFILE if attribute == "billing_profile" else ACCOUNT) + value


def _swapped(gone: Iterable[bytes], come: Iterable[bytes], value: bytes = b"") -> IndexRows:
    """Rows that are no longer, and rows that are new; what stays is left alone."""
    was, now = set(gone), set(come)
    rows: IndexRows = dict.fromkeys(was - now)
    rows.update(dict.fromkeys(now - was, value))
    return rows


# -- profiles


def _profile(customer_id: str, before: BillingProfile | None, after: BillingProfile) -> IndexRows:
    gone = () if before is None else _profile_keys(customer_id, before)
    rows = _swapped(gone, _profile_keys(customer_id, after))
    if before is None and after.paying:
        rows[key(customer_id, HAD_PROFILE, after.account_id)] = b""
    return rows


def _profile_keys(customer_id: str, profile: BillingProfile) -> list[bytes]:
    if profile.state is ProfileState.CLOSED:
        return []
    mine = profile.billing_profile_id.encode()
    found = [within(customer_id, PROFILE_OF, profile.account_id) + mine]
    if profile.payer_profile_id is not None:
        found.append(within(customer_id, PAID_BY, profile.payer_profile_id) + mine)
    if profile.payment_method_id is not None:
        found.append(within(customer_id, PAYING_WITH, profile.payment_method_id) + mine)
    if profile.planned_switch is not None:
        found.append(within(customer_id, SWITCH_OF, profile.account_id) + mine)
    return found


# -- assignments


def _assignment(customer_id: str, before: BillingAssignment | None, after: BillingAssignment, read: Read) -> IndexRows:
    gone = [] if before is None else _assignment_keys(customer_id, before)
    rows = _swapped(gone, _assignment_keys(customer_id, after))
    old, new = (None if before is None else _account_of(before)), _account_of(after)
    service = after.service_id.encode()
    if old is not None and old != new:
        rows[within(customer_id, ASSIGNED_TO, old) + service] = None
    if new is not None and not _is_paid_alike(before, after):
        counter = key(customer_id, ASSIGNED_NUMBER, new)
        raw = read(counter)
        number = 1 + (0 if raw is None else decode_revision(raw))
        rows[counter] = _encode(number)
        rows[within(customer_id, ASSIGNED_TO, new) + service] = _encode(_assigned(after, number))
    return rows


def _assigned(assignment: BillingAssignment, number: int) -> Assigned:
    return Assigned(
        assignment.service_id,
        assignment.values.get("billing_account"),
        assignment.values.get("billing_profile"),
        number,
        assignment.set_by.get("billing_account") is not None,
    )


def _account_of(assignment: BillingAssignment) -> str | None:
    ended = assignment.state is AssignmentState.ENDED
    return None if ended else assignment.values.get("service_account")


def _is_paid_alike(before: BillingAssignment | None, after: BillingAssignment) -> bool:
    if before is None or before.state is not after.state or _account_of(before) != _account_of(after):
        return False
    return _assigned(before, 0) == _assigned(after, 0)


def _assignment_keys(customer_id: str, assignment: BillingAssignment) -> list[bytes]:
    if assignment.state is AssignmentState.ENDED:
        return []
    service = assignment.service_id.encode()
    values = assignment.values
    found = [
        within(customer_id, NAMED_BY_ASSIGNMENT, marked(attribute, value)) + service
        for attribute, value in values.items()
        if value is not None
    ]
    owner, member = values.get("owner_account"), values.get("billing_account")
    if owner is not None and member is not None and owner != member:
        found.append(owned(customer_id, owner, member) + service)
    return found


def owned(customer_id: str, owner: str, member: str) -> bytes:
    """What the keys of the assignments begin with that put one account into an owner's group (LEG-5)."""
    raw = member.encode()
    return within(customer_id, OWNED, owner) + len(raw).to_bytes(2, "big") + raw


def _first_uses(customer_id: str, values: Iterable[tuple[str, str | None]], at: datetime, read: Read) -> IndexRows:
    found = (key(customer_id, FIRST_USE, marked(name, value)) for name, value in values if value is not None)
    return {row: _encode(at) for row in found if read(row) is None}


# -- orders


def _line(customer_id: str, before: OrderLine | None, after: OrderLine) -> IndexRows:
    rows: IndexRows = {}
    if (None if before is None else before.sync) is not after.sync:
        gone = () if before is None else _line_keys(customer_id, before)
        rows |= _swapped(gone, _line_keys(customer_id, after), after.order_id.encode())
    if after.state is LineState.BILLED and (before is None or before.state is not LineState.BILLED):
        named = {ACCOUNT + ref.account_id for ref in (after.service_account, after.billing_account) if ref.account_id}
        if after.billing_profile is not None:
            named.add(PROFILE + after.billing_profile)
        rows |= {key(customer_id, CHARGED, name): b"" for name in named}
    return rows


def _line_keys(customer_id: str, line: OrderLine) -> set[bytes]:
    sync = line.sync
    if sync is None or sync.state is SyncState.CANCELLED:
        return set()
    named = {marked(name, value) for name, value in sync.applied.items() if value is not None}
    named |= {marked(name, found.value) for name, found in sync.before.items() if found.value is not None}
    if sync.customer_account is not None:
        named.add(ACCOUNT + sync.customer_account)
    mine = line.line_id.encode()
    return {within(customer_id, NAMED_BY_LINE, name) + mine for name in named}


def _order(customer_id: str, before: Order | None, after: Order) -> IndexRows:
    gone = () if before is None else _awaiting(customer_id, before)
    return _swapped(gone, _awaiting(customer_id, after))


def _awaiting(customer_id: str, order: Order) -> list[bytes]:
    if order.payment_billing_profile is None or order.state in CLOSED:
        return []
    return [within(customer_id, AWAITED_BY, order.payment_billing_profile) + order.order_id.encode()]


def _payment(customer_id: str, payment: Payment) -> IndexRows:
    mine = payment.payment_id.encode()
    rows: IndexRows = {within(customer_id, PAYMENT_OF, payment.order_id) + mine: b""}
    if payment.state is not PaymentState.FAILED and payment.billing_profile_id is not None:
        rows[within(customer_id, PAYMENT_ON, payment.billing_profile_id) + mine] = b""
    return rows


def _tree(customer_id: str, before: CorporateHierarchy | None, after: CorporateHierarchy) -> IndexRows:
    gone = () if before is None else (key(customer_id, CORPORATE_NODE, node.account_id) for node in before.nodes)
    come = (key(customer_id, CORPORATE_NODE, node.account_id) for node in after.nodes)
    return _swapped(gone, come, after.corporate_account_id.encode())
