"""The difference that an action would make, with its cost (ABS-30)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import TypeVar

from processors.acting import LIVE, Action
from processors.context import Context
from processors.view.customer import CustomerView
from processors.wallets.prices import activation_prices, recurring_price
from schemas.fields import Event
from schemas.previews import (
    Preview,
    PreviewedCost,
    PreviewedDistributors,
    PreviewedRow,
    PreviewedService,
    PreviewedState,
    PreviewedWallet,
    ServiceCost,
)
from schemas.provisioning import ProvisioningDistributorCreated, ProvisioningDistributorRemoved
from schemas.schedule import ScheduledActionCancelled
from schemas.subscriptions import SubscriptionService, SubscriptionServiceAdded, SubscriptionServiceStateChanged

Part = TypeVar("Part")


def preview(
    before: CustomerView,
    after: CustomerView,
    action: Action,
    context: Context,
    events: Sequence[Event],
    activated: Sequence[SubscriptionService],
    composition: tuple[PreviewedRow, ...],
) -> Preview:
    """Say what an action would do, as far as it can be computed."""
    added = [event for event in events if isinstance(event, SubscriptionServiceAdded)]
    changed = [event for event in events if isinstance(event, SubscriptionServiceStateChanged)]
    removed = [event for event in changed if event.new_state not in LIVE]
    currency = _currency(after, action)
    priced = [] if currency is None else activation_prices(activated, currency, context)
    total = sum((line.price for line in priced), Decimal(0))
    return Preview(
        effective_at=action.effective_at,
        added=tuple(_service(event) for event in added),
        removed=tuple(_service(event) for event in removed),
        states=(
            *(PreviewedState(service_id=one.service_id, from_=one.old_state, to=one.new_state) for one in changed),
            *(PreviewedState(service_id=event.service_id, to=event.state) for event in added),
        ),
        composition=composition,
        cost=None
        if currency is None
        else PreviewedCost(
            currency=currency,
            total=total,
            per_service=tuple(
                ServiceCost(service_id=line.service_id, product=line.product, price=line.price) for line in priced
            ),
        ),
        recurring_change=None
        if currency is None
        else _recurring(added, currency, context) - _recurring(removed, currency, context),
        wallet=_wallet(before, after, action, total),
        distributors=PreviewedDistributors(
            created=tuple(e.distributor_id for e in events if isinstance(e, ProvisioningDistributorCreated)),
            removed=tuple(e.distributor_id for e in events if isinstance(e, ProvisioningDistributorRemoved)),
        ),
        cancelled_actions=tuple(e.action_id for e in events if isinstance(e, ScheduledActionCancelled)),
    )


def joined(effective_at: datetime, previews: Sequence[Preview]) -> Preview:
    """What an update of several subscriptions would do (BSU-22). Sums are told where all are in one currency.

    Of several wallets none is told: each would need a name beside its balances.
    """
    costs = [each.cost for each in previews if each.cost is not None]
    one_currency = len({cost.currency for cost in costs}) == 1
    changes = [each.recurring_change for each in previews if each.recurring_change is not None]
    kept = [each.wallet for each in previews if each.wallet is not None]
    moved = [each.distributors for each in previews if each.distributors is not None]
    return Preview(
        effective_at=effective_at,
        added=_all(each.added for each in previews),
        removed=_all(each.removed for each in previews),
        states=_all(each.states for each in previews),
        composition=_all(each.composition for each in previews),
        cost=PreviewedCost(
            currency=costs[0].currency,
            total=sum((cost.total for cost in costs), Decimal(0)),
            per_service=_all(cost.per_service for cost in costs),
        )
        if one_currency
        else None,
        recurring_change=sum(changes, Decimal(0)) if one_currency else None,
        wallet=kept[0] if len(kept) == 1 else None,
        distributors=PreviewedDistributors(
            created=_all(each.created for each in moved), removed=_all(each.removed for each in moved)
        ),
        cancelled_actions=_all(each.cancelled_actions for each in previews),
    )


def _all(parts: Iterable[tuple[Part, ...]]) -> tuple[Part, ...]:
    return tuple(chain.from_iterable(parts))


def _service(event: SubscriptionServiceAdded | SubscriptionServiceStateChanged) -> PreviewedService:
    return PreviewedService(
        service_id=event.service_id, product=event.product, bundle_service_id=event.bundle_service_id
    )


def _currency(view: CustomerView, action: Action) -> str | None:
    """The currency of the account, which is that of a wallet too (WAL-1)."""
    subscription = view.subscription(action.subscription_id)
    account = None if subscription is None else view.account(subscription.account_id)
    return None if account is None else account.currency


def _recurring(
    events: Iterable[SubscriptionServiceAdded | SubscriptionServiceStateChanged], currency: str, context: Context
) -> Decimal:
    prices = (recurring_price(event.product, currency, context) for event in events)
    return sum((price for price in prices if price is not None), Decimal(0))


def _wallet(before: CustomerView, after: CustomerView, action: Action, total: Decimal) -> PreviewedWallet | None:
    """Balances of today: also of an action that is to run later, and of one that cannot be paid."""
    subscription = after.subscription(action.subscription_id)
    if subscription is None or subscription.wallet_id is None:
        return None
    wallet, moved = before.wallet(subscription.wallet_id), after.wallet(subscription.wallet_id)
    balance = Decimal(0) if wallet is None else wallet.balance
    entries = 0 if wallet is None else wallet.entry_number
    if moved is not None and moved.entry_number > entries:
        return PreviewedWallet(balance_before=balance, balance_after=moved.balance)
    return PreviewedWallet(balance_before=balance, balance_after=balance - total)
