"""A scheduled action that meets a bug of ours is parked, holds up nothing, and runs late once it is sent again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from processors.acting import Action, Effect
from processors.answering import Memory, Received, answer
from processors.clock import nudge
from processors.context import Context
from processors.subscriptions import effects
from processors.view.customer import CustomerView
from schemas.actions import ServiceState
from schemas.envelope import CommandRecord
from schemas.rows import Due
from schemas.schedule import ActionState, ScheduledActionExecuted, ScheduledActionFailed
from tests.accounts.book import CUSTOMER
from tests.schedule.walking import Walk, facts

LATER = timedelta(days=2)


class Unlucky(Walk):
    """Its service `tv` is to be stopped in five days, and that will raise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.luck = monkeypatch
        self.plan("tv", days=5)
        (self.planned,) = self.pending()
        self.tick: Due = next(due for _, due in self.view().due() if due.command_type == "ExecuteScheduledAction")

    def plan(self, service_id: str, *, days: int, action: str = "STOP") -> None:
        schedule = {"when": "AFTER_DAYS", "days": days}
        self.done(self.act("ChangeServiceState", schedule=schedule, action=action, service_ids=[service_id]))

    def break_down(self) -> None:
        works = effects.effect

        def raises(view: CustomerView, action: Action, context: Context) -> Effect:
            if action.action_id == self.planned.action_id:
                raise ZeroDivisionError
            return works(view, action, context)

        self.luck.setattr(effects, "effect", raises)
        self.at = self.planned.due
        parked = False
        for answered in self.answers_to(nudge(CUSTOMER, self.tick)):
            parked |= answered is not None
        assert parked

    def answers_to(self, record: CommandRecord) -> list[Exception | None]:
        memory = Memory(state=self.state, answers=self.answers, catalog_at=lambda _: self.catalog)
        self.asked += 1
        received = Received(command=record, timestamp=self.at, partition=0, offset=self.asked, may_hold_card=False)
        bugs: list[Exception | None] = []
        for answered in answer(received, memory):
            self.state.apply(answered.state)
            self.answers.apply(answered.answers)
            bugs.append(answered.bug)
            if len(bugs) == 1 and answered.bug is not None:
                break  # the record itself would be the operator's second try
        return bugs

    def state_of(self, action_id: str) -> ActionState:
        found = self.view().action(action_id)
        assert found is not None
        return found.state


def test_what_is_parked_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Unlucky(monkeypatch)
    walk.plan("ip", days=6)
    walk.break_down()
    assert walk.state_of(walk.planned.action_id) is ActionState.PENDING

    walk.at += LATER  # the other one ran at its moment, and others are planned, while the bug is still there
    walk.plan("ip", days=3, action="START")
    assert [service.state for service in walk.services()[:2]] == [ServiceState.EFFECTIVE, ServiceState.NOT_EFFECTIVE]


def test_what_was_parked_runs_late_but_never_before_a_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Unlucky(monkeypatch)
    walk.break_down()
    walk.at += LATER
    walk.done(walk.act("ChangeSubscriptionState", action="REST"))
    walk.done(walk.act("ChangeSubscriptionState", action="END_RESTING"))
    rested = walk.at

    walk.luck.undo()
    walk.at += LATER
    walk.done(walk.act("ChangeServiceState", action="STOP", service_ids=["ip"]))  # none of its services
    walk.give(nudge(CUSTOMER, walk.tick))
    (ran,) = [event for event in walk.history if isinstance(event, ScheduledActionExecuted)]
    assert (ran.due, ran.executed_at, ran.effective_at) == (walk.planned.due, walk.at, rested)
    assert ran.lateness_seconds == (walk.at - walk.planned.due).total_seconds()
    last = facts(walk.services()[0].history)[-1]
    assert (last.from_, last.state, last.action_id) == (rested, ServiceState.NOT_EFFECTIVE, walk.planned.action_id)


def test_what_was_parked_may_fail_late(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Unlucky(monkeypatch)
    walk.break_down()
    walk.at += LATER
    walk.done(walk.act("ChangeServiceState", action="STOP", service_ids=["tv"]))

    walk.luck.undo()
    walk.give(nudge(CUSTOMER, walk.tick))
    (failed,) = [event for event in walk.history if isinstance(event, ScheduledActionFailed)]
    assert (failed.due, failed.failed_at) == (walk.planned.due, walk.at)
    assert [broken.path for broken in failed.violations] == [None]  # the clock's command has no such field
    assert walk.state_of(walk.planned.action_id) is ActionState.FAILED


def test_what_was_parked_before_its_service_ended_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Unlucky(monkeypatch)
    walk.break_down()
    walk.at += LATER
    walk.done(walk.act("ChangeServiceState", action="CANCEL", service_ids=["tv"]))
    assert walk.state_of(walk.planned.action_id) is ActionState.PENDING  # its moment was before that end (SCH-10)

    walk.luck.undo()
    walk.give(nudge(CUSTOMER, walk.tick))
    assert walk.state_of(walk.planned.action_id) is ActionState.FAILED


def test_with_its_subscription_ends_what_was_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Unlucky(monkeypatch)
    walk.break_down()
    walk.at += LATER
    walk.done(walk.act("ChangeSubscriptionState", action="CANCEL"))
    assert walk.state_of(walk.planned.action_id) is ActionState.CANCELLED
    assert walk.pending() == ()
