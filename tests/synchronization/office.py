"""A customer whose orders say who pays: five accounts, four paying profiles, six services, nothing there at first."""

from __future__ import annotations

from typing import Any, NamedTuple

from processors.answering import Answered
from schemas.accounts import Account, AccountState
from schemas.billing_profiles import BillingAssignment, BillingProfile, Covers, ProfileState
from schemas.envelope import Status
from schemas.fields import Event
from schemas.order_lines import OrderLine
from tests.accounts.book import Book, nordlys

ACCOUNTS = tuple(f"n-{number}" for number in range(5))
PROFILES = {"p-0": "n-0", "p-0b": "n-0", "p-1": "n-1", "p-2": "n-2"}
"""Paying profiles and their accounts."""
SERVICES = tuple(f"s-{number}" for number in range(6))

CATALOG = nordlys()
SEALED = "sealed:v1:AAAAAAAAAAAA:" + "x" * 60
PERSON = {"contact": {"last_name": SEALED}, "address": {"street": SEALED, "city": SEALED, "country": SEALED}}
DATA: dict[str, Any] = {
    "accounts": [{"account_id": account, "account_profile": "mobile", **PERSON} for account in ACCOUNTS],
    "billing_profiles": [
        {
            "billing_profile_id": profile,
            "account": {"account_id": account},
            "frequency": "MONTHLY",
            "payment_method": {"kind": "INVOICE"},
            **PERSON,
        }
        for profile, account in PROFILES.items()
    ],
}
"""Whatever a line may name."""


class Wish(NamedTuple):
    """Who is to have a service and who is to pay: what a line says, as numbers that can be drawn."""

    account: int
    profile: int
    owner: int | None = None

    def values(self) -> dict[str, Any]:
        """The fields of a line."""
        profile = list(PROFILES)[self.profile % len(PROFILES)]
        owner = {} if self.owner is None else {"owner_account": {"account_id": ACCOUNTS[self.owner]}}
        return {
            "service_account": {"account_id": ACCOUNTS[self.account]},
            "billing_account": {"account_id": PROFILES[profile]},
            "billing_profile": profile,
            **owner,
        }


def wish(account: int, profile: str, owner: int | None = None) -> Wish:
    """A service of an account, paid by a profile."""
    return Wish(account, list(PROFILES).index(profile), owner)


def line(line_id: str, service: str, action: str, wish: Wish) -> dict[str, Any]:
    """A line about one service."""
    return {
        "line_id": line_id,
        "action": action,
        "service_action": "ADD" if action == "ADD" else "CHANGE",
        "service_catalog": "TV",
        "product_id": "TV_MINI",
        "billing_type": "SUBSCRIPTION",
        "service_id": service,
        **wish.values(),
    }


def bystander(order_id: str) -> dict[str, Any]:
    """A line that asks nothing of customer data: with it an order goes on when all its other lines are gone."""
    said = line(f"{order_id}-rest", "none", "NONE", Wish(0, 0))
    return {name: value for name, value in said.items() if not name.startswith("billing")}


class Office(Book):
    """The customer, and what the CRM believes its orders to be."""

    def __init__(self, **switches: Any) -> None:
        super().__init__(CATALOG, **({"default_billing_system": "BRM-1"} | switches))
        self.legal = bool(switches.get("legal_hierarchy_sync"))
        self.split = bool(switches.get("split_payer", True))
        self.strict = bool(switches.get("strict_vendor_behaviour"))
        self.orders: dict[str, list[dict[str, Any]]] = {}
        self.revisions: dict[str, int] = {}

    # -- commands

    def submit(self, order_id: str, lines: list[dict[str, Any]]) -> Answered:
        """Put an order in flight, with a line beside the given ones that asks nothing."""
        self.orders[order_id], self.revisions[order_id] = [*lines, bystander(order_id)], 1
        return self.ask("SubmitOrder", order_id=order_id, lines=self.orders[order_id])

    def revise(self, order_id: str, lines: list[dict[str, Any]]) -> Answered:
        """Say anew what the order is; what is refused is forgotten."""
        told = [*(found for found in lines if not found["line_id"].endswith("rest")), bystander(order_id)]
        answered = self.ask("ReviseOrder", order_id=order_id, revision=self.revisions[order_id] + 1, lines=told)
        if is_done(answered):
            self.orders[order_id] = told
            self.revisions[order_id] += 1
        return answered

    def synchronize(self, order_id: str, **more: Any) -> Answered:
        """Bring customer data in line with an order, with all data that may be missing."""
        return self.ask("SynchronizeOrderBillingAccounts", order_id=order_id, **DATA, **more)

    def cancel(self, order_id: str, **more: Any) -> Answered:
        """Cancel an order."""
        return self.ask("CancelOrder", order_id=order_id, reason="changed their mind", **more)

    # -- what is there

    def rows(self) -> dict[bytes, bytes]:
        """Every row of the state."""
        return dict(self.state.scan(b""))

    def profiles(self) -> list[BillingProfile]:
        """Every billing profile, closed ones included."""
        view = self.view()
        found = (view.billing_profile(profile_id) for profile_id in view.ids("billing_profile"))
        return [profile for profile in found if profile is not None]

    def assignments(self) -> dict[str, BillingAssignment]:
        """Who pays for what, by service."""
        view = self.view()
        found = ((service_id, view.assignment(service_id)) for service_id in view.ids("billing_assignment"))
        return {service_id: assignment for service_id, assignment in found if assignment is not None}

    def lines(self) -> list[OrderLine]:
        """Every line of every order."""
        view = self.view()
        found = (view.line(line_id) for line_id in view.ids("line"))
        return [entry for entry in found if entry is not None]

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Members of the collections groups, by owner."""
        view = self.view()
        found = (view.collections_group(group_id) for group_id in view.ids("collections_group"))
        return {group.owner_account_id: group.members for group in found if group is not None and not group.closed}

    def picture(self) -> dict[str, Any]:
        """What the orders have made of customer data: without ids that are derived, and without who made it."""
        return {
            "accounts": {account.account_id: seen(account) for account in self.accounts()},
            "assignments": {service_id: held.values for service_id, held in self.assignments().items()},
            "profiles": {
                profile.billing_profile_id for profile in self.profiles() if profile.paying and not is_closed(profile)
            },
            "payers": {
                (profile.account_id, profile.payer_profile_id): (shown(profile.covers), profile.state, waits(profile))
                for profile in self.profiles()
                if not profile.paying and not is_closed(profile)
            },
            "groups": self.groups(),
            "methods": self.methods(),
        }

    def methods(self) -> dict[str, str]:
        """States of the payment methods, by the profile that pays with them."""
        view = self.view()
        found = {profile.billing_profile_id: profile.payment_method_id for profile in self.profiles() if profile.paying}
        methods = {name: view.payment_method(method_id or "") for name, method_id in found.items()}
        return {name: str(method.state) for name, method in methods.items() if method is not None}


def seen(account: Account) -> tuple[bool, str | None]:
    """Whether an account is live, and its parent."""
    return account.state is not AccountState.DEACTIVATED, account.parent_account_id


def is_closed(profile: BillingProfile) -> bool:
    """Whether a profile is at its end."""
    return profile.state is ProfileState.CLOSED


def waits(profile: BillingProfile) -> str | None:
    """Who is to pay from the next period on, if that is planned."""
    return None if profile.planned_switch is None else str(profile.planned_switch.to)


def shown(covers: Covers | None) -> str | tuple[str, ...]:
    """What a nonpaying profile covers: ALL, or a list."""
    assert covers is not None
    return "ALL" if covers.all else tuple(sorted(covers.services))


def is_done(answered: Answered) -> bool:
    """Whether a command was accepted."""
    assert answered.outcome is not None
    return answered.outcome.status is Status.COMPLETED


def codes(answered: Answered) -> list[str]:
    """The codes of an answer; none if it was accepted."""
    assert answered.outcome is not None
    return [str(violation.code) for violation in answered.outcome.violations]


def happened(answered: Answered) -> list[Event]:
    """The events of an answer."""
    return [change.event for change in answered.transaction.changes] if answered.transaction else []
