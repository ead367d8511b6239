"""A history with a bit of everything that questions ask for: a firm with branches, and a household."""

from __future__ import annotations

from typing import Any

from tests.warehouse.played import Played

HOME = {"account_id": "home"}


def firm_and_household(played: Played | None = None) -> Played:
    """A tree of accounts, a planned and a late change of cycle, refusals, a service that leaves, a suspension."""
    played = played or Played()
    played.on("2026-03-02").account("firm", "head", account_profile="business", currency="EUR")
    for branch, above in (("north", "head"), ("south", "head"), ("kiosk", "north")):
        more: dict[str, Any] = {"account_profile": "branch_office", "parent": {"account_id": above}}
        played.account("firm", branch, **more)
    played.account("household", "home")
    played.account("household", "trial", test_account=True)

    played.on("2026-04-10").ask(
        "firm",
        "UpdateAccountBillCycle",
        account={"account_id": "head"},
        bill_cycle="MONTHLY_1",
        valid_from="2026-05-20T12:00:00Z",
    )
    for day, cycle, by in (("2026-04-11", "NO_SUCH", "crm"), ("2026-04-12", "NO_SUCH", "portal")):
        played.on(day).ask("household", "UpdateAccountBillCycle", account=HOME, bill_cycle=cycle, by=by)
    played.on("2026-04-12").ask(
        "household",
        "UpdateAccountBillCycle",
        account=HOME,
        bill_cycle="MONTHLY_15",
        valid_from="2026-05-01T12:00:00Z",
    )
    played.ask(
        "household",
        "CreateSubscription",
        subscription_id="u-1",
        account=HOME,
        kind="POSTPAID",
        initial_state="EFFECTIVE",
        services=[{"product": "FIBER_500", "service_id": "net"}, {"product": "TV_MINI", "service_id": "tv"}],
    )
    played.on("2026-05-03")  # the change was due on 30 April, 22:00: 58 hours late
    played.ask("household", "ChangeServiceState", subscription_id="u-1", action="STOP", service_ids=["tv"])
    played.on("2026-05-04")
    played.ask("household", "ChangeServiceState", subscription_id="u-1", action="CANCEL", service_ids=["tv"])
    played.ask("household", "ChangeAccountState", account=HOME, state="SUSPENDED", reason="UNPAID")
    return played
