"""What the events of wallets do to a wallet, and how a service's last charges are found."""

from __future__ import annotations

from typing import assert_never

import msgspec
from msgspec.structs import replace

from schemas.rows import within
from schemas.wallets import (
    Wallet,
    WalletAdjusted,
    WalletCharge,
    WalletCreated,
    WalletCredited,
    WalletDebited,
    WalletEvent,
)

_encode = msgspec.msgpack.Encoder().encode


def evolve(wallet: Wallet | None, event: WalletEvent) -> Wallet:
    """The wallet after the event. Entries follow one another without a gap."""
    if isinstance(event, WalletCreated):
        assert wallet is None, f"wallet {event.wallet_id} exists already"
        return Wallet(
            wallet_id=event.wallet_id,
            subscription_id=event.subscription_id,
            currency=event.currency,
            balance=event.balance,
        )
    assert wallet is not None
    assert event.entry_number == wallet.entry_number + 1, f"entry {event.entry_number} after {wallet.entry_number}"
    assert event.balance_before == wallet.balance, f"balance {event.balance_before}, not {wallet.balance}"
    assert event.balance_after >= 0, f"wallet {wallet.wallet_id} is overdrawn"
    moved = replace(wallet, balance=event.balance_after, entry_number=event.entry_number)
    match event:
        case WalletDebited():
            return replace(moved, last_charge=_charge(event))
        case WalletCredited() | WalletAdjusted():
            return moved
        case _:
            assert_never(event)


def index_rows(customer_id: str, before: Wallet | None, after: Wallet) -> dict[bytes, bytes | None]:
    """The row by which a service's last charge of each kind is found (WAL-8)."""
    charge = after.last_charge
    if charge is None or (before is not None and before.last_charge == charge):
        return {}
    return {charges_of(customer_id, charge.service_id) + charge.kind.encode(): _encode(charge)}


def charges_of(customer_id: str, service_id: str) -> bytes:
    """What the keys of a service's last charges begin with: one of each kind, however old the service is."""
    return within(customer_id, "charge", service_id)


def _charge(event: WalletDebited) -> WalletCharge:
    return WalletCharge(
        entry_number=event.entry_number,
        kind=event.kind,
        amount=event.amount,
        service_id=event.service_id,
        effective_at=event.effective_at,
    )
