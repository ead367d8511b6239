"""State is the fold of events: `evolve` is the only way in which an entity changes."""

from __future__ import annotations

from typing import cast

from processors import accounts, bill_cycles, customers
from processors.provisioning import evolution as provisioning
from processors.schedule import evolution as schedule
from processors.subscriptions import evolution as subscriptions
from processors.wallets import evolution as wallets
from schemas.accounts import Account, AccountEvent
from schemas.bill_cycles import BillCycleEvent
from schemas.bundles import BundleEvent
from schemas.customers import Customer
from schemas.fields import Entity, Event
from schemas.provisioning import (
    Distributor,
    InstalledItem,
    InstalledItemRegistered,
    ProvisioningDistributorCreated,
    ProvisioningDistributorRemoved,
    ProvisioningEvent,
    ProvisioningRequested,
)
from schemas.schedule import ScheduledAction, ScheduleEvent
from schemas.subscriptions import SubscriptionEvent, SubscriptionService
from schemas.wallets import Wallet, WalletEvent
from schemas.words import CustomerEvent


def evolve(entity: Entity | None, event: Event) -> Entity:
    """The entity after the event. An event that does not fit its entity is a bug of ours."""
    if isinstance(event, BillCycleEvent):
        return bill_cycles.evolve(cast("Account", entity), event)
    if isinstance(event, AccountEvent):
        return accounts.evolve(cast("Account | None", entity), event)
    if isinstance(event, SubscriptionEvent | BundleEvent):
        return subscriptions.evolve(entity, event)
    if isinstance(event, WalletEvent):
        return wallets.evolve(cast("Wallet | None", entity), event)
    if isinstance(event, ScheduleEvent):
        return schedule.evolve(cast("ScheduledAction | None", entity), event)
    if isinstance(event, ProvisioningEvent):
        return _provisioned(entity, event)
    assert isinstance(event, CustomerEvent), f"no entity evolves by {type(event).__name__}"
    return customers.evolve(cast("Customer | None", entity), event)


def _provisioned(entity: Entity | None, event: ProvisioningEvent) -> Entity:
    """A distribution is that of a service or of an item: the event's own row says which."""
    if isinstance(event, ProvisioningDistributorCreated | ProvisioningDistributorRemoved):
        return provisioning.evolve_distributor(cast("Distributor | None", entity), event)
    if isinstance(event, InstalledItemRegistered):
        return provisioning.evolve_item(cast("InstalledItem | None", entity), event)
    if isinstance(event, ProvisioningRequested) or event.service_id is not None:
        return provisioning.evolve_service(cast("SubscriptionService | None", entity), event)
    return provisioning.evolve_item(cast("InstalledItem | None", entity), event)
