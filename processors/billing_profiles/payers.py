"""Who pays for the live services of a service account: now, and once all lines of the command are done."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

import msgspec

from processors.synchronization.matrix import BILLING_ACCOUNT, BILLING_PROFILE, SERVICE_ACCOUNT

if TYPE_CHECKING:
    from processors.synchronization.work import Holding, Work

LATEST = 1 << 40
"""Number of an assignment that this command sets: after all that were set before."""


class Pay(msgspec.Struct, frozen=True, array_like=True):
    """Who pays for one service, and since when: a lower number was set earlier (HIE-15)."""

    account: str | None
    profile: str | None
    number: int
    by_order: bool


class Payers:
    """The payers of one service account's services."""

    def __init__(self) -> None:
        self.services: dict[str, Pay] = {}
        self.of_account: dict[str | None, set[str]] = {}
        self.of_profile: dict[str | None, set[str]] = {}

    def put(self, service_id: str, pay: Pay) -> None:
        """A service and who pays for it from now on."""
        self.drop(service_id)
        self.services[service_id] = pay
        self.of_account.setdefault(pay.account, set()).add(service_id)
        self.of_profile.setdefault(pay.profile, set()).add(service_id)

    def drop(self, service_id: str) -> None:
        """A service that is not this account's any more."""
        pay = self.services.pop(service_id, None)
        if pay is not None:
            self.of_account[pay.account].discard(service_id)
            self.of_profile[pay.profile].discard(service_id)

    def paid_by_account(self, account_id: str | None) -> set[str]:
        """Services that an account pays for."""
        return self.of_account.get(account_id, set())

    def paid_by_profile(self, profile_id: str | None) -> set[str]:
        """Services that a profile pays for."""
        return self.of_profile.get(profile_id, set())

    def in_turn(self, service_account: str, besides: Container[str] = ()) -> list[tuple[str, str]]:
        """Who pays by an order, the account itself aside, and for which service; set first, first (HIE-15)."""
        found: dict[str, str] = {}
        for service, pay in sorted(self.services.items(), key=lambda entry: entry[1].number):
            if pay.account is None or pay.account == service_account:
                continue
            if pay.by_order and service not in besides:
                found.setdefault(pay.account, service)
        return list(found.items())


class Desk:
    """The payers of all service accounts that a synchronization touches, read once each."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._now: dict[str, Payers] = {}
        self._final: dict[str, Payers] = {}
        self._pending: dict[str, dict[str, Holding]] = {}

    def settle(self) -> None:
        """The lines are planned: what is pending is what will be."""
        self._final.clear()
        self._pending.clear()
        for service_id, holding in self._work.pending.items():
            account = None if holding is None else holding.values.get(SERVICE_ACCOUNT)
            if holding is not None and account is not None:
                self._pending.setdefault(account, {})[service_id] = holding

    def now(self, account_id: str) -> Payers:
        """As the lines that were done so far leave it."""
        found = self._now.get(account_id)
        if found is None:
            found = self._now[account_id] = Payers()
            for assigned in self._work.view.assigned_to(account_id):
                if self._work.is_live(assigned.service_id):
                    pay = Pay(assigned.billing_account, assigned.billing_profile, assigned.number, assigned.by_order)
                    found.put(assigned.service_id, pay)
        return found

    def final(self, account_id: str) -> Payers:
        """As all lines leave it. To be asked for the first time before any of them is done."""
        found = self._final.get(account_id)
        if found is None:
            found = self._final[account_id] = Payers()
            for service_id, pay in self.now(account_id).services.items():
                if service_id not in self._work.pending:
                    found.put(service_id, pay)
            for place, (service_id, holding) in enumerate(self._pending.get(account_id, {}).items()):
                if self._work.is_live(service_id):
                    found.put(service_id, self._pay(account_id, service_id, holding, LATEST + place))
        return found

    def _pay(self, account_id: str, service_id: str, holding: Holding, number: int) -> Pay:
        account, profile = holding.values.get(BILLING_ACCOUNT), holding.values.get(BILLING_PROFILE)
        known = self.now(account_id).services.get(service_id)
        if known is not None and known.account == account:
            number = known.number
        return Pay(account, profile, number, holding.set_by.get(BILLING_ACCOUNT) is not None)

    def done(self, service_id: str, old: Holding | None, new: Holding | None) -> None:
        """A line is done for a service."""
        was = None if old is None else old.values.get(SERVICE_ACCOUNT)
        is_ = None if new is None else new.values.get(SERVICE_ACCOUNT)
        if was is not None and was != is_:
            self.now(was).drop(service_id)
        if is_ is not None and new is not None and self._work.is_live(service_id):
            self.now(is_).put(service_id, self._pay(is_, service_id, new, LATEST))
