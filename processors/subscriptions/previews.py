"""The difference that an action would make, with its cost (ABS-30)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from processors import wallets
from processors.acting import LIVE, Action
from processors.context import Context
from processors.customer import CustomerView
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
    priced = [] if currency is None else wallets.activation_prices(activated, currency, context)
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
    prices = (wallets.recurring_price(event.product, currency, context) for event in events)
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
