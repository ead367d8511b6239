"""What an action on services means for distributors and networks (PRV-1 to PRV-6)."""

from __future__ import annotations

from collections.abc import Mapping

from processors.acting import LIVE, ON, Action
from processors.context import Context
from processors.provisioning.arranging import Arrangement
from processors.provisioning.objections import in_order, not_provisionable, provider_mismatch, unknown_distributor
from processors.provisioning.requests import requests
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.provisioning import Distributor
from schemas.refusals import Violation
from schemas.subscriptions import Subscription, SubscriptionService


def settle(
    before: CustomerView,
    draft: CustomerView,
    subscription: Subscription,
    wishes: Mapping[str, str],
    action: Action,
    context: Context,
) -> tuple[list[Violation], list[Event]]:
    """Distribute what was added, take away what ended, clean up once, and ask the networks (PRV-1 to PRV-6, 9, 10).

    `draft` is a layer right over `before` in which the action's services have changed; it is not changed here: record
    the events. `wishes` names the distributor of a service by the service's id. The violations are those of PRV-8
    about wishes, then those of PRV-9 on the result.
    """
    touched = sorted(
        (entity for entity in draft.touched.values() if isinstance(entity, SubscriptionService)),
        key=lambda service: service.number,
    )
    arrangement = Arrangement(
        draft,
        subscription.subscription_id,
        lambda service_id: action.derived_id(context, "distributor", service_id),
    )
    violations: list[Violation] = []
    for service in touched:
        if service.state not in LIVE:
            if service.distributor_id is not None:
                arrangement.take(service)
        elif before.service(service.service_id) is None:
            violations += _distribute(arrangement, draft, service, wishes.get(service.service_id))
    events, after = arrangement.outcome()
    turned_on = [service for service in touched if service.state in ON and _was_off(before, service)]
    broken = arrangement.violations(after, turned_on, context)
    asked = requests(before, after, (service.service_id for service in touched), context)
    return in_order(violations) + broken, [*events, *asked]


def placed(arrangement: Arrangement, view: CustomerView, service: SubscriptionService, provider: str) -> Distributor:
    """Where a service goes that names no distributor: to its bundle's, else the oldest, else a new one (PRV-1)."""
    bundle = None if service.bundle_service_id is None else view.service(service.bundle_service_id)
    beside = None if bundle is None else arrangement.place_of(bundle)
    if beside is not None and beside.provider == provider:
        return beside
    return arrangement.oldest(provider) or arrangement.new(provider, service)


def _distribute(
    arrangement: Arrangement, view: CustomerView, service: SubscriptionService, wish: str | None
) -> list[Violation]:
    provider = service.provider
    if provider is None:
        return [] if wish is None else [not_provisionable(service.service_id, wish)]
    if wish is None:
        arrangement.give(service, placed(arrangement, view, service, provider))
        return []
    named = arrangement.distributor(wish)
    if named is None:
        return [unknown_distributor(wish)]
    if named.provider != provider:
        return [provider_mismatch(named, service_id=service.service_id)]
    arrangement.give(service, named)
    return []


def _was_off(before: CustomerView, service: SubscriptionService) -> bool:
    earlier = before.service(service.service_id)
    return earlier is None or earlier.state not in ON
