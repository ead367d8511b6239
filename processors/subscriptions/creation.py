"""CreateSubscription: a subscription, its wallet and its services (SUB-1 to SUB-7)."""

from __future__ import annotations

from collections.abc import Iterator

from processors.acting import Action
from processors.context import Context
from processors.references import find_account
from processors.subscriptions import adding, opening
from processors.subscriptions.making import Making
from processors.view.customer import CustomerView
from processors.wallets import charging
from schemas.actions import ServiceState
from schemas.catalog import SubscriptionDefinition
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import (
    CreateSubscription,
    InitialServiceState,
    ServiceCause,
    SubscriptionCreated,
    SubscriptionKind,
)


def create(making: Making, command: CreateSubscription) -> None:
    """Judge a new subscription and make it. The account is known (SUB-1)."""
    view, action, context = making.view, making.action, making.context
    account = find_account(view, command.account)
    assert account is not None, "SUB-1 has seen to it"
    at = action.effective_at
    definition = context.catalog.subscription_definition(command.subscription_type, at)
    asked = [(f"services.{place}", service) for place, service in enumerate(command.services)]
    making.violations += [
        *opening.definition_violations(command.subscription_type, definition, at),
        *opening.account_violations(account, action),
        *_limits(making, definition, command, account.account_id),
        *adding.product_violations(opening.new_services(command), context),
        *_nothing_to_start(command, action),
        *adding.bundle_violations(making, asked),
    ]

    state = ServiceState(command.initial_state)
    action_type, sub_action_type = opening.recorded_codes(command)
    wallet_id = _wallet_id(view, command, action, context)
    making.begin(
        SubscriptionCreated(
            subscription_id=action.subscription_id,
            account_id=account.account_id,
            kind=command.kind,
            subscription_type=command.subscription_type,
            definition=definition.definition if definition else "",
            state=state,
            effective_at=at,
            wallet_id=wallet_id,
            reason=command.reason,
            action_type=action_type,
            sub_action_type=sub_action_type,
            performed_by=action.performed_by,
        )
    )
    if wallet_id is not None:
        making.begin(charging.opened(action.subscription_id, wallet_id, account.currency, context))
    for place, service in enumerate(command.services):
        adding.bring(making, service, state, (place,))


def _limits(
    making: Making, definition: SubscriptionDefinition | None, command: CreateSubscription, account_id: str
) -> Iterator[Violation]:
    """Subscriptions of the account, then services of this one (DEF-2)."""
    if definition is None:
        return
    if making.action.cause is not ServiceCause.ORDER:  # an order is judged on its result (BSU-22)
        broken = subscription_limit(definition, len(making.view.subscriptions_of(account_id)) + 1)
        if broken is not None:
            yield broken
    yield from adding.definition_limits(making, definition, command.services)


def subscription_limit(definition: SubscriptionDefinition, reached: int) -> Violation | None:
    """How many live subscriptions an account may have (DEF-2)."""
    limit = definition.max_subscriptions_per_account
    if limit is None or reached <= limit:
        return None
    return violation(Code.SUBSCRIPTION_LIMIT, "DEF-2", definition=definition.definition, limit=limit, found=reached)


def _nothing_to_start(command: CreateSubscription, action: Action) -> Iterator[Violation]:
    """EFFECTIVE with no service at all (SUB-4)."""
    if action.cause is ServiceCause.ORDER:
        return  # the services follow, line by line (BSU-20)
    if command.initial_state is InitialServiceState.EFFECTIVE and not command.services:
        yield violation(Code.NOTHING_TO_START, "SUB-4", "services", subscription_id=action.subscription_id)


def _wallet_id(view: CustomerView, command: CreateSubscription, action: Action, context: Context) -> str | None:
    """The id of its wallet, if it is to have one; a taken one is told by SUB-2 and another stands in for it."""
    if command.kind is not SubscriptionKind.PREPAID:
        return None
    if command.wallet_id is not None and view.wallet(command.wallet_id) is None:
        return command.wallet_id
    return action.derived_id(context, "wallet")
