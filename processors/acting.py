"""An action on a subscription, and its effect: one shape for what is done now, when due, or only in a projection."""

from __future__ import annotations

from datetime import datetime

import msgspec

from processors.context import Context, derive
from schemas.actions import ActionCommand, ServiceState
from schemas.fields import Event
from schemas.previews import Preview
from schemas.refusals import Violation
from schemas.subscriptions import CreateSubscription, ServiceCause

LIVE = (
    ServiceState.DRAFT,
    ServiceState.EFFECTIVE,
    ServiceState.NOT_EFFECTIVE,
    ServiceState.SHORT_TERM_EFFECTIVE,
    ServiceState.SHORT_TERM_NOT_EFFECTIVE,
    ServiceState.IN_RESTING,
)
"""States that something may follow; nothing leaves the others."""

ON = (ServiceState.EFFECTIVE, ServiceState.SHORT_TERM_EFFECTIVE)
"""States in which a service works and, when it comes from nothing, DRAFT or NOT_EFFECTIVE, was activated."""

ACTIVATED_FROM = (None, ServiceState.DRAFT, ServiceState.NOT_EFFECTIVE)
"""States from which an on state is an activation; a return from resting is none (SST-3)."""


class Undoing(msgspec.Struct, frozen=True, kw_only=True):
    """What an action brings back, where it undoes a line of an order: it costs nothing, nothing is refunded (CPO-5)."""

    state: ServiceState | None = None
    """The state that a service returns to; None leaves it to the action."""
    restores_service_id: str | None = None
    """The service that ended, and in whose place a new one comes."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One action on one subscription at a moment. Several may be judged as one (processors/subscriptions/making.py)."""

    command: ActionCommand | CreateSubscription
    subscription_id: str
    effective_at: datetime
    """T: from when its effect holds."""
    command_id: str
    """Of the submission: ids that are not given derive from it, so projection and execution agree (SCH-6)."""
    performed_by: str
    performed_at: datetime | None = None
    cause: ServiceCause = ServiceCause.COMMAND
    action_id: str | None = None
    """The scheduled action that runs; None for what is done now."""
    funds: bool = True
    """False in projections and submissions: money is neither judged nor moved (SCH-4, SCH-8)."""
    projected: bool = False
    """Judged on a projection, not on the facts; refusals say so."""
    place: tuple[object, ...] = ()
    """Where it stands in a command that has several actions, so that each derives ids of its own."""
    undoing: Undoing | None = None
    """Set where it undoes what a line of an order did."""

    @classmethod
    def asked(  # what a command, an order's line or an account's end asks for
        cls,
        command: ActionCommand | CreateSubscription,
        subscription_id: str,
        effective_at: datetime,
        context: Context,
        cause: ServiceCause = ServiceCause.COMMAND,
        place: tuple[object, ...] = (),
    ) -> Action:
        """An action of the command that is being decided, in the name of who asks (CLS-2)."""
        return cls(
            command=command,
            subscription_id=subscription_id,
            effective_at=effective_at,
            command_id=context.command_id,
            performed_by=author(context),
            performed_at=context.performed_at,
            cause=cause,
            place=place,
        )

    def derived_id(self, context: Context, *parts: object) -> str:
        """Derive an id from the submission's command id."""
        return derive(context.customer_id, self.command_id, *self.place, *parts)


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What an action, or several as one, does or would do, and every rule that stands against it."""

    violations: tuple[Violation, ...] = ()
    events: tuple[Event, ...] = ()
    """In the order that the rule book states; where there are violations: as far as it can be computed."""
    preview: Preview | None = None
    """What a preview says beside events and entities."""
    causes: tuple[tuple[int, ...], ...] = ()
    """For each violation the places of the actions that it is about, where several were judged as one."""


def author(context: Context) -> str:
    """Who did it: the envelope's user, or the system that asks (CLS-2)."""
    return context.performed_by or context.source
