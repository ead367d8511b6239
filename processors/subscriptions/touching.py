"""What an action touches, and so the earliest moment from which it may hold (CLS-4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from processors.acting import Action
from processors.subscriptions.opening import last_fact
from processors.subscriptions.states import OF_SUBSCRIPTIONS
from processors.view.customer import CustomerView
from schemas.bundles import AmendBundleServices
from schemas.subscriptions import (
    ChangeServiceState,
    ChangeSubscriptionState,
    Subscription,
    SubscriptionService,
    SwapService,
)


def earliest(customer: CustomerView, action: Action, subscription: Subscription) -> tuple[datetime, str | None] | None:
    """The latest fact of all that an action touches, and the service whose it is; None: the subscription's own.

    A bundle counts with its components, and with its last amendment. The subscription itself counts by its beginning,
    and where it changes as a whole by its last fact. Of several facts at one moment a service's is named rather than
    the subscription's, and of services the first by number.
    """
    moments: list[tuple[datetime, str | None]] = []
    for service in sorted(_touched(customer, action), key=lambda service: service.number):
        moments.append((last_fact(service.history), service.service_id))
        if service.last_amended_at is not None and isinstance(action.command, AmendBundleServices):
            moments.append((service.last_amended_at, service.service_id))
    whole = isinstance(action.command, ChangeSubscriptionState)
    moments.append((last_fact(subscription.history) if whole else subscription.history[0].from_, None))
    return max(moments, key=lambda moment: moment[0])  # the first of those that are equal


def _touched(customer: CustomerView, action: Action) -> Iterator[SubscriptionService]:
    command = action.command
    match command:
        case ChangeSubscriptionState():
            allowed = OF_SUBSCRIPTIONS[command.action].services_from
            live = customer.live_services(action.subscription_id)
            yield from (service for service in live if service.state in allowed)
        case ChangeServiceState():
            for service_id in command.service_ids:
                yield from _with_components(customer, action, service_id)
        case SwapService():
            yield from _with_components(customer, action, command.from_service_id)
        case AmendBundleServices():
            bundle = customer.service(command.bundle_service_id)
            if bundle is None or bundle.subscription_id != action.subscription_id:
                return
            yield bundle
            named = {removed.service_id for removed in command.remove}
            products = {removed.product for removed in command.remove}
            for member in customer.components(bundle.service_id):
                if member.service_id in named or member.product in products:
                    component = customer.service(member.service_id)
                    assert component is not None, "a bundle's components are there"
                    yield component
        case _:
            pass  # nothing that could be older


def _with_components(customer: CustomerView, action: Action, service_id: str) -> Iterator[SubscriptionService]:
    service = customer.service(service_id)
    if service is None or service.subscription_id != action.subscription_id:
        return
    yield service
    for member in customer.components(service_id):
        component = customer.service(member.service_id)
        assert component is not None, "a bundle's components are there"
        yield component
