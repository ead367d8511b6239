"""SwapService: another service in the place of one (SWP-1 to SWP-4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from processors.context import Context
from processors.subscriptions import adding, opening
from processors.subscriptions.changing import named_services, service_state_violation
from processors.subscriptions.making import Making
from processors.subscriptions.states import SWAP, SWAP_CLASSIFICATIONS
from processors.view.customer import CustomerView
from schemas.actions import ServiceState
from schemas.catalog import SubscriptionDefinition, SwapClass
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import (
    AskedSwapClass,
    ServiceCause,
    ServiceNamed,
    ServiceSwapped,
    SubscriptionService,
    SwapService,
)


class Tiers:
    """The ranks of two products, and what a swap between them is (SWP-1)."""

    def __init__(self, view: CustomerView, command: SwapService, context: Context) -> None:
        old = view.service(command.from_service_id)
        new_product = adding.service_product(command.to_service.product, context)
        self.from_tier = None if old is None else (context.catalog.product(old.product) or old).tier
        self.to_tier = None if new_product is None else new_product.tier

    @property
    def swap_class(self) -> SwapClass | None:
        """None where one of the two is not known."""
        if self.from_tier is None or self.to_tier is None:
            return None
        if self.to_tier > self.from_tier:
            return SwapClass.UPGRADE
        return SwapClass.DOWNGRADE if self.to_tier < self.from_tier else SwapClass.SWITCH


def classification_of(view: CustomerView, command: SwapService, context: Context) -> str | None:
    """The classification code that a swap's tiers mean (CLS-1); None where they are not known."""
    found = Tiers(view, command, context).swap_class
    return None if found is None else SWAP_CLASSIFICATIONS[found]


def swap(making: Making, command: SwapService) -> None:
    """Put a new service in an old one's place."""
    view, action, context = making.view, making.action, making.context
    subscription = making.subscription
    account = view.account(subscription.account_id)
    assert account is not None, "a subscription belongs to an account"
    definition = context.catalog.subscription_definition(subscription.subscription_type, action.effective_at)
    making.violations += opening.definition_violations(subscription.subscription_type, definition, action.effective_at)
    making.violations += opening.account_violations(account, action)
    wrong_state = list(opening.subscription_state_violations(subscription, SWAP.subscription_from, action))
    if wrong_state:
        making.stop(*wrong_state)
        return

    if definition is not None:
        making.violations += adding.definition_limits(making, definition, (command.to_service,))
    making.violations += adding.product_violations(opening.new_services(command), context)
    making.violations += adding.bundle_violations(making, [("to_service", command.to_service)])
    found, unfit = named_services(making, (command.from_service_id,), "from_service_id")
    making.violations += unfit
    if not found:
        return

    old = found[0]
    if old.state not in SWAP.services_from:
        making.violations.append(service_state_violation(old, SWAP.services_from, action))
        return
    tiers = Tiers(view, command, context)
    making.violations += _class_violations(old, command, tiers, definition if action.undoing is None else None)
    _swapped(making, old, command, tiers)


def _class_violations(
    old: SubscriptionService, command: SwapService, tiers: Tiers, definition: SubscriptionDefinition | None
) -> Iterator[Violation]:
    """What the swap is, whether it may be that, and whether it is one at all (SWP-1, SWP-2, SWP-3)."""
    found = tiers.swap_class
    if found is not None:
        carried: dict[str, Any] = {"found": found, "from_tier": tiers.from_tier, "to_tier": tiers.to_tier}
        given = command.swap_class
        if given is not AskedSwapClass.ANY and given.value != found.value:
            yield violation(Code.SWAP_CLASS_MISMATCH, "SWP-1", "swap_class", given=given, **carried)
        if definition is not None:
            mandatory = old.product_type in definition.mandatory_types
            allowed = definition.swap.mandatory if mandatory else definition.swap.optional
            if found not in allowed:
                yield violation(Code.SWAP_NOT_ALLOWED, "SWP-2", given=given, **carried, allowed=allowed)
    if command.to_service.product == old.product:
        yield violation(
            Code.SWAP_SAME_PRODUCT,
            "SWP-3",
            "to_service.product",
            given=command.swap_class,
            found=found,
            from_tier=tiers.from_tier,
            to_tier=tiers.to_tier,
        )


def _swapped(making: Making, old: SubscriptionService, command: SwapService, tiers: Tiers) -> None:
    """The swap itself: the old one ends, the new one takes its state and its later points (SWP-4, ABS-22)."""
    action = making.action
    found = tiers.swap_class
    if found is None:
        return
    components = making.draft.components(old.service_id)
    to_service = command.to_service
    action_type, sub_action_type = opening.recorded_codes(command, SWAP_CLASSIFICATIONS[found])
    making.begin(
        ServiceSwapped(
            subscription_id=making.subscription_id,
            from_service_id=old.service_id,
            to_service_id=making.id_of(to_service, (0,)),
            from_product=old.product,
            to_product=to_service.product,
            swap_class=found,
            effective_at=action.effective_at,
            removed_components=tuple(
                ServiceNamed(service_id=member.service_id, product=member.product) for member in components
            ),
            action_type=action_type,
            sub_action_type=sub_action_type,
            performed_by=action.performed_by,
        )
    )
    making.change(old, ServiceState.SWAPPED, ServiceCause.SWAPPED)
    adding.bring(making, to_service, old.state, (0,), cause=ServiceCause.SWAPPED, like=old, swapped_from=old.service_id)
