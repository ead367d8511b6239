"""Subscriptions: what an account has taken out, and how its services change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.context import Context
from processors.decision import Decision

if TYPE_CHECKING:
    from processors.customer import CustomerView
    from schemas.bundles import BundleCommand
    from schemas.subscriptions import SubscriptionCommand


def decide(customer: CustomerView, command: SubscriptionCommand | BundleCommand, context: Context) -> Decision:
    """Judge one command about a subscription."""
    raise NotImplementedError
