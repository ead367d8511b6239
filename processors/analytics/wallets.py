"""Rows of wallets: every entry of their ledgers, and the wallets as transactions left them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from processors.analytics.rows import Origin, place
from processors.analytics.subscription_rows import WalletEntry, WalletVersion
from schemas.envelope import BusinessTransaction
from schemas.wallets import Wallet, WalletAdjusted, WalletCreated, WalletCredited, WalletDebited, WalletEvent

ADJUSTMENT = "ADJUSTMENT"


def steps(transaction: BusinessTransaction, origin: Origin, position: int, event: WalletEvent) -> Iterator[WalletEntry]:
    """Give the entry that an event is. Amounts are signed: what leaves the wallet is negative."""
    match event:
        case WalletCreated():
            return
        case WalletDebited():
            entry = _entry(transaction, origin, position, event)
            # Exact whatever the digits: arithmetic of decimals would round. A free service has 0, not -0.
            yield entry._replace(
                amount=event.amount.copy_negate() if event.amount else event.amount,
                service_id=event.service_id,
                product=event.product,
                period_start=event.period_start,
                action_id=event.action_id,
            )
        case WalletCredited():
            yield _entry(transaction, origin, position, event)._replace(
                service_id=event.service_id,
                refunds_entry_number=event.refunds_entry_number,
                reference=event.reference,
            )
        case WalletAdjusted():
            yield _entry(transaction, origin, position, event)._replace(reason=event.reason)
        case _:
            assert_never(event)


def wallet_version(transaction: BusinessTransaction, origin: Origin, wallet: Wallet) -> WalletVersion:
    """Return a wallet as the transaction left it."""
    return WalletVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        wallet.wallet_id,
        wallet.subscription_id,
        wallet.currency,
        wallet.balance,
        wallet.entry_number,
    )


def _entry(
    transaction: BusinessTransaction,
    origin: Origin,
    position: int,
    event: WalletDebited | WalletCredited | WalletAdjusted,
) -> WalletEntry:
    return WalletEntry(
        *place(transaction, origin, position),
        event.wallet_id,
        event.subscription_id,
        event.entry_number,
        ADJUSTMENT if isinstance(event, WalletAdjusted) else event.kind.value,
        event.amount,
        event.currency,
        event.balance_before,
        event.balance_after,
        event.effective_at,
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )
