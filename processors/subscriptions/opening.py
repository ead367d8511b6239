"""What is asked of every action before its own rules: ids, codes, moments, the definition, the account, the state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from processors.acting import Action
from processors.context import Context
from processors.subscriptions.states import States, codes
from processors.view.customer import CustomerView
from schemas.accounts import Account, AccountState
from schemas.actions import ActionCommand, StatePoint
from schemas.bundles import AmendBundleServices
from schemas.catalog import ActionType, Catalog, SubscriptionDefinition
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import (
    ChangeServiceState,
    CreateSubscription,
    InitialServiceState,
    NewComponent,
    NewService,
    ServiceAction,
    ServiceCause,
    Subscription,
    SwapService,
)

Asked = ActionCommand | CreateSubscription


# -- ids that are taken


def new_services(command: Asked) -> Iterator[tuple[str, NewComponent]]:
    """Every service that a command asks for, in request order, with its path in the body."""
    match command:
        case CreateSubscription():
            yield from _with_components("services", command.services)
        case ChangeServiceState(action=ServiceAction.ADD):
            yield from _with_components("services", command.services)
        case SwapService():
            yield "to_service", command.to_service
            for place, component in enumerate(command.to_service.components or ()):
                yield f"to_service.components.{place}", component
        case AmendBundleServices():
            yield from ((f"add.{place}", component) for place, component in enumerate(command.add))
        case _:
            pass  # the others ask for none


def _with_components(path: str, services: tuple[NewService, ...]) -> Iterator[tuple[str, NewComponent]]:
    for place, service in enumerate(services):
        yield f"{path}.{place}", service
        for inner, component in enumerate(service.components or ()):
            yield f"{path}.{place}.components.{inner}", component


def id_violations(view: CustomerView, command: Asked) -> Iterator[Violation]:
    """Ids that are taken in the customer, or named twice (SUB-2)."""
    if isinstance(command, CreateSubscription):
        if command.subscription_id is not None and view.subscription(command.subscription_id) is not None:
            yield _taken("subscription_id", command.subscription_id, "subscription_id")
        if command.wallet_id is not None and view.wallet(command.wallet_id) is not None:
            yield _taken("wallet_id", command.wallet_id, "wallet_id")
    seen: set[str] = set()
    for path, asked in new_services(command):
        if asked.service_id is None:
            continue
        if asked.service_id in seen or view.service(asked.service_id) is not None:
            yield _taken("service_id", asked.service_id, f"{path}.service_id")
        seen.add(asked.service_id)


def _taken(field: str, taken: str, path: str) -> Violation:
    return violation(Code.ID_TAKEN, "SUB-2", path, field=field, id=taken)


# -- action types


def code_violations(command: Asked, catalog: Catalog, classification: str | None = None) -> Iterator[Violation]:
    """Action types that are unknown or mean something else (CLS-1). `classification`: of a swap, found by its tiers."""
    expected = codes(command)
    if expected is None:
        return
    behaviour, by_table = expected
    classification = classification or by_table
    given, given_sub = command.action_type, command.sub_action_type
    types = _types(given, behaviour, catalog)
    if given is not None and not any(_same(entry.behaviour, behaviour) for entry in types):
        yield violation(
            Code.ACTION_TYPE_BEHAVIOUR_MISMATCH,
            "CLS-1",
            "action_type",
            action_type=given,
            sub_action_type=given_sub,
            expected=behaviour,
            found=next((entry.behaviour for entry in types), None),
        )
        return
    if given_sub is None:
        return
    found = [sub.classification for entry in types for sub in entry.sub_types if sub.code == given_sub]
    if not found and _same(given_sub, classification):
        return
    if not any(_same(code, classification) for code in found):
        yield violation(
            Code.ACTION_TYPE_BEHAVIOUR_MISMATCH,
            "CLS-1",
            "sub_action_type",
            action_type=given,
            sub_action_type=given_sub,
            expected=classification,
            found=next(iter(found), None),
        )


def _types(given: str | None, behaviour: str, catalog: Catalog) -> tuple[ActionType, ...]:
    """Action types that a code may mean; the behaviour itself is one, and what is meant where none is given."""
    named = tuple(entry for entry in catalog.action_types if entry.code == given)
    if named:
        return named
    if given is None or _same(given, behaviour):
        return (
            ActionType(code=behaviour, behaviour=behaviour),
            *(entry for entry in catalog.action_types if _same(entry.behaviour, behaviour)),
        )
    return ()


def _same(code: str, other: str) -> bool:
    """UPGRADE_SERVICE is another spelling of UPGRADESERVICE."""
    return code.replace("_", "").upper() == other.replace("_", "").upper()


def recorded_codes(command: Asked, classification: str | None = None) -> tuple[str | None, str | None]:
    """Action type and sub action type as events say them: as given, else the default of the table."""
    default = codes(command) or (None, None)
    return (
        command.action_type or default[0],
        command.sub_action_type or classification or default[1],
    )


# -- moments that a caller gives


def last_fact(history: tuple[StatePoint, ...]) -> datetime:
    """Since when a service or a subscription is as it is."""
    return max(point.from_ for point in history if not point.planned)


def performed_violations(
    performed_at: datetime | None, earliest: tuple[datetime, str | None] | None, context: Context
) -> Iterator[Violation]:
    """An action that came in force later than now, or before what it changes was there (CLS-4)."""
    if performed_at is None:
        return
    if performed_at > context.at:
        yield violation(
            Code.PERFORMED_DATE_IN_FUTURE, "CLS-4", "performed_at", performed_at=performed_at, at=context.at
        )
    if earliest is not None and performed_at < earliest[0]:
        yield violation(
            Code.PERFORMED_DATE_TOO_EARLY,
            "CLS-4",
            "performed_at",
            performed_at=performed_at,
            earliest=earliest[0],
            service_id=earliest[1],
        )


# -- what must hold at T (ABS-9, ABS-10, SST-1)


def definition_violations(
    subscription_type: str, definition: SubscriptionDefinition | None, effective_at: datetime
) -> Iterator[Violation]:
    """Something must say what subscriptions of the type may hold (ABS-9)."""
    if definition is None:
        yield violation(
            Code.NO_ACTIVE_SUBSCRIPTION_DEFINITION,
            "ABS-9",
            subscription_type=subscription_type,
            effective_at=effective_at,
        )


def state_at(account: Account, moment: datetime) -> AccountState:
    """An account's state at a moment: as it was, as it is, or as it is planned to be."""
    if account.state is AccountState.DEACTIVATED:
        return account.state
    plan = account.planned_state_change
    if plan is not None and plan.due_at <= moment:
        return plan.to
    if moment >= account.state_valid_from:
        return account.state
    earlier = [point.state for point in account.state_history if point.valid_from <= moment]
    return earlier[-1] if earlier else AccountState.INACTIVE


def account_violations(account: Account, action: Action) -> Iterator[Violation]:
    """Only an ACTIVE account takes part, but for what may wait in DRAFT, and for what only ends (ABS-10)."""
    if action.cause in (ServiceCause.AUTOMATIC, ServiceCause.ACCOUNT):
        return
    state, command = state_at(account, action.effective_at), action.command
    if state is AccountState.ACTIVE:
        return
    if isinstance(command, ChangeServiceState) and command.action is ServiceAction.UNDO_ADD:
        return
    drafts = isinstance(command, CreateSubscription) or (
        isinstance(command, ChangeServiceState) and command.action is ServiceAction.ADD
    )
    if drafts and state is AccountState.INACTIVE:
        assert isinstance(command, CreateSubscription | ChangeServiceState)
        if command.initial_state is InitialServiceState.DRAFT:
            return
    yield violation(Code.ACCOUNT_NOT_ACTIVE, "ABS-10", account_id=account.account_id, state=state)


def subscription_state_violations(
    subscription: Subscription, allowed: States, action: Action, rule: str = "SST-1"
) -> Iterator[Violation]:
    """The state that an action begins from (SST-1, ABS-1)."""
    if subscription.state not in allowed:
        yield violation(
            Code.SUBSCRIPTION_STATE_INVALID,
            rule,
            subscription_id=subscription.subscription_id,
            state=subscription.state,
            allowed=allowed,
            projected=action.projected,
            effective_at=action.effective_at,
        )
