"""Commands about installed items and distributions: what each would do."""

from __future__ import annotations

from typing import assert_never

from processors.acting import Action
from processors.context import Context
from processors.provisioning.arranging import Judged
from processors.provisioning.distributions import change
from processors.provisioning.items import register
from processors.view.customer import CustomerView
from schemas.provisioning import ChangeDistribution, ProvisioningCommand, RegisterInstalledItem


def effect(customer: CustomerView, command: ProvisioningCommand, action: Action, context: Context) -> Judged:
    """Judge one command about installed items or distributions by its own rules, and say what it would do.

    That the subscription is there (SUB-1) and the reference is new (ABS-12) has been judged before.
    """
    match command:
        case RegisterInstalledItem():
            return register(customer, command, action, context)
        case ChangeDistribution():
            return change(customer, command, action, context)
        case _:
            assert_never(command)
