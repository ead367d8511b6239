"""What the events of subscriptions and bundles do to a subscription and to its services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never, cast

from msgspec.structs import replace

from processors.acting import LIVE, ON
from schemas.actions import ServiceState, StatePoint
from schemas.bundles import BundleEvent, BundleServicesAmended
from schemas.fields import Entity
from schemas.subscriptions import (
    ActionReferenceRecorded,
    PlannedStatesChanged,
    ServiceCause,
    ServiceSwapped,
    Subscription,
    SubscriptionCreated,
    SubscriptionEvent,
    SubscriptionService,
    SubscriptionServiceAdded,
    SubscriptionServiceStateChanged,
    SubscriptionStateChanged,
)

HISTORY_MAX = 100
"""Facts that stay in an entity, so that it does not grow with age; older ones are in the log."""


def evolve(entity: Entity | None, event: SubscriptionEvent | BundleEvent) -> Entity:
    """The subscription or the service after the event. Of a wallet's reference nothing stays in the wallet."""
    match event:
        case SubscriptionCreated():
            assert entity is None, "a subscription is created once"
            return _created(event)
        case SubscriptionServiceAdded():
            assert entity is None, "a service is added once"
            return _added(event)
        case SubscriptionStateChanged():
            return _in_state(cast("Subscription", entity), event)
        case SubscriptionServiceStateChanged():
            return _service_in_state(cast("SubscriptionService", entity), event)
        case ServiceSwapped():
            products = tuple(component.product for component in event.removed_components)
            return replace(cast("SubscriptionService", entity), swapped_components=products)
        case BundleServicesAmended():
            return replace(cast("SubscriptionService", entity), last_amended_at=event.effective_at)
        case PlannedStatesChanged():
            owner = cast("Subscription | SubscriptionService", entity)
            return replace(owner, history=(*facts(owner.history), *event.new))
        case ActionReferenceRecorded():
            assert entity is not None, "an action is one on something that is there"
            return entity
        case _:
            assert_never(event)


def facts(history: Iterable[StatePoint]) -> tuple[StatePoint, ...]:
    """The points that came true."""
    return tuple(point for point in history if not point.planned)


def plans(history: Iterable[StatePoint]) -> tuple[StatePoint, ...]:
    """The points that are still to come true."""
    return tuple(point for point in history if point.planned)


def with_fact(history: tuple[StatePoint, ...], fact: StatePoint) -> tuple[StatePoint, ...]:
    """The history with one more fact. Its own plan leaves by it; after a terminal fact there are no plans at all."""
    kept = (
        point
        for point in plans(history)
        if fact.state in LIVE and (fact.action_id is None or point.action_id != fact.action_id)
    )
    return (*(*facts(history), fact)[-HISTORY_MAX:], *kept)


def _created(event: SubscriptionCreated) -> Subscription:
    fact = StatePoint(from_=event.effective_at, state=event.state, cause=ServiceCause.COMMAND)
    return Subscription(
        subscription_id=event.subscription_id,
        account_id=event.account_id,
        kind=event.kind,
        subscription_type=event.subscription_type,
        definition=event.definition,
        state=event.state,
        history=(fact,),
        wallet_id=event.wallet_id,
        ever_left_draft=event.state is not ServiceState.DRAFT,
        first_on_at=event.effective_at if event.state in ON else None,
    )


def _in_state(subscription: Subscription, event: SubscriptionStateChanged) -> Subscription:
    fact = StatePoint(from_=event.effective_at, state=event.new_state, action_id=event.action_id, cause=event.cause)
    first_on = subscription.first_on_at
    return replace(
        subscription,
        state=event.new_state,
        history=with_fact(subscription.history, fact),
        ever_left_draft=True,
        first_on_at=event.effective_at if first_on is None and event.new_state in ON else first_on,
    )


def _added(event: SubscriptionServiceAdded) -> SubscriptionService:
    first = event.history[0]
    return SubscriptionService(
        service_id=event.service_id,
        subscription_id=event.subscription_id,
        number=event.number,
        product=event.product,
        product_type=event.product_type,
        family=event.family,
        composition=event.composition,
        tier=event.tier,
        bundle_service_id=event.bundle_service_id,
        state=event.state,
        history=event.history,
        cause=None if first.cause is None else ServiceCause(first.cause),
        added_at=event.added_at,
        first_on_at=first.from_ if event.state in ON else None,
        provider=event.provider,
        order_id=event.order_id,
        line_id=event.line_id,
        restores_service_id=event.restores_service_id,
        swapped_from_service_id=event.swapped_from_service_id,
    )


def _service_in_state(service: SubscriptionService, event: SubscriptionServiceStateChanged) -> SubscriptionService:
    fact = StatePoint(from_=event.effective_at, state=event.new_state, action_id=event.action_id, cause=event.cause)
    first_on = service.first_on_at
    return replace(
        service,
        state=event.new_state,
        history=with_fact(service.history, fact),
        cause=event.cause,
        returns_to=event.returns_to,
        first_on_at=event.effective_at if first_on is None and event.new_state in ON else first_on,
    )
