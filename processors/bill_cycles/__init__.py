"""When an account is billed, and how that changes: commands, the clock, and what other domains ask of periods."""

from __future__ import annotations

from typing import assert_never

from processors.bill_cycles.changes import cancel, drop_plan, execute, perform, update
from processors.bill_cycles.evolution import evolve
from processors.bill_cycles.running import begin_periods, end_periods, start_period
from processors.bill_cycles.settings import setting_violations
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

__all__ = ["begin_periods", "decide", "drop_plan", "end_periods", "evolve", "setting_violations"]


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
