"""What all actions on a subscription have in common: when, why, by whom, and the dated states that follow."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from schemas.fields import Command, Word, doc

SubscriptionId = Annotated[str, doc("Id of the subscription, unique within the customer")]
ServiceId = Annotated[str, doc("Id of the service, unique within the customer")]
ActionId = Annotated[str, doc("Id of the scheduled action")]
ActionType = Annotated[str, doc("The caller's kind of action, a code of the catalog")]
SubActionType = Annotated[str, doc("A finer kind of action, a code of the catalog")]
PerformedBy = Annotated[str, doc("Who did it")]
Reason = Annotated[str, doc("Why, as the caller says")]
Reference = Annotated[str, doc("The caller's own number of the action")]


class ServiceState(StrEnum):
    """The life of a subscription and of a service. The last four are terminal."""

    DRAFT = "DRAFT"
    EFFECTIVE = "EFFECTIVE"
    NOT_EFFECTIVE = "NOT_EFFECTIVE"
    SHORT_TERM_EFFECTIVE = "SHORT_TERM_EFFECTIVE"
    SHORT_TERM_NOT_EFFECTIVE = "SHORT_TERM_NOT_EFFECTIVE"
    IN_RESTING = "IN_RESTING"
    CANCELLED = "CANCELLED"
    REGRETTED = "REGRETTED"
    SWAPPED = "SWAPPED"
    REMOVED = "REMOVED"


class When(StrEnum):
    """When an action is to run."""

    NOW = "NOW"
    ON_DATE = "ON_DATE"
    AFTER_DAYS = "AFTER_DAYS"


class Schedule(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an action is to run (SCH-1 .. SCH-3, SCH-15, SCH-16)."""

    when: Annotated[When, doc("Now, on a date, or after some days")]
    day: Annotated[date | None, doc("ON_DATE: the local day")] = msgspec.field(default=None, name="date")
    time: Annotated[str | None, doc("ON_DATE: the local time, HH:MM, default 00:00")] = None
    days: Annotated[int | None, doc("AFTER_DAYS: local days from today")] = None


class ActionCommand(Command, frozen=True, kw_only=True):
    """What every action on an existing subscription carries."""

    subscription_id: SubscriptionId
    schedule: Annotated[Schedule | None, doc("When it is to run; null is now")] = None
    reference: Reference | None = None
    action_type: ActionType | None = None
    sub_action_type: SubActionType | None = None
    reason: Reason | None = None


class StatePoint(Word, frozen=True, kw_only=True):
    """A state from a moment on: a fact, or a plan."""

    from_: Annotated[datetime, doc("From this moment")] = msgspec.field(name="from")
    state: Annotated[ServiceState, doc("State")]
    planned: Annotated[bool, doc("True until the action is executed")] = False
    action_id: ActionId | None = None
    cause: Annotated[str | None, doc("Why")] = None
