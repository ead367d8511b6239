"""A command about a subscription as it comes in: judged now, or submitted to run at its moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from processors.acting import Action, Effect
from processors.context import Context
from processors.decision import Accepted, Decision, Refused
from processors.references import as_given, find_account
from processors.referencing import recorded, said_before
from processors.schedule import moments, projection, submission
from processors.subscriptions import opening
from processors.subscriptions.effects import code_violations, own_effect
from processors.subscriptions.touching import earliest
from processors.view.customer import CustomerView
from schemas.actions import ActionCommand
from schemas.fields import Event
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import (
    ChangeServiceState,
    CreateSubscription,
    ServiceAction,
    Subscription,
)

RECKONED_AFTER = frozenset(
    (
        Code.DEPENDENCY_VIOLATED,
        Code.DISTRIBUTOR_RULE_VIOLATED,
        Code.SERVICE_NOT_ACTIVATABLE,
        Code.INSUFFICIENT_FUNDS,
        Code.ID_TAKEN,
        Code.ACTION_TYPE_BEHAVIOUR_MISMATCH,
        Code.DATE_ALREADY_RATED,
    )
)
"""What may stand against an action whose effect is known all the same, so that conflicts can still be told (SCH-7)."""


def create(customer: CustomerView, command: CreateSubscription, context: Context) -> Decision:
    """Create a subscription, at once (SUB-1 to SUB-7)."""
    account = find_account(customer, command.account)
    if account is None:
        unknown = violation(Code.ACCOUNT_UNKNOWN, "SUB-1", "account", account=as_given(command.account))
        return Refused((unknown,))

    taken = command.subscription_id is not None and customer.subscription(command.subscription_id) is not None
    subscription_id = None if taken else command.subscription_id
    action = Action.asked(
        command,
        subscription_id or context.derived_id("subscription"),
        context.performed_at or context.at,
        context,
    )
    opened = [
        *_common_violations(customer, action, context),
        *opening.performed_violations(context.performed_at, None, context),
    ]
    if context.performed_at is not None:
        opened += moments.already_rated(action.effective_at, account, context, due=False)
    effect = own_effect(customer, (action,), context)
    violations = (*opened, *effect.violations)
    if violations:
        return Refused(violations, effect.preview)
    return Accepted(events=(*effect.events, *_recorded(action)), preview=effect.preview)


def act(customer: CustomerView, command: ActionCommand, context: Context) -> Decision:
    """Judge an action on a subscription that is there: carry it out, or let it wait for its moment (SCH-1, SCH-4)."""
    subscription = customer.subscription(command.subscription_id)
    if subscription is None:
        unknown = violation(
            Code.SUBSCRIPTION_UNKNOWN, "SUB-1", "subscription_id", subscription_id=command.subscription_id
        )
        return Refused((unknown,))
    incomplete = _incomplete(command)
    if incomplete is not None:
        return Refused((incomplete,))

    action = Action.asked(command, subscription.subscription_id, context.at, context)
    repeated = said_before(customer, action.subscription_id, command, "ABS-12")
    if repeated is not None:
        taken = opening.id_violations(customer, command)
        return Refused((*taken, repeated)) if isinstance(repeated, Violation) else repeated
    moment = moments.moment(command.schedule, context)
    if not isinstance(moment, datetime):
        return Refused((*_common_violations(customer, action, context), *moment))
    now = moments.is_now(command.schedule)
    action = replace(action, effective_at=moment)
    view = customer if now else projection.project(customer, action.subscription_id, moment, context)
    opened = [
        *_common_violations(view, action, context),
        *_moment_violations(customer, action, subscription, context, now=now),
    ]
    decided = carry_out(customer, (action,), context) if now else _later(customer, view, action, context)
    violations = (*opened, *decided.violations)
    if violations:
        return Refused(violations, decided.preview)
    events = decided.events
    if not events:
        return Accepted(events=_recorded(action), preview=decided.preview)
    return Accepted(events=(*events, *_recorded(action)), preview=decided.preview)


def _common_violations(view: CustomerView, action: Action, context: Context) -> list[Violation]:
    """Ids that are taken, codes that mean something else (SUB-2, CLS-1): now, or by what will have run at T (SCH-4)."""
    return [*opening.id_violations(view, action.command), *code_violations(view, action, context)]


def _incomplete(command: ActionCommand) -> Violation | None:
    """A list that the action cannot do without."""
    if not isinstance(command, ChangeServiceState):
        return None
    field = "services" if command.action is ServiceAction.ADD else "service_ids"
    if getattr(command, field):
        return None
    return violation(Code.MALFORMED, "CONTRACT", field, expected="at least one element")


def _moment_violations(
    customer: CustomerView, action: Action, subscription: Subscription, context: Context, *, now: bool
) -> Iterable[Violation]:
    """Moments that a caller gives: before what they change was there (CLS-4), or in time already rated (SCH-9)."""
    account = customer.account(subscription.account_id)
    assert account is not None, "a subscription belongs to an account"
    if now and context.performed_at is not None:
        yield from opening.performed_violations(context.performed_at, earliest(customer, action, subscription), context)
    if not now or context.performed_at is not None:
        yield from moments.already_rated(action.effective_at, account, context, due=not now)


def carry_out(customer: CustomerView, actions: Sequence[Action], context: Context) -> Effect:
    """Carry out actions on one subscription, as one, on the facts as they stand (SUB-8, BSU-22).

    What waits must still pass (SCH-7), and its plans follow. A command has one action. Lines of an order are several,
    with the cause ORDER; their caller judges the common rows (`opening`) as far as they concern it.
    """
    effect = own_effect(customer, actions, context)
    if not {broken.code for broken in effect.violations} <= RECKONED_AFTER:
        return effect
    events = list(effect.events)
    after = customer.draft()
    for event in events:
        after.record(event)
    for action in actions:
        for event in submission.automatic(after, action, context):
            after.record(event)
            events.append(event)
    conflicts, follow = submission.settle(customer, after, actions[0].subscription_id, context)
    all_of_them = tuple(range(len(actions)))
    return replace(
        effect,
        violations=(*effect.violations, *conflicts),
        causes=(*effect.causes, *(all_of_them for _ in conflicts)),
        events=(*events, *follow),
    )


def _later(customer: CustomerView, ahead: CustomerView, action: Action, context: Context) -> Effect:
    """Judge it on `ahead`, the projection at T, money apart, and let it wait (SCH-4)."""
    action = replace(action, funds=False, projected=True)
    effect = own_effect(ahead, (action,), context)
    if not {broken.code for broken in effect.violations} <= RECKONED_AFTER:
        return effect
    conflicts, events = submission.submit(customer, action, context)
    return replace(effect, violations=(*effect.violations, *conflicts), events=tuple(events))


# -- references


def _recorded(action: Action) -> tuple[Event, ...]:
    return recorded(action.command, action.command_id, subscription_id=action.subscription_id)
