"""Changing an account's bill cycle: now, on a date, at the end of a period, not after all, or at once after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from processors.bill_cycles.running import cut_over, cycle_of
from processors.bill_cycles.settings import kept_where_null, setting_violations
from processors.context import Context
from processors.decision import Decision, Refused
from processors.periods import DAY, local_day, next_boundary, start_of_day
from processors.references import as_given, find_account, live_below
from processors.view.customer import CustomerView
from schemas.accounts import Account, AccountState
from schemas.bill_cycles import (
    BillCycleChangeCancelled,
    BillCycleChanged,
    BillCycleChangeFailed,
    BillCycleChangePlanned,
    BillCycleSetting,
    CancelAccountBillCycleChange,
    CancelReason,
    Cutover,
    ExecutePlannedBillCycleChange,
    PerformAccountBillCycleChange,
    PlannedBillCycleChange,
    Trigger,
    UpdateAccountBillCycle,
)
from schemas.fields import Event
from schemas.references import AccountRef
from schemas.refusals import Code, Violation, violation

NO_PLAN = "none"
"""How a caller says that no plan should be there, and how it is told so."""


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """How a change comes about."""

    trigger: Trigger
    day: date
    """The cut-over."""
    effective_at: datetime
    planned_for: date | None = None
    """The cut-over that its plan named; None where there was no plan."""


# -- commands


def update(customer: CustomerView, command: UpdateAccountBillCycle, context: Context) -> Decision:
    """Plan or apply another bill cycle (BCU-1 to BCU-23)."""
    named = _live_account(customer, command.account, unknown="BCU-2", deactivated="BCU-3")
    if isinstance(named, Refused):
        return named
    accounts = _reach(customer, named, include_subordinates=command.include_subordinates)
    given = BillCycleSetting(
        code=command.bill_cycle,
        billing_day=command.billing_day,
        billing_month=command.billing_month,
        billing_year=command.billing_year,
    )
    violations = tuple(
        found
        for account in accounts
        for found in (
            *setting_violations(given, account.bill_cycle, context.catalog, path="", account_id=account.account_id),
            *_date_violations(account, command.valid_from, context),
            *_conflicts(account, named, command.expected_change_id, "BCU-10"),
        )
    )
    if violations:
        return Refused(violations)

    return tuple(event for account in accounts for event in _update_account(customer, account, command, given, context))


def cancel(customer: CustomerView, command: CancelAccountBillCycleChange, _: Context) -> Decision:
    """Drop a planned change, with `include_subordinates` every one in the tree below (BCC-1 to BCC-6)."""
    named = _live_account(customer, command.account, unknown="BCC-1", deactivated="BCC-1")
    if isinstance(named, Refused):
        return named
    accounts = _reach(customer, named, include_subordinates=command.include_subordinates)
    planned = [account for account in accounts if account.planned_bill_cycle_change is not None]
    rule = "BCC-6" if command.include_subordinates else "BCC-5" if named.last_executed_change_id else "BCC-2"
    violations = (
        *(() if planned else (_no_planned_change(named, rule),)),
        *(found for account in accounts for found in _conflicts(account, named, command.expected_change_id, "BCC-3")),
    )
    if violations:
        return Refused(violations)

    return tuple(event for account in planned for event in drop_plan(account, CancelReason.REQUESTED))


def perform(customer: CustomerView, command: PerformAccountBillCycleChange, context: Context) -> Decision:
    """Execute a planned change today instead of waiting (BCP-1 to BCP-3)."""
    named = _live_account(customer, command.account, unknown="BCP-1", deactivated="BCP-1")
    if isinstance(named, Refused):
        return named
    plan = named.planned_bill_cycle_change
    violations = (
        *(() if plan else (_no_planned_change(named, "BCP-1"),)),
        *_conflicts(named, named, command.expected_change_id, "BCP-1"),
    )
    if violations or plan is None:
        return Refused(violations)

    now = Execution(
        trigger=Trigger.PERFORMED,
        day=local_day(context.at, context.zone),
        effective_at=context.at,
        planned_for=plan.cutover_date,
    )
    return _execute(customer, named, plan, now, context)


def execute(customer: CustomerView, command: ExecutePlannedBillCycleChange, context: Context) -> tuple[Event, ...]:
    """Execute a planned change at its moment (BCX-1, BCX-4). Nothing if the plan is gone (BCX-2)."""
    account = customer.account(command.account_id)
    plan = account.planned_bill_cycle_change if account else None
    if account is None or plan is None or plan.change_id != command.change_id:
        return ()

    due = Execution(trigger=Trigger.DUE, day=plan.cutover_date, effective_at=plan.due_at, planned_for=plan.cutover_date)
    return _execute(customer, account, plan, due, context)


def drop_plan(account: Account, reason: CancelReason, superseded_by: str | None = None) -> tuple[Event, ...]:
    """The end of the account's planned change, if it has one (BCU-12, BCU-16, BCC-4, BCX-5)."""
    plan = account.planned_bill_cycle_change
    if plan is None:
        return ()
    return (
        BillCycleChangeCancelled(
            account_id=account.account_id,
            change_id=plan.change_id,
            reason=reason,
            superseded_by=superseded_by,
            planned_for=plan.cutover_date,
        ),
    )


# -- who is meant


def _live_account(customer: CustomerView, ref: AccountRef, *, unknown: str, deactivated: str) -> Account | Refused:
    account = find_account(customer, ref)
    if account is None:
        return Refused((violation(Code.ACCOUNT_UNKNOWN, unknown, "account", account=as_given(ref)),))
    if account.state is AccountState.DEACTIVATED:
        return Refused((violation(Code.ACCOUNT_DEACTIVATED, deactivated, "account", account_id=account.account_id),))
    return account


def _reach(customer: CustomerView, named: Account, *, include_subordinates: bool) -> Sequence[Account]:
    """The account, and with it what lives below, parents first (BCU-19, BCU-20)."""
    return [named, *live_below(customer, named.account_id)] if include_subordinates else [named]


# -- what is wrong


def _date_violations(account: Account, valid_from: datetime | None, context: Context) -> tuple[Violation, ...]:
    """BCU-8, BCU-9. The moment is carried as given, the dates are local days."""
    if valid_from is None:
        return ()
    today, day = local_day(context.at, context.zone), local_day(valid_from, context.zone)
    carried = {"account_id": account.account_id, "valid_from": valid_from}
    if day < today:
        return (violation(Code.VALID_FROM_IN_PAST, "BCU-8", "valid_from", **carried, today=today),)
    horizon = context.catalog.switches.plan_horizon_days
    if (day - today).days > horizon:
        return (violation(Code.VALID_FROM_TOO_FAR, "BCU-9", "valid_from", **carried, latest=today + horizon * DAY),)
    return ()


def _conflicts(account: Account, named: Account, expected: str | None, rule: str) -> tuple[Violation, ...]:
    """BCU-10, BCC-3. A change id is one account's, so it is asked of the named one; `none` is asked of each."""
    if expected is None or (expected != NO_PLAN and account is not named):
        return ()
    plan = account.planned_bill_cycle_change
    actual = plan.change_id if plan else NO_PLAN
    if actual == expected:
        return ()
    return (
        violation(
            Code.CHANGE_CONFLICT,
            rule,
            "expected_change_id",
            account_id=account.account_id,
            expected=expected,
            actual=actual,
        ),
    )


def _no_planned_change(account: Account, rule: str) -> Violation:
    return violation(
        Code.NO_PLANNED_CHANGE,
        rule,
        account_id=account.account_id,
        last_executed_change_id=account.last_executed_change_id,
    )


# -- what happens


def _update_account(
    customer: CustomerView,
    account: Account,
    command: UpdateAccountBillCycle,
    given: BillCycleSetting,
    context: Context,
) -> tuple[Event, ...]:
    to = kept_where_null(given, account.bill_cycle)
    if to == account.bill_cycle:
        return drop_plan(account, CancelReason.SUPERSEDED)  # BCU-11, BCU-12
    today = local_day(context.at, context.zone)
    day = _cutover_date(account, command, today, context)
    plan = account.planned_bill_cycle_change
    if plan is not None and (plan.to, plan.cutover_date) == (to, day):
        return ()  # BCU-23

    change_id = context.derived_id("bill-cycle-change", account.account_id)
    superseded = drop_plan(account, CancelReason.SUPERSEDED, change_id)  # BCU-16
    if day == today:
        now = Execution(trigger=Trigger.IMMEDIATE, day=today, effective_at=context.at)
        return superseded + _change(customer, account, change_id, to, now, context)
    planned = BillCycleChangePlanned(
        account_id=account.account_id,
        change_id=change_id,
        from_=account.bill_cycle,
        to=to,
        requested_at=context.at,
        valid_from=command.valid_from,
        cutover=command.cutover,
        cutover_date=day,
        due_at=start_of_day(day, context.zone),
        supersedes_change_id=plan.change_id if plan else None,
    )
    return (*superseded, planned)


def _cutover_date(account: Account, command: UpdateAccountBillCycle, today: date, context: Context) -> date:
    """The day from which the new cycle is to govern (BCU-13, BCU-14, BCU-15, BCU-22)."""
    wanted = today if command.valid_from is None else local_day(command.valid_from, context.zone)
    current = account.current_period
    if command.cutover is Cutover.AT_VALID_FROM or current is None:
        return wanted
    if current.end > today and current.end >= wanted:
        return current.end
    return next_boundary(cycle_of(account.bill_cycle, context), max(today, wanted - DAY))


def _execute(
    customer: CustomerView, account: Account, plan: PlannedBillCycleChange, execution: Execution, context: Context
) -> tuple[Event, ...]:
    """Carry a plan out, unless its cycle is offered no more (BCX-3)."""
    code = plan.to.code
    if context.catalog.bill_cycle(code) is None:
        gone = violation(Code.BILL_CYCLE_UNKNOWN, "BCX-3", bill_cycle=code, account_id=account.account_id)
        failed = BillCycleChangeFailed(account_id=account.account_id, change_id=plan.change_id, violations=(gone,))
        return (failed,)
    return _change(customer, account, plan.change_id, plan.to, execution, context)


def _change(
    customer: CustomerView,
    account: Account,
    change_id: str,
    to: BillCycleSetting,
    execution: Execution,
    context: Context,
) -> tuple[Event, ...]:
    """The new cycle governs from a day in the current period, or from its end."""
    day, current = execution.day, account.current_period
    if current is not None:  # outside only where the zone skipped days, or an operator sent parked due work again
        day = min(max(day, current.start), current.end)
    changed = BillCycleChanged(
        account_id=account.account_id,
        change_id=change_id,
        from_=account.bill_cycle,
        to=to,
        trigger=execution.trigger,
        planned_for=execution.planned_for,
        cutover_date=day,
        effective_at=execution.effective_at,
    )
    return (changed, *cut_over(customer, account, to, day, context))
