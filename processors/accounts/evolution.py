"""How an account evolves by the events of its own domain."""

from __future__ import annotations

from typing import Any, assert_never

import msgspec

from schemas.accounts import (
    Account,
    AccountCreated,
    AccountDetailsChanged,
    AccountEvent,
    AccountState,
    AccountStateChangeCancelled,
    AccountStateChanged,
    AccountStateChangeFailed,
    AccountStateChangePlanned,
    Address,
    Contact,
    PlannedStateChange,
    StateCause,
    StateHistoryPoint,
)
from schemas.bill_cycles import BillCycleHistoryPoint, EndedChange

HISTORY_MAX = 24
"""States that stay on the account; older ones are in the log only. So many, because a change of 10,000 accounts below
one root is one record of at most 16 MiB, with each account in full (`python -m bench.cascade` shows it)."""

ENDED_MAX = 16
"""Plans that are gone but still told from ones that never were."""

_replace = msgspec.structs.replace

_STRUCTURES: dict[str, Any] = {"contact": Contact, "address": Address, "custom_attributes": dict[str, str]}
"""Details that an event writes as JSON."""


def evolve(account: Account | None, event: AccountEvent) -> Account:
    """The account after the event."""
    if isinstance(event, AccountCreated):
        assert account is None, "an account is created once"
        return _created(event)
    assert account is not None, "only AccountCreated makes an account"
    match event:
        case AccountDetailsChanged():
            return _with_details(account, event)
        case AccountStateChangePlanned():
            plan = PlannedStateChange(
                change_id=event.change_id,
                to=event.to,
                reason=event.reason,
                due_at=event.due_at,
                include_subordinates=event.include_subordinates,
            )
            return _replace(account, planned_state_change=plan)
        case AccountStateChangeCancelled() | AccountStateChangeFailed():
            return _without_plan(account, event.change_id)
        case AccountStateChanged():
            return _in_state(account, event)
        case _:
            assert_never(event)


def _created(event: AccountCreated) -> Account:
    cycle = event.bill_cycle
    return Account(
        account_id=event.account_id,
        customer_id=event.customer_id,
        external_id=event.external_id,
        type=event.type,
        roles=event.roles,
        segment=event.segment,
        currency=event.currency,
        state=event.state,
        reason=event.reason,
        state_valid_from=event.state_valid_from,
        state_history=(StateHistoryPoint(state=event.state, reason=event.reason, valid_from=event.state_valid_from),),
        payment_responsible=event.payment_responsible,
        test_account=event.test_account,
        parent_account_id=event.parent_account_id,
        custom_name=event.custom_name,
        custom_attributes=event.custom_attributes,
        contact=event.contact,
        address=event.address,
        tax_residence=event.tax_residence,
        tax_exemption=event.tax_exemption,
        account_profile=event.account_profile,
        billing_systems=event.billing_systems,
        created_by=event.created_by,
        bill_cycle=cycle,
        bill_cycle_history=(
            BillCycleHistoryPoint(
                code=cycle.code,
                billing_day=cycle.billing_day,
                billing_month=cycle.billing_month,
                billing_year=cycle.billing_year,
                valid_from=event.bill_cycle_valid_from,
            ),
        ),
    )


def made_by_no_line(account: Account) -> str | None:
    """The parent of an account, or the one that an order's line has replaced (HIE-14)."""
    return account.parent_account_id if account.parent_lineage is None else account.parent_before


def _with_details(account: Account, event: AccountDetailsChanged) -> Account:
    values: dict[str, Any] = {}
    for change in event.changes:
        structure = _STRUCTURES.get(change.field)
        if structure is None or change.new is None:
            values[change.field] = change.new
        else:
            values[change.field] = msgspec.json.decode(change.new, type=structure)
    if "parent_account_id" in values:
        # No order made this link (ACC-25), and what orders did before it moves the account no more.
        values |= {
            "parent_lineage": None,
            "parent_before": None,
            "parent_since": event.sequence or 0,
            "parent_earlier": made_by_no_line(account),
        }
    return _replace(account, **values)


def _without_plan(account: Account, change_id: str) -> Account:
    """The account without its plan, which stays known as one that was there."""
    plan = account.planned_state_change
    assert plan is not None, "an event ends a plan that is there"
    assert plan.change_id == change_id, "an event ends the plan that is there"
    ended = EndedChange(change_id=plan.change_id, due_at=plan.due_at)
    return _replace(account, planned_state_change=None, ended_changes=(*account.ended_changes, ended)[-ENDED_MAX:])


def _in_state(account: Account, event: AccountStateChanged) -> Account:
    """Another state or another reason. The history stays contiguous: each point ends where the next begins."""
    if event.change_id is not None:
        account = _without_plan(account, event.change_id)
    *earlier, last = account.state_history
    history = (
        *earlier,
        _replace(last, valid_to=event.effective_at),
        StateHistoryPoint(state=event.to, reason=event.reason, valid_from=event.effective_at),
    )
    by_cascade = event.to is AccountState.SUSPENDED and event.cause is StateCause.SUBORDINATE
    account = _replace(
        account,
        state=event.to,
        reason=event.reason,
        state_valid_from=event.effective_at,
        state_history=history[-HISTORY_MAX:],
        suspended_by=event.root_account_id if by_cascade else None,
        closed_by=event.line if event.to is AccountState.DEACTIVATED else None,
    )
    return _cycle_ended(account, event) if event.to is AccountState.DEACTIVATED else account


def _cycle_ended(account: Account, event: AccountStateChanged) -> Account:
    """A deactivated account has no open bill cycle (INV-BC-3)."""
    *earlier, last = account.bill_cycle_history
    closed = _replace(last, valid_to=max(event.effective_date, last.valid_from))
    return _replace(account, bill_cycle_history=(*earlier, closed))
