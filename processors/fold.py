"""State is the fold of events: `evolve` is the only way in which an entity changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from processors import customers
from processors.accounts import evolution as accounts
from processors.accounts.linking import evolve_link
from processors.bill_cycles import evolution as bill_cycles
from processors.billing_profiles import evolution as billing_profiles
from processors.hierarchies import evolution as hierarchies
from processors.orders import evolution as orders
from processors.orders.lines import with_editable
from processors.payments import evolution as payments
from processors.provisioning import evolution as provisioning
from processors.schedule import evolution as schedule
from processors.subscriptions import evolution as subscriptions
from processors.synchronization import evolution as synchronization
from processors.wallets import evolution as wallets
from schemas.accounts import AccountEvent
from schemas.bill_cycles import BillCycleEvent
from schemas.billing_profiles import AssignmentEvent, MethodEvent, ProfileEvent
from schemas.bundles import BundleEvent
from schemas.fields import Entity, Event
from schemas.hierarchies import AccountLinkEvent, CorporateHierarchySynchronized, GroupEvent
from schemas.order_events import OrderEvent
from schemas.order_lines import OrderLine
from schemas.payments import PaymentEvent
from schemas.provisioning import (
    InstalledItemRegistered,
    ProvisioningDistributionAdded,
    ProvisioningDistributionRemoved,
    ProvisioningDistributorCreated,
    ProvisioningDistributorRemoved,
    ProvisioningRequested,
)
from schemas.schedule import ScheduleEvent
from schemas.subscriptions import SubscriptionEvent
from schemas.synchronization import LineSyncEvent, OrderSyncEvent
from schemas.wallets import WalletEvent
from schemas.words import CustomerEvent

Evolve = Callable[[Any, Any], Entity]
"""The entity before (None where there is none) and an event about it; the entity after."""


def _distributed(entity: Any, event: ProvisioningDistributionAdded | ProvisioningDistributionRemoved) -> Entity:
    """A distribution is that of a service or of an item: the event's own row says which."""
    if event.service_id is not None:
        return provisioning.evolve_service(entity, event)
    return provisioning.evolve_item(entity, event)


def _synchronized(entity: OrderLine | None, event: LineSyncEvent) -> Entity:
    """What a synchronization does to a line also says what may still be edited there (LCK-5)."""
    return with_editable(synchronization.evolve_line(entity, event))


_ROOMS: tuple[tuple[Any, Evolve], ...] = (
    (CustomerEvent, customers.evolve),
    (AccountEvent, accounts.evolve),
    (AccountLinkEvent, evolve_link),
    (BillCycleEvent, bill_cycles.evolve),
    (SubscriptionEvent | BundleEvent, subscriptions.evolve),
    (WalletEvent, wallets.evolve),
    (ScheduleEvent, schedule.evolve),
    (ProvisioningDistributorCreated | ProvisioningDistributorRemoved, provisioning.evolve_distributor),
    (InstalledItemRegistered, provisioning.evolve_item),
    (ProvisioningRequested, provisioning.evolve_service),
    (ProvisioningDistributionAdded | ProvisioningDistributionRemoved, _distributed),
    (OrderEvent, orders.evolve),
    (LineSyncEvent, _synchronized),
    (OrderSyncEvent, synchronization.evolve_order),
    (ProfileEvent, billing_profiles.evolve_profile),
    (MethodEvent, billing_profiles.evolve_method),
    (AssignmentEvent, billing_profiles.evolve_assignment),
    (GroupEvent, hierarchies.evolve_group),
    (CorporateHierarchySynchronized, hierarchies.evolve_tree),
    (PaymentEvent, payments.evolve),
)
"""Which room knows what an event does."""

EVOLVE: dict[type[Event], Evolve] = {
    event: evolve for events, evolve in _ROOMS for event in get_args(events) or (events,)
}
"""The same for each event by itself; a test holds that none is missing."""


def evolve(entity: Entity | None, event: Event) -> Entity:
    """The entity after the event. An event that does not fit its entity is a bug of ours."""
    return EVOLVE[type(event)](entity, event)
