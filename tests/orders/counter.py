"""A customer who orders: an account with a live subscription, and lines that say as little as they can."""

from __future__ import annotations

from typing import Any

from processors.answering import Answered
from schemas.fields import Event
from schemas.order_lines import OrderLine
from schemas.orders import Order
from tests.accounts.book import events, refusals
from tests.subscriptions.small import Shelf


def line(line_id: str | None = None, product: str = "LINE_A", action: str = "ADD", **more: Any) -> dict[str, Any]:
    """A line of a command: a flat service without provider for a-1, unless it says otherwise."""
    given = {
        "line_id": line_id,
        "service_action": action,
        "service_catalog": "VOICE",
        "product_id": product,
        "service_account": {"account_id": "a-1"},
        **more,
    }
    return {field: value for field, value in given.items() if value is not None}


class Counter(Shelf):
    """Account `a-1` with the live subscription `s-1`, and what is ordered for it."""

    def __init__(self) -> None:
        super().__init__()
        self.done(
            self.ask(
                "CreateSubscription",
                subscription_id="s-1",
                account={"account_id": "a-1"},
                kind="POSTPAID",
                initial_state="EFFECTIVE",
                services=[
                    {"service_id": "net", "product": "NET"},
                    {
                        "service_id": "pbx",
                        "product": "PBX",
                        "components": [{"service_id": "pbx-a", "product": "LINE_A"}, {"product": "QUEUE"}],
                    },
                ],
            )
        )

    def submit(self, *lines: dict[str, Any], order_id: str = "o-1") -> list[Event]:
        """Submit an order, which is to be accepted."""
        return events(self.ask("SubmitOrder", order_id=order_id, lines=list(lines)))

    def accepted(self, command_type: str, **body: Any) -> list[Event]:
        """The events of a command on o-1 that is to be accepted."""
        return events(self.ask(command_type, **{"order_id": "o-1", **body}))

    def refused(self, command_type: str, **body: Any) -> list[str]:
        """The codes of a command on o-1 that is to be refused."""
        return codes(self.ask(command_type, **{"order_id": "o-1", **body}))

    def order(self, order_id: str = "o-1") -> Order:
        """An order that is there."""
        found = self.view().order(order_id)
        assert found is not None, order_id
        return found

    def line(self, line_id: str) -> OrderLine:
        """A line that is there."""
        found = self.view().line(line_id)
        assert found is not None, line_id
        return found


def codes(answered: Answered) -> list[str]:
    """The codes of a refusal, in their order."""
    return [str(violation.code) for violation in refusals(answered)]


def names(happened: list[Event]) -> list[str]:
    """The names of events, in their order."""
    return [type(event).__name__ for event in happened]
