"""What holds of scheduled actions whatever is asked (INV-SCH-1 to 3, INV-SUB-1, 3, 5, 6)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.answering import Answered
from processors.clock import nudge
from processors.context import Context
from processors.schedule import projection
from schemas.actions import ServiceState
from schemas.schedule import (
    ActionOrigin,
    ActionState,
    ScheduledAction,
    ScheduledActionCancelled,
    ScheduledActionConflictCleared,
    ScheduledActionConflictDetected,
    ScheduledActionExecuted,
    ScheduledActionFailed,
)
from tests.accounts.book import CUSTOMER
from tests.schedule.walking import LIVE, SUBSCRIPTION, Walk, facts, plans, step

pytestmark = pytest.mark.slow

FAR = timedelta(days=90)
"""Behind everything that a walk can plan."""
INTERVALS = (ServiceState.IN_RESTING, ServiceState.SHORT_TERM_EFFECTIVE, ServiceState.SHORT_TERM_NOT_EFFECTIVE)
"""States that an `until` bounds."""

walks = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


chances = st.randoms(use_true_random=True)
"""Hypothesis draws small and plain cases; plans cross each other in long and mixed ones."""
STEPS = 25


def walked(chance: Random) -> Walk:
    """A subscription after some steps."""
    walk = Walk()
    for _ in range(chance.randint(1, STEPS)):
        step(walk, chance)
    return walk


@walks
@given(chances)
def test_after_every_step(chance: Random) -> None:
    walk = Walk()
    for _ in range(STEPS):
        before = walk.entities()
        marked = {action.action_id for action in walk.pending() if action.in_conflict}
        answered = step(walk, chance)
        a_refusal_changes_nothing(before, walk, answered)
        an_accepted_action_breaks_nothing_that_waits(answered)
        what_is_marked_stands_in_nobodys_way(marked, answered)
        histories_are_in_order(walk)
        a_terminal_subscription_waits_for_nothing(walk)
        returns_wait_for_what_is_open(walk)
        for action in walk.actions():
            left_pending_once(walk, action)
            marks_come_and_go_in_turn(walk, action)


def a_refusal_changes_nothing(before: dict[str, object], walk: Walk, answered: Answered) -> None:
    """Only due work before it can have (INV-SUB-6)."""
    assert answered.outcome is not None
    if answered.outcome.status == "REJECTED":
        assert answered.transaction is None
        if not any(action.due <= walk.at for action in walk.actions()):
            assert walk.entities() == before


def an_accepted_action_breaks_nothing_that_waits(answered: Answered) -> None:
    """SCH-7: only what is taken back or moved may leave another one without ground."""
    transaction = answered.transaction
    if transaction is not None and transaction.command_type not in ("CancelScheduledAction", "RescheduleAction"):
        assert not any(isinstance(change.event, ScheduledActionConflictDetected) for change in transaction.changes)


def what_is_marked_stands_in_nobodys_way(marked: set[str], answered: Answered) -> None:
    """SCH-7: only an action that passed before can be broken."""
    assert answered.outcome is not None
    named = {broken.carries["action_id"] for broken in answered.outcome.violations if broken.rule == "SCH-7"}
    assert not named & marked


def histories_are_in_order(walk: Walk) -> None:
    """INV-SUB-1."""
    for points in walk.histories().values():
        true, planned = facts(points), plans(points)
        assert [point.from_ for point in true] == sorted(point.from_ for point in true)
        assert [point.from_ for point in planned] == sorted(point.from_ for point in planned)
        assert all(point.state in LIVE for point in true[:-1])
        assert true[-1].from_ <= walk.at
        assert true[-1].state in LIVE or not planned


def a_terminal_subscription_waits_for_nothing(walk: Walk) -> None:
    """INV-SUB-3."""
    if walk.subscription().state not in LIVE:
        assert walk.pending() == ()
        assert all(service.state not in LIVE for service in walk.services())


def returns_wait_for_what_is_open(walk: Walk) -> None:
    """INV-SCH-3: an AUTOMATIC action is PENDING exactly while its start is, or ran and its interval is open."""
    by_id = {action.action_id: action for action in walk.actions()}
    last = facts(walk.subscription().history)[-1]
    for action in by_id.values():
        if action.origin is ActionOrigin.AUTOMATIC:
            start = by_id.get(action.parent_action_id or "")
            if start is None:
                began_last = last.from_ == action.submitted_at and last.state in INTERVALS
            else:
                began_last = last.action_id == start.action_id and start.state is ActionState.EXECUTED
            waits = start is not None and start.state is ActionState.PENDING
            assert (action.state is ActionState.PENDING) == (waits or began_last)


def left_pending_once(walk: Walk, action: ScheduledAction) -> None:
    """INV-SCH-1: exactly one event says why, and none before its moment."""
    endings = (ScheduledActionExecuted, ScheduledActionFailed, ScheduledActionCancelled)
    said = [event for event in walk.history if isinstance(event, endings) and event.action_id == action.action_id]
    assert len(said) == (action.state is not ActionState.PENDING)
    for event in said:
        if isinstance(event, ScheduledActionExecuted):
            assert event.executed_at >= event.due
            assert event.lateness_seconds == 0
        if isinstance(event, ScheduledActionFailed):
            assert event.failed_at >= event.due
            assert event.violations


def marks_come_and_go_in_turn(walk: Walk, action: ScheduledAction) -> None:
    """SCH-13: what is marked is not marked again."""
    words = (ScheduledActionConflictDetected, ScheduledActionConflictCleared)
    said = [type(event) for event in walk.history if isinstance(event, words) and event.action_id == action.action_id]
    assert said == [words[number % 2] for number in range(len(said))]
    assert action.in_conflict == (action.state is ActionState.PENDING and len(said) % 2 == 1)


@walks
@given(chances)
def test_what_is_planned_is_what_comes(chance: Random) -> None:
    """INV-SUB-5, the other way round: the plans are compared with what executing them makes of the services."""
    walk = walked(chance)
    foreseen = {
        who: [(point.from_, point.state, point.action_id) for point in plans(points)]
        for who, points in walk.histories().items()
    }
    known = {who: len(facts(points)) for who, points in walk.histories().items()}
    marked = {action.action_id for action in walk.pending() if action.in_conflict}
    waiting = {action.action_id for action in walk.pending()}

    walk.clock(walk.at + FAR)

    for who, points in walk.histories().items():
        if who in foreseen:
            came = facts(points)[known[who] :]
            assert [(point.from_, point.state, point.action_id) for point in came] == foreseen[who]
    failed = {action.action_id for action in walk.actions() if action.state is ActionState.FAILED}
    assert failed & waiting == marked
    assert walk.pending() == ()


@walks
@given(chances)
def test_late_and_in_time_are_the_same(chance: Random) -> None:
    """INV-SCH-2: one catch-up, each at its moment, or some way between; and a second time changes nothing."""
    walk = walked(chance)
    late, in_time, between = walk.copy(), walk.copy(), walk.copy()
    end = walk.at + FAR
    late.clock(end)
    while (due := in_time.next_due()) is not None and due.due_at <= end:
        first = in_time.waits(due.due_at, nudge(CUSTOMER, due))
        again = in_time.waits(due.due_at + timedelta(seconds=1), nudge(CUSTOMER, due))
        assert first.outcome is not None
        assert again.outcome is not None
        assert again.outcome.repeated
        assert again.transaction is None
    for days in sorted(chance.sample(range(1, 90), 4)):
        between.clock(walk.at + timedelta(days=days))
    between.clock(end)

    assert late.entities() == in_time.entities() == between.entities()


@walks
@given(chances)
def test_numbers_count_on_and_dues_are_kept_in_order(chance: Random) -> None:
    """SCH-14, and numbers that are never given twice."""
    walk = walked(chance)
    numbers = [action.number for action in walk.actions()]
    assert numbers == list(range(1, len(numbers) + 1))
    order = [(action.due, action.number) for action in walk.pending()]
    assert order == sorted(order)
    walk.clock(walk.at + FAR)
    ran = [
        _place(walk, event.action_id, event.due) for event in walk.history if isinstance(event, ScheduledActionExecuted)
    ]
    assert ran == sorted(ran)


def test_ids_that_nobody_gave_are_the_same_in_the_projection_and_when_it_runs() -> None:
    """SCH-6: they derive from the command of the submission."""
    walk = Walk()
    soon, later = {"when": "AFTER_DAYS", "days": 3}, {"when": "AFTER_DAYS", "days": 6}
    added = [{"product": "LINE_B"}, {"product": "HOME_OFFICE"}]
    walk.done(walk.act("ChangeServiceState", soon, action="ADD", initial_state="EFFECTIVE", services=added))
    walk.done(walk.act("AmendBundleServices", later, bundle_service_id="b-1", add=[{"product": "QUEUE_S"}]))
    end = walk.at + FAR
    context = Context(
        at=walk.at, command_id="any", customer_id=CUSTOMER, catalog=walk.catalog, zone=ZoneInfo("Europe/Stockholm")
    )
    foreseen = projection.project(walk.view(), SUBSCRIPTION, end, context)

    walk.clock(end)
    came = walk.view()
    assert len(foreseen.services(SUBSCRIPTION)) == len(walk.services()) > 8
    assert foreseen.services(SUBSCRIPTION) == came.services(SUBSCRIPTION)
    assert foreseen.distributors(SUBSCRIPTION) == came.distributors(SUBSCRIPTION)
    assert foreseen.actions(SUBSCRIPTION) == came.actions(SUBSCRIPTION)


def _place(walk: Walk, action_id: str, due: datetime) -> tuple[datetime, int]:
    found = walk.view().action(action_id)
    assert found is not None
    return due, found.number


def test_the_walks_meet_what_they_are_about() -> None:
    """Else the tests above say nothing."""
    met: Counter[str] = Counter()
    for seed in range(100):
        walk = walked(Random(seed))
        walk.clock(walk.at + FAR)
        met.update({type(event).__name__ for event in walk.history})
    for name in ("Executed", "Failed", "Cancelled", "Rescheduled", "ConflictDetected", "ConflictCleared"):
        assert met[f"ScheduledAction{name}"] > 0, met
