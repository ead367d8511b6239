"""The glossary: every command, event and entity there is, by name."""

from __future__ import annotations

from typing import get_args

from schemas.accounts import Account, AccountClockCommand, AccountCommand, AccountEvent
from schemas.bill_cycles import BillCycleClockCommand, BillCycleCommand, BillCycleEvent
from schemas.billing_profiles import (
    AssignmentEvent,
    BillingAssignment,
    BillingProfile,
    MethodEvent,
    PaymentMethod,
    ProfileEvent,
)
from schemas.bundles import BundleCommand, BundleEvent
from schemas.customers import Customer, CustomerCommand
from schemas.customers import CustomerEvent as RegistrationEvent
from schemas.erasure import CustomerDataErased, EraseCustomerData
from schemas.fields import Command, Entity, Event
from schemas.hierarchies import AccountLinkEvent, CollectionsGroup, CorporateHierarchy, CorporateHierarchySynchronized
from schemas.hierarchies import GroupEvent as CollectionsEvent
from schemas.order_events import OrderEvent
from schemas.order_lines import OrderLine
from schemas.orders import Order, OrderCommand
from schemas.payments import Payment, PaymentCommand, PaymentEvent
from schemas.provisioning import Distributor, InstalledItem, ProvisioningCommand, ProvisioningEvent
from schemas.schedule import DueWorkParked, ScheduleClockCommand, ScheduleCommand, ScheduledAction, ScheduleEvent
from schemas.subscriptions import Subscription, SubscriptionCommand, SubscriptionEvent, SubscriptionService
from schemas.synchronization import LineSyncEvent, OrderSyncEvent, SynchronizeOrderBillingAccounts
from schemas.wallets import Wallet, WalletCommand, WalletEvent

AskedCommand = (
    CustomerCommand
    | AccountCommand
    | BillCycleCommand
    | EraseCustomerData
    | SubscriptionCommand
    | BundleCommand
    | WalletCommand
    | ScheduleCommand
    | ProvisioningCommand
    | OrderCommand
    | SynchronizeOrderBillingAccounts
    | PaymentCommand
)
"""What a caller may ask."""

ClockCommand = AccountClockCommand | BillCycleClockCommand | ScheduleClockCommand
"""What only the core's own clock asks; from anyone else it is a dead letter (BCX-11)."""

CustomerEvent = RegistrationEvent | CustomerDataErased | DueWorkParked
AnyEvent = (
    CustomerEvent
    | AccountEvent
    | BillCycleEvent
    | SubscriptionEvent
    | BundleEvent
    | WalletEvent
    | ScheduleEvent
    | ProvisioningEvent
    | OrderEvent
    | AccountLinkEvent
    | MethodEvent
    | ProfileEvent
    | CollectionsEvent
    | CorporateHierarchySynchronized
    | AssignmentEvent
    | LineSyncEvent
    | OrderSyncEvent
    | PaymentEvent
)
AnyEntity = (
    Customer
    | Account
    | Subscription
    | SubscriptionService
    | Wallet
    | Distributor
    | InstalledItem
    | ScheduledAction
    | Order
    | OrderLine
    | BillingProfile
    | PaymentMethod
    | BillingAssignment
    | CollectionsGroup
    | CorporateHierarchy
    | Payment
)


def _named(*unions: object) -> dict[str, type]:
    return {word.__name__: word for union in unions for word in get_args(union) or (union,)}


COMMANDS: dict[str, type[Command]] = _named(
    CustomerCommand,
    AccountCommand,
    AccountClockCommand,
    BillCycleCommand,
    BillCycleClockCommand,
    EraseCustomerData,
    SubscriptionCommand,
    BundleCommand,
    WalletCommand,
    ScheduleCommand,
    ScheduleClockCommand,
    ProvisioningCommand,
    OrderCommand,
    SynchronizeOrderBillingAccounts,
    PaymentCommand,
)
"""What may be asked, in the order of the union in the contract: a new one goes to the end."""

CLOCK_COMMANDS: frozenset[str] = frozenset(word.__name__ for word in get_args(ClockCommand))

EVENTS: dict[str, type[Event]] = _named(
    RegistrationEvent,
    AccountEvent,
    BillCycleEvent,
    CustomerDataErased,
    DueWorkParked,
    SubscriptionEvent,
    BundleEvent,
    WalletEvent,
    ScheduleEvent,
    ProvisioningEvent,
    OrderEvent,
    AccountLinkEvent,
    MethodEvent,
    ProfileEvent,
    CollectionsEvent,
    CorporateHierarchySynchronized,
    AssignmentEvent,
    LineSyncEvent,
    OrderSyncEvent,
    PaymentEvent,
)
"""What may happen, in the order of the union in the contract: a new one goes to the end."""

ENTITIES: dict[str, type[Entity]] = {
    word.identity[0]: word
    for word in (
        Customer,
        Account,
        Subscription,
        SubscriptionService,
        Wallet,
        Distributor,
        InstalledItem,
        ScheduledAction,
        Order,
        OrderLine,
        BillingProfile,
        PaymentMethod,
        BillingAssignment,
        CollectionsGroup,
        CorporateHierarchy,
        Payment,
    )
}
"""What is kept, by kind, in the order of the union in the contract: a new one goes to the end."""
