"""The clock's records of scheduled actions: genuine, twice, moved, cancelled, early or forged (SCH-18, SCH-19)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from processors.clock import UNMATCHED, nudge
from processors.view.rows.accounts import clock_id
from schemas.envelope import CommandRecord, Mode
from schemas.rows import Due
from schemas.schedule import ExecuteScheduledAction
from tests.accounts.book import CUSTOMER
from tests.schedule.walking import SUBSCRIPTION, Walk

SECOND = timedelta(seconds=1)


class Planned(Walk):
    """A service that is to be stopped in five days."""

    def __init__(self) -> None:
        super().__init__()
        self.done(self.stop(days=5))
        (self.action,) = self.pending()
        due = next(due for _, due in self.view().due() if due.command_type == "ExecuteScheduledAction")
        self.tick: Due = due

    def stop(self, *, days: int) -> Any:
        schedule = {"when": "AFTER_DAYS", "days": days}
        return self.act("ChangeServiceState", schedule=schedule, action="STOP", service_ids=["tv"])

    def record(self, **changed: Any) -> CommandRecord:
        return msgspec.structs.replace(nudge(CUSTOMER, self.tick), **changed)

    def executions(self) -> int:
        return sum(type(event).__name__ == "ScheduledActionExecuted" for event in self.history)


def test_the_due_index_has_the_action_while_it_waits() -> None:
    walk = Planned()
    assert walk.tick.due_at == walk.action.due
    assert walk.tick.command_id == clock_id(CUSTOMER, "ExecuteScheduledAction", walk.action.action_id, walk.action.due)
    walk.done(walk.act("CancelScheduledAction", action_id=walk.action.action_id))
    assert all(due.command_type != "ExecuteScheduledAction" for _, due in walk.view().due())


def test_two_clocks_or_one_clock_twice_have_one_outcome() -> None:
    walk = Planned()
    first = walk.waits(walk.action.due, walk.record())
    second = walk.waits(walk.action.due + SECOND, walk.record())
    assert first.outcome is not None
    assert second.outcome is not None
    assert (first.outcome.changed, second.outcome.changed, second.outcome.repeated) == (True, True, True)
    assert second.transaction is None
    assert walk.executions() == 1


@pytest.mark.parametrize("crossed", ["cancelled", "moved"])
def test_a_tick_for_what_is_not_due_any_more_does_nothing(crossed: str) -> None:
    walk = Planned()
    if crossed == "cancelled":
        walk.done(walk.act("CancelScheduledAction", action_id=walk.action.action_id))
    else:
        later = {"when": "AFTER_DAYS", "days": 9}
        walk.done(walk.act("RescheduleAction", action_id=walk.action.action_id, schedule=later))

    found = walk.waits(walk.action.due, walk.record())
    assert found.outcome is not None
    assert (found.outcome.status, found.outcome.changed, found.outcome.repeated) == ("COMPLETED", False, False)
    assert found.transaction is None
    assert walk.executions() == 0


def forged(walk: Planned, name: str) -> CommandRecord:
    def of(**changed: Any) -> CommandRecord:
        body = msgspec.structs.replace(walk.record().body, **changed)
        assert isinstance(body, ExecuteScheduledAction)
        command_id = clock_id(CUSTOMER, "ExecuteScheduledAction", body.action_id, body.due)
        return walk.record(body=body, command_id=command_id)

    match name:
        case "by someone else":
            return walk.record(source="crm")
        case "tried only":
            return walk.record(mode=Mode.PREVIEW)
        case "under another id":
            return walk.record(command_id="mine")
        case "for an action that never was":
            return of(action_id="nothing")
        case "on another subscription":
            return of(subscription_id="s-2")
        case "for a later moment":
            return of(due=walk.action.due + timedelta(days=1))
        case _:
            raise AssertionError(name)


@pytest.mark.parametrize(
    "name",
    [
        "by someone else",
        "tried only",
        "under another id",
        "for an action that never was",
        "on another subscription",
        "for a later moment",
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_forged_record_is_a_dead_letter_and_stops_nothing(name: str, late: bool) -> None:
    walk = Planned()
    found = walk.waits(walk.action.due + (SECOND if late else -SECOND), forged(walk, name))
    assert found.outcome is None
    assert found.dead_letter == UNMATCHED
    assert walk.executions() == late  # as due work, whatever came

    walk.waits(walk.action.due + SECOND, walk.record())
    assert walk.executions() == 1


def test_an_early_record_is_a_dead_letter_and_its_id_is_still_free() -> None:
    walk = Planned()
    assert walk.waits(walk.action.due - SECOND, walk.record()).dead_letter == UNMATCHED
    found = walk.waits(walk.action.due, walk.record())
    assert found.outcome is not None
    assert found.outcome.changed
    assert walk.executions() == 1


def test_a_moved_action_has_another_tick() -> None:
    walk = Planned()
    earlier = {"when": "AFTER_DAYS", "days": 2}
    walk.done(walk.act("RescheduleAction", action_id=walk.action.action_id, schedule=earlier))
    (moved,) = walk.pending()
    assert walk.waits(walk.action.due - SECOND, walk.record()).dead_letter == UNMATCHED  # early, as it was sent for
    assert walk.executions() == 1  # at its own moment, as due work
    (ran,) = [event for event in walk.history if type(event).__name__ == "ScheduledActionExecuted"]
    assert getattr(ran, "executed_at", None) == moved.due
    assert moved.subscription_id == SUBSCRIPTION
