"""Scheduled actions that will not run: their target is gone, their interval ended, or their parent will not run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from processors.acting import Action
from processors.context import Context
from processors.schedule.bodies import RETURNS, children, open_returns
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.schedule import ActionCancelCause, ScheduledAction, ScheduledActionCancelled
from schemas.subscriptions import ChangeSubscriptionState, ServiceCause


def cancelled(
    scheduled: ScheduledAction,
    cause: ActionCancelCause,
    context: Context,
    *,
    cause_action_id: str | None = None,
    reason: str | None = None,
) -> ScheduledActionCancelled:
    """One action that will not run."""
    return ScheduledActionCancelled(
        subscription_id=scheduled.subscription_id,
        action_id=scheduled.action_id,
        due=scheduled.due,
        cancelled_at=context.at,
        cause=cause,
        cause_action_id=cause_action_id,
        cause_command_id=context.command_id,
        reason=reason,
    )


def with_children(view: CustomerView, scheduled: ScheduledAction, context: Context) -> Iterator[Event]:
    """What an action that was cancelled or failed takes along."""
    for child in children(view, scheduled):
        yield cancelled(child, ActionCancelCause.PARENT, context, cause_action_id=scheduled.action_id)


def ended(
    draft: CustomerView,
    subscription_id: str,
    ended_service_ids: Collection[str],
    action: Action,
    context: Context,
    *,
    whole_subscription: bool,
) -> list[Event]:
    """What an action that takes effect cancels among those that wait: SCH-10 and SST-5, in order of (due, number).

    `ended_service_ids`: services that it cancelled, regretted or undid, with their components. Of a subscription that
    ends nothing stays. An END ends the interval that is open, so the automatic return of it has nothing left to do;
    the return that runs is no longer among those that wait, nor is one whose start still waits.
    """
    cause = _cause(action)
    gone = _without_target(draft, subscription_id, ended_service_ids, action, whole_subscription=whole_subscription)
    events = [_by(action, found, cause, context) for found in gone]
    command = action.command
    if not whole_subscription and isinstance(command, ChangeSubscriptionState) and command.action in RETURNS.values():
        events += [
            _by(action, found, ActionCancelCause.ENDED_EARLY, context)
            for found in open_returns(draft, subscription_id)
            if found.action_id != action.action_id
        ]
    return events


def _without_target(
    draft: CustomerView,
    subscription_id: str,
    ended_service_ids: Collection[str],
    action: Action,
    *,
    whole_subscription: bool,
) -> Iterable[ScheduledAction]:
    if not whole_subscription and not ended_service_ids:
        return
    for found in draft.pending(subscription_id):
        if found.action_id == action.action_id:
            continue  # it is the one that runs
        concerned = found.due >= action.effective_at and not set(found.target_service_ids).isdisjoint(ended_service_ids)
        if whole_subscription or concerned:
            yield found


def _by(action: Action, scheduled: ScheduledAction, cause: ActionCancelCause, context: Context) -> Event:
    return cancelled(scheduled, cause, context, cause_action_id=action.action_id, reason=action.command.reason)


def _cause(action: Action) -> ActionCancelCause:
    """Why the target's end cancels: because the account goes (SUB-9), else because the service does."""
    gone = action.cause is ServiceCause.ACCOUNT
    return ActionCancelCause.ACCOUNT_DEACTIVATED if gone else ActionCancelCause.SERVICE_ENDED
