"""The glossary: every command, event and entity there is, by name."""

from __future__ import annotations

from typing import get_args

from schemas.accounts import Account, AccountClockCommand, AccountCommand, AccountEvent
from schemas.bill_cycles import BillCycleClockCommand, BillCycleCommand, BillCycleEvent
from schemas.bundles import BundleCommand, BundleEvent
from schemas.customers import Customer, CustomerCommand
from schemas.customers import CustomerEvent as RegistrationEvent
from schemas.erasure import CustomerDataErased, EraseCustomerData
from schemas.fields import Command, Entity, Event
from schemas.provisioning import Distributor, InstalledItem, ProvisioningCommand, ProvisioningEvent
from schemas.schedule import DueWorkParked, ScheduleClockCommand, ScheduleCommand, ScheduledAction, ScheduleEvent
from schemas.subscriptions import Subscription, SubscriptionCommand, SubscriptionEvent, SubscriptionService
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
)
AnyEntity = (
    Customer | Account | Subscription | SubscriptionService | Wallet | Distributor | InstalledItem | ScheduledAction
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
    )
}
"""What is kept, by kind, in the order of the union in the contract: a new one goes to the end."""
