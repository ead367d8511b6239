"""How much may wait on one subscription (SCH-17)."""

from typing import Any

import pytest

from processors.schedule.submission import PENDING_MAX
from schemas.refusals import Violation
from tests.accounts.book import refusals
from tests.schedule.walking import Walk

pytestmark = pytest.mark.slow


def plan(walk: Walk, count: int) -> None:
    """Stop and start a service in turn, day by day."""
    for number in range(count):
        action = ("STOP", "START")[number % 2]
        schedule = {"when": "AFTER_DAYS", "days": number + 1}
        walk.done(walk.act("ChangeServiceState", schedule=schedule, action=action, service_ids=["tv"]))


LATER: dict[str, Any] = {"when": "AFTER_DAYS", "days": 200}


def limits(violations: tuple[Violation, ...]) -> list[tuple[str, str, str | None]]:
    return [(found.code, found.rule, found.carries.get("limit")) for found in violations]


def test_one_more_than_a_hundred_is_refused_until_one_is_gone() -> None:
    walk = Walk()
    plan(walk, PENDING_MAX - 1)
    with_return = {"action": "REST", "until": "2027-01-01T00:00:00+01:00"}
    twice = walk.act("ChangeSubscriptionState", LATER, **with_return)  # itself and its return
    assert limits(refusals(twice)) == [("TOO_MANY_SCHEDULED_ACTIONS", "SCH-17", "100")]
    walk.done(walk.act("ChangeServiceState", LATER, action="STOP", service_ids=["ip"]))
    assert len(walk.pending()) == PENDING_MAX

    again = walk.act("ChangeServiceState", LATER, action="START", service_ids=["ip"])
    assert limits(refusals(again)) == [("TOO_MANY_SCHEDULED_ACTIONS", "SCH-17", "100")]
    walk.done(walk.act("ChangeServiceState", action="CANCEL", service_ids=["ip"]))  # takes one along
    walk.done(walk.act("ChangeSubscriptionState", LATER, action="STOP"))
    assert len(walk.pending()) == PENDING_MAX


@pytest.mark.parametrize("days", [1, 2])
def test_what_is_moved_does_not_count_twice(days: int) -> None:
    walk = Walk()
    plan(walk, 2)
    first, second = walk.pending()
    walk.done(walk.act("RescheduleAction", action_id=second.action_id, schedule={"when": "AFTER_DAYS", "days": days}))
    assert [action.number for action in walk.pending()] == [first.number, second.number]
