"""A prepaid subscription in memory: facts are given as events, functions of the domain are asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from processors.acting import Action
from processors.context import Context
from processors.decision import Decision, Refused
from processors.decisions import decide
from processors.view.customer import CustomerView, Stored
from processors.view.draft import Draft
from schemas.accounts import Account, AccountCreated, AccountState
from schemas.actions import ActionCommand, ServiceState, StatePoint
from schemas.bill_cycles import BillCycleSetting, BillingPeriodStarted, PeriodKind
from schemas.catalog import (
    Catalog,
    Classification,
    Composition,
    Currency,
    Price,
    Product,
    ProviderRules,
    Switches,
)
from schemas.customers import CustomerRegistered
from schemas.fields import Event
from schemas.subscriptions import (
    ServiceCause,
    Subscription,
    SubscriptionCreated,
    SubscriptionKind,
    SubscriptionService,
    SubscriptionServiceAdded,
)
from schemas.wallets import CreditKind, Wallet, WalletCreated, WalletCredited
from schemas.words import AskedCommand
from streams.stories.pure import KeptRows

CUSTOMER, ACCOUNT, SUBSCRIPTION, WALLET = "nordlys", "a-1", "u-1", "w-1"
BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
PERIOD = date(2026, 5, 1)


def product(
    code: str,
    activation: str | None,
    recurring: str | None = None,
    provider: str | None = None,
    product_type: str = "LINE",
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Product:
    """A product; without an activation price it has no price at all. Prices have nine decimals, as from contracts."""
    price = (
        ()
        if activation is None
        else (
            Price(
                currency="EUR",
                activation=Decimal(activation).quantize(Decimal("1e-9")),
                recurring=None if recurring is None else Decimal(recurring).quantize(Decimal("1e-9")),
            ),
        )
    )
    return Product(
        product=code,
        classification=Classification.TERMED,
        composition=Composition.FLAT,
        product_type=product_type,
        prices=price,
        provider=provider,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def catalog(*products: Product, refunds: bool = False, providers: tuple[ProviderRules, ...] = ()) -> Catalog:
    return Catalog(
        name="test",
        version=1,
        currencies=(Currency(code="EUR"), Currency(code="JPY", scale=0)),
        products=products,
        providers=providers,
        adjustment_reasons=("GOODWILL",),
        switches=Switches(wallet_refund_on_removal=refunds),
    )


class Prepaid:
    """One customer with one account and one subscription."""

    def __init__(
        self,
        catalog: Catalog,
        balance: str | None = "0.00",
        currency: str = "EUR",
        state: ServiceState = ServiceState.EFFECTIVE,
    ) -> None:
        """Without a balance the subscription is postpaid."""
        self.catalog, self.at = catalog, BEGIN
        self.view = Draft(Stored(CUSTOMER, KeptRows()))
        self.asked = 0
        self.given(
            CustomerRegistered(customer_id=CUSTOMER, time_zone=BERLIN.key),
            AccountCreated(
                account_id=ACCOUNT,
                customer_id=CUSTOMER,
                type="RESIDENTIAL",
                roles=(),
                bill_cycle=BillCycleSetting(code="MONTHLY_1"),
                bill_cycle_valid_from=PERIOD,
                currency=currency,
                state=AccountState.ACTIVE,
                reason="NEW",
                state_valid_from=BEGIN,
                payment_responsible=True,
                test_account=False,
            ),
            BillingPeriodStarted(
                account_id=ACCOUNT,
                number=1,
                start=PERIOD,
                end=date(2026, 6, 1),
                kind=PeriodKind.REGULAR,
                bill_cycle="MONTHLY_1",
                days=31,
                of_days=31,
            ),
            SubscriptionCreated(
                subscription_id=SUBSCRIPTION,
                account_id=ACCOUNT,
                kind=SubscriptionKind.POSTPAID if balance is None else SubscriptionKind.PREPAID,
                subscription_type="DEFAULT",
                definition="default-1",
                state=state,
                effective_at=BEGIN,
                wallet_id=None if balance is None else WALLET,
                performed_by="ada",
            ),
        )
        if balance is not None:
            self.given(
                WalletCreated(
                    wallet_id=WALLET, subscription_id=SUBSCRIPTION, currency=currency, balance=Decimal("0.00")
                )
            )
            if Decimal(balance):
                self.given(self.credit(balance))

    def given(self, *events: Event) -> None:
        for event in events:
            self.view.record(event)

    def credit(self, amount: str) -> WalletCredited:
        wallet = self.wallet()
        return WalletCredited(
            wallet_id=WALLET,
            subscription_id=SUBSCRIPTION,
            entry_number=wallet.entry_number + 1,
            amount=Decimal(amount),
            currency=wallet.currency,
            balance_before=wallet.balance,
            balance_after=wallet.balance + Decimal(amount),
            kind=CreditKind.TOP_UP,
            effective_at=self.at,
        )

    def add(
        self,
        service_id: str,
        product: str,
        state: ServiceState = ServiceState.EFFECTIVE,
        bundle: str | None = None,
        cause: ServiceCause = ServiceCause.COMMAND,
        view: CustomerView | None = None,
    ) -> SubscriptionService:
        """One more service, by its own event alone: neither charged nor distributed."""
        view = view or self.view
        sold = self.catalog.product(product)
        added = SubscriptionServiceAdded(
            subscription_id=SUBSCRIPTION,
            service_id=service_id,
            number=view.numbers(SUBSCRIPTION).service + 1,
            product=product,
            product_type=sold.product_type if sold else None,
            composition=Composition.FLAT,
            bundle_service_id=bundle,
            state=state,
            history=(StatePoint(from_=self.at, state=state, cause=cause),),
            added_at=self.at,
            provider=sold.provider if sold else None,
        )
        service = view.record(added)
        assert isinstance(service, SubscriptionService)
        return service

    def action(self, *, funds: bool = True, at: datetime | None = None) -> Action:
        self.asked += 1
        return Action(
            command=ActionCommand(subscription_id=SUBSCRIPTION),
            subscription_id=SUBSCRIPTION,
            effective_at=at or self.at,
            command_id=f"c-{self.asked}",
            performed_by="ada",
            funds=funds,
        )

    def context(self) -> Context:
        return Context(
            at=self.at,
            command_id=f"c-{self.asked}",
            customer_id=CUSTOMER,
            catalog=self.catalog,
            zone=BERLIN,
            source="crm",
            performed_by="ada",
        )

    def ask(self, command: AskedCommand) -> Decision:
        """Decide one command; if it is accepted, it happens."""
        self.asked += 1
        decision = decide(self.view, command, self.context())
        if isinstance(decision, tuple):
            self.given(*decision)
        return decision

    def subscription(self) -> Subscription:
        found = self.view.subscription(SUBSCRIPTION)
        assert found is not None
        return found

    def service(self, service_id: str) -> SubscriptionService:
        found = self.view.service(service_id)
        assert found is not None
        return found

    def wallet(self) -> Wallet:
        found = self.view.wallet(WALLET)
        assert found is not None
        return found

    def account(self) -> Account:
        found = self.view.account(ACCOUNT)
        assert found is not None
        return found


def names(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def codes(decision: Decision) -> list[str]:
    assert isinstance(decision, Refused), decision
    return [found.code for found in decision.violations]
