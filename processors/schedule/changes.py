"""What waits is cancelled, moved, or its moment has come (SCH-5, SCH-6, SCH-11, SCH-12, SCH-18)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from processors.acting import author
from processors.context import Context
from processors.decision import Decision, Refused
from processors.schedule.bodies import children, name_of_scheduled
from processors.schedule.endings import cancelled, with_children
from processors.schedule.moments import already_rated, is_now, moment
from processors.schedule.projection import at_its_moment, projected
from processors.schedule.running import objections, run
from processors.schedule.submission import follow_up
from processors.view.customer import CustomerView
from processors.view.rows.accounts import clock_id
from schemas.fields import Event
from schemas.refusals import Code, Violation, violation
from schemas.schedule import (
    ActionCancelCause,
    ActionOrigin,
    ActionState,
    CancelScheduledAction,
    ExecuteScheduledAction,
    RescheduleAction,
    ScheduledAction,
    ScheduledActionRescheduled,
)
from schemas.subscriptions import Subscription


def cancel(customer: CustomerView, command: CancelScheduledAction, context: Context) -> Decision:
    """Take back an action that waits, with its automatic return (SCH-11, SCH-13)."""
    scheduled = _waiting(customer, command)
    if isinstance(scheduled, Violation):
        return Refused((scheduled,))
    if scheduled.origin is ActionOrigin.AUTOMATIC:
        return Refused((_not_for(Code.ACTION_IS_AUTOMATIC, scheduled),))

    gone = cancelled(scheduled, ActionCancelCause.REQUEST, context, reason=command.reason)
    return _with_follow_up(customer, (gone, *with_children(customer, scheduled, context)), scheduled, context)


def reschedule(customer: CustomerView, command: RescheduleAction, context: Context) -> Decision:
    """Move an action that waits to another moment; it keeps its number (SCH-12, SCH-13)."""
    scheduled = _waiting(customer, command)
    if isinstance(scheduled, Violation):
        return Refused((scheduled,))
    if is_now(command.schedule):
        return Refused((violation(Code.MALFORMED, "SCH-12", "schedule.when", expected="ON_DATE or AFTER_DAYS"),))
    due = moment(command.schedule, context)
    if not isinstance(due, datetime):
        return Refused(due)
    if due == scheduled.due:
        return ()

    moved = ScheduledActionRescheduled(
        subscription_id=scheduled.subscription_id,
        action_id=scheduled.action_id,
        old_due=scheduled.due,
        new_due=due,
        performed_by=author(context),
    )
    violations = tuple(_move_violations(customer, scheduled, moved, context))
    if violations:
        return Refused(violations)
    return _with_follow_up(customer, (moved,), scheduled, context)


def execute(customer: CustomerView, command: ExecuteScheduledAction, context: Context) -> Decision:
    """Run an action at its moment; one that is not PENDING, or was moved, asks nothing any more (SCH-5, 6, 18)."""
    scheduled = customer.action(command.action_id)
    if scheduled is None or scheduled.state is not ActionState.PENDING or scheduled.due != command.due:
        return ()
    return _with_follow_up(customer, run(customer, scheduled, context, projected=False).events, scheduled, context)


def was_planned(customer: CustomerView, command: ExecuteScheduledAction, command_id: str, at: datetime) -> bool:
    """Whether a record of the clock asks for an action that ran, was cancelled or was moved (SCH-18).

    Else it is early, forged or about no action: a dead letter (SCH-19). A moment that the action never had passes too,
    if it lies behind: dues of long ago are not kept, and the answer is that nothing is done.
    """
    scheduled = customer.action(command.action_id)
    return (
        scheduled is not None
        and scheduled.subscription_id == command.subscription_id
        and command.due <= at
        and (scheduled.state is not ActionState.PENDING or scheduled.due != command.due)
        and command_id == clock_id(customer.customer_id, type(command).__name__, command.action_id, command.due)
    )


def _with_follow_up(
    customer: CustomerView, events: Iterable[Event], scheduled: ScheduledAction, context: Context
) -> tuple[Event, ...]:
    """Events, and what they mean for the others that wait (SCH-13)."""
    events = tuple(events)
    after = customer.draft()
    for event in events:
        after.record(event)
    return (*events, *follow_up(customer, after, scheduled.subscription_id, context))


def _waiting(customer: CustomerView, command: CancelScheduledAction | RescheduleAction) -> ScheduledAction | Violation:
    """The PENDING action that is meant, or the one thing to say where there is none."""
    if customer.subscription(command.subscription_id) is None:
        return violation(Code.SUBSCRIPTION_UNKNOWN, "SUB-1", "subscription_id", subscription_id=command.subscription_id)
    scheduled = customer.action(command.action_id)
    if scheduled is None or scheduled.subscription_id != command.subscription_id:
        return violation(Code.ACTION_UNKNOWN, "SCH-11", "action_id", action_id=command.action_id)
    if scheduled.state is not ActionState.PENDING:
        return _not_for(Code.ACTION_NOT_PENDING, scheduled)
    return scheduled


def _not_for(code: Code, scheduled: ScheduledAction) -> Violation:
    return violation(
        code,
        "SCH-11",
        "action_id",
        action_id=scheduled.action_id,
        state=scheduled.state,
        due=scheduled.due,
        parent_action_id=scheduled.parent_action_id,
    )


def _move_violations(
    customer: CustomerView, scheduled: ScheduledAction, moved: ScheduledActionRescheduled, context: Context
) -> Iterator[Violation]:
    """SCH-9, a return not before its start, and the action's own rules at its new place in the order."""
    subscription = customer.subscription(scheduled.subscription_id)
    assert subscription is not None, "_waiting has seen to it"
    yield from _rated(customer, subscription, moved.new_due, context)
    parent = None if scheduled.parent_action_id is None else customer.action(scheduled.parent_action_id)
    if parent is not None and parent.state is ActionState.PENDING and moved.new_due <= parent.due:
        yield violation(
            Code.UNTIL_NOT_AFTER_START,
            "SCH-12",
            "schedule",
            action=name_of_scheduled(parent),
            until=moved.new_due,
            starts_at=parent.due,
        )
        return

    after = customer.draft()
    after.record(moved)
    scheduled = msgspec.structs.replace(scheduled, due=moved.new_due)
    place = (scheduled.due, scheduled.number)
    # It takes no part in the projection: what ends the subscription before its new moment would cancel it unjudged.
    # Nor does its return, which would be tried and be gone where the start is moved behind it.
    apart = {found.action_id for found in (scheduled, *children(after, scheduled))}
    ahead = projected(after, scheduled.subscription_id, context, until=place, without=apart).view
    for broken in objections(ahead, scheduled, at_its_moment(scheduled, context)):
        yield msgspec.structs.replace(broken, path=None)  # its fields were those of another command


def _rated(customer: CustomerView, subscription: Subscription, due: datetime, context: Context) -> list[Violation]:
    account = customer.account(subscription.account_id)
    assert account is not None, "a subscription belongs to an account"
    return already_rated(due, account, context, due=True)
