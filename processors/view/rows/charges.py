"""Rows that say what accounts and profiles have carried (UND-4): only what has carried nothing is closed again.

That is: since when an account has held a service or paid for one, since when a profile has paid for one, and for which
of them a line was billed.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from processors.synchronization.matrix import WHO_PAYS
from processors.view.rows.billing import ACCOUNT, PROFILE
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
from schemas.order_lines import LineState, OrderLine

FIRST_USE, CHARGED = "first_use", "charged"
SERVICE_PAYER, AWAITED_PAYER, SWITCHES_TO = "service_payer", "awaited_payer", "switches_to"

WhoPays = tuple[str | None, str | None, str | None]
"""Of a service: account, payer, profile."""

_encode = msgspec.msgpack.Encoder().encode
decode_moment = msgspec.msgpack.Decoder(datetime).decode
_decode_payer = msgspec.msgpack.Decoder(WhoPays).decode


# -- used


def _use(who: WhoPays, since: datetime | None, view: Reading) -> IndexRows:
    """Since when an account has held a service, or paid for one, and a profile too (UND-4).

    A payer that waits for the account's next period pays nothing yet (HIE-13): its row begins with the switch.
    """
    if since is None:
        return {}
    account, payer, profile = who
    held = {} if account is None else _first_use(view, ACCOUNT + account, since)
    paid = {} if payer in (None, account) else _first_use(view, f"{ACCOUNT}{payer}", since)
    if profile is not None:
        paid |= _first_use(view, PROFILE + profile, since)
    if paid and account is not None and profile is not None and payer not in (None, account):
        awaited = (AWAITED_PAYER, account), profile.encode()
        if view.index(*awaited) is not None:
            paid = {awaited: payer.encode()}
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


# -- billed


def _payer(_: BillingAssignment | None, after: BillingAssignment, view: Reading) -> IndexRows:
    """Who holds a service and pays for it, for the day on which it is billed; and since when they do."""
    row = (SERVICE_PAYER,), after.service_id.encode()
    if after.state is AssignmentState.ENDED:
        return {row: None}
    account, payer, profile = (after.values.get(name) for name in WHO_PAYS)
    who = account, payer, profile
    return {row: _encode(who)} | _use(who, after.since, view)


def _billed(before: OrderLine | None, after: OrderLine, view: Reading) -> IndexRows:
    """A service was added by UpdateBillingSystem: for those whom its line names, and for those who have it now."""
    if after.state is not LineState.BILLED or (before is not None and before.state is LineState.BILLED):
        return {}
    named = {ACCOUNT + ref.account_id for ref in (after.service_account, after.billing_account) if ref.account_id}
    if after.billing_profile is not None:
        named.add(PROFILE + after.billing_profile)
    raw = None if after.service_id is None else view.index((SERVICE_PAYER,), after.service_id.encode())
    if raw is not None:
        account, payer, profile = _decode_payer(raw)
        if account is None or profile is None or view.index((AWAITED_PAYER, account), profile.encode()) is None:
            named |= {mark + name for mark, name in ((ACCOUNT, payer), (PROFILE, profile)) if name is not None}
        named |= set() if account is None else {ACCOUNT + account}
    return {((CHARGED,), name.encode()): b"" for name in sorted(named)}


INDEXES = (
    Index(
        FIRST_USE,
        CHARGED,
        SERVICE_PAYER,
        AWAITED_PAYER,
        SWITCHES_TO,
        of_entities={BillingAssignment: _payer, BillingProfile: _wait, OrderLine: _billed},
        of_events={
            BillingProfileSwitched: _switch,
            BillingProfileStateChanged: _profile_state,
            AccountStateChanged: _account_state,
        },
    ),
)
