"""What belongs to an entity, as people look at it: a subscription with its services, a distributor with what is on it.

Each of these is a row of its own; no stored row holds them.
"""

from __future__ import annotations

from processors.customer import CustomerView
from schemas.fields import Entity
from schemas.provisioning import Distributor
from schemas.subscriptions import Subscription, SubscriptionService


def parts(customer: CustomerView, entity: Entity) -> dict[str, tuple[Entity, ...]]:
    """The entities that belong to one, by the name of the list that shows them."""
    match entity:
        case Subscription():
            actions = customer.actions(entity.subscription_id)
            return {
                "services": customer.services(entity.subscription_id),
                "distributors": customer.distributors(entity.subscription_id),
                "items": customer.items(entity.subscription_id),
                "actions": actions,
                "scheduled_actions": actions,
            }
        case SubscriptionService():
            members = customer.components(entity.service_id)
            found = (customer.service(member.service_id) for member in members)
            return {"components": tuple(service for service in found if service is not None)}
        case Distributor():
            return {
                "services": customer.distributed_services(entity.distributor_id),
                "items": customer.distributed_items(entity.distributor_id),
            }
        case _:
            return {}


def is_there(entity: Entity | None) -> bool:
    """Whether there is such an entity for people: a distributor that was removed is none."""
    return entity is not None and not (isinstance(entity, Distributor) and entity.removed)
