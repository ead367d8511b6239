"""Scheduling an action, and what every change to a subscription means for what waits on it."""

from __future__ import annotations

from datetime import datetime

from processors.acting import Action
from processors.context import Context
from processors.schedule.bodies import RETURNS, targets, written
from processors.schedule.projection import conflicts, marks, planned_states, projected
from processors.view.customer import CustomerView
from schemas.actions import ActionCommand
from schemas.fields import Event
from schemas.refusals import Code, Violation, violation
from schemas.schedule import ActionOrigin, ScheduledActionCreated
from schemas.subscriptions import ChangeSubscriptionState, CreateSubscription

PENDING_MAX = 100
"""PENDING actions of a subscription (SCH-17): every change to it projects them all, some of them twice."""


def submit(view: CustomerView, action: Action, context: Context) -> tuple[list[Violation], list[Event]]:
    """Let an action wait for its moment (SCH-4): what stands against that, and the events.

    Violations here are SCH-7 and SCH-17; those of the action itself are judged by its effect on the projection at T and
    stand before. The events are ScheduledActionCreated, of its automatic return too, marks and PlannedStatesChanged.
    """
    assert not isinstance(action.command, CreateSubscription), "a subscription is created at once or not"
    number = view.numbers(action.subscription_id).action + 1
    action_id = action.action_id or action.derived_id(context, "action")
    created = _created(action, action.command, action_id, number, action.effective_at, context)
    events: list[Event] = [created, *automatic(view, action, context, parent=created)]
    after = view.draft()
    for event in events:
        after.record(event)
    violations, follow = settle(view, after, action.subscription_id, context)
    return violations, [*events, *follow]


def automatic(
    view: CustomerView, action: Action, context: Context, parent: ScheduledActionCreated | None = None
) -> list[Event]:
    """The automatic return that an `until` asks for, made at submission; the child of a start that waits (SST-5).

    To be asked only where the action's own rules hold: its `until` fits then (SST-4).
    """
    command = action.command
    if not isinstance(command, ChangeSubscriptionState) or command.until is None:
        return []
    number = (parent.number if parent else view.numbers(action.subscription_id).action) + 1
    returning = ChangeSubscriptionState(subscription_id=command.subscription_id, action=RETURNS[command.action])
    return [
        _created(
            action,
            returning,
            action.derived_id(context, "automatic return"),
            number,
            command.until,
            context,
            origin=ActionOrigin.AUTOMATIC,
            parent_action_id=parent.action_id if parent else None,
        )
    ]


def _created(  # noqa: PLR0913  # what an action of either origin differs in
    action: Action,
    command: ActionCommand,
    action_id: str,
    number: int,
    due: datetime,
    context: Context,
    *,
    origin: ActionOrigin = ActionOrigin.USER,
    parent_action_id: str | None = None,
) -> ScheduledActionCreated:
    return ScheduledActionCreated(
        subscription_id=action.subscription_id,
        action_id=action_id,
        number=number,
        command_type=type(command).__name__,
        body=written(command),
        target_service_ids=targets(command),
        due=due,
        origin=origin,
        parent_action_id=parent_action_id,
        submitted_at=context.at,
        performed_by=action.performed_by,
        performed_at=action.performed_at,
        command_id=action.command_id,
    )


def settle(
    before: CustomerView, after: CustomerView, subscription_id: str, context: Context
) -> tuple[list[Violation], list[Event]]:
    """What an accepted change does to all that waits: refusals (SCH-7, SCH-17), or marks and plans as events.

    `after` is a draft over `before` with the change's events, its scheduled actions included. Where nothing waits,
    nothing is projected.
    """
    waiting = before.pending(subscription_id)
    waiting_after = after.pending(subscription_id)
    if not waiting and not waiting_after:
        return [], []
    ahead = projected(after, subscription_id, context)
    violations: list[Violation] = []
    if waiting:
        violations += conflicts(projected(before, subscription_id, context), ahead, before)
    if len(waiting_after) > max(PENDING_MAX, len(waiting)):
        violations.append(violation(Code.TOO_MANY_SCHEDULED_ACTIONS, "SCH-17", "schedule", limit=PENDING_MAX))
    return violations, [*marks(after, subscription_id, ahead), *planned_states(after, subscription_id, ahead)]


def follow_up(before: CustomerView, after: CustomerView, subscription_id: str, context: Context) -> list[Event]:
    """Marks and plans after something that is never refused for what waits (SCH-5, SCH-13).

    So are cancelled, moved, executed and failed actions, money that came or went, an account's deactivation.
    """
    if not before.pending(subscription_id) and not after.pending(subscription_id):
        return []
    ahead = projected(after, subscription_id, context)
    return [*marks(after, subscription_id, ahead), *planned_states(after, subscription_id, ahead)]
