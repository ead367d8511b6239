"""A customer whose orders are billed and undone: subscriptions of both kinds, and what stands on them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from processors.answering import Answered
from schemas.accounts import Account
from schemas.actions import ServiceState
from schemas.catalog import Catalog, Price, SubscriptionDefinition
from schemas.envelope import Status
from tests.accounts.book import Book
from tests.subscriptions import small

Standing = tuple[str, ServiceState, tuple[str, ...]]
"""A live service as an account sees it: product, state, products of its components."""

CHEAP = (Price(currency="EUR", activation=Decimal("1.00"), recurring=Decimal("2.00")),)


def catalog() -> Catalog:
    """The small catalog with prices, and swaps of every class."""
    return msgspec.structs.replace(
        small.catalog(),
        products=tuple(msgspec.structs.replace(product, prices=CHEAP) for product in small.PRODUCTS),
        subscription_definitions=(
            SubscriptionDefinition(definition="d-1", subscription_type="DEFAULT", mandatory_types=("PBX",)),
        ),
    )


class Shop(Book):
    """An ACTIVE account `a-1` with a POSTPAID subscription `s-1` and a PREPAID one `s-2` with a full wallet."""

    def __init__(self, **switches: Any) -> None:
        super().__init__(catalog(), **switches)
        self.done(
            "CreateAccount",
            account_id="a-1",
            type="RESIDENTIAL",
            currency="EUR",
            bill_cycle={"code": "MONTHLY_1"},
        )
        self.orders = 0

    def done(self, command: str, **body: Any) -> Answered:
        """Give a command that is not to be refused."""
        answered = self.ask(command, **body)
        assert answered.outcome is not None
        assert not answered.outcome.violations, answered.outcome.violations
        return answered

    def subscribes(self, subscription_id: str, kind: str, services: list[dict[str, Any]]) -> None:
        """A subscription with EFFECTIVE services."""
        self.done(
            "CreateSubscription",
            subscription_id=subscription_id,
            account={"account_id": "a-1"},
            kind=kind,
            **({"wallet_id": f"w-{subscription_id}"} if kind == "PREPAID" else {}),
        )
        if kind == "PREPAID":
            self.done("TopUpWallet", wallet_id=f"w-{subscription_id}", amount="50.00", currency="EUR")
        if services:
            self.done(
                "ChangeServiceState",
                subscription_id=subscription_id,
                action="ADD",
                initial_state="EFFECTIVE",
                services=services,
            )

    def order(self, *lines: dict[str, Any]) -> str:
        """Put lines in flight; a line says what differs from a plain one."""
        self.orders += 1
        order_id = f"o-{self.orders}"
        plain = {"service_catalog": "DATA", "service_account": {"account_id": "a-1"}}
        self.done(
            "SubmitOrder",
            order_id=order_id,
            lines=[{"line_id": f"{order_id}-{place}", **plain, **line} for place, line in enumerate(lines)],
        )
        return order_id

    def live(self) -> list[Standing]:
        """What is live on the account, order and ids aside."""
        view = self.view()
        account = view.account("a-1")
        assert isinstance(account, Account)
        found = []
        for subscription in view.subscriptions_of(account.account_id):
            for member in view.top_level(subscription.subscription_id):
                components = tuple(sorted(part.product for part in view.components(member.service_id)))
                found.append((member.product, member.state, components))
        return sorted(found)

    def balances(self) -> dict[str, Decimal]:
        """What the wallets hold."""
        view = self.view()
        return {wallet_id: wallet.balance for wallet_id in view.ids("wallet") if (wallet := view.wallet(wallet_id))}


def is_refused(answered: Answered) -> bool:
    """Whether a command was refused."""
    assert answered.outcome is not None
    return answered.outcome.status is Status.REJECTED
