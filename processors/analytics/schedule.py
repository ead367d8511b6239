"""Rows of scheduled actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec

from processors.analytics.rows import Origin, place
from processors.analytics.subscription_rows import ScheduledActionStep
from schemas.envelope import BusinessTransaction
from schemas.refusals import Violation
from schemas.schedule import (
    ScheduledActionCancelled,
    ScheduledActionConflictCleared,
    ScheduledActionConflictDetected,
    ScheduledActionCreated,
    ScheduledActionExecuted,
    ScheduledActionFailed,
    ScheduledActionRescheduled,
    ScheduleEvent,
)

_json = msgspec.json.Encoder(order="deterministic")


def steps(
    transaction: BusinessTransaction, origin: Origin, position: int, event: ScheduleEvent
) -> tuple[ScheduledActionStep]:
    """Return the step that an event is in the life of an action; its body stays in the raw transaction."""
    return (_step(transaction, origin, position, event),)


def _step(transaction: BusinessTransaction, origin: Origin, position: int, event: ScheduleEvent) -> ScheduledActionStep:
    begun = ScheduledActionStep(
        *place(transaction, origin, position),
        event.subscription_id,
        event.action_id,
        "",
        transaction.occurred_at,
        transaction.recorded_at,
        transaction.source,
        transaction.performed_by,
    )
    match event:
        case ScheduledActionCreated():
            return begun._replace(
                step="CREATED",
                performed_by=event.performed_by,
                due=event.due,
                number=event.number,
                command_type=event.command_type,
                target_service_ids=_json.encode(event.target_service_ids).decode(),
                origin=event.origin.value,
                parent_action_id=event.parent_action_id,
                submitted_at=event.submitted_at,
            )
        case ScheduledActionRescheduled():
            return begun._replace(
                step="MOVED", performed_by=event.performed_by, due=event.new_due, old_due=event.old_due
            )
        case ScheduledActionExecuted():
            return begun._replace(step="EXECUTED", due=event.due, ended_at=event.executed_at)
        case ScheduledActionFailed():
            codes, violations = _why(event.violations)
            return begun._replace(
                step="FAILED", due=event.due, ended_at=event.failed_at, codes=codes, violations=violations
            )
        case ScheduledActionCancelled():
            return begun._replace(
                step="CANCELLED",
                due=event.due,
                ended_at=event.cancelled_at,
                cause=event.cause.value,
                cause_action_id=event.cause_action_id,
                reason=event.reason,
            )
        case ScheduledActionConflictDetected():
            codes, violations = _why(event.violations)
            return begun._replace(step="CONFLICT_DETECTED", due=event.due, codes=codes, violations=violations)
        case ScheduledActionConflictCleared():
            return begun._replace(step="CONFLICT_CLEARED")
        case _:
            assert_never(event)


def _why(violations: Iterable[Violation]) -> tuple[str, str]:
    """The refusal codes, and the violations in full, both as JSON."""
    broken = tuple(violations)
    return _json.encode([violation.code for violation in broken]).decode(), _json.encode(broken).decode()
