"""Rows of provisioning: what networks were asked for, distributors and installed items as transactions left them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from processors.analytics.rows import Origin, place
from processors.analytics.subscription_rows import DistributorVersion, InstalledItemVersion, ProvisioningRequest
from schemas.envelope import BusinessTransaction
from schemas.provisioning import (
    Distributor,
    InstalledItem,
    InstalledItemRegistered,
    ProvisioningDistributionAdded,
    ProvisioningDistributionRemoved,
    ProvisioningDistributorCreated,
    ProvisioningDistributorRemoved,
    ProvisioningEvent,
    ProvisioningRequested,
)


def steps(
    transaction: BusinessTransaction, origin: Origin, position: int, event: ProvisioningEvent
) -> Iterator[ProvisioningRequest]:
    """Give the row of a request. What distributors and items became stands in the entities."""
    match event:
        case ProvisioningRequested():
            yield ProvisioningRequest(
                *place(transaction, origin, position),
                event.subscription_id,
                event.distributor_id,
                event.provider,
                event.service_id,
                event.product,
                event.desired_state.value,
                event.version,
                event.requested_at,
            )
        case (
            ProvisioningDistributorCreated()
            | ProvisioningDistributorRemoved()
            | ProvisioningDistributionAdded()
            | ProvisioningDistributionRemoved()
            | InstalledItemRegistered()
        ):
            return
        case _:
            assert_never(event)


def distributor_version(
    transaction: BusinessTransaction, origin: Origin, distributor: Distributor
) -> DistributorVersion:
    """Return a distributor as the transaction left it."""
    return DistributorVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        distributor.distributor_id,
        transaction.occurred_at,
        distributor.subscription_id,
        distributor.number,
        distributor.provider,
        distributor.removed,
    )


def item_version(transaction: BusinessTransaction, origin: Origin, item: InstalledItem) -> InstalledItemVersion:
    """Return an installed item as the transaction left it. Its serial number is copied as it came: sealed."""
    return InstalledItemVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        item.item_id,
        transaction.occurred_at,
        item.subscription_id,
        item.number,
        item.product,
        item.ownership.value,
        item.serial_number,
        item.provider,
        item.distributor_id,
    )
