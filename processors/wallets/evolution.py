"""What the events of wallets do to a wallet."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.amounts import as_stored
from schemas.wallets import Wallet, WalletCreated, WalletEvent


def evolve(wallet: Wallet | None, event: WalletEvent) -> Wallet:
    """The wallet after the event. Entries follow one another without a gap, and none overdraws it (INV-WAL-1)."""
    if isinstance(event, WalletCreated):
        assert wallet is None, f"wallet {event.wallet_id} exists already"
        return Wallet(
            wallet_id=event.wallet_id,
            subscription_id=event.subscription_id,
            currency=event.currency,
            balance=as_stored(event.balance),
        )

    assert wallet is not None, f"wallet {event.wallet_id} does not exist"
    assert event.entry_number == wallet.entry_number + 1, f"entry {event.entry_number} after {wallet.entry_number}"
    assert event.balance_before == wallet.balance, f"balance {event.balance_before}, not {wallet.balance}"
    assert event.balance_after >= 0, f"wallet {wallet.wallet_id} is overdrawn"
    return replace(wallet, balance=as_stored(event.balance_after), entry_number=event.entry_number)
