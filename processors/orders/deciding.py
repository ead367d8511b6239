"""Commands about orders: each is handed to the file that knows it."""

from __future__ import annotations

from typing import assert_never

from processors.context import Context
from processors.decision import Decision
from processors.orders.billing.updating import update
from processors.orders.cancelling import cancel
from processors.orders.compensating import compensate
from processors.orders.confirming import confirm
from processors.orders.modifying import modify
from processors.orders.revising import revise
from processors.orders.splitting import split
from processors.orders.submitting import submit
from processors.view.customer import CustomerView
from schemas.orders import (
    CancelOrder,
    CompensateOrder,
    ConfirmLineProvisioning,
    ModifyOrderLine,
    OrderCommand,
    ReviseOrder,
    SplitOrder,
    SubmitOrder,
    UpdateBillingSystem,
)


def decide(customer: CustomerView, command: OrderCommand, context: Context) -> Decision:
    """Judge one command about an order."""
    match command:
        case SubmitOrder():
            return submit(customer, command, context)
        case ModifyOrderLine():
            return modify(customer, command, context)
        case ReviseOrder():
            return revise(customer, command, context)
        case SplitOrder():
            return split(customer, command, context)
        case ConfirmLineProvisioning():
            return confirm(customer, command, context)
        case CancelOrder():
            return cancel(customer, command, context)
        case UpdateBillingSystem():
            return update(customer, command, context)
        case CompensateOrder():
            return compensate(customer, command, context)
        case _:
            assert_never(command)
