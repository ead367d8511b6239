"""ChangeSubscriptionState and ChangeServiceState: states that follow one another (SST-*, SVC-*, STP-1, RMV-*)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from processors.acting import LIVE, Action
from processors.context import Context
from processors.periods import local_day
from processors.subscriptions import adding, opening
from processors.subscriptions.making import Making
from processors.subscriptions.restoring import restore, restored_violations
from processors.subscriptions.states import EFFECTIVE, NOT_EFFECTIVE, OF_SERVICES, OF_SUBSCRIPTIONS
from schemas.accounts import AccountState
from schemas.actions import ServiceState
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import (
    ChangeServiceState,
    ChangeSubscriptionState,
    ServiceAction,
    Subscription,
    SubscriptionAction,
    SubscriptionService,
)

UNTIL = (SubscriptionAction.REST, SubscriptionAction.ACTIVATE_SHORT_TERM, SubscriptionAction.DEACTIVATE_SHORT_TERM)
"""Actions that may say when they end by themselves; the last two must (SST-4)."""

REMEMBERED = (SubscriptionAction.REST, SubscriptionAction.DEACTIVATE_SHORT_TERM)
"""Actions after which services return to the state that they had (SST-3)."""


# -- the whole subscription


def change_subscription(making: Making, command: ChangeSubscriptionState) -> None:
    """Bring a subscription and its services to another state."""
    view, action, context = making.view, making.action, making.context
    subscription, passage = making.subscription, OF_SUBSCRIPTIONS[command.action]
    account = view.account(subscription.account_id)
    assert account is not None, "a subscription belongs to an account"
    making.violations += opening.account_violations(account, action)
    wrong_state = list(opening.subscription_state_violations(subscription, passage.subscription_from, action))
    if wrong_state:
        making.stop(*wrong_state)
        return

    services = [
        service for service in view.live_services(subscription.subscription_id) if service.bundle_service_id is None
    ]
    turning = [service for service in services if service.state in passage.services_from]
    if command.action is SubscriptionAction.START and not turning:
        making.violations.append(
            violation(Code.NOTHING_TO_START, "SUB-4", subscription_id=subscription.subscription_id)
        )
    making.violations += _until_violations(command, action)
    if command.action is SubscriptionAction.REGRET:
        making.violations += regret_violations(subscription, subscription, action, context)

    making.codes = opening.recorded_codes(command)
    active = opening.state_at(account, action.effective_at) is AccountState.ACTIVE
    landed = [(service, passage.services_to or _before(service, active=active)) for service in turning]
    states = {service.service_id: service.state for service in services} | {
        service.service_id: to for service, to in landed
    }
    lively = EFFECTIVE if EFFECTIVE in states.values() else NOT_EFFECTIVE
    making.move(passage.subscription_to or lively, command.action.value)
    for service, to in landed:
        returns_to = service.state if command.action in REMEMBERED else None
        making.change(service, to, returns_to=returns_to, cancels_plans=to not in LIVE)


def _before(service: SubscriptionService, *, active: bool) -> ServiceState:
    """The state before resting or short-term deactivation; nothing works for an account that is not ACTIVE (SST-3)."""
    before = service.returns_to or NOT_EFFECTIVE
    return NOT_EFFECTIVE if before is EFFECTIVE and not active else before


def _until_violations(command: ChangeSubscriptionState, action: Action) -> Iterator[Violation]:
    """The moment of the automatic return (SST-4)."""
    if command.action not in UNTIL:
        if command.until is not None:
            yield violation(Code.UNTIL_NOT_APPLICABLE, "SST-4", "until", action=command.action, until=command.until)
    elif command.until is None:
        if command.action is not SubscriptionAction.REST:
            yield violation(Code.UNTIL_REQUIRED, "SST-4", "until", action=command.action)
    elif command.until <= action.effective_at:
        yield violation(
            Code.UNTIL_NOT_AFTER_START,
            "SST-4",
            "until",
            action=command.action,
            until=command.until,
            starts_at=action.effective_at,
        )


def regret_violations(
    subscription: Subscription, regretted: Subscription | SubscriptionService, action: Action, context: Context
) -> Iterator[Violation]:
    """Too late to regret (RMV-2). What never was in an on state has no window that could close."""
    service_id = None
    since = regretted.first_on_at
    if isinstance(regretted, SubscriptionService):
        service_id = regretted.service_id
        if regretted.swapped_from_service_id is not None:
            since = regretted.added_at
    if since is None:
        return
    days = _regret_days(subscription, action, context)
    last_day = _last_day(local_day(since, context.zone), days)
    if local_day(action.effective_at, context.zone) > last_day:
        yield violation(Code.REGRET_WINDOW_EXPIRED, "RMV-2", service_id=service_id, last_day=last_day, regret_days=days)


def _last_day(first: date, days: int) -> date:
    return first + timedelta(days=days)


def _regret_days(subscription: Subscription, action: Action, context: Context) -> int:
    """As the definition in force says, else the one that the subscription was created under."""
    catalog = context.catalog
    definition = catalog.subscription_definition(subscription.subscription_type, action.effective_at) or next(
        (entry for entry in catalog.subscription_definitions if entry.definition == subscription.definition), None
    )
    return REGRET_DAYS if definition is None else definition.regret_days


REGRET_DAYS = 14
"""Where no definition says anything any more: what a definition says that says nothing of it."""


# -- some services


def change_services(making: Making, command: ChangeServiceState) -> None:
    """Add services, or bring some to another state, all or nothing."""
    action, context = making.action, making.context
    subscription, passage = making.subscription, OF_SERVICES[command.action]
    account = making.view.account(subscription.account_id)
    assert account is not None, "a subscription belongs to an account"
    making.codes = opening.recorded_codes(command)
    adds = command.action is ServiceAction.ADD
    definition = context.catalog.subscription_definition(subscription.subscription_type, action.effective_at)
    if adds:
        making.violations += opening.definition_violations(
            subscription.subscription_type, definition, action.effective_at
        )
    making.violations += opening.account_violations(account, action)
    wrong_state = list(opening.subscription_state_violations(subscription, passage.subscription_from, action))
    if wrong_state:
        making.stop(*wrong_state)
        return

    if adds:
        if definition is not None:
            making.violations += adding.definition_limits(making, definition, command.services)
        asked = [(f"services.{place}", service) for place, service in enumerate(command.services)]
        making.violations += adding.product_violations(opening.new_services(command), context)
        making.violations += adding.bundle_violations(making, asked)
        for place, service in enumerate(command.services):
            adding.bring(making, service, _brought(action) or ServiceState(command.initial_state), (place,))
    else:
        _turn(making, command)
    making.follow(command.action.value)


def _brought(action: Action) -> ServiceState | None:
    """The state that services return to where the action undoes another one (CPO-5)."""
    return None if action.undoing is None else action.undoing.state


def _turn(making: Making, command: ChangeServiceState) -> None:
    passage = OF_SERVICES[command.action]
    assert passage.services_to is not None, "every other action says where it leads"
    found, unfit = named_services(making, command.service_ids)
    regrets = command.action is ServiceAction.REGRET
    if regrets:
        for service in found:
            if service.state in LIVE:
                making.violations += regret_violations(making.subscription, service, making.action, making.context)
    making.violations += unfit
    fit = [service for service in found if service.state in passage.services_from]
    making.violations += (
        _wrong_state(service, command.action, passage.services_from, making.action)
        for service in found
        if service not in fit
    )
    if regrets:
        making.violations += [broken for service in fit for broken in restored_violations(making, service)]
    ends = passage.services_to not in LIVE
    for service in fit:
        making.change(service, _brought(making.action) or passage.services_to, cancels_plans=ends)
    if regrets:
        for place, service in enumerate(fit):
            restore(making, service, place)


def named_services(
    making: Making, service_ids: Sequence[str], path: str = "service_ids"
) -> tuple[list[SubscriptionService], list[Violation]]:
    """Top-level services that a command names, and what is wrong with the others (SVC-1)."""
    found: dict[str, SubscriptionService] = {}
    unknown, twice, components = [], [], []
    for place, service_id in enumerate(service_ids):
        at = f"{path}.{place}" if path == "service_ids" else path
        service = making.view.service(service_id)
        if service is None or service.subscription_id != making.subscription_id:
            unknown.append(violation(Code.SERVICE_UNKNOWN, "SVC-1", at, service_id=service_id))
        elif service_id in found:
            twice.append(violation(Code.SERVICE_NAMED_TWICE, "SVC-1", at, service_id=service_id))
        elif service.bundle_service_id is not None:
            components.append(
                violation(
                    Code.SERVICE_IS_COMPONENT,
                    "SVC-1",
                    at,
                    service_id=service_id,
                    bundle_service_id=service.bundle_service_id,
                )
            )
        else:
            found[service_id] = service
    return list(found.values()), [*unknown, *twice, *components]


def _wrong_state(
    service: SubscriptionService, name: ServiceAction, allowed: tuple[ServiceState, ...], action: Action
) -> Violation:
    """SVC-2; STOP and UNDO_ADD say it in their own words (STP-1, RMV-1)."""
    code = {
        ServiceAction.STOP: Code.SERVICE_NOT_EFFECTIVE,
        ServiceAction.UNDO_ADD: Code.SERVICE_NOT_DRAFT,
    }.get(name, Code.SERVICE_STATE_INVALID)
    return service_state_violation(service, allowed, action, code)


def service_state_violation(
    service: SubscriptionService,
    allowed: tuple[ServiceState, ...],
    action: Action,
    code: Code = Code.SERVICE_STATE_INVALID,
    rule: str = "SVC-2",
) -> Violation:
    """A service that is not in a state to begin from."""
    return violation(
        code, rule, service_id=service.service_id, state=service.state, allowed=allowed, projected=action.projected
    )
