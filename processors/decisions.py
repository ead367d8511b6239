"""Every decision begins here: one command, one customer, one moment; the answer is events or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from processors import customers
from processors.accounts import creation, details
from processors.accounts import plans as account_plans
from processors.accounts import states as account_states
from processors.bill_cycles import changes as bill_cycles
from processors.bill_cycles import running as billing_periods
from processors.context import Context
from processors.decision import Decision
from processors.orders import cancelling, compensating, confirming, modifying, revising, splitting, submitting
from processors.orders.billing import updating
from processors.payments import deciding as payments
from processors.schedule import changes as schedule
from processors.subscriptions import deciding as subscriptions
from processors.synchronization import deciding as synchronization
from processors.view.customer import CustomerView
from processors.wallets import movements
from schemas.accounts import (
    CancelPlannedStateChange,
    ChangeAccountState,
    CreateAccount,
    ExecutePlannedStateChange,
    UpdateAccountDetails,
)
from schemas.bill_cycles import (
    CancelAccountBillCycleChange,
    ExecutePlannedBillCycleChange,
    PerformAccountBillCycleChange,
    StartBillingPeriod,
    UpdateAccountBillCycle,
)
from schemas.bundles import AmendBundleServices
from schemas.customers import RegisterCustomer
from schemas.erasure import EraseCustomerData
from schemas.fields import Command
from schemas.orders import (
    CancelOrder,
    CompensateOrder,
    ConfirmLineProvisioning,
    ModifyOrderLine,
    ReviseOrder,
    SplitOrder,
    SubmitOrder,
    UpdateBillingSystem,
)
from schemas.payments import RecordOrderPayment, ReverseOrderPayment
from schemas.provisioning import ChangeDistribution, RegisterInstalledItem
from schemas.schedule import CancelScheduledAction, ExecuteScheduledAction, RescheduleAction
from schemas.subscriptions import ChangeServiceState, ChangeSubscriptionState, CreateSubscription, SwapService
from schemas.synchronization import SynchronizeOrderBillingAccounts
from schemas.wallets import AdjustWallet, TopUpWallet
from schemas.words import AskedCommand, ClockCommand

Decide = Callable[[CustomerView, Any, Context], Decision]
"""Judges one command. Reads the customer, changes nothing."""

DECIDE: dict[type[Command], Decide] = {
    RegisterCustomer: customers.register,
    EraseCustomerData: customers.erase,
    CreateAccount: creation.create,
    UpdateAccountDetails: details.update,
    ChangeAccountState: account_states.change,
    CancelPlannedStateChange: account_plans.cancel,
    ExecutePlannedStateChange: account_plans.execute,
    UpdateAccountBillCycle: bill_cycles.update,
    CancelAccountBillCycleChange: bill_cycles.cancel,
    PerformAccountBillCycleChange: bill_cycles.perform,
    ExecutePlannedBillCycleChange: bill_cycles.execute,
    StartBillingPeriod: billing_periods.start_period,
    CreateSubscription: subscriptions.create,
    ChangeSubscriptionState: subscriptions.act,
    ChangeServiceState: subscriptions.act,
    SwapService: subscriptions.act,
    AmendBundleServices: subscriptions.act,
    RegisterInstalledItem: subscriptions.act,
    ChangeDistribution: subscriptions.act,
    CancelScheduledAction: schedule.cancel,
    RescheduleAction: schedule.reschedule,
    ExecuteScheduledAction: schedule.execute,
    TopUpWallet: movements.top_up,
    AdjustWallet: movements.adjust,
    SubmitOrder: submitting.submit,
    ModifyOrderLine: modifying.modify,
    ReviseOrder: revising.revise,
    SplitOrder: splitting.split,
    ConfirmLineProvisioning: confirming.confirm,
    CancelOrder: cancelling.cancel,
    UpdateBillingSystem: updating.update,
    CompensateOrder: compensating.compensate,
    SynchronizeOrderBillingAccounts: synchronization.synchronize,
    RecordOrderPayment: payments.record,
    ReverseOrderPayment: payments.reverse,
}
"""Which function judges which command; a test holds that none is missing, and that each takes its own."""


def decide(customer: CustomerView, command: AskedCommand | ClockCommand, context: Context) -> Decision:
    """Judge one command. Reads the customer, changes nothing."""
    return DECIDE[type(command)](customer, command, context)
