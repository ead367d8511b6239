"""What the events of provisioning do to distributors, installed items and services."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.provisioning import (
    Distributor,
    InstalledItem,
    InstalledItemRegistered,
    ProvisioningDistributionAdded,
    ProvisioningDistributionRemoved,
    ProvisioningDistributorCreated,
    ProvisioningDistributorRemoved,
    ProvisioningRequested,
)
from schemas.subscriptions import SubscriptionService

ServiceEvent = ProvisioningDistributionAdded | ProvisioningDistributionRemoved | ProvisioningRequested
"""Events that change the row of a service."""

DistributorEvent = ProvisioningDistributorCreated | ProvisioningDistributorRemoved

ItemEvent = InstalledItemRegistered | ProvisioningDistributionAdded | ProvisioningDistributionRemoved
"""Events that change the row of an installed item; the two about distributions where they name one."""


def evolve_distributor(distributor: Distributor | None, event: DistributorEvent) -> Distributor:
    """The distributor after the event."""
    if isinstance(event, ProvisioningDistributorCreated):
        assert distributor is None, f"distributor {event.distributor_id} exists already"
        return Distributor(
            distributor_id=event.distributor_id,
            subscription_id=event.subscription_id,
            number=event.number,
            provider=event.provider,
        )
    assert distributor is not None and not distributor.removed, f"distributor {event.distributor_id} does not exist"  # noqa: PT018
    return replace(distributor, removed=True)


def evolve_item(item: InstalledItem | None, event: ItemEvent) -> InstalledItem:
    """The installed item after the event."""
    if isinstance(event, InstalledItemRegistered):
        assert item is None, f"item {event.item_id} exists already"
        return InstalledItem(
            item_id=event.item_id,
            subscription_id=event.subscription_id,
            number=event.number,
            product=event.product,
            ownership=event.ownership,
            serial_number=event.serial_number,
        )

    assert item is not None, f"item {event.item_id} does not exist"
    if isinstance(event, ProvisioningDistributionAdded):
        assert item.distributor_id is None, f"item {item.item_id} is on {item.distributor_id}"
        return replace(item, distributor_id=event.distributor_id, provider=event.provider)
    assert item.distributor_id == event.distributor_id, f"item {item.item_id} is on {item.distributor_id}"
    return replace(item, distributor_id=None)


def evolve_service(service: SubscriptionService | None, event: ServiceEvent) -> SubscriptionService:
    """The service after an event about its distribution, or about what is asked of its network."""
    assert service is not None, f"service {event.service_id} does not exist"
    match event:
        case ProvisioningDistributionAdded():
            assert service.distributor_id is None, f"service {service.service_id} is on {service.distributor_id}"
            return replace(service, distributor_id=event.distributor_id, last_distributor_id=event.distributor_id)
        case ProvisioningDistributionRemoved():
            assert service.distributor_id == event.distributor_id, (
                f"service {service.service_id} is on {service.distributor_id}"
            )
            return replace(service, distributor_id=None)
        case ProvisioningRequested():
            assert event.version == service.desired_version + 1, (
                f"version {event.version} after {service.desired_version}"
            )
            return replace(service, desired_state=event.desired_state.value, desired_version=event.version)
