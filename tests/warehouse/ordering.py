"""A history of orders: billed line by line, split, revised, cancelled, undone, and what came too late."""

from __future__ import annotations

from typing import Any

from schemas.envelope import Mode, Status
from schemas.orders import Order
from tests.warehouse.played import Played

CUSTOMER = "nordlys"
HOME = {"account_id": "a-1"}


def ask(played: Played, command: str, *, refused: bool = False, **body: Any) -> None:
    """Ask, and make sure that the answer is the one that the history is about."""
    played.ask(CUSTOMER, command, **body)
    answer = played.answers[-1].outcome
    assert answer is not None
    assert (answer.status is Status.REJECTED) == refused, (answer.status, answer.violations)


def line(line_id: str, service_action: str, catalog: str, product: str, **more: Any) -> dict[str, Any]:
    """A line for the account of the history."""
    said = {"line_id": line_id, "service_action": service_action, "service_catalog": catalog, "product_id": product}
    return {**said, "service_account": HOME, **more}


def group_of(played: Played, order_id: str, **key: str) -> str:
    """The group of an order with this key."""
    orders = [
        change.entity
        for transaction in played.transactions
        for change in transaction.changes
        if isinstance(change.entity, Order) and change.entity.order_id == order_id
    ]
    return next(group.group_id for group in orders[-1].groups if group.key == key)


def ordered() -> Played:
    """Five orders of one account, from 4 to 12 May."""
    played = Played()
    played.on("2026-03-02").account(CUSTOMER)
    _line_by_line(played)
    _split_and_revised(played)
    _undone(played)
    return played


def _line_by_line(played: Played) -> None:
    """o-31: f2 first, then the rest; changes before and after the lock."""
    played.on("2026-05-04", 9)
    fibre, address = line("f1", "ADD", "DATA", "FIBER_500", amount="49.00"), line("f2", "ADD", "DATA", "STATIC_IP")
    ask(played, "SubmitOrder", order_id="o-31", lines=[fibre, {**address, "amount": "0.00"}], custom={"channel": "web"})
    played.on("2026-05-04", 10)
    ask(played, "UpdateBillingSystem", order_id="o-31", line_ids=["f2"])
    change: dict[str, Any] = {"order_id": "o-31", "operation": "CHANGE"}
    ask(played, "ModifyOrderLine", refused=True, line_id="f2", set={"amount": "1.00"}, **change)
    ask(played, "ModifyOrderLine", refused=True, line_id="f2", set={"amount": "2.00"}, by="portal", **change)
    preview: dict[str, Any] = {"mode": Mode.PREVIEW, **change}
    ask(played, "ModifyOrderLine", refused=True, line_id="f2", set={"amount": "3.00"}, **preview)
    ask(played, "ModifyOrderLine", line_id="f1", set={"amount": "39.00"}, custom_state="CALLED", **change)
    ask(played, "ModifyOrderLine", line_id="f1", custom_state="READY", **change)
    played.on("2026-05-04", 11)
    television = line("f3", "ADD", "TV", "TV_MINI", service_id="tv")
    ask(played, "ModifyOrderLine", order_id="o-31", operation="ADD", line=television)
    ask(played, "UpdateBillingSystem", order_id="o-31", line_ids=["f2"])  # nothing changes
    played.on("2026-05-05")
    confirmed = [{"line_id": "f1", "result": "CONFIRMED", "reference": "net-7"}]
    ask(played, "ConfirmLineProvisioning", order_id="o-31", lines=confirmed)
    played.on("2026-05-06")
    ask(played, "UpdateBillingSystem", order_id="o-31")
    played.on("2026-05-07")
    ask(played, "ModifyOrderLine", refused=True, line_id="f1", set={"amount": "1.00"}, **change)


def _split_and_revised(played: Played) -> None:
    """o-32: one group is billed, then a revision that forgets it, one that does not, and a cancellation of the rest."""
    played.on("2026-05-08")
    swap = line("g1", "CHANGE", "TV", "TV_MAX", service_id="tv")
    lines = [swap, line("g2", "ADD", "DATA", "FIBER_1000"), line("g3", "ADD", "DATA", "STATIC_IP")]
    ask(played, "SubmitOrder", order_id="o-32", lines=lines)
    ask(played, "SplitOrder", order_id="o-32", dimensions=["SERVICE_CATALOG"])
    ask(played, "UpdateBillingSystem", refused=True, order_id="o-32")
    played.on("2026-05-08", 20)
    television = group_of(played, "o-32", SERVICE_CATALOG="TV")
    ask(played, "UpdateBillingSystem", order_id="o-32", group_id=television)
    ask(played, "ConfirmLineProvisioning", order_id="o-32", lines=[{"line_id": "g2", "result": "CONFIRMED"}])
    played.on("2026-05-09")
    rest = [{**lines[1], "amount": "59.00"}, line("g4", "ADD", "TV", "QUEUE_S")]
    ask(played, "ReviseOrder", refused=True, order_id="o-32", revision=2, lines=rest)  # g1 is billed
    ask(played, "ReviseOrder", order_id="o-32", revision=3, lines=[swap, *rest], reason="CALLED_BACK")
    played.on("2026-05-10")
    ask(played, "CancelOrder", order_id="o-32", reason="MOVED_AWAY")


def _undone(played: Played) -> None:
    """o-36 undoes a line of o-31; o-33 is cancelled, o-34 waits."""
    played.on("2026-05-11")
    undo: dict[str, Any] = {"compensating_order_id": "o-36", "reason": "REGRET"}
    ask(played, "CompensateOrder", order_id="o-31", line_ids=["f2"], **undo)
    for number in (3, 4):
        ask(played, "SubmitOrder", order_id=f"o-3{number}", lines=[line(f"h{number}", "ADD", "DATA", "FIBER_500")])
    played.on("2026-05-12")
    ask(played, "CancelOrder", order_id="o-33", reason="REGRET")
    ask(played, "ConfirmLineProvisioning", order_id="o-34", lines=[{"line_id": "h4", "result": "CONFIRMED"}])
    ask(played, "UpdateBillingSystem", refused=True, order_id="o-99")
