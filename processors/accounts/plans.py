"""Planned state changes: dropped on request, or executed when they are due."""

from __future__ import annotations

import msgspec

from processors.accounts.states import Wish, addressed, carry_out, deactivation_violations, state_violations
from processors.context import Context
from processors.decision import Decision, Refused
from processors.view.customer import CustomerView
from schemas.accounts import (
    AccountStateChangeCancelled,
    AccountStateChangeFailed,
    CancelPlannedStateChange,
    ExecutePlannedStateChange,
    PlanEnd,
    StateCause,
)
from schemas.refusals import Code, Violation, violation


def cancel(customer: CustomerView, command: CancelPlannedStateChange, _: Context) -> Decision:
    """Drop a planned state change; the state stays (ACC-44 .. ACC-47)."""
    account = addressed(customer, command.account, "ACC-44")
    if isinstance(account, Violation):
        return Refused((account,))
    plan = account.planned_state_change
    if plan is None:
        return Refused((violation(Code.NO_PLANNED_STATE_CHANGE, "ACC-45", account_id=account.account_id),))
    if command.change_id is not None and command.change_id != plan.change_id:
        conflict = violation(
            Code.CHANGE_CONFLICT,
            "ACC-46",
            "change_id",
            expected=command.change_id,
            actual=plan.change_id,
            account_id=account.account_id,
        )
        return Refused((conflict,))

    return (
        AccountStateChangeCancelled(account_id=account.account_id, change_id=plan.change_id, cause=PlanEnd.REQUESTED),
    )


def execute(customer: CustomerView, command: ExecutePlannedStateChange, context: Context) -> Decision:
    """Carry out a plan at its moment, judged again by the rules of then (ACC-36); a plan that is gone asks nothing."""
    account = customer.account(command.account_id)
    plan = account.planned_state_change if account else None
    if account is None or plan is None or plan.change_id != command.change_id:
        return ()

    wish = Wish(
        to=plan.to,
        reason=plan.reason,
        since=plan.due_at,
        with_subordinates=plan.include_subordinates,
        cause=StateCause.DUE,
        change_id=plan.change_id,
    )
    violations = (
        *state_violations(account, wish, context),
        *deactivation_violations(customer, account, wish),
    )
    if violations:
        failed = AccountStateChangeFailed(
            account_id=account.account_id,
            change_id=plan.change_id,
            due_at=plan.due_at,
            # The clock's command has none of the fields that these paths name.
            violations=tuple(msgspec.structs.replace(broken, path=None) for broken in violations),
        )
        return (failed,)
    return carry_out(customer, account, wish, context)
