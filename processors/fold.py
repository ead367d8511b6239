"""State is the fold of events: `evolve` is the only way in which an entity changes."""

from __future__ import annotations

from typing import cast

from processors import accounts, bill_cycles, customers
from processors.accounts.linking import evolve_link
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
from schemas.accounts import Account, AccountEvent
from schemas.bill_cycles import BillCycleEvent
from schemas.billing_profiles import (
    AssignmentEvent,
    BillingAssignment,
    BillingProfile,
    MethodEvent,
    PaymentMethod,
    ProfileEvent,
)
from schemas.bundles import BundleEvent
from schemas.customers import Customer
from schemas.fields import Entity, Event
from schemas.hierarchies import (
    AccountLinkEvent,
    CollectionsGroup,
    CorporateHierarchy,
    CorporateHierarchySynchronized,
    GroupEvent,
)
from schemas.order_events import OrderEvent
from schemas.order_lines import OrderLine
from schemas.orders import Order
from schemas.payments import Payment, PaymentEvent
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
from schemas.synchronization import LineSyncEvent, OrderSyncEvent
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
    if isinstance(event, OrderEvent | LineSyncEvent | OrderSyncEvent):
        return _ordered(entity, event)
    if isinstance(event, PaymentEvent):
        return payments.evolve(cast("Payment | None", entity), event)
    billed = _billed(entity, event)
    if billed is not None:
        return billed
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


def _ordered(entity: Entity | None, event: OrderEvent | LineSyncEvent | OrderSyncEvent) -> Entity:
    """What a synchronization does to a line also says what may still be edited there (LCK-5)."""
    if isinstance(event, LineSyncEvent):
        return with_editable(synchronization.evolve_line(cast("OrderLine | None", entity), event))
    if isinstance(event, OrderSyncEvent):
        return synchronization.evolve_order(cast("Order | None", entity), event)
    return orders.evolve(entity, event)


def _billed(entity: Entity | None, event: Event) -> Entity | None:
    """What orders make of accounts, profiles and hierarchies; None where the event is another's."""
    if isinstance(event, AssignmentEvent):
        return billing_profiles.evolve_assignment(cast("BillingAssignment | None", entity), event)
    if isinstance(event, ProfileEvent):
        return billing_profiles.evolve_profile(cast("BillingProfile | None", entity), event)
    if isinstance(event, MethodEvent):
        return billing_profiles.evolve_method(cast("PaymentMethod | None", entity), event)
    if isinstance(event, AccountLinkEvent):
        return evolve_link(cast("Account | None", entity), event)
    if isinstance(event, GroupEvent):
        return hierarchies.evolve_group(cast("CollectionsGroup | None", entity), event)
    if isinstance(event, CorporateHierarchySynchronized):
        return hierarchies.evolve_tree(cast("CorporateHierarchy | None", entity), event)
    return None
