"""The index rows that follow from who pays for what: found by account, by profile, by payer, by what names what.

`NAMED_BY_LINE` and `NAMED_BY_ASSIGNMENT` answer in one scan whether anything still needs an object (UND-2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from processors.view.rows.indexes import Index, IndexRows, Reading
from schemas.billing_profiles import (
    AssignmentState,
    BillingAssignment,
    BillingProfile,
    ProfileState,
)
from schemas.hierarchies import CollectionsGroup, CorporateHierarchy
from schemas.lineage import LineSync, PaymentState, SyncState
from schemas.order_lines import OrderLine
from schemas.orders import CLOSED, Order
from schemas.payments import Payment
from schemas.rows import Family
from schemas.synchronization import OrderAccountSyncCompleted, OrderPaymentAwaited

PROFILE_OF, PAID_BY, PAYING_WITH, SWITCH_OF = "profile_of", "paid_by", "paying_with", "switch_of"
ASSIGNED_TO, OWNED = "assigned_to", "owned"
STEP_ON, STEP_FOR, STEP_GONE = "step_on", "step_for", "step_gone"
NAMED_BY_LINE, NAMED_BY_ASSIGNMENT = "named_by_line", "named_by_assignment"
GROUP_OF_OWNER, CORPORATE_NODE = "group_of_owner", "corporate_node"
HAD_PROFILE = "had_profile"
PAYMENT_ON, PAYMENT_OF, AWAITED_BY, SYNC_COMPLETED = "payment_on", "payment_of", "awaited_by", "sync_completed"

ACCOUNT, PROFILE = "a:", "p:"
"""What stands before an id in rows about accounts and profiles alike."""

_encode = msgspec.msgpack.Encoder().encode


class Assigned(msgspec.Struct, frozen=True, array_like=True):
    """A service of a service account, and who pays for it."""

    service_id: str
    billing_account: str | None
    billing_profile: str | None
    by_order: bool
    """An order line set the billing account."""


decode_assigned = msgspec.msgpack.Decoder(Assigned).decode
decode_revision = msgspec.msgpack.Decoder(int).decode


def marked(attribute: str, value: str) -> str:
    """A value of a tracked attribute as rows name it."""
    return (PROFILE if attribute == "billing_profile" else ACCOUNT) + value


def _swapped(
    gone: Iterable[tuple[Family, bytes]], come: Iterable[tuple[Family, bytes]], value: bytes = b""
) -> IndexRows:
    """Rows that are no longer, and rows that are new; what stays is left alone."""
    was, now = set(gone), set(come)
    rows: IndexRows = dict.fromkeys(was - now)
    rows.update(dict.fromkeys(now - was, value))
    return rows


# -- profiles


def _profile(before: BillingProfile | None, after: BillingProfile, _: Reading) -> IndexRows:
    rows = _swapped(() if before is None else _places_of_profile(before), _places_of_profile(after))
    if before is None and after.paying:
        rows[(HAD_PROFILE,), after.account_id.encode()] = b""
    return rows


def _places_of_profile(profile: BillingProfile) -> list[tuple[Family, bytes]]:
    if profile.state is ProfileState.CLOSED:
        return []
    mine = profile.billing_profile_id.encode()
    found: list[tuple[Family, bytes]] = [((PROFILE_OF, profile.account_id), mine)]
    if profile.payer_profile_id is not None:
        found.append(((PAID_BY, profile.payer_profile_id), mine))
    if profile.payment_method_id is not None:
        found.append(((PAYING_WITH, profile.payment_method_id), mine))
    if profile.planned_switch is not None:
        found.append(((SWITCH_OF, profile.account_id), mine))
    return found


# -- assignments


def _assignment(before: BillingAssignment | None, after: BillingAssignment, _: Reading) -> IndexRows:
    rows = _swapped(() if before is None else _places_of_assignment(before), _places_of_assignment(after))
    old, new = (None if before is None else _account_of(before)), _account_of(after)
    service = after.service_id.encode()
    if old is not None and old != new:
        rows[(ASSIGNED_TO, old), service] = None
    if new is not None and not _is_paid_alike(before, after):
        rows[(ASSIGNED_TO, new), service] = _encode(_assigned(after))
    return rows


def _assigned(assignment: BillingAssignment) -> Assigned:
    return Assigned(
        assignment.service_id,
        assignment.values.get("billing_account"),
        assignment.values.get("billing_profile"),
        assignment.set_by.get("billing_account") is not None,
    )


def _account_of(assignment: BillingAssignment) -> str | None:
    ended = assignment.state is AssignmentState.ENDED
    return None if ended else assignment.values.get("service_account")


def _is_paid_alike(before: BillingAssignment | None, after: BillingAssignment) -> bool:
    if before is None or before.state is not after.state or _account_of(before) != _account_of(after):
        return False
    return _assigned(before) == _assigned(after)


def _places_of_assignment(assignment: BillingAssignment) -> list[tuple[Family, bytes]]:
    if assignment.state is AssignmentState.ENDED:
        return []
    service = assignment.service_id.encode()
    values = assignment.values
    found: list[tuple[Family, bytes]] = [
        ((NAMED_BY_ASSIGNMENT, marked(attribute, value)), service)
        for attribute, value in values.items()
        if value is not None
    ]
    owner, member = values.get("owner_account"), values.get("billing_account")
    if owner is not None and member is not None and owner != member:
        found.append(((OWNED, owner, member), service))
    return found


# -- orders


def _line(before: OrderLine | None, after: OrderLine, _: Reading) -> IndexRows:
    rows: IndexRows = {}
    if (None if before is None else before.sync) is not after.sync:
        gone = () if before is None else _places_of_line(before)
        rows |= _swapped(gone, _places_of_line(after), after.order_id.encode())
    return rows


def _places_of_line(line: OrderLine) -> set[tuple[Family, bytes]]:
    sync = line.sync
    if sync is None:
        return set()
    if sync.state is SyncState.CANCELLED:
        return set(_gone_steps(sync, line.line_id.encode()))
    named = {marked(name, value) for name, value in sync.applied.items() if value is not None}
    named |= {marked(name, found.value) for name, found in sync.before.items() if found.value is not None}
    if sync.customer_account is not None:
        named.add(ACCOUNT + sync.customer_account)
    mine = line.line_id.encode()
    return {((NAMED_BY_LINE, name), mine) for name in named} | set(_steps(sync, mine))


def _gone_steps(sync: LineSync, mine: bytes) -> Iterator[tuple[Family, bytes]]:
    """A line that was taken back is found by what it said together with others (HIE-8)."""
    for step in sync.steps:
        if step.account_id is not None:
            yield (STEP_GONE, step.account_id, str(step.sequence)), mine


def _steps(sync: LineSync, mine: bytes) -> Iterator[tuple[Family, bytes]]:
    """A line is found by the services of its steps, and by the accounts on which it did something."""
    yield from (((STEP_ON, account_id), mine) for account_id in accounts_of(sync))
    yield from (((STEP_FOR, step.service_id), mine) for step in sync.steps)


def accounts_of(sync: LineSync) -> Iterator[str]:
    """The accounts on which a line has ever done something: those of its steps, and the one from which it moved."""
    first = sync.before.get("service_account")
    said = [step.account_id for step in sync.steps]
    yield from (found for found in (*said, first.value if said and first else None) if found is not None)


def _order(before: Order | None, after: Order, _: Reading) -> IndexRows:
    return _swapped(() if before is None else _awaiting(before), _awaiting(after))


def _awaiting(order: Order) -> list[tuple[Family, bytes]]:
    if order.payment_billing_profile is None or order.state in CLOSED:
        return []
    return [((AWAITED_BY, order.payment_billing_profile), order.order_id.encode())]


def _completed(event: OrderAccountSyncCompleted, _: Reading) -> IndexRows:
    return {((SYNC_COMPLETED,), event.order_id.encode()): _encode(event.revision)}


def _awaited(event: OrderPaymentAwaited, _: Reading) -> IndexRows:
    return {((SYNC_COMPLETED,), event.order_id.encode()): None}


def _payment(_: Payment | None, after: Payment, __: Reading) -> IndexRows:
    mine = after.payment_id.encode()
    rows: IndexRows = {((PAYMENT_OF, after.order_id), mine): b""}
    if after.state is not PaymentState.FAILED and after.billing_profile_id is not None:
        rows[(PAYMENT_ON, after.billing_profile_id), mine] = b""
    return rows


# -- hierarchies


def _group(_: CollectionsGroup | None, after: CollectionsGroup, __: Reading) -> IndexRows:
    row = None if after.closed else after.collections_group_id.encode()
    return {((GROUP_OF_OWNER,), after.owner_account_id.encode()): row}


def _tree(before: CorporateHierarchy | None, after: CorporateHierarchy, _: Reading) -> IndexRows:
    gone = () if before is None else _places_of_tree(before)
    return _swapped(gone, _places_of_tree(after), after.corporate_account_id.encode())


def _places_of_tree(tree: CorporateHierarchy) -> Iterator[tuple[Family, bytes]]:
    return (((CORPORATE_NODE,), node.account_id.encode()) for node in tree.nodes)


INDEXES = (
    Index(PROFILE_OF, PAID_BY, PAYING_WITH, SWITCH_OF, HAD_PROFILE, of_entities={BillingProfile: _profile}),
    Index(NAMED_BY_ASSIGNMENT, OWNED, ASSIGNED_TO, of_entities={BillingAssignment: _assignment}),
    Index(NAMED_BY_LINE, STEP_ON, STEP_FOR, STEP_GONE, of_entities={OrderLine: _line}),
    Index(AWAITED_BY, of_entities={Order: _order}),
    Index(
        SYNC_COMPLETED,
        of_events={OrderAccountSyncCompleted: _completed, OrderPaymentAwaited: _awaited},
    ),
    Index(PAYMENT_OF, PAYMENT_ON, of_entities={Payment: _payment}),
    Index(GROUP_OF_OWNER, of_entities={CollectionsGroup: _group}),
    Index(CORPORATE_NODE, of_entities={CorporateHierarchy: _tree}),
)
