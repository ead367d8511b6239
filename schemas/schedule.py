"""The words of time: what waits for its moment, and what the clock asks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from schemas.actions import ActionId, PerformedBy, Reason, Schedule, SubscriptionId
from schemas.fields import Command, CommandId, CustomerId, Entity, Event, doc
from schemas.refusals import Violation


class ActionState(StrEnum):
    """The life of a scheduled action."""

    PENDING = "PENDING"
    EXECUTED = "EXECUTED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class ActionOrigin(StrEnum):
    """Who scheduled an action."""

    USER = "USER"
    AUTOMATIC = "AUTOMATIC"


class ActionCancelCause(StrEnum):
    """Why a scheduled action was cancelled."""

    REQUEST = "REQUEST"
    PARENT = "PARENT"
    SERVICE_ENDED = "SERVICE_ENDED"
    ENDED_EARLY = "ENDED_EARLY"
    ACCOUNT_DEACTIVATED = "ACCOUNT_DEACTIVATED"


ActionNumber = Annotated[int, doc("1, 2, 3 ... per subscription, never reused")]
ActionCommandType = Annotated[str, doc("Name of the command that will run")]
ActionBody = Annotated[str, doc("Its body, canonical JSON")]
DueAt = Annotated[datetime, doc("When it is due")]


class CancelScheduledAction(Command, frozen=True, kw_only=True):
    """Cancel a scheduled action and its children (SCH-11)."""

    subscription_id: SubscriptionId
    action_id: ActionId
    reason: Reason | None = None


class RescheduleAction(Command, frozen=True, kw_only=True):
    """Move a scheduled action to another moment (SCH-12)."""

    subscription_id: SubscriptionId
    action_id: ActionId
    schedule: Annotated[Schedule, doc("When it is to run; ON_DATE or AFTER_DAYS")]


class ExecuteScheduledAction(Command, frozen=True, kw_only=True):
    """From the clock: a scheduled action is due (SCH-6, SCH-18, SCH-19)."""

    subscription_id: SubscriptionId
    action_id: ActionId
    due: DueAt


class ScheduledAction(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """An action on a subscription that waits for its moment, or did."""

    identity: ClassVar = ("action", "action_id")

    action_id: ActionId
    subscription_id: SubscriptionId
    number: ActionNumber
    command_type: ActionCommandType
    body: ActionBody
    target_service_ids: Annotated[tuple[str, ...], doc("Services that it is about")] = ()
    performed_by: PerformedBy
    performed_at: Annotated[datetime | None, doc("When it happened outside, as the command said")] = None
    due: DueAt
    state: Annotated[ActionState, doc("PENDING until it ran or was cancelled")]
    origin: Annotated[ActionOrigin, doc("Who scheduled it")]
    parent_action_id: Annotated[str | None, doc("The action whose automatic return it is")] = None
    in_conflict: Annotated[bool, doc("It would fail as things stand (SCH-13)")] = False
    submitted_at: Annotated[datetime, doc("When it was scheduled")]
    command_id: CommandId


class ScheduledActionCreated(Event, frozen=True, kw_only=True):
    """An action waits for its moment."""

    about: ClassVar = ("action", "action_id")

    subscription_id: SubscriptionId
    action_id: ActionId
    number: ActionNumber
    command_type: ActionCommandType
    body: ActionBody
    target_service_ids: Annotated[tuple[str, ...], doc("Services that it is about")] = ()
    due: DueAt
    origin: Annotated[ActionOrigin, doc("Who scheduled it")]
    parent_action_id: Annotated[str | None, doc("The action whose automatic return it is")] = None
    submitted_at: Annotated[datetime, doc("When it was scheduled")]
    performed_by: PerformedBy
    performed_at: Annotated[datetime | None, doc("When it happened outside, as the command said")] = None
    command_id: CommandId


class ScheduledActionExecuted(Event, frozen=True, kw_only=True):
    """An action ran; what it did follows."""

    about: ClassVar = ("action", "action_id")

    subscription_id: SubscriptionId
    action_id: ActionId
    due: DueAt
    executed_at: Annotated[datetime, doc("When it ran")]
    effective_at: Annotated[datetime, doc("From when its effect holds")]
    lateness_seconds: Annotated[int, doc("executed_at less due")]


class ScheduledActionFailed(Event, frozen=True, kw_only=True):
    """An action was refused at its moment; nothing else of it happened."""

    about: ClassVar = ("action", "action_id")

    subscription_id: SubscriptionId
    action_id: ActionId
    due: DueAt
    failed_at: Annotated[datetime, doc("When it failed")]
    violations: Annotated[tuple[Violation, ...], doc("Every rule that it broke")]


class ScheduledActionCancelled(Event, frozen=True, kw_only=True):
    """An action will not run."""

    about: ClassVar = ("action", "action_id")

    subscription_id: SubscriptionId
    action_id: ActionId
    due: DueAt
    cancelled_at: Annotated[datetime, doc("When it was cancelled")]
    cause: Annotated[ActionCancelCause, doc("Why")]
    cause_action_id: Annotated[str | None, doc("The scheduled action that led to it")] = None
    cause_command_id: CommandId
    reason: Reason | None = None


class ScheduledActionRescheduled(Event, frozen=True, kw_only=True):
    """An action is due at another moment."""

    about: ClassVar = ("action", "action_id")

    subscription_id: SubscriptionId
    action_id: ActionId
    old_due: Annotated[datetime, doc("When it was due")]
    new_due: Annotated[datetime, doc("When it is due now")]
    performed_by: PerformedBy


class ScheduledActionConflictDetected(Event, frozen=True, kw_only=True):
    """An action would fail as things stand; it stays."""

    about: ClassVar = ("action", "action_id")

    subscription_id: SubscriptionId
    action_id: ActionId
    due: DueAt
    violations: Annotated[tuple[Violation, ...], doc("Every rule that it would break")]


class ScheduledActionConflictCleared(Event, frozen=True, kw_only=True):
    """An action that would have failed would not any more."""

    about: ClassVar = ("action", "action_id")

    subscription_id: SubscriptionId
    action_id: ActionId


class DueWorkParked(Event, frozen=True, kw_only=True):
    """Due work met a bug of ours and waits for an operator; never by a rule."""

    about: ClassVar = ("customer", "customer_id")

    customer_id: CustomerId
    command_id: CommandId
    command_type: Annotated[str, doc("Name of the clock command")]
    body: Annotated[str, doc("Its body, canonical JSON")]
    due_at: Annotated[datetime, doc("Its moment")]


ScheduleCommand = CancelScheduledAction | RescheduleAction
ScheduleClockCommand = ExecuteScheduledAction
ScheduleEvent = (
    ScheduledActionCreated
    | ScheduledActionExecuted
    | ScheduledActionFailed
    | ScheduledActionCancelled
    | ScheduledActionRescheduled
    | ScheduledActionConflictDetected
    | ScheduledActionConflictCleared
)
