"""Rows of bill cycle changes and billing periods."""

from __future__ import annotations

from datetime import date
from typing import assert_never

import msgspec

from processors.analytics.rows import BillCycleStep, BillingPeriodStep, Origin
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


def change_step(transaction: BusinessTransaction, origin: Origin, position: int, event: ChangeEvent) -> BillCycleStep:
    """Return the step that an event is in the life of a bill cycle change: PLANNED, CHANGED, CANCELLED or FAILED."""
    begun = BillCycleStep(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        position,
        event.account_id,
        event.change_id,
        "",
        transaction.occurred_at,
        transaction.recorded_at,
        transaction.source,
        transaction.performed_by,
    )
    match event:
        case BillCycleChangePlanned():
            return begun._replace(
                step="PLANNED",
                from_code=event.from_.code,
                to_code=event.to.code,
                requested_at=event.requested_at,
                planned_for=event.cutover_date,
                due_at=event.due_at,
            )
        case BillCycleChanged():
            return begun._replace(
                step="CHANGED",
                from_code=event.from_.code,
                to_code=event.to.code,
                requested_at=transaction.occurred_at if event.trigger is Trigger.IMMEDIATE else None,
                planned_for=event.planned_for,
                executed_at=event.effective_at,
                trigger=event.trigger.value,
            )
        case BillCycleChangeCancelled():
            return begun._replace(
                step="CANCELLED",
                planned_for=event.planned_for,
                reason=event.reason.value,
                superseded_by=event.superseded_by,
            )
        case BillCycleChangeFailed():
            return begun._replace(
                step="FAILED", codes=_json.encode([violation.code for violation in event.violations]).decode()
            )
        case _:
            assert_never(event)


def period_step(
    transaction: BusinessTransaction, origin: Origin, position: int, event: PeriodEvent
) -> BillingPeriodStep:
    """Return the step that an event is in the life of a billing period: STARTED, END_CHANGED, REPLACED or DROPPED."""
    place = (
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        position,
        event.account_id,
        event.number,
    )
    at = transaction.occurred_at
    match event:
        case BillingPeriodStarted():
            return BillingPeriodStep(*place, "STARTED", at, *_shape(event))
        case BillingPeriodEndChanged():
            # The cycle stays what it was; the event does not repeat it.
            start, end, kind = event.start, event.new_end, event.new_kind.value
            return BillingPeriodStep(*place, "END_CHANGED", at, start, end, kind, None, event.days, event.of_days)
        case BillingPeriodReplaced():
            if event.new is None:
                return BillingPeriodStep(*place, "DROPPED", at, None, None, None, None, None, None)
            return BillingPeriodStep(*place, "REPLACED", at, *_shape(event.new))
        case _:
            assert_never(event)


def _shape(period: BillingPeriodStarted | ReplacementPeriod) -> tuple[date, date, str, str, int, int]:
    return period.start, period.end, period.kind.value, period.bill_cycle, period.days, period.of_days
