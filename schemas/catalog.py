"""The words of the catalog: the reference data that decisions need, as one numbered version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, TypeVar

from schemas.accounts import AccountState, AccountType, Reason, Segment
from schemas.bill_cycles import BillCycleSetting
from schemas.fields import BillCycleCode, CurrencyCode, TimeZoneName, Word, doc

BEGINNING_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Where versions without `effective_from` begin: no record of a log can be older."""


class CyclePeriod(StrEnum):
    """The unit of a bill cycle."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"


class Classification(StrEnum):
    """What a product is."""

    TERMED = "TERMED"
    PHYSICAL_GOOD = "PHYSICAL_GOOD"
    OTHER = "OTHER"


class Composition(StrEnum):
    """Whether a product holds others, and whether the customer chooses them."""

    FLAT = "FLAT"
    FIXED_BUNDLE = "FIXED_BUNDLE"
    FLEXIBLE_BUNDLE = "FLEXIBLE_BUNDLE"


class DependencyScope(StrEnum):
    """Where a needed service may be (ABS-6)."""

    SUBSCRIPTION = "SUBSCRIPTION"
    BUNDLE = "BUNDLE"


class SwapClass(StrEnum):
    """What a swap is, by the tiers of its two products (SWP-1)."""

    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    SWITCH = "SWITCH"


class PaymentReversal(StrEnum):
    """What a reversed payment asks for."""

    REFUND = "REFUND"
    CREDIT = "CREDIT"


ProductCode = Annotated[str, doc("Code of a product of the catalog")]
ProductType = Annotated[str, doc("Type of a product, for instance LINE")]
ProductFamily = Annotated[str, doc("Family of a product, for instance VOICE")]
ProviderCode = Annotated[str, doc("Code of a provider of networks")]


class Currency(Word, frozen=True, kw_only=True):
    """A currency that accounts and prices may have."""

    code: CurrencyCode
    scale: Annotated[int, doc("Digits after the decimal point")] = 2


class StateReasons(Word, frozen=True, kw_only=True):
    """The reasons of one account state (ACC-7)."""

    state: Annotated[AccountState, doc("State of an account")]
    reasons: Annotated[tuple[Reason, ...], doc("Reasons of that state; the first is its default")] = ()


class AccountProfile(Word, frozen=True, kw_only=True):
    """Defaults for new accounts; what the command gives wins (ACC-2)."""

    profile: Annotated[str, doc("Code of the profile")]
    type: AccountType | None = None
    segment: Segment | None = None
    bill_cycle: Annotated[BillCycleSetting | None, doc("Cycle, with the account's own days if it is individual")] = None
    currency: CurrencyCode | None = None
    state: Annotated[AccountState | None, doc("State that a new account asks for")] = None
    reason: Reason | None = None
    payment_responsible: Annotated[bool | None, doc("Whether the account is a payer")] = None


class BillCycleDefinition(Word, frozen=True, kw_only=True):
    """When periods of a cycle begin. A published definition never changes."""

    code: BillCycleCode
    name: Annotated[str | None, doc("Name for people")] = None
    period: Annotated[CyclePeriod, doc("Unit of the cycle")]
    every: Annotated[int, doc("Units per period, at least 1")] = 1
    billing_day: Annotated[int | None, doc("WEEK: 1 (Monday) to 7; MONTH and YEAR: 1 to 31")] = None
    billing_month: Annotated[int | None, doc("YEAR: 1 to 12")] = None
    individual: Annotated[bool, doc("Day, month and year come from the account")] = False
    anchor_date: Annotated[date, doc("Fixes the phase where every is above 1")] = date(2000, 1, 1)


class DefaultBillCycle(Word, frozen=True, kw_only=True):
    """The cycle of new accounts that name none; the first matching row counts (ACC-16)."""

    type: AccountType | None = None
    segment: Segment | None = None
    from_day: Annotated[int | None, doc("First local day of the month on which it counts")] = None
    to_day: Annotated[int | None, doc("Last local day of the month on which it counts")] = None
    bill_cycle: BillCycleCode


class Price(Word, frozen=True, kw_only=True):
    """What a service of a product costs in one currency."""

    currency: CurrencyCode
    activation: Annotated[Decimal, doc("Charged when a service is activated, in the currency's scale")]
    recurring: Annotated[Decimal | None, doc("Charged per billing period; null is never")] = None


class Dated(Word, frozen=True, kw_only=True):
    """Anything that is in force for a time."""

    valid_from: Annotated[datetime | None, doc("First moment in force; null is always")] = None
    valid_to: Annotated[datetime | None, doc("First moment no longer in force; null is for ever")] = None

    def in_force(self, at: datetime) -> bool:
        """Whether `at` lies in `[valid_from, valid_to)`."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


class CompositionRow(Dated, frozen=True, kw_only=True):
    """What may or must be in a bundle. Null numbers were not given; the properties resolve them (PBD-5, PBD-6)."""

    row_id: Annotated[str, doc("Id of the row, unique in its bundle and never used again")]
    product: ProductCode | None = None
    product_type: ProductType | None = None
    family: ProductFamily | None = None
    is_mandatory: Annotated[bool | None, doc("FLEXIBLE_BUNDLE only; null is true")] = None
    quantity: Annotated[int | None, doc("FIXED_BUNDLE only; null is 1")] = None
    minimum_quantity: Annotated[int | None, doc("FLEXIBLE_BUNDLE, type or family; null is 0")] = None
    maximum_quantity: Annotated[int | None, doc("FLEXIBLE_BUNDLE, type or family; null is unlimited")] = None

    @property
    def mandatory(self) -> bool:
        """Mandatory unless the row says otherwise (PBD-5)."""
        return self.is_mandatory is not False

    @property
    def fixed_quantity(self) -> int:
        """Quantity in a fixed bundle (PBD-6)."""
        return 1 if self.quantity is None else self.quantity

    @property
    def minimum(self) -> int:
        """Least number in a flexible bundle (PBD-6)."""
        return 0 if self.minimum_quantity is None else self.minimum_quantity


class Product(Dated, frozen=True, kw_only=True):
    """Something that is sold; in sale while it is in force."""

    product: ProductCode
    name: Annotated[str | None, doc("Name for people")] = None
    classification: Annotated[Classification, doc("What it is")]
    composition: Annotated[Composition, doc("Whether it holds others")]
    product_type: ProductType | None = None
    family: ProductFamily | None = None
    tier: Annotated[int, doc("Rank by which a swap is an upgrade or a downgrade")] = 0
    provider: ProviderCode | None = None
    traceable: Annotated[bool, doc("Each piece of it has a serial number")] = False
    prices: Annotated[tuple[Price, ...], doc("One per currency")] = ()
    rows: Annotated[tuple[CompositionRow, ...], doc("Composition of a bundle")] = ()

    @property
    def is_service(self) -> bool:
        """Whether it can be a service of a subscription."""
        return self.classification is not Classification.PHYSICAL_GOOD and self.product_type != "PROMOTION"

    def price(self, currency: str) -> Price | None:
        """Price in a currency; null where it has none."""
        return next((price for price in self.prices if price.currency == currency), None)

    def rows_in_force(self, at: datetime) -> tuple[CompositionRow, ...]:
        """Rows that count at a moment, in catalog order."""
        return tuple(row for row in self.rows if row.in_force(at))


class Selector(Word, frozen=True, kw_only=True):
    """Products by exactly one of code, type and family."""

    product: ProductCode | None = None
    product_type: ProductType | None = None
    family: ProductFamily | None = None


def selects(selector: Selector | CompositionRow, product: Product) -> bool:
    """Whether a selector or a composition row names this product."""
    if selector.product is not None:
        return selector.product == product.product
    if selector.product_type is not None:
        return selector.product_type == product.product_type
    return selector.family is not None and selector.family == product.family


class Dependency(Word, frozen=True, kw_only=True):
    """A service that needs another one beside it (ABS-6)."""

    dependent: Annotated[Selector, doc("Services that need another")]
    needs_any_of: Annotated[tuple[Selector, ...], doc("One service of any of these is enough")]
    scope: Annotated[DependencyScope, doc("Where the needed service may be")]


class SwapClasses(Word, frozen=True, kw_only=True):
    """Which swaps are allowed (SWP-2)."""

    mandatory: Annotated[tuple[SwapClass, ...], doc("Of services of a mandatory type")] = tuple(SwapClass)
    optional: Annotated[tuple[SwapClass, ...], doc("Of all other services")] = tuple(SwapClass)


class SubscriptionDefinition(Dated, frozen=True, kw_only=True):
    """What subscriptions of a type may hold (DEF-1, DEF-2)."""

    definition: Annotated[str, doc("Code of the definition")]
    subscription_type: Annotated[str, doc("Type of subscription that it governs")]
    max_subscriptions_per_account: Annotated[int | None, doc("Live ones; null is no limit")] = None
    max_services: Annotated[int | None, doc("Live top-level services per subscription; null is no limit")] = None
    allowed_products: Annotated[tuple[ProductCode, ...] | None, doc("Null is every product")] = None
    mandatory_types: Annotated[tuple[ProductType, ...], doc("Types whose swaps follow the mandatory classes")] = ()
    swap: Annotated[SwapClasses, doc("Which swaps are allowed")] = SwapClasses()
    regret_days: Annotated[int, doc("Local days after the start within which it may be regretted")] = 14


class SubActionType(Word, frozen=True, kw_only=True):
    """A finer kind of action."""

    code: Annotated[str, doc("Code of the sub action type")]
    classification: Annotated[str, doc("Classification code of the actions that may carry it")]


class ActionType(Word, frozen=True, kw_only=True):
    """The caller's own kind of action (CLS-1)."""

    code: Annotated[str, doc("Code of the action type")]
    behaviour: Annotated[str, doc("Behaviour code of the actions that may carry it")]
    sub_types: Annotated[tuple[SubActionType, ...], doc("Finer kinds")] = ()


class ProviderRules(Word, frozen=True, kw_only=True):
    """What a distributor of a provider may hold (PRV-9)."""

    provider: ProviderCode
    max_services: Annotated[int | None, doc("Services per distributor; null is no limit")] = None
    allowed_product_types: Annotated[tuple[ProductType, ...] | None, doc("Null is every type")] = None
    item_required: Annotated[bool, doc("Services in an on state need an installed item beside them")] = False


class BillingSystem(Word, frozen=True, kw_only=True):
    """A system that bills (SYS-1)."""

    billing_system: Annotated[str, doc("Code of the billing system")]
    price_list: Annotated[str | None, doc("Its price list (CRE-8a)")] = None


class Switches(Word, frozen=True, kw_only=True):
    """What a deployment may decide for itself. The rule book writes `switch.<name>`."""

    account_depth_max: Annotated[int, doc("Accounts above one another, at most (ACC-13)")] = 16
    accounts_max: Annotated[int, doc("Accounts of a customer, at most (ACC-13)")] = 20_000
    state_backdate_days: Annotated[int, doc("How far back a state may begin (ACC-34)")] = 0
    erase_active: Annotated[bool, doc("Erase customers with live accounts (ACC-50)")] = False
    plan_horizon_days: Annotated[int, doc("How far ahead a cycle change may be planned (BCU-9)")] = 1_100
    short_period_min_days: Annotated[int, doc("Shorter first periods are merged with the next (PER-6)")] = 0
    amend_before_scheduled_removal: Annotated[bool, doc("Amend a bundle that is going to end (ABS-8)")] = False
    rated_in_advance: Annotated[bool, doc("Periods are rated before they run (SCH-9)")] = False
    wallet_refund_on_removal: Annotated[bool, doc("A removed component is paid back (WAL-8)")] = False
    require_provisioning_before_billing: Annotated[bool, doc("Bill only what the network confirmed (BSU-8)")] = False
    legal_hierarchy_sync: Annotated[bool, doc("Keep collections groups by owner account (LIN-4, LIN-5)")] = False
    corporate_account_type: Annotated[str | None, doc("Account type that brings its whole tree (CRP-1)")] = None
    split_payer: Annotated[bool, doc("Services of one account may have several payers (HIE-4, HIE-5, HIE-8)")] = True
    agent_assisted_billing_care: Annotated[bool, doc("One profile, one billing system (SYS-1)")] = False
    default_billing_system: Annotated[str | None, doc("Billing system of lines that name none (SYS-2)")] = None
    payment_before_billing: Annotated[bool, doc("Await an order's payment before billing it (PAY-4a)")] = True
    payment_reversal: Annotated[PaymentReversal, doc("What a reversal asks for (PAY-7)")] = PaymentReversal.REFUND
    strict_vendor_behaviour: Annotated[bool, doc("Do as the vendor does where ours differs (DEF-1 and rows V)")] = False


Entry = TypeVar("Entry", bound=Word)


def _by_code(entries: Iterable[Entry], field: str) -> dict[str, Entry]:
    return {getattr(entry, field): entry for entry in entries}


class Catalog(Word, frozen=True, kw_only=True, dict=True, gc=True):
    """One version of a catalog. Never changed once published; lists keep their published order.

    `dict=True` gives the lookups below a place to be kept once computed; they take no part in equality or contracts.
    What has such a place is looked at by the garbage collector.
    """

    name: Annotated[str, doc("Name of the catalog; a deployment decides with one")]
    version: Annotated[int, doc("1, 2, 3 ... per name")]
    effective_from: Annotated[datetime, doc("First moment at which it may be in force")] = BEGINNING_OF_TIME
    time_zone: Annotated[TimeZoneName, doc("Time zone of customers that name none")] = "UTC"
    currencies: Annotated[tuple[Currency, ...], doc("Configured currencies")] = ()
    account_types: Annotated[tuple[AccountType, ...], doc("Configured account types (ACC-3)")] = ()
    segments: Annotated[tuple[Segment, ...], doc("Configured segments (ACC-4)")] = ()
    state_reasons: Annotated[tuple[StateReasons, ...], doc("Configured reasons, state by state (ACC-7)")] = ()
    account_profiles: Annotated[tuple[AccountProfile, ...], doc("Defaults for new accounts (ACC-1, ACC-2)")] = ()
    bill_cycles: Annotated[tuple[BillCycleDefinition, ...], doc("Cycles on offer (BCU-4)")] = ()
    retired_bill_cycles: Annotated[
        tuple[BillCycleDefinition, ...],
        doc("Cycles that earlier versions offered: accounts on them go on with their last definition"),
    ] = ()
    default_bill_cycles: Annotated[tuple[DefaultBillCycle, ...], doc("Cycles of accounts that name none (ACC-16)")] = ()
    products: Annotated[tuple[Product, ...], doc("What is sold")] = ()
    dependencies: Annotated[tuple[Dependency, ...], doc("Services that need others (ABS-6)")] = ()
    subscription_definitions: Annotated[tuple[SubscriptionDefinition, ...], doc("What subscriptions may hold")] = ()
    action_types: Annotated[tuple[ActionType, ...], doc("The caller's kinds of action (CLS-1)")] = ()
    providers: Annotated[tuple[ProviderRules, ...], doc("What distributors may hold (PRV-9)")] = ()
    adjustment_reasons: Annotated[tuple[str, ...], doc("Reasons to adjust a wallet (WAL-15)")] = ()
    billing_systems: Annotated[tuple[BillingSystem, ...], doc("Systems that bill (CRE-8a, SYS-1)")] = ()
    switches: Annotated[Switches, doc("What this deployment decided for itself")] = Switches()

    @cached_property
    def _currencies(self) -> dict[str, Currency]:
        return _by_code(self.currencies, "code")

    @cached_property
    def _profiles(self) -> dict[str, AccountProfile]:
        return _by_code(self.account_profiles, "profile")

    @cached_property
    def _reasons(self) -> dict[AccountState, tuple[str, ...]]:
        return {entry.state: entry.reasons for entry in self.state_reasons}

    @cached_property
    def _offered(self) -> dict[str, BillCycleDefinition]:
        return _by_code(self.bill_cycles, "code")

    @cached_property
    def _definitions(self) -> dict[str, BillCycleDefinition]:
        return _by_code(self.retired_bill_cycles, "code") | self._offered

    @cached_property
    def _products(self) -> dict[str, Product]:
        return _by_code(self.products, "product")

    def currency(self, code: str) -> Currency | None:
        """Answer a configured currency."""
        return self._currencies.get(code)

    def profile(self, code: str) -> AccountProfile | None:
        """Answer a configured account profile."""
        return self._profiles.get(code)

    def reasons(self, state: AccountState) -> tuple[str, ...]:
        """Answer the reasons of a state, its default first; none are configured: empty."""
        return self._reasons.get(state, ())

    def bill_cycle(self, code: str) -> BillCycleDefinition | None:
        """Answer a cycle on offer in this version (BCU-4, BCX-3)."""
        return self._offered.get(code)

    def definition(self, code: str) -> BillCycleDefinition | None:
        """Answer a cycle's last definition, on offer or not: what accounts already on it go by."""
        return self._definitions.get(code)

    def product(self, code: str) -> Product | None:
        """Answer a product, in sale or not."""
        return self._products.get(code)

    def subscription_definition(self, subscription_type: str, at: datetime) -> SubscriptionDefinition | None:
        """Answer the definition of a subscription type in force at a moment (ABS-9)."""
        for entry in self.subscription_definitions:
            if entry.subscription_type == subscription_type and entry.in_force(at):
                return entry
        return None
