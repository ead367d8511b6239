"""Every decision begins here: one command, one customer, one moment; the answer is events or a refusal."""

from __future__ import annotations

from typing import assert_never

from processors import customers
from processors.accounts import deciding as accounts
from processors.bill_cycles import deciding as bill_cycles
from processors.context import Context
from processors.decision import Decision
from processors.orders import deciding as orders
from processors.payments import deciding as payments
from processors.schedule import deciding as schedule
from processors.subscriptions import deciding as subscriptions
from processors.synchronization import deciding as synchronization
from processors.view.customer import CustomerView
from processors.wallets import deciding as wallets
from schemas.accounts import AccountClockCommand, AccountCommand
from schemas.bill_cycles import BillCycleClockCommand, BillCycleCommand
from schemas.bundles import BundleCommand
from schemas.customers import CustomerCommand
from schemas.erasure import EraseCustomerData
from schemas.orders import OrderCommand
from schemas.payments import PaymentCommand
from schemas.provisioning import ProvisioningCommand
from schemas.schedule import ScheduleClockCommand, ScheduleCommand
from schemas.subscriptions import SubscriptionCommand
from schemas.synchronization import SynchronizeOrderBillingAccounts
from schemas.wallets import WalletCommand
from schemas.words import AskedCommand, ClockCommand


def decide(customer: CustomerView, command: AskedCommand | ClockCommand, context: Context) -> Decision:
    """Judge one command. Reads the customer, changes nothing."""
    if isinstance(command, BillCycleCommand | BillCycleClockCommand):
        return bill_cycles.decide(customer, command, context)
    if isinstance(command, AccountCommand | AccountClockCommand):
        return accounts.decide(customer, command, context)
    if isinstance(command, SubscriptionCommand | BundleCommand | ProvisioningCommand):
        return subscriptions.decide(customer, command, context)
    if isinstance(command, ScheduleCommand | ScheduleClockCommand):
        return schedule.decide(customer, command, context)
    if isinstance(command, OrderCommand):
        return orders.decide(customer, command, context)
    if isinstance(command, SynchronizeOrderBillingAccounts):
        return synchronization.decide(customer, command, context)
    if isinstance(command, PaymentCommand):
        return payments.decide(customer, command, context)
    if isinstance(command, WalletCommand):
        return wallets.decide(customer, command, context)
    if isinstance(command, CustomerCommand | EraseCustomerData):
        return customers.decide(customer, command, context)
    assert_never(command)
