"""What a provisioning system reads: one request, with all that it needs to carry it out and to pass over old ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from schemas.actions import ServiceId, SubscriptionId
from schemas.catalog import ProductCode, ProviderCode
from schemas.envelope import BusinessTransaction
from schemas.fields import CommandId, CustomerId, Word, doc
from schemas.provisioning import DesiredState, DistributorId, ProvisioningRequested


class ProvisioningRequest(Word, frozen=True, kw_only=True):
    """What a provider's network is to make of a service, whatever it was asked before (PRV-10).

    May come twice or late: whoever already has a higher version of the service passes it over.
    """

    customer_id: CustomerId
    subscription_id: SubscriptionId
    service_id: ServiceId
    product: ProductCode
    provider: ProviderCode
    distributor_id: DistributorId
    desired_state: Annotated[DesiredState, doc("What the service is to be")]
    version: Annotated[int, doc("1, 2, 3 ... per customer and service; a higher one replaces every lower one")]
    requested_at: Annotated[datetime, doc("When it was decided")]
    transaction_id: Annotated[str, doc("The business transaction that asks")]
    sequence: Annotated[int, doc("Number of that transaction, gapless per customer")]
    command_id: CommandId


def requests_in(transaction: BusinessTransaction) -> Iterator[ProvisioningRequest]:
    """What a transaction asks of the networks, in the order of its events."""
    for change in transaction.changes:
        event = change.event
        if isinstance(event, ProvisioningRequested):
            yield ProvisioningRequest(
                customer_id=transaction.customer_id,
                subscription_id=event.subscription_id,
                service_id=event.service_id,
                product=event.product,
                provider=event.provider,
                distributor_id=event.distributor_id,
                desired_state=event.desired_state,
                version=event.version,
                requested_at=event.requested_at,
                transaction_id=transaction.transaction_id,
                sequence=transaction.sequence,
                command_id=transaction.command_id,
            )
