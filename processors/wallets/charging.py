"""What activating services costs: nothing is ever half paid, and a shortfall is told per service (WAL-2 to WAL-8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from processors.context import Context
from processors.wallets.amounts import ZERO, in_scale, minus, plus, scale_of, total
from processors.wallets.prices import Priced, activation_prices
from schemas.fields import Event
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import Subscription, SubscriptionService
from schemas.wallets import CreditKind, DebitKind, Wallet, WalletCreated, WalletCredited, WalletDebited

if TYPE_CHECKING:
    from processors.acting import Action
    from processors.view.customer import CustomerView

PRICE_MISSING, NOT_IN_SALE = "PRICE_MISSING", "NOT_IN_SALE"


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a shortfall: what of a service's price the balance covers (WAL-20). Amounts are text in scale."""

    service_id: str
    product: str
    price: str
    covered: str
    shortfall: str


def opened(subscription_id: str, wallet_id: str, currency: str, context: Context) -> WalletCreated:
    """The wallet of a new prepaid subscription, in its account's currency: empty, without an entry (WAL-1)."""
    nothing = in_scale(ZERO, scale_of(currency, context.catalog))
    return WalletCreated(wallet_id=wallet_id, subscription_id=subscription_id, currency=currency, balance=nothing)


def charge(
    draft: CustomerView,
    subscription: Subscription,
    activated: Sequence[SubscriptionService],
    action: Action,
    context: Context,
) -> tuple[list[Violation], list[Event]]:
    """What the activated services cost: violations, or one debit per service (WAL-1 to WAL-7, WAL-10, WAL-20).

    `activated` are those that enter an on state from nothing, DRAFT or NOT_EFFECTIVE, not those that return or are
    restored (WAL-6). Where the action's money is not judged (`funds` is false) only "not in sale" counts, and nothing
    is debited. The draft is not changed: record the events.
    """
    wallet = _wallet(draft, subscription)
    in_order = sorted(activated, key=lambda service: service.number)
    currency = wallet.currency if wallet is not None and action.funds else None
    violations = [
        found
        for service in in_order
        if (found := _not_activatable(service, currency, action.effective_at, context)) is not None
    ]
    if violations or wallet is None or not action.funds:
        return violations, []

    priced = activation_prices(in_order, wallet.currency, context)
    needed = total(line.price for line in priced)
    if needed > wallet.balance:
        return [insufficient(wallet, needed, priced, "WAL-2", context)], []
    return [], list(_activations(wallet, priced, action))


def refund(
    draft: CustomerView,
    subscription: Subscription,
    removed: Sequence[SubscriptionService],
    action: Action,
    context: Context,
) -> list[Event]:
    """What removed components get back: what they were charged in the running billing period, if at all (WAL-8).

    Activations and the recurring price alike, as one credit per component; it names the latest of the entries that it
    pays back. The draft holds the action's debits already; it is not changed.
    """
    wallet = _wallet(draft, subscription)
    if wallet is None or not action.funds or not context.catalog.switches.wallet_refund_on_removal:
        return []
    account = draft.account(subscription.account_id)
    period = account.current_period if account else None
    if period is None:
        return []

    events: list[Event] = []
    scale = scale_of(wallet.currency, context.catalog)
    for service in sorted(removed, key=lambda service: service.number):
        paid = [charge for charge in draft.charges(service.service_id) if charge.day >= period.start]
        if paid:
            amount = in_scale(total(charge.amount for charge in paid), scale)
            credited = _refunded(wallet, service, paid[-1].entry_number, amount, action)
            events.append(credited)
            wallet = after(wallet, credited)
    return events


def insufficient(
    wallet: Wallet, needed: Decimal, priced: Iterable[Priced], rule: str, context: Context, path: str | None = None
) -> Violation:
    """INSUFFICIENT_FUNDS: what is lacking altogether, and of each service (WAL-20); also of covered and free ones."""
    scale = scale_of(wallet.currency, context.catalog)
    available = in_scale(wallet.balance, scale)
    return violation(
        Code.INSUFFICIENT_FUNDS,
        rule,
        path,
        wallet_id=wallet.wallet_id,
        currency=wallet.currency,
        needed=in_scale(needed, scale),
        available=available,
        shortfall=in_scale(minus(needed, available), scale),
        per_service=_lacking(priced, available, scale),
    )


def after(wallet: Wallet, entry: WalletDebited | WalletCredited) -> Wallet:
    """The wallet that the next entry of the same command is written in."""
    return msgspec.structs.replace(wallet, balance=entry.balance_after, entry_number=entry.entry_number)


def _wallet(view: CustomerView, subscription: Subscription) -> Wallet | None:
    """The wallet of a prepaid subscription; of a postpaid one none is ever read (WAL-10)."""
    if subscription.wallet_id is None:
        return None
    wallet = view.wallet(subscription.wallet_id)
    assert wallet is not None, f"prepaid subscription {subscription.subscription_id} has lost its wallet"
    return wallet


def _not_activatable(
    service: SubscriptionService, currency: str | None, at: datetime, context: Context
) -> Violation | None:
    """WAL-3; without a currency prices are not asked for."""
    product = context.catalog.product(service.product)
    if currency is not None and (product is None or product.price(currency) is None):
        why = PRICE_MISSING
    elif product is None or not product.in_force(at):
        why = NOT_IN_SALE
    else:
        return None
    return violation(
        Code.SERVICE_NOT_ACTIVATABLE,
        "WAL-3",
        service_id=service.service_id,
        product=service.product,
        why=why,
        currency=currency if why == PRICE_MISSING else None,
    )


def _activations(wallet: Wallet, priced: Iterable[Priced], action: Action) -> Iterable[Event]:
    """One entry per service, also where it costs nothing: the entry is the fact that it was charged (WAL-4)."""
    for line in priced:
        debited = WalletDebited(
            wallet_id=wallet.wallet_id,
            subscription_id=wallet.subscription_id,
            entry_number=wallet.entry_number + 1,
            amount=line.price,
            currency=wallet.currency,
            balance_before=wallet.balance,
            balance_after=minus(wallet.balance, line.price),
            kind=DebitKind.ACTIVATION,
            service_id=line.service_id,
            product=line.product,
            effective_at=action.effective_at,
            action_id=action.action_id,
        )
        yield debited
        wallet = after(wallet, debited)


def _refunded(
    wallet: Wallet, service: SubscriptionService, entry_number: int, amount: Decimal, action: Action
) -> WalletCredited:
    return WalletCredited(
        wallet_id=wallet.wallet_id,
        subscription_id=wallet.subscription_id,
        entry_number=wallet.entry_number + 1,
        amount=amount,
        currency=wallet.currency,
        balance_before=wallet.balance,
        balance_after=plus(wallet.balance, amount),
        kind=CreditKind.REMOVAL_REFUND,
        service_id=service.service_id,
        refunds_entry_number=entry_number,
        effective_at=action.effective_at,
    )


def _lacking(priced: Iterable[Priced], left: Decimal, scale: int) -> list[Lacking]:
    lines = []
    for line in priced:
        covered = in_scale(min(line.price, left), scale)
        left = minus(left, covered)
        lines.append(
            Lacking(
                service_id=line.service_id,
                product=line.product,
                price=format(line.price, "f"),
                covered=format(covered, "f"),
                shortfall=format(minus(line.price, covered), "f"),
            )
        )
    return lines
