"""Nonpaying profiles: what of an account another one pays for (HIE-1 .. HIE-4, HIE-7, HIE-8, HIE-13, HIE-16)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from processors.billing_profiles.events import state_changed, switch_dropped
from processors.billing_profiles.switching import pays_itself, waits_for_period
from processors.billing_profiles.whole import (
    Change,
    Circumstances,
    coverage_of,
    goes_over,
    is_whole,
    leaves,
)
from processors.periods import start_of_day
from schemas.accounts import Account
from schemas.billing_profiles import (
    ALL,
    BillingProfile,
    BillingProfileCreated,
    BillingProfileHierarchyChanged,
    BillingProfileSwitchPlanned,
    Covers,
    PayerLink,
    ProfileCause,
    ProfileState,
    SwitchTo,
)
from schemas.lineage import LineRef, Used, UseKind
from schemas.refusals import Code, violation

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Desk
    from processors.synchronization.work import Phase, Task, Work


def pointing_at(work: Work, account_id: str, payer_profile_id: str | None) -> BillingProfile | None:
    """The account's nonpaying profile to a payer's profile (HIE-3)."""
    if payer_profile_id is None:
        return None
    mine = work.nonpaying(account_id)
    return next((profile for profile in mine if profile.payer_profile_id == payer_profile_id), None)


def follow(work: Work, desk: Desk, phase: Phase, task: Task, account_id: str, change: Change) -> None:
    """The profiles of an account follow a service that comes to it, leaves it, or is paid by another one.

    Alone (HIE-2 .. HIE-4, HIE-8, HIE-16) or with all that the old payer pays here (HIE-7). All services are covered,
    unless the account pays others itself, or another profile covers all of them already: a service is covered once
    (INV-OBA-5).
    """
    account = work.view.account(account_id)
    if account is None:  # an earlier line of the command should have made it, and was refused
        return
    old, new = change.old, change.new
    if not task.is_cancelled:  # what takes over from a line that was never there comes anew (INV-OBA-2)
        said = change._replace(old=None) if task.is_anew(change.service_id) and new else change
        work.changes.setdefault(account_id, []).append(said)
    if old is not None and new is not None and (old.account, old.profile) == (new.account, new.profile):
        return
    left = None if old is None or old.account == account_id else pointing_at(work, account_id, old.profile)
    if new is not None and new.account == account_id:
        if left is not None:
            _back_to_own(work, desk, phase, task, left, new.profile)
        exclude(work, desk, phase, task, account_id)
    elif new is not None and new.profile is not None:
        _cover(work, desk, phase, task, account, change, left)
    elif left is not None:
        _uncover(work, desk, phase, task, left, change.service_id)


def _cover(  # an account, what changes, and the profile that its old payer leaves
    work: Work,
    desk: Desk,
    phase: Phase,
    task: Task,
    account: Account,
    change: Change,
    left: BillingProfile | None,
) -> None:
    """A service is paid by another account."""
    here, old = account.account_id, change.old
    payer_profile_id = None if change.new is None else change.new.profile
    assert payer_profile_id is not None, "another account pays with a profile"
    found = pointing_at(work, here, payer_profile_id)
    if old is None and found is not None and is_whole(found):
        return
    at = Circumstances(
        here,
        account.parent_account_id,
        lambda: work.view.corporate_of(here) is not None,
        desk.now(here),
        desk.final(here),
    )
    coverage = coverage_of(work.nonpaying(here))
    coverage.follow(change, at)
    whole = coverage.whole
    if left is not None and goes_over(at, left.payer_profile_id, payer_profile_id):
        _repoint(work, desk, phase, task, (left, found), change, whole)
        return
    if found is not None:
        _grow(work, desk, phase, task, found, change.service_id, whole)
    elif old is not None and old.account == here:
        _from_own(work, desk, phase, task, account, change, whole)
    else:
        _create(work, phase, task, here, payer_profile_id, _covers(whole, payer_profile_id, (change.service_id,)))
    if left is not None:
        _uncover(work, desk, phase, task, left, change.service_id)


def _covers(whole: str | None, payer_profile_id: str | None, services: Iterable[str]) -> Covers:
    return ALL if payer_profile_id == whole else Covers(services=tuple(sorted(services)))


def _uncover(  # a service leaves a nonpaying profile
    work: Work, desk: Desk, phase: Phase, task: Task, profile: BillingProfile, service_id: str
) -> None:
    """A service is not paid for by this profile any more; one that covers nothing is closed (HIE-8, HIE-16)."""
    assert profile.covers is not None, "a nonpaying profile covers something"
    paid = desk.final(profile.account_id).paid_by_profile(profile.payer_profile_id)
    if not paid - {service_id}:
        close(work, phase, task, profile)
    elif profile.covers.lists(service_id):
        kept = set(profile.covers.services) - {service_id} or paid - {service_id}
        change(work, phase, task, profile, profile.payer_profile_id, Covers(services=tuple(sorted(kept))))


def cover_all(  # the account, and the payer's profile that is to cover ALL of it; null: each lists what it pays for
    work: Work, desk: Desk, phase: Phase, task: Task, account_id: str, payer_profile_id: str | None
) -> None:
    """Who paid for all services of an account before a line that is cancelled does so again (INV-OBA-2)."""
    final = desk.final(account_id)
    whole = pointing_at(work, account_id, payer_profile_id)
    may_be = whole is not None and not leaves(whole) and not final.paid_by_account(account_id)
    if payer_profile_id is not None and not may_be:
        return
    for other in work.nonpaying(account_id):
        if is_whole(other) and other != whole:
            paid = sorted(final.paid_by_profile(other.payer_profile_id))
            change(work, phase, task, other, other.payer_profile_id, Covers(services=tuple(paid)))
    if whole is not None:
        change(work, phase, task, whole, payer_profile_id, ALL)


def close_idle(work: Work, desk: Desk, phase: Phase, task: Task, account_id: str) -> None:
    """An account without live services leaves nothing for its payers, whatever was planned."""
    if not desk.final(account_id).services:
        for profile in work.view.planned_switches(account_id):
            close(work, phase, task, profile)


def exclude(work: Work, desk: Desk, phase: Phase, task: Task, account_id: str) -> None:
    """The account pays for a service itself: a profile that covers all covers only those that its payer pays."""
    for profile in work.nonpaying(account_id):
        if is_whole(profile):
            paid = sorted(desk.final(account_id).paid_by_profile(profile.payer_profile_id))
            if paid:
                change(work, phase, task, profile, profile.payer_profile_id, Covers(services=tuple(paid)))


def _repoint(  # a profile that its payer leaves with everything it covers, and one that points at the new payer
    work: Work,
    desk: Desk,
    phase: Phase,
    task: Task,
    profiles: tuple[BillingProfile, BillingProfile | None],
    moved: Change,
    whole: str | None,
) -> None:
    """The profile points at the new payer, or one that does so already takes over what it covers (HIE-7)."""
    left, found = profiles
    assert left.covers is not None, "a nonpaying profile covers something"
    assert moved.new is not None, "a service that leaves takes no profile along"
    payer_profile_id = moved.new.profile
    assert payer_profile_id is not None, "a profile points at another one"
    paid = {moved.service_id, *desk.final(left.account_id).paid_by_profile(payer_profile_id)}
    if not left.covers.all:
        paid = {moved.service_id, *paid.intersection(left.covers.services)}
    covers = _covers(whole, payer_profile_id, paid)
    if found is None:
        if leaves(left):
            _drop_plan(work, phase, task.ref, left)
        change(work, phase, task, left, payer_profile_id, covers)
        return
    assert found.covers is not None, "a nonpaying profile covers something"
    if leaves(found):
        _needed_again(work, desk, phase, task, found, whole)
    elif not found.covers.all:
        both = sorted({*found.covers.services, *covers.services})
        change(work, phase, task, found, payer_profile_id, ALL if covers.all else Covers(services=tuple(both)))
    close(work, phase, task, left)


def _from_own(  # an account stops to pay for a service itself
    work: Work, desk: Desk, phase: Phase, task: Task, account: Account, moved: Change, whole: str | None
) -> None:
    """Its own profile pays to the end of the period if the payer takes all (HIE-13)."""
    assert moved.old is not None, "the account paid itself"
    assert moved.new is not None, "another one pays now"
    payer = moved.new.profile
    assert payer is not None, "as above"
    final = desk.final(account.account_id)
    waits = not final.paid_by_account(account.account_id) and waits_for_period(task, account)
    coming = final.paid_by_profile(payer) if waits else ()
    covers = _covers(whole, payer, {moved.service_id, *coming})
    state = ProfileState.INACTIVE if waits else ProfileState.ACTIVE
    created = _create(work, phase, task, account.account_id, payer, covers, state)
    if created is not None and waits:
        _plan(work, phase, task, created, account, SwitchTo.PAYER, moved.old.profile)


def _back_to_own(  # the account is to pay itself again
    work: Work, desk: Desk, phase: Phase, task: Task, profile: BillingProfile, own: str | None
) -> None:
    """At once where it has paid others itself all the time (HIE-8), else from its next period on (HIE-13)."""
    paid = desk.final(profile.account_id).paid_by_profile(profile.payer_profile_id)
    account = work.view.account(profile.account_id)
    plan = profile.planned_switch
    if paid:
        covers = profile.covers
        kept = sorted(paid) if covers is None or covers.all else sorted(paid.intersection(covers.services))
        change(work, phase, task, profile, profile.payer_profile_id, Covers(services=tuple(kept)))
    elif plan is not None and plan.to is SwitchTo.OWN:
        return
    elif plan is not None or account is None or not waits_for_period(task, account) or pays_itself(work, desk, account):
        close(work, phase, task, profile)
    else:
        _plan(work, phase, task, profile, account, SwitchTo.OWN, own)


# -- events


def _plan(  # who is to pay from the account's next period on
    work: Work, phase: Phase, task: Task, profile: BillingProfile, account: Account, to: SwitchTo, own: str | None
) -> None:
    assert account.current_period is not None, "a switch is planned for the end of a period that runs"
    planned = BillingProfileSwitchPlanned(
        billing_profile_id=profile.billing_profile_id,
        account_id=profile.account_id,
        own_profile_id=own,
        to=to,
        effective_at=start_of_day(account.current_period.end, work.context.zone),
        line=task.ref,
    )
    work.record(phase, planned)


def _drop_plan(work: Work, phase: Phase, line: LineRef, profile: BillingProfile) -> None:
    if profile.planned_switch is not None:
        work.record(phase, switch_dropped(profile, profile.planned_switch, line))


def close(work: Work, phase: Phase, task: Task, profile: BillingProfile) -> None:
    """Close a profile that covers nothing; what it planned is dropped first."""
    _drop_plan(work, phase, task.ref, profile)
    if task.is_cancelled and profile.payer_profile_id is not None:
        work.let_go.setdefault(Used(kind=UseKind.BILLING_PROFILE, id=profile.payer_profile_id), task)
    work.record(phase, state_changed(profile, ProfileState.CLOSED, ProfileCause.COVERS_NOTHING, task.ref))


def _grow(  # a profile that covers one service more
    work: Work, desk: Desk, phase: Phase, task: Task, profile: BillingProfile, service_id: str, whole: str | None
) -> None:
    """The profile covers one service more (HIE-3)."""
    covers = profile.covers
    if leaves(profile):
        _needed_again(work, desk, phase, task, profile, whole)
    elif covers is not None and not covers.all and not covers.lists(service_id):
        grown = Covers(services=tuple(sorted((*covers.services, service_id))))
        change(work, phase, task, profile, profile.payer_profile_id, grown)


def _needed_again(  # a profile that its account was about to leave
    work: Work, desk: Desk, phase: Phase, task: Task, profile: BillingProfile, whole: str | None
) -> None:
    """It covers what its payer pays after the command."""
    _drop_plan(work, phase, task.ref, profile)
    paid = desk.final(profile.account_id).paid_by_profile(profile.payer_profile_id)
    change(work, phase, task, profile, profile.payer_profile_id, _covers(whole, profile.payer_profile_id, paid))


def change(  # a nonpaying profile gets another payer or covers something else
    work: Work, phase: Phase, task: Task, profile: BillingProfile, payer_profile_id: str | None, covers: Covers
) -> None:
    """Another payer for a nonpaying profile, or other services."""
    payer = None if payer_profile_id is None else work.view.billing_profile(payer_profile_id)
    old = None if profile.payer_profile_id is None else work.view.billing_profile(profile.payer_profile_id)
    if payer is None or old is None or profile.covers is None:
        return
    if (payer_profile_id, covers) == (profile.payer_profile_id, profile.covers):
        return
    moved = payer is not old
    if moved and not _fits(work, task, profile.account_id, payer):
        return
    changed = BillingProfileHierarchyChanged(
        billing_profile_id=profile.billing_profile_id,
        account_id=profile.account_id,
        old=_pointing(old, profile.covers, profile),
        new=_pointing(payer, covers, payer if moved else profile),
        billing_systems=payer.billing_systems if moved else profile.billing_systems,
        lineage=task.lineage,
        cause=task.cause,
    )
    work.record(phase, changed)


def _pointing(payer: BillingProfile, covers: Covers, like: BillingProfile) -> PayerLink:
    return PayerLink(
        payer_profile_id=payer.billing_profile_id,
        payer_account_id=payer.account_id,
        covers=covers,
        currency=like.currency,
        frequency=like.frequency,
    )


def _create(  # a nonpaying profile of an account
    work: Work,
    phase: Phase,
    task: Task,
    account_id: str,
    payer_profile_id: str,
    covers: Covers,
    state: ProfileState = ProfileState.ACTIVE,
) -> BillingProfile | None:
    payer = work.view.billing_profile(payer_profile_id)
    if payer is None or not _fits(work, task, account_id, payer):
        return None
    created = BillingProfileCreated(
        billing_profile_id=work.new_id("billing_profile", "nonpaying_profile", account_id, payer_profile_id),
        account_id=account_id,
        paying=False,
        payer_profile_id=payer_profile_id,
        covers=covers,
        frequency=payer.frequency,
        currency=payer.currency,
        billing_systems=payer.billing_systems,
        state=state,
        lineage=task.lineage,
    )
    made = work.record(phase, created)
    assert isinstance(made, BillingProfile)
    return made


def _fits(work: Work, task: Task, account_id: str, payer: BillingProfile) -> bool:
    """A payer pays in its own currency, which must be the account's (HIE-11)."""
    account = work.view.account(account_id)
    if account is None or account.currency == payer.currency:
        return True
    mismatch = violation(
        Code.CURRENCY_MISMATCH, "HIE-11", "order_id", of="ACCOUNT", given=payer.currency, expected=account.currency
    )
    work.refuse(task.place, mismatch)
    return False
