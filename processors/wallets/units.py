"""What prepaid services cost from period to period, unit by unit: a top-level service with its components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from processors.acting import author
from processors.context import Context
from processors.provisioning import requests
from processors.schedule import submission
from processors.view.customer import CustomerView
from processors.wallets.amounts import minus, total
from processors.wallets.prices import recurring_price
from schemas.accounts import AccountState
from schemas.actions import ServiceState, StatePoint
from schemas.fields import Event
from schemas.subscriptions import (
    ServiceCause,
    Subscription,
    SubscriptionService,
    SubscriptionServiceStateChanged,
    SubscriptionStateChanged,
)
from schemas.wallets import DebitKind, Wallet, WalletDebited


class Unit(msgspec.Struct, frozen=True):
    """A top-level service and the components that share its fate."""

    service: SubscriptionService
    components: tuple[SubscriptionService, ...]

    def all(self) -> tuple[SubscriptionService, ...]:
        """The service, then its components by number."""
        return (self.service, *self.components)


def period_started(view: CustomerView, account_id: str, period_start: date, context: Context) -> list[Event]:
    """What the start of an account's billing period takes from its wallets (WAL-11).

    Each EFFECTIVE unit is paid in full or goes NOT_EFFECTIVE; the next one is tried. Dependencies are not judged.
    """
    events: list[Event] = []
    for subscription in view.subscriptions_of(account_id):
        if subscription.wallet_id is not None:
            events += _paid_or_stopped(view, subscription, period_start, context)
    return events


def funded(view: CustomerView, wallet_id: str, context: Context) -> list[Event]:
    """What starts again because there is money again (WAL-12). `view` holds the new balance.

    Units that stopped for want of it, by number; one that costs too much is skipped, not waited for.
    """
    wallet = view.wallet(wallet_id)
    assert wallet is not None
    subscription = view.subscription(wallet.subscription_id)
    assert subscription is not None
    account = view.account(subscription.account_id)
    if account is None or account.state is not AccountState.ACTIVE:
        return []
    if subscription.state not in (ServiceState.EFFECTIVE, ServiceState.NOT_EFFECTIVE):
        return []

    period_start = account.current_period.start if account.current_period else None
    walk = _Walk(view, subscription, ServiceCause.WALLET_FUNDED, context)
    for unit in _units(view, subscription, ServiceState.NOT_EFFECTIVE):
        facts = [point for point in unit.service.history if not point.planned]
        if _stopped_by(facts) == ServiceCause.WALLET_SHORT and walk.pay(unit, period_start):
            walk.turn(unit, ServiceState.EFFECTIVE)
    return walk.end()


def _stopped_by(facts: Sequence[StatePoint]) -> str | None:
    """Why a service is NOT_EFFECTIVE: what comes back from a rest is in the state that it had before (SST-3)."""
    match facts:
        case [*earlier, StatePoint(state=ServiceState.NOT_EFFECTIVE) as before, rest, _] if (
            rest.state is ServiceState.IN_RESTING
        ):
            return _stopped_by([*earlier, before])
        case _:
            return facts[-1].cause


def _paid_or_stopped(
    view: CustomerView, subscription: Subscription, period_start: date, context: Context
) -> list[Event]:
    walk = _Walk(view, subscription, ServiceCause.WALLET_SHORT, context)
    for unit in _units(view, subscription, ServiceState.EFFECTIVE):
        if not walk.pay(unit, period_start):
            walk.turn(unit, ServiceState.NOT_EFFECTIVE)
    return walk.end()


def _units(view: CustomerView, subscription: Subscription, state: ServiceState) -> Iterator[Unit]:
    """Units in a state, by number. Components are in the state of their bundle (ABS-24)."""
    services = view.live_services(subscription.subscription_id)
    components: dict[str, list[SubscriptionService]] = {}
    for service in services:
        if service.bundle_service_id is not None and service.state is state:
            components.setdefault(service.bundle_service_id, []).append(service)
    for service in services:
        if service.bundle_service_id is None and service.state is state:
            yield Unit(service, tuple(components.get(service.service_id, ())))


class _Walk:
    """One subscription's units, one after the other; each sees the balance that the one before left."""

    def __init__(self, view: CustomerView, subscription: Subscription, cause: ServiceCause, context: Context) -> None:
        self.before, self.subscription, self.cause, self.context = view, subscription, cause, context
        self.trial = view.draft()
        self.events: list[Event] = []
        assert subscription.wallet_id is not None
        self.wallet_id = subscription.wallet_id

    def pay(self, unit: Unit, period_start: date | None) -> bool:
        """Debit a unit's recurring prices, one entry per priced service, if the balance covers all of them."""
        wallet = self._wallet()
        priced = [
            (service, price)
            for service in unit.all()
            if (price := recurring_price(service.product, wallet.currency, self.context)) is not None
        ]
        if total(price for _, price in priced) > wallet.balance:
            return False

        for service, price in priced:
            self._record(self._debited(service, price, period_start))
        return True

    def turn(self, unit: Unit, state: ServiceState) -> None:
        """Change a unit's state; components follow their bundle (ABS-24)."""
        for service in unit.all():
            self._record(
                SubscriptionServiceStateChanged(
                    subscription_id=service.subscription_id,
                    service_id=service.service_id,
                    product=service.product,
                    bundle_service_id=service.bundle_service_id,
                    old_state=service.state,
                    new_state=state,
                    effective_at=self.context.at,
                    cause=self.cause if service is unit.service else ServiceCause.BUNDLE,
                )
            )

    def end(self) -> list[Event]:
        """All events: the units' own, then what follows for subscription, networks, pending actions and plans."""
        turned = [event.service_id for event in self.events if isinstance(event, SubscriptionServiceStateChanged)]
        if turned:
            self._subscription_follows()
            for event in requests.requests(self.before, self.trial, turned, self.context):
                self._record(event)
            self.events += submission.follow_up(
                self.before, self.trial, self.subscription.subscription_id, self.context
            )
        return self.events

    def _subscription_follows(self) -> None:
        """SST-2: EFFECTIVE as long as one service is."""
        if self.subscription.state not in (ServiceState.EFFECTIVE, ServiceState.NOT_EFFECTIVE):
            return
        tallies = self.trial.tallies(self.subscription.subscription_id)
        on = any(tally.effective for tally in tallies.values())
        state = ServiceState.EFFECTIVE if on else ServiceState.NOT_EFFECTIVE
        if state is not self.subscription.state:
            self._record(
                SubscriptionStateChanged(
                    subscription_id=self.subscription.subscription_id,
                    action="START" if on else "STOP",
                    old_state=self.subscription.state,
                    new_state=state,
                    effective_at=self.context.at,
                    cause=self.cause,
                    performed_by=author(self.context),
                )
            )

    def _debited(self, service: SubscriptionService, price: Decimal, period_start: date | None) -> WalletDebited:
        wallet = self._wallet()
        return WalletDebited(
            wallet_id=wallet.wallet_id,
            subscription_id=wallet.subscription_id,
            entry_number=wallet.entry_number + 1,
            amount=price,
            currency=wallet.currency,
            balance_before=wallet.balance,
            balance_after=minus(wallet.balance, price),
            kind=DebitKind.RECURRING,
            service_id=service.service_id,
            product=service.product,
            effective_at=self.context.at,
            period_start=period_start,
        )

    def _wallet(self) -> Wallet:
        wallet = self.trial.wallet(self.wallet_id)
        assert wallet is not None
        return wallet

    def _record(self, event: Event) -> None:
        self.trial.record(event)
        self.events.append(event)
