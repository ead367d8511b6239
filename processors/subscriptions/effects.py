"""The effect of an action: its own rules judged at T on a view, and what it would do to it."""

from __future__ import annotations

from msgspec.structs import replace

from processors import provisioning
from processors.acting import Action, Effect
from processors.bundles import amendment
from processors.context import Context
from processors.customer import CustomerView
from processors.subscriptions import opening
from processors.subscriptions.changing import change_services, change_subscription
from processors.subscriptions.creation import create
from processors.subscriptions.swapping import classification_of, swap
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
    found = own_effect(view, action, context)
    return replace(found, violations=(*opened, *found.violations)) if opened else found


def code_violations(view: CustomerView, action: Action, context: Context) -> list[Violation]:
    """Action types that mean something else (CLS-1)."""
    command = action.command
    found = classification_of(view, command, context) if isinstance(command, SwapService) else None
    return list(opening.code_violations(command, context.catalog, found))


def own_effect(view: CustomerView, action: Action, context: Context) -> Effect:
    """The effect without the first common rows, which a submission judges in another order."""
    command = action.command
    match command:
        case CreateSubscription():
            return create(view, action, command, context)
        case ChangeSubscriptionState():
            return change_subscription(view, action, command, context)
        case ChangeServiceState():
            return change_services(view, action, command, context)
        case SwapService():
            return swap(view, action, command, context)
        case AmendBundleServices():
            return amendment.amend(view, action, command, context)
        case ChangeDistribution() | RegisterInstalledItem():
            violations, events = provisioning.effect(view, command, action, context)
            return Effect(violations=tuple(violations), events=tuple(events))
        case _:
            raise AssertionError(f"no effect of {type(command).__name__} is known")
