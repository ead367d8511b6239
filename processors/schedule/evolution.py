"""How a scheduled action lives on: by events only."""

from __future__ import annotations

from typing import assert_never

import msgspec

from schemas.schedule import (
    ActionState,
    ScheduledAction,
    ScheduledActionCancelled,
    ScheduledActionConflictCleared,
    ScheduledActionConflictDetected,
    ScheduledActionCreated,
    ScheduledActionExecuted,
    ScheduledActionFailed,
    ScheduledActionRescheduled,
    ScheduleEvent,
)

_replace = msgspec.structs.replace


def evolve(entity: ScheduledAction | None, event: ScheduleEvent) -> ScheduledAction:
    """The action after the event. It leaves PENDING once, and nothing happens to it afterwards (INV-SCH-1)."""
    if isinstance(event, ScheduledActionCreated):
        assert entity is None, f"action {event.action_id} is created once"
        return _created(event)
    assert entity is not None, f"action {event.action_id} was created"
    assert entity.state is ActionState.PENDING, f"action {event.action_id} is {entity.state}"
    match event:
        case ScheduledActionExecuted():
            return _replace(entity, state=ActionState.EXECUTED, in_conflict=False)
        case ScheduledActionFailed():
            return _replace(entity, state=ActionState.FAILED, in_conflict=False)
        case ScheduledActionCancelled():
            return _replace(entity, state=ActionState.CANCELLED, in_conflict=False)
        case ScheduledActionRescheduled():
            return _replace(entity, due=event.new_due)
        case ScheduledActionConflictDetected():
            return _replace(entity, in_conflict=True)
        case ScheduledActionConflictCleared():
            return _replace(entity, in_conflict=False)
        case _:
            assert_never(event)


def _created(event: ScheduledActionCreated) -> ScheduledAction:
    return ScheduledAction(
        action_id=event.action_id,
        subscription_id=event.subscription_id,
        number=event.number,
        command_type=event.command_type,
        body=event.body,
        target_service_ids=event.target_service_ids,
        performed_by=event.performed_by,
        performed_at=event.performed_at,
        due=event.due,
        state=ActionState.PENDING,
        origin=event.origin,
        parent_action_id=event.parent_action_id,
        submitted_at=event.submitted_at,
        command_id=event.command_id,
    )
