"""What comes of what waits: the projection, and all that is judged on it (SCH-7, SCH-8, SCH-13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from math import inf

import msgspec

from processors.acting import LIVE
from processors.context import Context
from processors.schedule.bodies import name_of_scheduled
from processors.schedule.running import Run, cause_of, run
from processors.view.customer import CustomerView
from processors.view.rows.accounts import clock_id
from schemas.actions import StatePoint
from schemas.fields import Event
from schemas.refusals import Code, Violation, violation
from schemas.schedule import ScheduledAction, ScheduledActionConflictCleared, ScheduledActionConflictDetected
from schemas.subscriptions import PlannedStatesChanged, SubscriptionServiceStateChanged, SubscriptionStateChanged

Plans = dict[str | None, list[StatePoint]]
"""Planned points by service; None is the subscription itself."""


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription after all that waits has run, in memory."""

    view: CustomerView
    passed: frozenset[str]
    """Actions that were executed; those that others cancelled are neither here nor among the failures."""
    failures: dict[str, tuple[Violation, ...]]
    plans: Plans


def projected(
    view: CustomerView,
    subscription_id: str,
    context: Context,
    *,
    until: tuple[datetime, float] | None = None,
    without: Collection[str] = (),
) -> Projection:
    """Run every PENDING action up to `until`, a place in the order of (due, number), by the decision of SCH-5.

    Funds are ignored, an action that fails changes nothing but takes its children along. What was parked after a bug
    is left out: it waits for an operator, and would raise here again.
    """
    draft = view.draft()
    passed: set[str] = set()
    failures: dict[str, tuple[Violation, ...]] = {}
    plans: Plans = {}
    done = set(without)
    while (scheduled := _next(draft, subscription_id, context, until, done)) is not None:
        done.add(scheduled.action_id)
        ran = run(draft, scheduled, at_its_moment(scheduled, context), projected=True)
        for event in ran.events:
            draft.record(event)
        if ran.violations:
            failures[scheduled.action_id] = ran.violations
        else:
            passed.add(scheduled.action_id)
            _note_plans(plans, scheduled, ran)
    return Projection(view=draft, passed=frozenset(passed), failures=failures, plans=plans)


def project(
    view: CustomerView, subscription_id: str, until: datetime, context: Context, without: Collection[str] = ()
) -> CustomerView:
    """The customer as it will be at T, after everything of the subscription that is due until then (SCH-8)."""
    return projected(view, subscription_id, context, until=(until, inf), without=without).view


def conflicts(before: Projection, after: Projection, view: CustomerView) -> Iterator[Violation]:
    """One violation per PENDING action that passed before and would now fail (SCH-7), in order of (due, number)."""
    broken = [action_id for action_id in after.failures if action_id in before.passed]
    for action_id in broken:
        scheduled = view.action(action_id)
        assert scheduled is not None, "a projection runs only what is there"
        first = after.failures[action_id][0]
        yield violation(
            Code.CONFLICTS_WITH_SCHEDULED,
            "SCH-7",
            action_id=action_id,
            action=name_of_scheduled(scheduled),
            due=scheduled.due,
            because={"code": first.code, "carries": first.carries},
        )


def marks(view: CustomerView, subscription_id: str, projection: Projection) -> Iterator[Event]:
    """Mark what waits and would fail, clear marks that no longer hold (SCH-13)."""
    for scheduled in view.pending(subscription_id):
        broken = projection.failures.get(scheduled.action_id)
        if broken and not scheduled.in_conflict:
            yield ScheduledActionConflictDetected(
                subscription_id=subscription_id,
                action_id=scheduled.action_id,
                due=scheduled.due,
                violations=tuple(msgspec.structs.replace(found, path=None) for found in broken),
            )
        elif not broken and scheduled.in_conflict:
            yield ScheduledActionConflictCleared(subscription_id=subscription_id, action_id=scheduled.action_id)


def planned_states(view: CustomerView, subscription_id: str, projection: Projection) -> Iterator[Event]:
    """Bring the plans that are kept to those of the projection: the subscription's first, then services by number."""
    subscription = view.subscription(subscription_id)
    assert subscription is not None, "what waits belongs to a subscription"
    yield from _plans_changed(subscription_id, None, subscription.history, projection)
    concerned = {service.number: service for service in view.planned_services(subscription_id)}
    for service_id in projection.plans:
        service = None if service_id is None else view.service(service_id)
        if service is not None and service.state in LIVE:
            concerned[service.number] = service
    for _, service in sorted(concerned.items()):
        yield from _plans_changed(subscription_id, service.service_id, service.history, projection)


def _plans_changed(
    subscription_id: str, service_id: str | None, history: Iterable[StatePoint], projection: Projection
) -> Iterator[Event]:
    old = tuple(point for point in history if point.planned)
    new = tuple(projection.plans.get(service_id, ()))
    if old != new:
        yield PlannedStatesChanged(subscription_id=subscription_id, service_id=service_id, old=old, new=new)


def _next(
    draft: CustomerView,
    subscription_id: str,
    context: Context,
    until: tuple[datetime, float] | None,
    done: Collection[str],
) -> ScheduledAction | None:
    for scheduled in draft.pending(subscription_id):
        if until is not None and (scheduled.due, scheduled.number) > until:
            return None
        if scheduled.action_id not in done and not _is_parked(draft, scheduled, context):
            return scheduled
    return None


def _is_parked(view: CustomerView, scheduled: ScheduledAction, context: Context) -> bool:
    """Whether its moment came and met a bug: everything else that is due runs before any command is decided."""
    if scheduled.due > context.at:
        return False
    command_id = clock_id(view.customer_id, "ExecuteScheduledAction", scheduled.action_id, scheduled.due)
    return view.parked(command_id) is not None


def at_its_moment(scheduled: ScheduledAction, context: Context) -> Context:
    """The circumstances in which an action will run."""
    at = max(scheduled.due, context.at)  # as an action that was parked will run after this moment
    return msgspec.structs.replace(context, at=at, performed_at=None)


def _note_plans(plans: Plans, scheduled: ScheduledAction, ran: Run) -> None:
    """Points that will be facts once the action has run.

    A plan's cause is its action's (SCHEDULED or AUTOMATIC), also where the fact will say BUNDLE or SERVICES: a
    component that is added later copies the points of its bundle (ABS-22) and must agree with those that were there.
    """
    for event in ran.events:
        if isinstance(event, SubscriptionStateChanged | SubscriptionServiceStateChanged):
            service_id = event.service_id if isinstance(event, SubscriptionServiceStateChanged) else None
            point = StatePoint(
                from_=event.effective_at,
                state=event.new_state,
                planned=True,
                action_id=scheduled.action_id,
                cause=cause_of(scheduled),
            )
            plans.setdefault(service_id, []).append(point)
