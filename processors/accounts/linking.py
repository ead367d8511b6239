"""How an account evolves by what orders do to it: reopened, linked, known to more billing systems."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from processors.accounts.evolution import made_by_no_line
from schemas.accounts import Account, AccountState, StateHistoryPoint
from schemas.bill_cycles import BillCycleHistoryPoint
from schemas.hierarchies import AccountBillingSystemAdded, AccountHierarchyChanged, AccountLinkEvent, AccountReopened

HISTORY_MAX = 24
"""As in evolution.py and bill_cycles/evolution.py."""


def evolve_link(account: Account | None, event: AccountLinkEvent) -> Account:
    """The account after the event."""
    assert account is not None, "only AccountCreated makes an account"
    match event:
        case AccountReopened():
            return _reopened(account, event)
        case AccountBillingSystemAdded():
            return replace(account, billing_systems=event.billing_systems)
        case AccountHierarchyChanged():
            return _linked(account, event)
        case _:
            assert_never(event)


def _linked(account: Account, event: AccountHierarchyChanged) -> Account:
    """Another parent. What stood there before the first order line is kept until it is given back (HIE-14)."""
    before = account.parent_before
    if event.new_lineage is None:
        before = None
    elif event.old_lineage is None:
        before = event.old_parent_account_id
    if event.sequence is not None:
        account = replace(account, parent_since=event.sequence, parent_earlier=made_by_no_line(account))
    return replace(
        account,
        parent_account_id=event.new_parent_account_id,
        parent_lineage=event.new_lineage,
        parent_before=before,
    )


def _reopened(account: Account, event: AccountReopened) -> Account:
    """As it was before a cancelled line closed it; states and cycles go on where they ended (UND-5)."""
    *states, state = account.state_history
    *cycles, cycle = account.bill_cycle_history
    point = StateHistoryPoint(state=AccountState.ACTIVE, reason=event.reason, valid_from=event.effective_at)
    setting = account.bill_cycle
    again = BillCycleHistoryPoint(
        code=setting.code,
        billing_day=setting.billing_day,
        billing_month=setting.billing_month,
        billing_year=setting.billing_year,
        valid_from=event.effective_date,
    )
    return replace(
        account,
        state=AccountState.ACTIVE,
        reason=event.reason,
        state_valid_from=event.effective_at,
        state_history=(*states, replace(state, valid_to=event.effective_at), point)[-HISTORY_MAX:],
        bill_cycle_history=(*cycles, replace(cycle, valid_to=event.effective_date), again)[-HISTORY_MAX:],
        billing_systems=event.billing_systems,
        created_by=event.lineage,
        closed_by=None,
    )
