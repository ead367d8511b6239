"""ChangeAccountState: what may follow what, now or later, for one account or for all below it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from processors.accounts.evolution import evolve
from processors.accounts.moments import effective_at, is_planned, is_too_far_back
from processors.bill_cycles.changes import drop_plan
from processors.bill_cycles.running import begin_periods, end_periods
from processors.billing_profiles.following import paid_children
from processors.billing_profiles.switching import drop_switches
from processors.context import Context
from processors.decision import Decision, Refused
from processors.periods import local_day
from processors.references import as_given, find_account, live_below
from processors.subscriptions.closing import cancel_all
from processors.view.customer import CustomerView
from schemas.accounts import (
    Account,
    AccountState,
    AccountStateChangeCancelled,
    AccountStateChanged,
    AccountStateChangePlanned,
    ChangeAccountState,
    PlanEnd,
    StateCause,
)
from schemas.bill_cycles import CancelReason
from schemas.fields import Event
from schemas.references import AccountRef
from schemas.refusals import Code, Violation, violation

INACTIVE, ACTIVE, SUSPENDED, DEACTIVATED = AccountState

CORE_REASON = "ORDER_LINE_CANCELLED"
"""The core's own reason, known without configuration (ACC-32)."""

TRANSITIONS = {
    INACTIVE: (INACTIVE, ACTIVE, DEACTIVATED),
    ACTIVE: (ACTIVE, SUSPENDED, DEACTIVATED),
    SUSPENDED: (SUSPENDED, ACTIVE, DEACTIVATED),
    DEACTIVATED: (),
}
"""What may follow a state; itself, for another reason."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The state to reach, and how: asked for now, or planned and due."""

    to: AccountState
    reason: str
    since: datetime | None = None
    """A moment not after now; None is now."""
    with_subordinates: bool = False
    cause: StateCause = StateCause.REQUESTED
    change_id: str | None = None
    """The plan that is executed, if it is one."""


def change(customer: CustomerView, command: ChangeAccountState, context: Context) -> Decision:
    """Change an account's state now, or plan it (ACC-30 .. ACC-42, ACC-49)."""
    account = addressed(customer, command.account, "ACC-30")
    if isinstance(account, Violation):
        return Refused((account,))
    wish = Wish(
        to=command.state,
        reason=command.reason,
        since=command.valid_from,
        with_subordinates=command.include_subordinates,
    )
    violations = (
        *state_violations(account, wish, context),
        *_caller_violations(account, command, context),
        *deactivation_violations(customer, account, wish),
    )
    if violations:
        return Refused(violations)

    if is_planned(command.valid_from, context):
        return _planned(account, command, context)
    return carry_out(customer, account, wish, context)


def addressed(customer: CustomerView, ref: AccountRef, rule: str) -> Account | Violation:
    """The live account that a command means, or why there is none (ACC-20, ACC-30, ACC-44)."""
    account = find_account(customer, ref)
    if account is None:
        return violation(Code.ACCOUNT_UNKNOWN, rule, "account", account=as_given(ref))
    if account.state is DEACTIVATED:
        return violation(Code.ACCOUNT_DEACTIVATED, rule, "account", account_id=account.account_id)
    return account


# -- what may be wrong


def state_violations(account: Account, wish: Wish, context: Context) -> Iterator[Violation]:
    """The transition and the reason (ACC-31, ACC-32)."""
    if wish.to not in TRANSITIONS[account.state]:
        carried = {"from": account.state, "to": wish.to, "account_id": account.account_id}
        yield violation(Code.STATE_TRANSITION_INVALID, "ACC-31", "state", **carried)
    if wish.reason != CORE_REASON and wish.reason not in context.catalog.reasons(wish.to):
        yield violation(
            Code.STATE_REASON_UNKNOWN,
            "ACC-32",
            "reason",
            state=wish.to,
            reason=wish.reason,
            account_id=account.account_id,
        )


def _caller_violations(account: Account, command: ChangeAccountState, context: Context) -> Iterator[Violation]:
    """What the caller believes, and when it is to begin (ACC-33, ACC-34)."""
    if command.expected_state is not None and command.expected_state is not account.state:
        yield violation(
            Code.STATE_CONFLICT,
            "ACC-33",
            "expected_state",
            expected=command.expected_state,
            actual=account.state,
            account_id=account.account_id,
        )
    if command.valid_from is not None and is_too_far_back(command.valid_from, context):
        today = local_day(context.at, context.zone)
        yield violation(
            Code.VALID_FROM_IN_PAST,
            "ACC-34",
            "valid_from",
            valid_from=command.valid_from,
            today=today,
            account_id=account.account_id,
        )


def deactivation_violations(customer: CustomerView, account: Account, wish: Wish) -> Iterator[Violation]:
    """Who would be left without a payer, and what would be left without an account (ACC-39, ACC-40).

    With subordinates nobody is left, and subscriptions are cancelled.
    """
    if wish.to is not DEACTIVATED or wish.with_subordinates:
        return
    left = nonpaying_children(customer, account)
    if left:
        yield violation(Code.HAS_PAID_CHILDREN, "ACC-39", account_ids=left, account_id=account.account_id)
    live = tuple(subscription.subscription_id for subscription in customer.subscriptions_of(account.account_id))
    if live:
        yield violation(Code.HAS_LIVE_SUBSCRIPTIONS, "ACC-40", subscription_ids=live, account_id=account.account_id)


def nonpaying_children(customer: CustomerView, account: Account) -> tuple[str, ...]:
    """Live accounts that an account pays for, by account_id.

    They are its children that are not responsible for their own payments, or a profile of it pays for one of theirs.
    """
    children = map(customer.account, customer.children(account.account_id))
    found = {
        child.account_id
        for child in children
        if child is not None and child.state is not DEACTIVATED and not child.payment_responsible
    }
    return tuple(sorted(found.union(paid_children(customer, account.account_id))))


# -- what happens


def carry_out(customer: CustomerView, root: Account, wish: Wish, context: Context) -> tuple[Event, ...]:
    """Change the state of an account, then of those below it that the change reaches, account after account (ACC-37).

    An account that is asked to be what it is has no event; a plan that is due always has one, for it must end.
    """
    events: list[Event] = []
    is_news = (wish.to, wish.reason) != (root.state, root.reason)
    if is_news or wish.change_id is not None:
        events += _changed(customer, root, wish, context, cause=wish.cause, change_id=wish.change_id)
    if wish.with_subordinates:
        for account in live_below(customer, root.account_id):
            if _is_reached(account, root, wish.to):
                events += _changed(
                    customer, account, wish, context, cause=StateCause.SUBORDINATE, root_account_id=root.account_id
                )
    return tuple(events)


def _is_reached(account: Account, root: Account, to: AccountState) -> bool:
    """Whether a cascade changes an account: the table allows it, and ACTIVE gives back only what the root took away."""
    if account.state is to or to not in TRANSITIONS[account.state]:
        return False
    if to is not ACTIVE:
        return True
    if account.state is INACTIVE:
        return root.state is INACTIVE
    return account.suspended_by == root.account_id


def _changed(  # an account, what it is to be, and why
    customer: CustomerView,
    account: Account,
    wish: Wish,
    context: Context,
    *,
    cause: StateCause,
    change_id: str | None = None,
    root_account_id: str | None = None,
) -> Iterator[Event]:
    """One account's state change and all that follows from it (ACC-35, ACC-41)."""
    since = effective_at(account, wish.since, context)
    changed = AccountStateChanged(
        account_id=account.account_id,
        change_id=change_id,
        from_=account.state,
        old_reason=account.reason,
        to=wish.to,
        reason=wish.reason,
        effective_at=since,
        effective_date=local_day(since, context.zone),
        cause=cause,
        root_account_id=root_account_id,
    )
    after = evolve(account, changed)
    yield changed
    if wish.to is DEACTIVATED:
        yield from _ended(customer, after, changed, context)
    elif account.state is INACTIVE and wish.to is ACTIVE:
        yield from begin_periods(after, changed.effective_date, context)


def _ended(customer: CustomerView, account: Account, changed: AccountStateChanged, context: Context) -> Iterator[Event]:
    """What a deactivation takes along: both plans, planned payers, the period, then the subscriptions (ACC-41)."""
    yield from drop_plan(account, CancelReason.ACCOUNT_DEACTIVATED)
    if account.planned_state_change is not None:
        yield AccountStateChangeCancelled(
            account_id=account.account_id,
            change_id=account.planned_state_change.change_id,
            cause=PlanEnd.ACCOUNT_DEACTIVATED,
        )
    yield from drop_switches(customer, account.account_id)
    yield from end_periods(account, changed.effective_date, context)
    yield from cancel_all(customer, account.account_id, changed.effective_at, context)


def _planned(account: Account, command: ChangeAccountState, context: Context) -> tuple[Event, ...]:
    """Plan a state change; one that waits already gives way (ACC-36)."""
    assert command.valid_from is not None
    change_id = context.derived_id("state_change", account.account_id)
    old = account.planned_state_change
    planned = AccountStateChangePlanned(
        account_id=account.account_id,
        change_id=change_id,
        from_=account.state,
        to=command.state,
        reason=command.reason,
        due_at=command.valid_from,
        include_subordinates=command.include_subordinates,
        supersedes_change_id=old.change_id if old else None,
    )
    if old is None:
        return (planned,)
    superseded = AccountStateChangeCancelled(
        account_id=account.account_id, change_id=old.change_id, cause=PlanEnd.SUPERSEDED, superseded_by=change_id
    )
    return superseded, planned
