"""The effect of an action: its own rules judged at T on a view, and what it would do to it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from processors.acting import Action, Effect
from processors.bundles import amendment
from processors.context import Context
from processors.provisioning import effects as provisioning
from processors.subscriptions import opening
from processors.subscriptions.changing import change_services, change_subscription
from processors.subscriptions.creation import create
from processors.subscriptions.making import Making
from processors.subscriptions.swapping import classification_of, swap
from processors.view.customer import CustomerView
from schemas.actions import ActionCommand
from schemas.bundles import AmendBundleServices
from schemas.provisioning import ChangeDistribution, RegisterInstalledItem
from schemas.refusals import Violation
from schemas.subscriptions import ChangeServiceState, ChangeSubscriptionState, CreateSubscription, SwapService


def effect(view: CustomerView, action: Action, context: Context) -> Effect:
    """Judge an action at T on `view`, and say what it would do.

    The same for what is done now, what is due, and what is only projected. Not judged here: the reference and the
    moments that a caller gives (ABS-12, CLS-4, SCH-*), and what waits (SCH-7).
    """
    opened = (*opening.id_violations(view, action.command), *code_violations(view, action, context))
    found = own_effect(view, (action,), context)
    return replace(found, violations=(*opened, *found.violations)) if opened else found


def code_violations(view: CustomerView, action: Action, context: Context) -> list[Violation]:
    """Action types that mean something else (CLS-1)."""
    command = action.command
    found = classification_of(view, command, context) if isinstance(command, SwapService) else None
    return list(opening.code_violations(command, context.catalog, found))


def own_effect(view: CustomerView, actions: Sequence[Action], context: Context) -> Effect:
    """The effect without the first common rows, which a submission judges in another order.

    Several actions on one subscription have one effect (BSU-22): see processors/subscriptions/making.py.
    """
    first = actions[0]
    if isinstance(first.command, ChangeDistribution | RegisterInstalledItem):
        violations, events = provisioning.effect(view, first.command, first, context)
        return Effect(violations=tuple(violations), events=tuple(events))

    making = Making(view, actions, context)
    for action in making.one_by_one():
        _make(making, action.command)
    return making.effect()


def _make(making: Making, command: ActionCommand | CreateSubscription) -> None:
    match command:
        case CreateSubscription():
            create(making, command)
        case ChangeSubscriptionState():
            change_subscription(making, command)
        case ChangeServiceState():
            change_services(making, command)
        case SwapService():
            swap(making, command)
        case AmendBundleServices():
            amendment.amend(making, command)
        case _:
            raise AssertionError(f"no effect of {type(command).__name__} is known")
