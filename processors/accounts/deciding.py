"""Commands about accounts: each is handed to the file that knows it."""

from __future__ import annotations

from typing import assert_never

from processors.accounts.creation import create
from processors.accounts.details import update
from processors.accounts.plans import cancel, execute
from processors.accounts.states import change
from processors.context import Context
from processors.decision import Decision
from processors.view.customer import CustomerView
from schemas.accounts import (
    AccountClockCommand,
    AccountCommand,
    CancelPlannedStateChange,
    ChangeAccountState,
    CreateAccount,
    ExecutePlannedStateChange,
    UpdateAccountDetails,
)


def decide(customer: CustomerView, command: AccountCommand | AccountClockCommand, context: Context) -> Decision:
    """Judge one command about an account."""
    match command:
        case CreateAccount():
            return create(customer, command, context)
        case UpdateAccountDetails():
            return update(customer, command, context)
        case ChangeAccountState():
            return change(customer, command, context)
        case CancelPlannedStateChange():
            return cancel(customer, command)
        case ExecutePlannedStateChange():
            return execute(customer, command, context)
        case _:
            assert_never(command)
