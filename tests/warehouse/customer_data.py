"""A history of customer data that orders make: payers come, move, wait and go back; owners, a tree, and deposits."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.envelope import Status
from tests.warehouse.played import CATALOG, Played

CUSTOMER = "nordlys"
SEALED = "sealed:v1:AAAAAAAAAAAA:" + "x" * 60
SYNCHRONIZED = msgspec.structs.replace(
    CATALOG,
    switches=msgspec.structs.replace(
        CATALOG.switches,
        default_billing_system="BRM-1",
        legal_hierarchy_sync=True,
        corporate_account_type="CORPORATE",
    ),
)
WHO = {"contact": {"last_name": SEALED}, "address": {"street": SEALED, "city": SEALED, "country": SEALED}}


def ask(played: Played, command: str, *, refused: bool = False, **body: Any) -> None:
    """Ask, and make sure that the answer is the one that the history is about."""
    played.ask(CUSTOMER, command, **body)
    answer = played.answers[-1].outcome
    assert answer is not None
    assert (answer.status is Status.REJECTED) == refused, (answer.status, answer.violations)


def line(line_id: str, service_id: str, account: str, payer: str, profile: str, **more: Any) -> dict[str, Any]:
    """A line about one service: who has it, who pays. A new one, if nothing else is said."""
    said: dict[str, Any] = {"line_id": line_id, "service_id": service_id, "billing_profile": profile}
    said |= {"action": "ADD", "service_action": "ADD", "service_catalog": "TV", "product_id": "TV_MINI"}
    said |= {"service_account": {"account_id": account}, "billing_account": {"account_id": payer}}
    return {**said, "billing_type": "SUBSCRIPTION", **more}


def move(line_id: str, service_id: str, account: str, payer: str, profile: str, **more: Any) -> dict[str, Any]:
    """A line that has someone else pay for a service that is there."""
    return line(line_id, service_id, account, payer, profile, action="UPDATE", service_action="CHANGE", **more)


def accounts(*ids: str, **more: Any) -> list[dict[str, Any]]:
    """Data of accounts."""
    return [{"account_id": name, "account_profile": "mobile", **WHO, **more} for name in ids]


def profile(name: str, account: str) -> dict[str, Any]:
    """Data of a billing profile that is paid by card."""
    card = {"kind": "CARD", "token": "tok-1", "brand": "VISA", "last_four": "4242", "expiry": "2029-11"}
    return {
        "billing_profile_id": name,
        "account": {"account_id": account},
        "frequency": "MONTHLY",
        **WHO,
        "payment_method": {"payment_method_id": f"pm-{name}", **card},
    }


def synchronize(played: Played, order_id: str, *lines: dict[str, Any], refused: bool = False, **data: Any) -> None:
    """Submit an order, and bring its customer data."""
    ask(played, "SubmitOrder", order_id=order_id, lines=list(lines))
    ask(played, "SynchronizeOrderBillingAccounts", refused=refused, order_id=order_id, **data)


def synchronized() -> Played:
    """From 4 May to 12 June."""
    played = Played(SYNCHRONIZED)
    _two_services(played)
    _self_paying(played)
    _one_moves_and_comes_back(played)
    _tree(played)
    _deposits(played)
    return played


def _two_services(played: Played) -> None:
    """o-10: n-hq pays for both services of n-site, n-group owns n-hq; a line that asks nothing."""
    played.on("2026-05-04")
    owner = {"owner_account": {"account_id": "n-group"}}
    phone, data = (line(f"l-{name}", f"sv-{name}", "n-site", "n-hq", "bp-hq", **owner) for name in ("phone", "data"))
    still = line("l-still", "sv-still", "n-site", "n-hq", "bp-hq", action="NONE")
    synchronize(played, "o-10", phone, data, still, refused=True)
    everything = accounts("n-hq", "n-site", "n-group")
    ask(
        played,
        "SynchronizeOrderBillingAccounts",
        order_id="o-10",
        accounts=everything,
        billing_profiles=[profile("bp-hq", "n-hq")],
    )


def _self_paying(played: Played) -> None:
    """o-20, o-21: n-solo pays for itself, then n-hq is to; n-solo's own profile pays until its next period."""
    solo = line("l-solo", "sv-solo", "n-solo", "n-solo", "bp-solo")
    synchronize(
        played,
        "o-20",
        solo,
        accounts=accounts("n-solo"),
        billing_profiles=[profile("bp-solo", "n-solo")],
    )
    played.on("2026-05-20")
    taken = move("l-taken", "sv-solo", "n-solo", "n-hq", "bp-hq", billing_system="BRM-2")
    synchronize(played, "o-21", taken)


def _one_moves_and_comes_back(played: Played) -> None:
    """o-30 has n-lab pay for sv-data, and is cancelled; o-31 names n-lab again."""
    played.on("2026-06-02")
    owner = {"owner_account": {"account_id": "n-group"}}
    moved = move("l-moved", "sv-data", "n-site", "n-lab", "bp-lab", **owner)
    synchronize(
        played,
        "o-30",
        moved,
        accounts=accounts("n-lab"),
        billing_profiles=[profile("bp-lab", "n-lab")],
    )
    played.on("2026-06-04")
    ask(played, "CancelOrder", order_id="o-30", reason="REGRET")
    played.on("2026-06-05")
    synchronize(played, "o-31", line("l-lab", "sv-lab", "n-lab", "n-lab", "bp-lab"))


def _tree(played: Played) -> None:
    """o-40: n-oslo is below n-north, and n-north below n-corp."""
    played.on("2026-06-08")
    nodes = [("n-corp", None), ("n-north", "n-corp"), ("n-oslo", "n-north")]
    tree = {
        "corporate_account": {"account_id": "n-corp"},
        "nodes": [
            {"account": {"account_id": name}, "parent": above and {"account_id": above}} for name, above in nodes
        ],
    }
    synchronize(
        played,
        "o-40",
        line("l-oslo", "sv-oslo", "n-oslo", "n-corp", "bp-corp"),
        accounts=[*accounts("n-corp", type="CORPORATE"), *accounts("n-north", "n-oslo")],
        billing_profiles=[profile("bp-corp", "n-corp")],
        corporate_hierarchies=[tree],
    )


def _deposits(played: Played) -> None:
    """o-50: a deposit fails, is booked, and goes back with the order; o-51 waits for one."""
    played.on("2026-06-10")
    deposit: dict[str, Any] = {"order_id": "o-50", "payment_id": "pay-7"}
    booked: dict[str, Any] = {**deposit, "amount": "149.90", "currency": "EUR"}
    ask(
        played,
        "SubmitOrder",
        order_id="o-50",
        lines=[line("l-50", "sv-50", "n-hq", "n-hq", "bp-hq")],
    )
    ask(played, "RecordOrderPayment", refused=True, billing_profile_id="bp-hq", **booked)  # not synchronized yet
    ask(played, "SynchronizeOrderBillingAccounts", order_id="o-50", payment_billing_profile="bp-hq")
    ask(played, "RecordOrderPayment", result="FAILED", failure_reason="PAYMENT_NOT_FOUND", **deposit)
    played.on("2026-06-11", 14)
    ask(played, "RecordOrderPayment", **booked)
    synchronize(played, "o-51", line("l-51", "sv-51", "n-hq", "n-hq", "bp-hq"), payment_billing_profile="bp-hq")
    ask(played, "RecordOrderPayment", order_id="o-51", payment_id="pay-8", result="FAILED", failure_reason="DECLINED")
    played.on("2026-06-12")
    ask(played, "CancelOrder", order_id="o-50", reason="REGRET")
