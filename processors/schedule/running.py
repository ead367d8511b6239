"""Running an action that waited: the same decision at its moment and in every projection (SCH-5, SCH-6, SCH-8)."""

from __future__ import annotations

import msgspec

from processors.acting import Action
from processors.context import Context
from processors.schedule.bodies import command_of
from processors.schedule.endings import with_children
from processors.subscriptions import effects
from processors.subscriptions.touching import earliest
from processors.view.customer import CustomerView
from schemas.actions import ActionCommand
from schemas.fields import Event
from schemas.malformed import Misfit
from schemas.refusals import Code, Violation, violation
from schemas.schedule import (
    ActionOrigin,
    ScheduledAction,
    ScheduledActionExecuted,
    ScheduledActionFailed,
)
from schemas.subscriptions import ServiceCause


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What running an action led to."""

    violations: tuple[Violation, ...]
    """Empty: it was executed."""
    events: tuple[Event, ...]


def run(view: CustomerView, scheduled: ScheduledAction, context: Context, *, projected: bool) -> Run:
    """Run one PENDING action at `context.at`: executed with its effect, or failed with all violations and no effect.

    `executed_at` and `failed_at` are the moment that counts: of due work its due moment, however late the clock came
    (SCH-6). So entities are the same however late it runs (INV-SCH-2); when it really ran is the transaction's
    `recorded_at`. `lateness_seconds` is above 0 only where the action had to wait for something else, as for an
    operator after a bug. `projected`: funds are neither judged nor moved.
    """
    command = command_of(view, scheduled)
    if isinstance(command, Misfit):
        return _failed(view, scheduled, (_misfit(command),), context)
    action = as_action(view, scheduled, command, context, projected=projected)
    effect = effects.effect(view, action, context)
    if effect.violations:
        return _failed(view, scheduled, effect.violations, context)

    executed = ScheduledActionExecuted(
        subscription_id=scheduled.subscription_id,
        action_id=scheduled.action_id,
        due=scheduled.due,
        executed_at=context.at,
        effective_at=action.effective_at,
        lateness_seconds=int((context.at - scheduled.due).total_seconds()),
    )
    return Run(violations=(), events=(executed, *effect.events))


def objections(view: CustomerView, scheduled: ScheduledAction, context: Context) -> tuple[Violation, ...]:
    """The action's own rules on a projection in which it has not run (SCH-12)."""
    command = command_of(view, scheduled)
    if isinstance(command, Misfit):
        return (_misfit(command),)
    return effects.effect(view, as_action(view, scheduled, command, context, projected=True), context).violations


def as_action(
    view: CustomerView, scheduled: ScheduledAction, command: ActionCommand, context: Context, *, projected: bool
) -> Action:
    """The action that waited, as the pipeline takes it. Ids derive from the command that submitted it (SCH-6).

    T = due, but never before the last fact of a touched service. No fact lies after `at` (INV-SUB-1), so only an action
    that runs late can meet one: its services are read then only.
    """
    action = Action(
        command=command,
        subscription_id=scheduled.subscription_id,
        effective_at=scheduled.due,
        command_id=scheduled.command_id,
        performed_by=scheduled.performed_by,
        performed_at=scheduled.performed_at,
        cause=cause_of(scheduled),
        action_id=scheduled.action_id,
        funds=not projected,
        projected=projected,
    )
    subscription = view.subscription(scheduled.subscription_id)
    if context.at <= scheduled.due or subscription is None:
        return action
    touched = earliest(view, action, subscription)
    return action if touched is None else msgspec.structs.replace(action, effective_at=max(scheduled.due, touched[0]))


def cause_of(scheduled: ScheduledAction) -> ServiceCause:
    """Why states change when it runs."""
    return ServiceCause.AUTOMATIC if scheduled.origin is ActionOrigin.AUTOMATIC else ServiceCause.SCHEDULED


def _misfit(found: Misfit) -> Violation:
    return violation(Code.MALFORMED, "CONTRACT", found.path, expected=found.expected)


def _failed(view: CustomerView, scheduled: ScheduledAction, violations: tuple[Violation, ...], context: Context) -> Run:
    failed = ScheduledActionFailed(
        subscription_id=scheduled.subscription_id,
        action_id=scheduled.action_id,
        due=scheduled.due,
        failed_at=context.at,
        # Nobody sent the clock's command: it has none of the fields that these paths name.
        violations=tuple(msgspec.structs.replace(broken, path=None) for broken in violations),
    )
    return Run(violations=violations, events=(failed, *with_children(view, scheduled, context)))
