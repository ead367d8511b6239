"""What prepaid services are paid from: a wallet with numbered entries that is never overdrawn."""

from __future__ import annotations

from typing import assert_never

from processors.context import Context
from processors.decision import Decision
from processors.view.customer import CustomerView
from processors.wallets.charging import charge, opened, refund
from processors.wallets.movements import adjust, top_up
from processors.wallets.prices import activation_prices, recurring_price
from processors.wallets.units import period_started
from schemas.wallets import AdjustWallet, TopUpWallet, WalletCommand

__all__ = ["activation_prices", "charge", "decide", "opened", "period_started", "recurring_price", "refund"]


def decide(customer: CustomerView, command: WalletCommand, context: Context) -> Decision:
    """Judge one command about a wallet. Reads the customer, changes nothing."""
    match command:
        case TopUpWallet():
            return top_up(customer, command, context)
        case AdjustWallet():
            return adjust(customer, command, context)
        case _:
            assert_never(command)
