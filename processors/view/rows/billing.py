"""The index rows that follow from who pays for what: found by account, by profile, by payer, by what names what.

`NAMED_BY_LINE` and `NAMED_BY_ASSIGNMENT` answer in one scan whether anything still needs an object (UND-2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from processors.view.rows.indexes import Index, IndexRows, Reading
from schemas.accounts import AccountState, AccountStateChanged
from schemas.billing_profiles import (
    AssignmentState,
    BillingAssignment,
    BillingProfile,
    BillingProfileStateChanged,
    BillingProfileSwitched,
    ProfileCause,
    ProfileState,
    SwitchTo,
)
from schemas.hierarchies import CollectionsGroup, CorporateHierarchy
from schemas.lineage import LineSync, PaymentState, SyncState
from schemas.order_lines import LineState, OrderLine
from schemas.orders import CLOSED, Order
from schemas.payments import Payment
from schemas.rows import Family
from schemas.synchronization import OrderAccountSyncCompleted, OrderPaymentAwaited

PROFILE_OF, PAID_BY, PAYING_WITH, SWITCH_OF = "profile_of", "paid_by", "paying_with", "switch_of"
ASSIGNED_TO, OWNED = "assigned_to", "owned"
FIRST_USE, AWAITED_PAYER, SWITCHES_TO = "first_use", "awaited_payer", "switches_to"
STEP_ON, STEP_FOR, STEP_GONE = "step_on", "step_for", "step_gone"
NAMED_BY_LINE, NAMED_BY_ASSIGNMENT, CHARGED = "named_by_line", "named_by_assignment", "charged"
GROUP_OF_OWNER, CORPORATE_NODE = "group_of_owner", "corporate_node"
HAD_PROFILE = "had_profile"
PAYMENT_ON, PAYMENT_OF, AWAITED_BY, SYNC_COMPLETED = "payment_on", "payment_of", "awaited_by", "sync_completed"

ACCOUNT, PROFILE = "a:", "p:"
"""What stands before an id in rows about accounts and profiles alike."""

_WHO_PAYS = ("service_account", "billing_account", "billing_profile")

_encode = msgspec.msgpack.Encoder().encode


class Assigned(msgspec.Struct, frozen=True, array_like=True):
    """A service of a service account, and who pays for it."""

    service_id: str
    billing_account: str | None
    billing_profile: str | None
    by_order: bool
    """An order line set the billing account."""


decode_assigned = msgspec.msgpack.Decoder(Assigned).decode
decode_moment = msgspec.msgpack.Decoder(datetime).decode
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


# -- since when


def _use(_: BillingAssignment | None, after: BillingAssignment, view: Reading) -> IndexRows:
    """Since when an account has held a service, or paid for one, and a profile too (UND-4).

    A payer that waits for the account's next period pays nothing yet (HIE-13): its row begins with the switch.
    """
    if after.state is AssignmentState.ENDED or after.since is None:
        return {}
    account, payer, profile = (after.values.get(name) for name in _WHO_PAYS)
    held = {} if account is None else _first_use(view, ACCOUNT + account, after.since)
    paid = {} if payer in (None, account) else _first_use(view, f"{ACCOUNT}{payer}", after.since)
    if profile is not None:
        paid |= _first_use(view, PROFILE + profile, after.since)
    if paid and None not in (account, profile) and payer != account:
        awaited = (AWAITED_PAYER, str(account)), str(profile).encode()
        if view.index(*awaited) is not None:
            paid = {awaited: str(payer).encode()}
    return held | paid


def _wait(before: BillingProfile | None, after: BillingProfile, _: Reading) -> IndexRows:
    """A payer waits for the account's next period, or does so no more. What comes with the period, `_switch` writes."""
    was, now = (_awaited_payer(profile) for profile in (before, after))
    if was == now or (now is None and after.state is ProfileState.ACTIVE):
        return {}
    mine = (SWITCHES_TO,), after.billing_profile_id.encode()
    rows: IndexRows = {}
    if was is not None:
        rows |= {mine: None, ((AWAITED_PAYER, after.account_id), was): None}
    if now is not None:
        rows |= {mine: now, ((AWAITED_PAYER, after.account_id), now): b""}
    return rows


def _awaited_payer(profile: BillingProfile | None) -> bytes | None:
    plan = None if profile is None else profile.planned_switch
    if profile is None or profile.payer_profile_id is None or plan is None or plan.to is not SwitchTo.PAYER:
        return None
    return profile.payer_profile_id.encode()


def _switch(event: BillingProfileSwitched, view: Reading) -> IndexRows:
    """The period has come: the payer and its profile pay from now on."""
    mine = (SWITCHES_TO,), event.billing_profile_id.encode()
    profile = view.index(*mine)
    if event.to is not SwitchTo.PAYER or profile is None:
        return {}
    awaited = (AWAITED_PAYER, event.account_id), profile
    payer = view.index(*awaited)
    rows: IndexRows = {mine: None, awaited: None}
    rows |= _first_use(view, PROFILE + profile.decode(), event.effective_at)
    return rows | (_first_use(view, ACCOUNT + payer.decode(), event.effective_at) if payer else {})


def _first_use(view: Reading, name: str, moment: datetime) -> IndexRows:
    row = (FIRST_USE,), name.encode()
    return {row: _encode(moment)} if view.index(*row) is None else {}


def _profile_state(event: BillingProfileStateChanged, _: Reading) -> IndexRows:
    """A profile that is closed unused may be opened again, and begins anew then (UND-5)."""
    unused = event.new_state is ProfileState.CLOSED and event.cause is ProfileCause.ORDER_LINE_CANCELLED
    return {((FIRST_USE,), (PROFILE + event.billing_profile_id).encode()): None} if unused else {}


def _account_state(event: AccountStateChanged, _: Reading) -> IndexRows:
    """So may an account (UND-5)."""
    unused = event.to is AccountState.DEACTIVATED and event.line is not None
    return {((FIRST_USE,), (ACCOUNT + event.account_id).encode()): None} if unused else {}


# -- orders


def _line(before: OrderLine | None, after: OrderLine, _: Reading) -> IndexRows:
    rows: IndexRows = {}
    if (None if before is None else before.sync) is not after.sync:
        gone = () if before is None else _places_of_line(before)
        rows |= _swapped(gone, _places_of_line(after), after.order_id.encode())
    if after.state is LineState.BILLED and (before is None or before.state is not LineState.BILLED):
        named = {ACCOUNT + ref.account_id for ref in (after.service_account, after.billing_account) if ref.account_id}
        if after.billing_profile is not None:
            named.add(PROFILE + after.billing_profile)
        rows |= {((CHARGED,), name.encode()): b"" for name in named}
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
    Index(
        FIRST_USE,
        AWAITED_PAYER,
        SWITCHES_TO,
        of_entities={BillingAssignment: _use, BillingProfile: _wait},
        of_events={
            BillingProfileSwitched: _switch,
            BillingProfileStateChanged: _profile_state,
            AccountStateChanged: _account_state,
        },
    ),
    Index(NAMED_BY_LINE, STEP_ON, STEP_FOR, STEP_GONE, CHARGED, of_entities={OrderLine: _line}),
    Index(AWAITED_BY, of_entities={Order: _order}),
    Index(
        SYNC_COMPLETED,
        of_events={OrderAccountSyncCompleted: _completed, OrderPaymentAwaited: _awaited},
    ),
    Index(PAYMENT_OF, PAYMENT_ON, of_entities={Payment: _payment}),
    Index(GROUP_OF_OWNER, of_entities={CollectionsGroup: _group}),
    Index(CORPORATE_NODE, of_entities={CorporateHierarchy: _tree}),
)
