"""Whose profile covers ALL services of an account; others list what they pay for (HIE-2, HIE-4, HIE-7, HIE-8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from schemas.billing_profiles import BillingProfile, SwitchTo

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Pay, Payers


class Change(NamedTuple):
    """Who pays for a service of an account, before and after; null: it was not here, or is no more."""

    service_id: str
    old: Pay | None
    new: Pay | None


class Circumstances(NamedTuple):
    """Where a change happens: the account, its parent before the command, and its payers now and after all lines."""

    account_id: str
    parent: str | None
    is_corporate: Callable[[], bool]
    now: Payers
    final: Payers


class Coverage:
    """The payers' profiles that an account has nonpaying profiles to, and the one of them that covers ALL, if one does.

    None covers ALL as long as the account pays for something itself; else the first to which all goes (HIE-2, HIE-7).
    """

    def __init__(self, known: Iterable[str] = (), whole: str | None = None) -> None:
        self.known, self.whole = set(known), whole

    def follow(self, change: Change, at: Circumstances) -> None:
        """A service comes, goes, or is paid by another one."""
        old, new = change.old, change.new
        is_own = new is not None and new.account == at.account_id
        if is_own:
            self.whole = None
        if is_own or new is None or new.profile is None:
            self._leave(change, at)
            return
        pays_itself = bool(at.final.paid_by_account(at.account_id))
        was_own = old is not None and old.account == at.account_id
        if old is None:
            fits = at.parent in (None, new.account) or at.is_corporate()  # a tree says nothing of who pays (CRP-5)
            is_first = self.whole is None and fits
        elif not was_own and old.profile in self.known and goes_over(at, old.profile, new.profile):
            if self.whole == old.profile:
                self.whole = None if pays_itself else new.profile
            self.known.discard(old.profile)
            is_first = False
        else:
            is_first = not self.known
        if is_first and not pays_itself and new.profile not in self.known:
            self.whole = new.profile
        self.known.add(new.profile)
        if not was_own:
            self._leave(change, at)

    def _leave(self, change: Change, at: Circumstances) -> None:
        """A profile that pays for nothing more is closed."""
        left = None if change.old is None else change.old.profile
        stays = change.new is not None and change.new.profile == left
        if left is None or stays or at.final.paid_by_profile(left) - {change.service_id}:
            return
        self.known.discard(left)
        if self.whole == left:
            self.whole = None


def coverage_of(profiles: Iterable[BillingProfile]) -> Coverage:
    """The coverage of the account whose nonpaying profiles these are; those that it is about to leave pay no more."""
    found = Coverage()
    for profile in profiles:
        if profile.payer_profile_id is not None and not leaves(profile):
            found.known.add(profile.payer_profile_id)
            if is_whole(profile):
                found.whole = profile.payer_profile_id
    return found


def goes_over(at: Circumstances, old: str | None, new: str | None) -> bool:
    """Whether every service that the old profile pays here ends with the new one, lines taken together (HIE-7)."""
    final = at.final.services
    return all(service not in final or final[service].profile == new for service in at.now.paid_by_profile(old))


def is_whole(profile: BillingProfile) -> bool:
    """Whether a profile covers all services of its account, and is to go on doing so."""
    return profile.covers is not None and profile.covers.all and not leaves(profile)


def leaves(profile: BillingProfile) -> bool:
    """Whether its account is to pay itself from the next period on (HIE-13)."""
    return profile.planned_switch is not None and profile.planned_switch.to is SwitchTo.OWN
