"""Subscriptions and their bundles: what an account has taken out, and how its services change."""

from __future__ import annotations

from processors.context import Context
from processors.decision import Decision
from processors.subscriptions.deciding import carry_out, decide_action, decide_create
from processors.view.customer import CustomerView
from schemas.bundles import BundleCommand
from schemas.provisioning import ProvisioningCommand
from schemas.subscriptions import CreateSubscription, SubscriptionCommand

__all__ = ["carry_out", "decide"]


def decide(
    customer: CustomerView, command: SubscriptionCommand | BundleCommand | ProvisioningCommand, context: Context
) -> Decision:
    """Judge one command about a subscription."""
    if isinstance(command, CreateSubscription):
        return decide_create(customer, command, context)
    return decide_action(customer, command, context)
