"""The keys of the catalog file, and what each may hold.

Defaults here say only what may be left out: a key that is absent stays absent, and `schemas.catalog` alone says what
that means.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from schemas.accounts import AccountState
from schemas.catalog import Classification, Composition, CyclePeriod, DependencyScope, PaymentReversal, SwapClass

PRICE_LIMIT = Decimal(10) ** 12
"""No price reaches this; sums of many stay within the amounts of the contracts."""

PRICE_DECIMALS = 6
"""As many as the widest currency scale."""


def _price(value: object) -> Decimal:
    """Read a price exactly: 5.1 means what is written, not its nearest binary fraction."""
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        try:
            amount = Decimal(repr(value) if isinstance(value, float) else value)
        except InvalidOperation:
            amount = Decimal("NaN")
        if amount.is_finite() and 0 <= amount < PRICE_LIMIT and amount == round(amount, PRICE_DECIMALS):
            return amount
    raise PydanticCustomError("price", 'expected an amount of 0 or more, such as "5.00"')


def _day_or_moment(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _moment(value: object, info: ValidationInfo) -> datetime | None:
    """Read a moment. A bare date means the first instant of that day in the catalog's time zone, given as context."""
    zone: ZoneInfo = (info.context or {})["zone"]
    try:
        read = _day_or_moment(value) if isinstance(value, str) else value
    except ValueError:
        read = value
    match read:
        case None:
            return None
        case datetime(tzinfo=None):
            raise PydanticCustomError("moment", "expected an offset from UTC, as in 2026-01-01T00:00:00+01:00")
        case datetime():
            return read.astimezone(UTC)
        case date():
            return datetime.combine(read, time(), tzinfo=zone).astimezone(UTC)
        case _:
            raise PydanticCustomError("moment", "expected a date, or a moment such as 2026-01-01T00:00:00+01:00")


def _day(value: object) -> object:
    """Read a date that stands in quotes."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise PydanticCustomError("day", "expected a date such as 2000-01-01") from None


def _time_zone(value: object) -> object:
    try:
        return value if not isinstance(value, str) else ZoneInfo(value).key
    except (KeyError, ValueError, OSError):
        raise PydanticCustomError("time_zone", "expected an IANA time zone such as Europe/Stockholm") from None


LAX = Field(strict=False)
"""Files hold an enum's text, never its members."""

Code = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Limit = Annotated[int, Field(ge=1)]
DayOfMonth = Annotated[int, Field(ge=1, le=31)]
Month = Annotated[int, Field(ge=1, le=12)]
Year = Annotated[int, Field(ge=2000, le=2100)]
Amount = Annotated[Decimal, BeforeValidator(_price)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class Written(BaseModel):
    """A mapping of the file: unknown keys are refused, and nothing is converted in silence."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class WrittenCurrency(Written):
    """`currencies`."""

    code: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    scale: Annotated[int, Field(ge=0, le=PRICE_DECIMALS)] = 2


class WrittenSetting(Written):
    """`bill_cycle` of a profile."""

    code: Code
    billing_day: DayOfMonth | None = None
    billing_month: Month | None = None
    billing_year: Year | None = None


class WrittenProfile(Written):
    """`account_profiles`."""

    profile: Code
    type: Code | None = None
    segment: Code | None = None
    bill_cycle: WrittenSetting | None = None
    currency: Code | None = None
    state: Annotated[AccountState | None, LAX] = None
    reason: Code | None = None
    payment_responsible: bool | None = None


class WrittenBillCycle(Written):
    """`bill_cycles`."""

    code: Code
    name: str | None = None
    period: Annotated[CyclePeriod, LAX]
    every: Limit = 1
    billing_day: DayOfMonth | None = None
    billing_month: Month | None = None
    individual: bool = False
    anchor_date: Annotated[date, BeforeValidator(_day)] = date(2000, 1, 1)


class WrittenDefaultBillCycle(Written):
    """`default_bill_cycles`."""

    type: Code | None = None
    segment: Code | None = None
    from_day: DayOfMonth | None = None
    to_day: DayOfMonth | None = None
    bill_cycle: Code


class WrittenPrice(Written):
    """One currency of a product's `prices`."""

    activation: Amount
    recurring: Annotated[Decimal | None, BeforeValidator(lambda value: None if value is None else _price(value))] = None


class WrittenSelector(Written):
    """Products by one of code, type and family."""

    product: Code | None = None
    product_type: Code | None = None
    family: Code | None = None


class WrittenRow(WrittenSelector):
    """`rows` of a bundle. The numbers are judged by PBD-4 and PBD-6."""

    row_id: Code
    is_mandatory: bool | None = None
    quantity: int | None = None
    minimum_quantity: int | None = None
    maximum_quantity: int | None = None
    valid_from: Moment = None
    valid_to: Moment = None


class WrittenProduct(Written):
    """`products`."""

    product: Code
    name: str | None = None
    classification: Annotated[Classification, LAX]
    composition: Annotated[Composition, LAX]
    product_type: Code | None = None
    family: Code | None = None
    tier: int = 0
    provider: Code | None = None
    traceable: bool = False
    valid_from: Moment = None
    valid_to: Moment = None
    prices: dict[str, WrittenPrice] = {}
    rows: list[WrittenRow] = []


class WrittenDependency(Written):
    """`dependencies`."""

    dependent: WrittenSelector
    needs_any_of: Annotated[list[WrittenSelector], Field(min_length=1)]
    scope: Annotated[DependencyScope, LAX]


class WrittenSwap(Written):
    """`swap` of a definition."""

    mandatory: Annotated[list[Annotated[SwapClass, LAX]], Field(alias="MANDATORY")] = list(SwapClass)
    optional: Annotated[list[Annotated[SwapClass, LAX]], Field(alias="OPTIONAL")] = list(SwapClass)


class WrittenDefinition(Written):
    """`subscription_definitions`."""

    definition: Code
    subscription_type: Code
    valid_from: Moment = None
    valid_to: Moment = None
    max_subscriptions_per_account: Count | None = None
    max_services: Count | None = None
    allowed_products: list[Code] | None = None
    mandatory_types: list[Code] = []
    swap: WrittenSwap = WrittenSwap()
    regret_days: Count = 14


class WrittenSubActionType(Written):
    """`sub_types` of an action type."""

    code: Code
    classification: Code


class WrittenActionType(Written):
    """`action_types`."""

    code: Code
    behaviour: Code
    sub_types: list[WrittenSubActionType] = []


class WrittenProvider(Written):
    """`providers`."""

    provider: Code
    max_services: Count | None = None
    allowed_product_types: list[Code] | None = None
    item_required: bool = False


class WrittenBillingSystem(Written):
    """`billing_systems`."""

    billing_system: Code
    price_list: Code | None = None


class WrittenSwitches(Written):
    """`switches`."""

    account_depth_max: Limit = 16
    accounts_max: Limit = 20_000
    state_backdate_days: Count = 0
    erase_active: bool = False
    plan_horizon_days: Count = 1_100
    short_period_min_days: Count = 0
    amend_before_scheduled_removal: bool = False
    rated_in_advance: bool = False
    wallet_refund_on_removal: bool = False
    require_provisioning_before_billing: bool = False
    legal_hierarchy_sync: bool = False
    corporate_account_type: Code | None = None
    split_payer: bool = True
    agent_assisted_billing_care: bool = False
    default_billing_system: Code | None = None
    payment_before_billing: bool = True
    payment_reversal: Annotated[PaymentReversal, LAX] = PaymentReversal.REFUND
    strict_vendor_behaviour: bool = False


class WrittenCatalog(Written):
    """The whole mapping."""

    catalog: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    effective_from: Moment = None
    time_zone: Annotated[str, BeforeValidator(_time_zone)] = "UTC"
    currencies: list[WrittenCurrency] = []
    account_types: list[Code] = []
    segments: list[Code] = []
    state_reasons: dict[Annotated[AccountState, LAX], list[Code]] = {}
    account_profiles: list[WrittenProfile] = []
    bill_cycles: list[WrittenBillCycle] = []
    default_bill_cycles: list[WrittenDefaultBillCycle] = []
    products: list[WrittenProduct] = []
    dependencies: list[WrittenDependency] = []
    subscription_definitions: list[WrittenDefinition] = []
    action_types: list[WrittenActionType] = []
    providers: list[WrittenProvider] = []
    adjustment_reasons: list[Code] = []
    billing_systems: list[WrittenBillingSystem] = []
    switches: WrittenSwitches = WrittenSwitches()
