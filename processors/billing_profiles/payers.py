"""Who pays for the live services of a service account: now, and once all lines of the command are done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from processors.synchronization.matrix import BILLING_ACCOUNT, BILLING_PROFILE, SERVICE_ACCOUNT
from schemas.lineage import SetBy

if TYPE_CHECKING:
    from processors.synchronization.work import Holding, Work


class Pay(msgspec.Struct, frozen=True, array_like=True):
    """Who pays for one service; `by_order`: an order line said so."""

    account: str | None
    profile: str | None
    by_order: bool


class Said(NamedTuple):
    """The line that said who pays for a service here, and when the service came to be paid so: transaction, place."""

    by: SetBy | None
    since: tuple[int, int]


class Payers:
    """The payers of one service account's services. `said`: which line named the payer of a service."""

    def __init__(self, said: Callable[[str], Said]) -> None:
        self.said = said
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

    def in_turn(self, service_account: str) -> dict[str, SetBy | None]:
        """Who pays by an order, the account itself aside, and which line said so; who was set first, first (HIE-15)."""
        by_orders = (
            (self.said(service), pay.account)
            for service, pay in self.services.items()
            if pay.by_order and pay.account not in (None, service_account)
        )
        found: dict[str, SetBy | None] = {}
        for said, account in sorted(by_orders, key=lambda entry: entry[0].since):
            assert account is not None, "those without a payer were left out"
            found.setdefault(account, said.by)
        return found


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
            found = self._now[account_id] = Payers(self._said)
            for assigned in () if account_id in self._work.made else self._work.view.assigned_to(account_id):
                if self._work.is_live(assigned.service_id):
                    pay = Pay(assigned.billing_account, assigned.billing_profile, assigned.by_order)
                    found.put(assigned.service_id, pay)
        return found

    def final(self, account_id: str) -> Payers:
        """As all lines leave it. To be asked for the first time before any of them is done."""
        found = self._final.get(account_id)
        if found is None:
            found = self._final[account_id] = Payers(self._said)
            for service_id, pay in self.now(account_id).services.items():
                if service_id not in self._work.pending:
                    found.put(service_id, pay)
            for service_id, holding in self._pending.get(account_id, {}).items():
                if self._work.is_live(service_id):
                    found.put(service_id, pay_of(holding))
        return found

    def done(self, service_id: str, old: Holding | None, new: Holding | None) -> None:
        """A line is done for a service."""
        was = None if old is None else old.values.get(SERVICE_ACCOUNT)
        is_ = None if new is None else new.values.get(SERVICE_ACCOUNT)
        if was is not None and was != is_:
            self.now(was).drop(service_id)
        if is_ is not None and new is not None and self._work.is_live(service_id):
            self.now(is_).put(service_id, pay_of(new))

    def _said(self, service_id: str) -> Said:
        holding = self._work.holding(service_id)
        held = {} if holding is None else holding.set_by
        by, here = held.get(BILLING_ACCOUNT), held.get(SERVICE_ACCOUNT)
        return Said(by, max(_moment(self._work, by), _moment(self._work, here)))


def pay_of(holding: Holding) -> Pay:
    """Who pays for a service, as its assignment says."""
    by = holding.set_by.get(BILLING_ACCOUNT)
    return Pay(holding.values.get(BILLING_ACCOUNT), holding.values.get(BILLING_PROFILE), by is not None)


def _moment(work: Work, by: SetBy | None) -> tuple[int, int]:
    """When a line said what it says of a service."""
    if by is None:
        return 0, 0
    task = work.planned.get(by.line_id)
    if task is not None and by.command_id == work.context.command_id:
        return work.sequence, task.turn
    line = work.view.line(by.line_id)
    steps = () if line is None or line.sync is None else line.sync.steps
    return next(((step.sequence, step.place) for step in steps if step.command_id == by.command_id), (0, 0))
