"""Rows of bill cycle changes and billing periods."""

from __future__ import annotations

from datetime import date, datetime
from typing import assert_never

import msgspec

from processors.analytics.rows import BillCycleStep, BillingPeriodStep, Origin, place
from schemas.bill_cycles import (
    BillCycleChangeCancelled,
    BillCycleChanged,
    BillCycleChangeFailed,
    BillCycleChangePlanned,
    BillingPeriodEndChanged,
    BillingPeriodReplaced,
    BillingPeriodStarted,
    ReplacementPeriod,
    Trigger,
)
from schemas.envelope import BusinessTransaction

_json = msgspec.json.Encoder()

ChangeEvent = BillCycleChangePlanned | BillCycleChanged | BillCycleChangeCancelled | BillCycleChangeFailed
PeriodEvent = BillingPeriodStarted | BillingPeriodEndChanged | BillingPeriodReplaced


def change_steps(
    transaction: BusinessTransaction, origin: Origin, position: int, event: ChangeEvent
) -> tuple[BillCycleStep]:
    """Return the step that an event is in the life of a bill cycle change: PLANNED, CHANGED, CANCELLED or FAILED."""
    begin = *place(transaction, origin, position), event.account_id, event.change_id
    told = transaction.occurred_at, transaction.recorded_at, transaction.source, transaction.performed_by
    return (_change(begin, told, event),)


_Begin = tuple[int, int, str, int, int, str, str]
_Told = tuple[datetime, datetime, str, str]


def _change(begin: _Begin, told: _Told, event: ChangeEvent) -> BillCycleStep:
    match event:
        case BillCycleChangePlanned():
            return BillCycleStep(
                *begin,
                "PLANNED",
                *told,
                from_code=event.from_.code,
                to_code=event.to.code,
                requested_at=event.requested_at,
                planned_for=event.cutover_date,
                due_at=event.due_at,
            )
        case BillCycleChanged():
            return BillCycleStep(
                *begin,
                "CHANGED",
                *told,
                from_code=event.from_.code,
                to_code=event.to.code,
                requested_at=told[0] if event.trigger is Trigger.IMMEDIATE else None,
                planned_for=event.planned_for,
                executed_at=event.effective_at,
                trigger=event.trigger.value,
            )
        case BillCycleChangeCancelled():
            return BillCycleStep(
                *begin,
                "CANCELLED",
                *told,
                planned_for=event.planned_for,
                reason=event.reason.value,
                superseded_by=event.superseded_by,
            )
        case BillCycleChangeFailed():
            codes = _json.encode([violation.code for violation in event.violations]).decode()
            return BillCycleStep(*begin, "FAILED", *told, codes=codes)
        case _:
            assert_never(event)


def period_steps(
    transaction: BusinessTransaction, origin: Origin, position: int, event: PeriodEvent
) -> tuple[BillingPeriodStep]:
    """Return the step that an event is in the life of a billing period: STARTED, END_CHANGED, REPLACED or DROPPED."""
    begin = *place(transaction, origin, position), event.account_id, event.number
    return (_period(begin, transaction.occurred_at, event),)


def _period(begin: tuple[int, int, str, int, int, str, int], at: datetime, event: PeriodEvent) -> BillingPeriodStep:
    match event:
        case BillingPeriodStarted():
            return BillingPeriodStep(*begin, "STARTED", at, *_shape(event))
        case BillingPeriodEndChanged():
            # The cycle stays what it was; the event does not repeat it.
            start, end, kind = event.start, event.new_end, event.new_kind.value
            return BillingPeriodStep(*begin, "END_CHANGED", at, start, end, kind, None, event.days, event.of_days)
        case BillingPeriodReplaced():
            if event.new is None:
                return BillingPeriodStep(*begin, "DROPPED", at, None, None, None, None, None, None)
            return BillingPeriodStep(*begin, "REPLACED", at, *_shape(event.new))
        case _:
            assert_never(event)


def _shape(period: BillingPeriodStarted | ReplacementPeriod) -> tuple[date, date, str, str, int, int]:
    return period.start, period.end, period.kind.value, period.bill_cycle, period.days, period.of_days
