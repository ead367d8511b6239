"""Commands about scheduled actions: each is handed to the file that knows it."""

from __future__ import annotations

from typing import assert_never

from processors.context import Context
from processors.decision import Decision
from processors.schedule.changes import cancel, execute, reschedule
from processors.view.customer import CustomerView
from schemas.schedule import (
    CancelScheduledAction,
    ExecuteScheduledAction,
    RescheduleAction,
    ScheduleClockCommand,
    ScheduleCommand,
)


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
