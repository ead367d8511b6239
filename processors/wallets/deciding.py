"""Commands about wallets: each is handed to the file that knows it."""

from __future__ import annotations

from typing import assert_never

from processors.context import Context
from processors.decision import Decision
from processors.view.customer import CustomerView
from processors.wallets.movements import adjust, top_up
from schemas.wallets import AdjustWallet, TopUpWallet, WalletCommand


def decide(customer: CustomerView, command: WalletCommand, context: Context) -> Decision:
    """Judge one command about a wallet. Reads the customer, changes nothing."""
    match command:
        case TopUpWallet():
            return top_up(customer, command, context)
        case AdjustWallet():
            return adjust(customer, command, context)
        case _:
            assert_never(command)
