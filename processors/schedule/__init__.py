"""What waits for its moment: when it runs, what comes of it, and what becomes of it when its plans are crossed."""

from __future__ import annotations

from typing import assert_never

from processors.context import Context
from processors.decision import Decision
from processors.schedule.bodies import command_of, name_of, name_of_scheduled
from processors.schedule.changes import cancel, execute, reschedule, was_planned
from processors.schedule.endings import ended
from processors.schedule.evolution import evolve
from processors.schedule.moments import already_rated, is_now, moment
from processors.schedule.projection import project
from processors.schedule.submission import automatic, follow_up, settle, submit
from processors.view.customer import CustomerView
from schemas.schedule import (
    CancelScheduledAction,
    ExecuteScheduledAction,
    RescheduleAction,
    ScheduleClockCommand,
    ScheduleCommand,
)

__all__ = [
    "already_rated",
    "automatic",
    "command_of",
    "decide",
    "ended",
    "evolve",
    "follow_up",
    "is_now",
    "moment",
    "name_of",
    "name_of_scheduled",
    "project",
    "settle",
    "submit",
    "was_planned",
]


def decide(customer: CustomerView, command: ScheduleCommand | ScheduleClockCommand, context: Context) -> Decision:
    """Judge one command about a scheduled action."""
    match command:
        case CancelScheduledAction():
            return cancel(customer, command, context)
        case RescheduleAction():
            return reschedule(customer, command, context)
        case ExecuteScheduledAction():
            return execute(customer, command, context)
        case _:
            assert_never(command)
