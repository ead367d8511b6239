"""What is asked of the networks: a wanted state with a version, so that sending it again does no harm (PRV-10)."""

from __future__ import annotations

from collections.abc import Iterable

from processors.acting import ON
from processors.context import Context
from processors.view.customer import CustomerView
from schemas.provisioning import DesiredState, ProvisioningRequested
from schemas.subscriptions import SubscriptionService


def wanted(service: SubscriptionService) -> DesiredState:
    """What the network is to make of a service: ACTIVE only where it is distributed and in an on state."""
    on = service.distributor_id is not None and service.state in ON
    return DesiredState.ACTIVE if on else DesiredState.INACTIVE


def requests(
    before: CustomerView, after: CustomerView, service_ids: Iterable[str], context: Context
) -> list[ProvisioningRequested]:
    """One request per service of which something else is wanted than was last asked, by service number.

    `before` and `after` are the customer without and with the command's changes; `service_ids` are those it touched.
    """
    touched = [
        service for service_id in dict.fromkeys(service_ids) if (service := after.service(service_id)) is not None
    ]
    return [
        _request(service, context)
        for service in sorted(touched, key=lambda service: service.number)
        if _differs(before.service(service.service_id), service)
    ]


def _differs(before: SubscriptionService | None, service: SubscriptionService) -> bool:
    """Nothing asked counts as INACTIVE, and INACTIVE is not asked again for a new distributor."""
    want, asked = wanted(service), service.desired_state or DesiredState.INACTIVE
    if want != asked:
        return True
    if want is DesiredState.INACTIVE:
        return False
    return before is None or before.distributor_id != service.distributor_id  # ACTIVE was asked of the one it was on


def _request(service: SubscriptionService, context: Context) -> ProvisioningRequested:
    assert service.last_distributor_id is not None, f"{service.service_id} was never on a distributor"
    assert service.provider is not None, f"{service.service_id} has no provider"
    return ProvisioningRequested(
        subscription_id=service.subscription_id,
        distributor_id=service.last_distributor_id,
        provider=service.provider,
        service_id=service.service_id,
        product=service.product,
        desired_state=wanted(service),
        version=service.desired_version + 1,
        requested_at=context.at,
    )
