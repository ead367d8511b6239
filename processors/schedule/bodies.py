"""What waits is the command itself: how its body is kept, read back, and what it is about.

The body is kept without its schedule. The moment stands in `due`, which a reschedule moves; a second copy of it in the
body would be stale then, and an effect that read it would not be the one that was planned.
"""

from __future__ import annotations

from typing import cast

import msgspec

from processors.view.customer import CustomerView
from schemas.actions import ActionCommand
from schemas.bundles import AmendBundleServices
from schemas.malformed import Misfit, read_body
from schemas.provisioning import ChangeDistribution
from schemas.schedule import ActionOrigin, ActionState, ScheduledAction
from schemas.subscriptions import (
    ChangeServiceState,
    ChangeSubscriptionState,
    CreateSubscription,
    SubscriptionAction,
    SwapService,
)

RETURNS = {
    SubscriptionAction.REST: SubscriptionAction.END_RESTING,
    SubscriptionAction.ACTIVATE_SHORT_TERM: SubscriptionAction.END_SHORT_TERM_ACTIVATION,
    SubscriptionAction.DEACTIVATE_SHORT_TERM: SubscriptionAction.END_SHORT_TERM_DEACTIVATION,
}
"""What ends what an `until` bounds (SST-5)."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def written(command: ActionCommand) -> str:
    """The body as canonical JSON: names in order, what was not given left out, no schedule."""
    body = msgspec.to_builtins(command)
    return _encode({name: value for name, value in body.items() if value is not None and name != "schedule"}).decode()


def command_of(view: CustomerView, scheduled: ScheduledAction) -> ActionCommand | Misfit:
    """The command that will run. Its `until` is the moment of its automatic return, which may have been moved.

    A body that no longer fits its contract is told as at the door.
    """
    command = read_body(scheduled.command_type, msgspec.json.decode(scheduled.body))
    if isinstance(command, Misfit):
        return command
    if isinstance(command, ChangeSubscriptionState) and command.until is not None:
        for child in children(view, scheduled):
            command = msgspec.structs.replace(command, until=child.due)
    return cast("ActionCommand", command)


def children(view: CustomerView, scheduled: ScheduledAction) -> tuple[ScheduledAction, ...]:
    """PENDING actions that an action brought along: its automatic return, if it has one."""
    return tuple(
        found
        for found in view.pending(scheduled.subscription_id)
        if found.parent_action_id is not None and found.parent_action_id == scheduled.action_id
    )


def targets(command: ActionCommand) -> tuple[str, ...]:
    """Services that an action is about; none: the subscription as a whole."""
    match command:
        case ChangeServiceState():
            return command.service_ids
        case SwapService():
            return (command.from_service_id,)
        case AmendBundleServices():
            return (command.bundle_service_id,)
        case ChangeDistribution():
            return tuple(change.service_id for change in command.changes if change.service_id is not None)
        case _:
            return ()


def name_of(command: ActionCommand | CreateSubscription) -> str:
    """How an action is called where another one names it: CANCEL, REST ..., else its command type."""
    match command:
        case ChangeSubscriptionState() | ChangeServiceState():
            return command.action.value
        case _:
            return type(command).__name__


def name_of_scheduled(scheduled: ScheduledAction) -> str:
    """The same, of an action that waits."""
    body = msgspec.json.decode(scheduled.body)
    return str(body.get("action", scheduled.command_type))


def open_returns(view: CustomerView, subscription_id: str) -> tuple[ScheduledAction, ...]:
    """The automatic return of the interval that has begun: its start ran, or came without a schedule.

    At most one: no interval begins in another (the States table), and what ends one ends its return too.
    """
    return tuple(
        found
        for found in view.pending(subscription_id)
        if found.origin is ActionOrigin.AUTOMATIC and not _waits(view, found.parent_action_id)
    )


def _waits(view: CustomerView, action_id: str | None) -> bool:
    parent = None if action_id is None else view.action(action_id)
    return parent is not None and parent.state is ActionState.PENDING
