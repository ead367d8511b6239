"""What the events of bill cycles do to an account."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from schemas.accounts import Account
from schemas.bill_cycles import (
    BillCycleChangeCancelled,
    BillCycleChanged,
    BillCycleChangeFailed,
    BillCycleChangePlanned,
    BillCycleEvent,
    BillCycleHistoryPoint,
    BillingPeriod,
    BillingPeriodEndChanged,
    BillingPeriodReplaced,
    BillingPeriodStarted,
    EndedChange,
    PeriodKind,
    PlannedBillCycleChange,
)

HISTORY_MAX = 24
"""Dated cycles that stay in the entity, so that it does not grow with age; older ones are in the log."""
ENDED_MAX = 16
"""Ended plans that stay in the entity: as many as a late clock can still ask about."""


def evolve(account: Account, event: BillCycleEvent) -> Account:
    """The account after the event."""
    match event:
        case BillCycleChangePlanned():
            return replace(account, planned_bill_cycle_change=_planned(event))
        case BillCycleChangeCancelled() | BillCycleChangeFailed():
            return _without_plan(account)
        case BillCycleChanged():
            return _changed(account, event)
        case BillingPeriodStarted():
            return _started(account, event)
        case BillingPeriodEndChanged():
            return _end_changed(account, event)
        case BillingPeriodReplaced():
            return _replaced(account, event)
        case _:
            assert_never(event)


def _planned(event: BillCycleChangePlanned) -> PlannedBillCycleChange:
    return PlannedBillCycleChange(
        change_id=event.change_id,
        to=event.to,
        requested_at=event.requested_at,
        valid_from=event.valid_from,
        cutover=event.cutover,
        cutover_date=event.cutover_date,
        due_at=event.due_at,
    )


def _without_plan(account: Account) -> Account:
    plan = account.planned_bill_cycle_change
    if plan is None:
        return account
    ended = EndedChange(change_id=plan.change_id, due_at=plan.due_at)
    return replace(account, planned_bill_cycle_change=None, ended_changes=(*account.ended_changes, ended)[-ENDED_MAX:])


def _changed(account: Account, event: BillCycleChanged) -> Account:
    *older, last = account.bill_cycle_history
    entry = BillCycleHistoryPoint(
        code=event.to.code,
        billing_day=event.to.billing_day,
        billing_month=event.to.billing_month,
        billing_year=event.to.billing_year,
        valid_from=event.cutover_date,
        change_id=event.change_id,
    )
    history = (*older, replace(last, valid_to=event.cutover_date), entry)
    return replace(
        _without_plan(account),
        bill_cycle=event.to,
        bill_cycle_history=history[-HISTORY_MAX:],
        last_executed_change_id=event.change_id,
    )


def _started(account: Account, event: BillingPeriodStarted) -> Account:
    period = BillingPeriod(
        number=event.number,
        start=event.start,
        end=event.end,
        kind=event.kind,
        bill_cycle=event.bill_cycle,
        days=event.days,
        of_days=event.of_days,
    )
    return replace(
        account,
        current_period=period,
        previous_period=account.current_period or account.previous_period,
        last_period_number=event.number,
    )


def _end_changed(account: Account, event: BillingPeriodEndChanged) -> Account:
    assert account.current_period is not None, "only a period that runs changes its end"
    period = replace(
        account.current_period, end=event.new_end, kind=event.new_kind, days=event.days, of_days=event.of_days
    )
    if period.kind is PeriodKind.FINAL:
        return replace(account, current_period=None, previous_period=period)
    return replace(account, current_period=period)


def _replaced(account: Account, event: BillingPeriodReplaced) -> Account:
    """The period becomes another one, or is dropped and gives its number back."""
    if event.new is None:
        return replace(account, current_period=None, last_period_number=event.number - 1)
    new = event.new
    period = BillingPeriod(
        number=event.number,
        start=new.start,
        end=new.end,
        kind=new.kind,
        bill_cycle=new.bill_cycle,
        days=new.days,
        of_days=new.of_days,
    )
    return replace(account, current_period=period)
