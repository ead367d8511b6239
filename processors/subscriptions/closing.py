"""The end of an account's subscriptions together with the account (SUB-9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from processors.acting import Action
from processors.context import Context
from processors.subscriptions.effects import own_effect
from processors.subscriptions.opening import last_fact
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.subscriptions import ChangeSubscriptionState, ServiceCause, SubscriptionAction


def cancel_all(customer: CustomerView, account_id: str, since: datetime, context: Context) -> Iterator[Event]:
    """CANCEL every live subscription of an account, by id; what waits on them goes with the account as its cause.

    `since`: when the account's state changed; no subscription ends before its own last fact.
    """
    for subscription in customer.subscriptions_of(account_id):
        services = customer.live_services(subscription.subscription_id)
        facts = (last_fact(subscription.history), *(last_fact(service.history) for service in services))
        command = ChangeSubscriptionState(
            subscription_id=subscription.subscription_id, action=SubscriptionAction.CANCEL
        )
        action = Action.asked(command, subscription.subscription_id, max(since, *facts), context, ServiceCause.ACCOUNT)
        effect = own_effect(customer, (action,), context)
        assert not effect.violations, f"nothing stands against the end of a subscription: {effect.violations}"
        yield from effect.events
