"""Two histories: a prepaid switchboard, and television with fibre that is stopped, swapped, moved and wired."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.envelope import CommandOutcome, Mode, Status
from schemas.schedule import ScheduledActionCreated
from tests.warehouse.played import CATALOG, Played

CUSTOMER = "nordlys"
REFUNDS = msgspec.structs.replace(
    CATALOG, switches=msgspec.structs.replace(CATALOG.switches, wallet_refund_on_removal=True)
)


def ask(played: Played, command: str, *, refused: bool = False, **body: Any) -> None:
    """Ask, and make sure that the answer is the one that the history is about."""
    played.ask(CUSTOMER, command, **body)
    answer = last_answer(played)
    assert (answer.status is Status.REJECTED) == refused, (answer.status, answer.violations)


def scheduled(played: Played) -> str:
    """The id of the action that was scheduled last."""
    found = [
        change.event.action_id
        for transaction in played.transactions
        for change in transaction.changes
        if isinstance(change.event, ScheduledActionCreated)
    ]
    return found[-1]


def last_answer(played: Played) -> CommandOutcome:
    """The answer to what was asked last."""
    outcome = played.answers[-1].outcome
    assert outcome is not None
    return outcome


def amend(played: Played, *, refused: bool = False, **body: Any) -> None:
    """Amend the switchboard."""
    ask(played, "AmendBundleServices", refused=refused, subscription_id="u-1", bundle_service_id="b-1", **body)


def switchboard() -> Played:
    """Amended, charged, paid back, refused for money, changed on a date, stopped and funded; amounts in EUR."""
    played = Played(REFUNDS)
    played.on("2026-03-02").account(CUSTOMER)
    ask(
        played,
        "CreateSubscription",
        subscription_id="u-1",
        account={"account_id": "a-1"},
        kind="PREPAID",
        wallet_id="w-1",
        services=[
            {
                "product": "PBX",
                "service_id": "b-1",
                "order_id": "o-1",
                "components": [
                    {"product": "LINE_A", "service_id": "l-1"},
                    {"product": "QUEUE_S", "service_id": "q-1"},
                ],
            }
        ],
    )
    ask(played, "TopUpWallet", wallet_id="w-1", amount="40.00", currency="EUR", reference="pay-1")
    played.on("2026-03-03")
    ask(played, "ChangeServiceState", subscription_id="u-1", action="START", service_ids=["b-1"])  # 8.00: 32.00 left
    played.on("2026-03-10")  # 7.50, and 3.00 back: 27.50 left
    amend(played, remove=[{"service_id": "q-1"}], add=[{"product": "LINE_B", "service_id": "l-2"}])
    played.on("2026-03-12")
    amend(played, refused=True, add=[{"product": "TOLL_FREE"}, {"product": "QUEUE_L"}])
    ask(played, "AdjustWallet", wallet_id="w-1", amount="-20.00", currency="EUR", reason="CORRECTION")  # 7.50 left
    lacking = [{"product": "QUEUE_S", "service_id": "q-2"}, {"product": "POTS", "service_id": "l-3"}]
    amend(played, refused=True, add=lacking)  # 3.00 and 10.00
    amend(played, refused=True, mode=Mode.PREVIEW, add=lacking)
    queue = [{"product": "QUEUE_S", "service_id": "q-3"}]
    amend(played, add=queue, schedule={"when": "ON_DATE", "date": "2026-03-20"})  # 3.00: 4.50 left
    amend(played, add=lacking[1:], schedule={"when": "ON_DATE", "date": "2026-03-25"})  # 10.00: fails
    played.on("2026-03-26")
    ask(played, "TopUpWallet", wallet_id="w-1", amount="0.50", currency="EUR")  # 5.00 left
    played.on("2026-04-02")  # the period cost 27.00: stopped; now 9.00 + 14.00 + 4.00 of 30.00: 3.00 left
    ask(played, "TopUpWallet", wallet_id="w-1", amount="25.00", currency="EUR")
    return played


SERIAL = "sealed:v1:AAAAAAAAAAAA:" + "s" * 60


def television() -> Played:
    """Postpaid: stopped in the past, started on a date that is moved while its reason goes, swapped; a telephone."""
    played = Played()
    played.on("2026-03-02").account(CUSTOMER)
    services = [{"product": "TV_MINI", "service_id": "tv"}, {"product": "FIBER_500", "service_id": "net"}]
    more: dict[str, Any] = {"kind": "POSTPAID", "initial_state": "EFFECTIVE", "services": services}
    ask(played, "CreateSubscription", subscription_id="u-2", account={"account_id": "a-1"}, **more)
    change: dict[str, Any] = {"subscription_id": "u-2", "service_ids": ["tv"]}
    action: dict[str, Any] = {"subscription_id": "u-2"}
    played.on("2026-03-04")
    told_late = datetime(2026, 3, 3, 8, tzinfo=UTC)
    ask(played, "ChangeServiceState", action="STOP", performed_at=told_late, **change)
    ask(played, "ChangeServiceState", action="START", **change)
    on = {"when": "ON_DATE", "date": "2026-03-20"}
    ask(played, "ChangeServiceState", action="STOP", schedule=on, **change)
    stop = scheduled(played)
    ask(played, "ChangeServiceState", action="START", schedule={**on, "date": "2026-03-25"}, **change)
    start = scheduled(played)
    played.on("2026-03-06")
    ask(played, "RescheduleAction", action_id=start, schedule={**on, "date": "2026-03-26"}, **action)
    ask(played, "CancelScheduledAction", action_id=stop, **action)
    ask(played, "ChangeServiceState", action="STOP", schedule={**on, "date": "2026-04-25"}, **change)
    rest: dict[str, Any] = {"action": "DEACTIVATE_SHORT_TERM", "until": "2026-04-20T00:00:00+02:00"}
    ask(played, "ChangeSubscriptionState", schedule={**on, "date": "2026-03-28"}, **rest, **action)
    swap: dict[str, Any] = {"from_service_id": "net", "to_service": {"product": "FIBER_1000", "service_id": "net-2"}}
    ask(played, "SwapService", **swap, **action)
    phone: dict[str, Any] = {"item_id": "i-1", "product": "DESK_PHONE", "serial_number": SERIAL}
    ask(played, "RegisterInstalledItem", **phone, **action)
    played.on("2026-03-07")
    ask(
        played,
        "ChangeDistribution",
        changes=[{"operation": "ENABLE", "item_id": "i-1", "provider": "SWITCH"}],
        **action,
    )
    played.on("2026-03-08")
    ask(played, "ChangeDistribution", changes=[{"operation": "REMOVE", "item_id": "i-1"}], **action)
    return played
