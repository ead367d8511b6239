"""The words of wallets: what prepaid services are paid from."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from schemas.actions import ActionId, PerformedBy, Reference, ServiceId, SubscriptionId
from schemas.catalog import ProductCode
from schemas.fields import Command, CurrencyCode, Entity, Event, doc

WalletId = Annotated[str, doc("Id of the wallet, unique within the customer")]
EntryNumber = Annotated[int, doc("1, 2, 3 ... per wallet, without gaps")]


class DebitKind(StrEnum):
    """What was paid for."""

    ACTIVATION = "ACTIVATION"
    RECURRING = "RECURRING"


class CreditKind(StrEnum):
    """Where money came from."""

    TOP_UP = "TOP_UP"
    REMOVAL_REFUND = "REMOVAL_REFUND"


class TopUpWallet(Command, frozen=True, kw_only=True):
    """Put money into a wallet (WAL-12 .. WAL-16)."""

    wallet_id: WalletId
    amount: Annotated[Decimal, doc("More than 0, in the wallet's currency")]
    currency: CurrencyCode
    reference: Reference | None = None


class AdjustWallet(Command, frozen=True, kw_only=True):
    """Correct a wallet by hand (WAL-13, WAL-15, WAL-16)."""

    wallet_id: WalletId
    amount: Annotated[Decimal, doc("Signed, not 0, in the wallet's currency")]
    currency: CurrencyCode
    reason: Annotated[str, doc("An adjustment reason of the catalog")]


class Wallet(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """The money of one prepaid subscription."""

    identity: ClassVar = ("wallet", "wallet_id")

    wallet_id: WalletId
    subscription_id: SubscriptionId
    currency: CurrencyCode
    balance: Annotated[Decimal, doc("Credits and adjustments less debits, never below 0")]
    entry_number: Annotated[int, doc("Number of the last entry")] = 0


class WalletCreated(Event, frozen=True, kw_only=True):
    """A wallet exists, empty."""

    about: ClassVar = ("wallet", "wallet_id")

    wallet_id: WalletId
    subscription_id: SubscriptionId
    currency: CurrencyCode
    balance: Annotated[Decimal, doc("0")]


class WalletDebited(Event, frozen=True, kw_only=True):
    """Something was paid from a wallet, also where its price is 0."""

    about: ClassVar = ("wallet", "wallet_id")

    wallet_id: WalletId
    subscription_id: SubscriptionId
    entry_number: EntryNumber
    amount: Annotated[Decimal, doc("Positive, or 0")]
    currency: CurrencyCode
    balance_before: Annotated[Decimal, doc("Balance before")]
    balance_after: Annotated[Decimal, doc("Balance after")]
    kind: Annotated[DebitKind, doc("What was paid for")]
    service_id: ServiceId
    product: ProductCode
    effective_at: Annotated[datetime, doc("Since when")]
    action_id: ActionId | None = None
    period_start: Annotated[date | None, doc("RECURRING: the billing period")] = None


class WalletCredited(Event, frozen=True, kw_only=True):
    """Money came into a wallet."""

    about: ClassVar = ("wallet", "wallet_id")

    wallet_id: WalletId
    subscription_id: SubscriptionId
    entry_number: EntryNumber
    amount: Annotated[Decimal, doc("Positive")]
    currency: CurrencyCode
    balance_before: Annotated[Decimal, doc("Balance before")]
    balance_after: Annotated[Decimal, doc("Balance after")]
    kind: Annotated[CreditKind, doc("Where it came from")]
    service_id: ServiceId | None = None
    refunds_entry_number: Annotated[
        int | None, doc("REMOVAL_REFUND: the entry that is paid back; of several the latest")
    ] = None
    reference: Reference | None = None
    effective_at: Annotated[datetime, doc("Since when")]


class WalletAdjusted(Event, frozen=True, kw_only=True):
    """A wallet was corrected by hand."""

    about: ClassVar = ("wallet", "wallet_id")

    wallet_id: WalletId
    subscription_id: SubscriptionId
    entry_number: EntryNumber
    amount: Annotated[Decimal, doc("Signed")]
    currency: CurrencyCode
    balance_before: Annotated[Decimal, doc("Balance before")]
    balance_after: Annotated[Decimal, doc("Balance after")]
    reason: Annotated[str, doc("An adjustment reason of the catalog")]
    performed_by: PerformedBy
    effective_at: Annotated[datetime, doc("Since when")]


WalletCommand = TopUpWallet | AdjustWallet
WalletEvent = WalletCreated | WalletDebited | WalletCredited | WalletAdjusted
