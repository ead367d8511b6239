"""What people see of an entity of this part: what has ended is not there, what is derived stands in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from processors.synchronization.progress import account_sync
from schemas.billing_profiles import AssignmentState, BillingAssignment
from schemas.fields import Entity
from schemas.hierarchies import CollectionsGroup
from schemas.lineage import OrderPayment
from schemas.orders import Order

if TYPE_CHECKING:
    from processors.view.customer import CustomerView


def seen(customer: CustomerView, entity: Entity | None) -> Entity | None:
    """The entity as people see it; None where it has ended and left nothing to look at."""
    match entity:
        case BillingAssignment(state=AssignmentState.ENDED) | CollectionsGroup(closed=True):
            return None
        case Order():
            payments = customer.payments_of(entity.order_id)
            return replace(
                entity,
                account_sync=account_sync(customer, entity, strict=True),
                payments=tuple(OrderPayment(payment_id=found.payment_id, state=found.state) for found in payments),
            )
        case _:
            return entity
