"""A subscription whose plans are made, moved, crossed and taken back, drawn step by step."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from processors.answering import Answered
from processors.clock import nudge
from processors.view.customer import CustomerView, Stored
from processors.view.draft import Draft
from schemas.actions import ServiceState, StatePoint
from schemas.envelope import CommandRecord
from schemas.rows import Due
from schemas.schedule import ScheduledAction
from schemas.subscriptions import Subscription, SubscriptionService
from streams.stories.pure import KeptRows
from tests.accounts.book import CUSTOMER, Book

SUBSCRIPTION, BUNDLE = "s-1", "b-1"
SINGLES = ("tv", "ip")
LIVE = {
    ServiceState.DRAFT,
    ServiceState.EFFECTIVE,
    ServiceState.NOT_EFFECTIVE,
    ServiceState.SHORT_TERM_EFFECTIVE,
    ServiceState.SHORT_TERM_NOT_EFFECTIVE,
    ServiceState.IN_RESTING,
}
UNTIL = ("REST", "ACTIVATE_SHORT_TERM", "DEACTIVATE_SHORT_TERM")
ENDS = ("END_RESTING", "END_SHORT_TERM_ACTIVATION", "END_SHORT_TERM_DEACTIVATION")
ANY = (*UNTIL, *ENDS, "STOP", "START", "CANCEL")

SCHEDULED = 0.7
"""Share of actions that are to wait."""
SILLY = 0.15
"""Share of what nobody in their right mind would ask for."""


class Walk(Book):
    """One customer with a bundle and two single services, and a copy of the tables whenever one is wanted."""

    def __init__(self, **switches: Any) -> None:
        super().__init__(**switches)
        self.ask(
            "CreateAccount", account_id="a-1", type="RESIDENTIAL", currency="EUR", bill_cycle={"code": "MONTHLY_1"}
        )
        self.done(
            self.ask(
                "CreateSubscription",
                subscription_id=SUBSCRIPTION,
                account={"account_id": "a-1"},
                kind="POSTPAID",
                initial_state="EFFECTIVE",
                services=[
                    {"product": "TV_MINI", "service_id": "tv"},
                    {"product": "STATIC_IP", "service_id": "ip"},
                    {
                        "product": "PBX",
                        "service_id": BUNDLE,
                        "components": [{"product": "LINE_A", "service_id": "line"}],
                    },
                ],
            )
        )

    def copy(self) -> Walk:
        """The same customer at the same point, going on by itself."""
        other = Walk.__new__(Walk)
        other.catalog, other.at, other.asked, other.history = self.catalog, self.at, self.asked, list(self.history)
        other.state, other.answers = KeptRows(), KeptRows()
        other.state.apply(dict(self.state.scan(b"")))
        other.answers.apply(dict(self.answers.scan(b"")))
        return other

    def done(self, answered: Answered) -> Answered:
        assert answered.outcome is not None
        assert answered.outcome.status == "COMPLETED", answered.outcome.violations
        return answered

    def act(self, command: str, schedule: dict[str, Any] | None = None, **body: Any) -> Answered:
        """Ask for something on the subscription."""
        if schedule is not None:
            body["schedule"] = schedule
        return self.ask(command, subscription_id=SUBSCRIPTION, **body)

    def waits(self, at: datetime, record: CommandRecord) -> Answered:
        """Let a record come at a moment."""
        self.at = at
        return self.give(record)

    def clock(self, at: datetime) -> None:
        """Let time pass, due work included, as a nudge of the clock would."""
        due = self.next_due()
        if due is not None and due.due_at <= at:
            self.waits(at, nudge(CUSTOMER, due))
        self.at = at

    def next_due(self) -> Due | None:
        return next((due for _, due in self.view().due()), None)

    def view(self) -> CustomerView:
        return Draft(Stored(CUSTOMER, self.state))

    def pending(self) -> tuple[ScheduledAction, ...]:
        return self.view().pending(SUBSCRIPTION)

    def actions(self) -> tuple[ScheduledAction, ...]:
        return self.view().actions(SUBSCRIPTION)

    def subscription(self) -> Subscription:
        found = self.view().subscription(SUBSCRIPTION)
        assert found is not None
        return found

    def services(self) -> tuple[SubscriptionService, ...]:
        return self.view().services(SUBSCRIPTION)

    def histories(self) -> dict[str, tuple[StatePoint, ...]]:
        """Points of the subscription (under its own id) and of its services."""
        found = {service.service_id: service.history for service in self.services()}
        return {SUBSCRIPTION: self.subscription().history, **found}

    def entities(self) -> dict[str, Any]:
        """Everything of the subscription that a clock's lateness may not touch."""
        return {
            "subscription": self.subscription(),
            "services": self.services(),
            "actions": self.actions(),
            "distributors": self.view().distributors(SUBSCRIPTION),
        }


def facts(points: tuple[StatePoint, ...]) -> list[StatePoint]:
    return [point for point in points if not point.planned]


def plans(points: tuple[StatePoint, ...]) -> list[StatePoint]:
    return [point for point in points if point.planned]


def step(walk: Walk, chance: Random) -> Answered:
    """Something that a person could ask for at this point, sensible or not."""
    walk.passes(hours=chance.choice([1, 5, 20, 60]))
    waiting = walk.pending()
    kind = chance.choice(["state", "state", "service", "service", "amend", "cancel", "move", "move"])
    if waiting and kind == "cancel":
        return walk.act("CancelScheduledAction", action_id=chance.choice(waiting).action_id)
    if waiting and kind == "move":
        return walk.act("RescheduleAction", action_id=chance.choice(waiting).action_id, schedule=_days(chance))
    schedule = _days(chance) if chance.random() < SCHEDULED else None
    if kind == "amend":
        there = any(service.product == "QUEUE_S" and service.state in LIVE for service in walk.services())
        change = {"remove" if there ^ (chance.random() < SILLY) else "add": [{"product": "QUEUE_S"}]}
        return walk.act("AmendBundleServices", bundle_service_id=BUNDLE, schedule=schedule, **change)
    if kind == "service":
        action = chance.choice(["STOP", "START"]) if chance.random() > SILLY else "CANCEL"
        named = chance.choice([["tv"], ["ip"], ["tv", "ip"], [BUNDLE]])
        return walk.act("ChangeServiceState", action=action, service_ids=named, schedule=schedule)
    body: dict[str, Any] = {"action": chance.choice(_sensible(walk) if chance.random() > SILLY else ANY)}
    if body["action"] in UNTIL and chance.random() > SILLY:
        body["until"] = (walk.at + timedelta(days=chance.randint(1, 20))).isoformat()
    return walk.act("ChangeSubscriptionState", schedule=schedule, **body)


def _sensible(walk: Walk) -> tuple[str, ...]:
    """Actions that the state of now allows."""
    match walk.subscription().state:
        case ServiceState.EFFECTIVE:
            return "STOP", "REST", "DEACTIVATE_SHORT_TERM"
        case ServiceState.NOT_EFFECTIVE:
            return "START", "REST", "ACTIVATE_SHORT_TERM"
        case _:
            return ENDS


def _days(chance: Random) -> dict[str, Any]:
    return {"when": "AFTER_DAYS", "days": chance.randint(1, 12)}
