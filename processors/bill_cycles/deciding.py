"""Commands about bill cycles: each is handed to the file that knows it."""

from __future__ import annotations

from typing import assert_never

from processors.bill_cycles.changes import cancel, execute, perform, update
from processors.bill_cycles.running import start_period
from processors.context import Context
from processors.decision import Decision
from processors.view.customer import CustomerView
from schemas.bill_cycles import (
    BillCycleClockCommand,
    BillCycleCommand,
    CancelAccountBillCycleChange,
    ExecutePlannedBillCycleChange,
    PerformAccountBillCycleChange,
    StartBillingPeriod,
    UpdateAccountBillCycle,
)


def decide(customer: CustomerView, command: BillCycleCommand | BillCycleClockCommand, context: Context) -> Decision:
    """Judge one command about bill cycles. Reads the customer, changes nothing."""
    match command:
        case UpdateAccountBillCycle():
            return update(customer, command, context)
        case CancelAccountBillCycleChange():
            return cancel(customer, command)
        case PerformAccountBillCycleChange():
            return perform(customer, command, context)
        case ExecutePlannedBillCycleChange():
            return execute(customer, command, context)
        case StartBillingPeriod():
            return start_period(customer, command, context)
        case _:
            assert_never(command)
