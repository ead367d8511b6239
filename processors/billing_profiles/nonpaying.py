"""Nonpaying profiles: what of an account another one pays for (HIE-1 .. HIE-4, HIE-7, HIE-8, HIE-13, HIE-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from processors.billing_profiles.switching import pays_itself, waits_for_period
from processors.billing_profiles.whole import is_whole, leaves, remember
from processors.periods import start_of_day
from schemas.accounts import Account
from schemas.billing_profiles import (
    ALL,
    BillingProfile,
    BillingProfileCreated,
    BillingProfileHierarchyChanged,
    BillingProfileStateChanged,
    BillingProfileSwitchDropped,
    BillingProfileSwitchPlanned,
    Covers,
    PayerLink,
    ProfileCause,
    ProfileState,
    SwitchTo,
)
from schemas.lineage import LineRef
from schemas.refusals import Code, violation

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Desk
    from processors.synchronization.work import Phase, Task, Work


def pointing_at(work: Work, account_id: str, payer_profile_id: str | None) -> BillingProfile | None:
    """The account's nonpaying profile to a payer's profile (HIE-3)."""
    if payer_profile_id is None:
        return None
    mine = work.view.nonpaying_profiles(account_id)
    return next((profile for profile in mine if profile.payer_profile_id == payer_profile_id), None)


def covering(  # a service that begins to be paid for by another account
    work: Work, desk: Desk, phase: Phase, task: Task, account_id: str, service_id: str, payer_profile_id: str
) -> None:
    """The service is paid by exactly this profile (HIE-2..4).

    All services are, unless the account pays others itself, or another profile covers all of them already: a service is
    covered once (INV-OBA-5).
    """
    found = pointing_at(work, account_id, payer_profile_id)
    if found is not None:
        _grow(work, desk, phase, task, found, service_id)
        return
    account = work.view.account(account_id)
    whole = any(is_whole(profile) for profile in work.view.nonpaying_profiles(account_id))
    alone = not whole and not desk.final(account_id).paid_by_account(account_id)
    if alone and account is not None and work.view.corporate_of(account_id) is None:
        payer = work.view.billing_profile(payer_profile_id)
        alone = account.parent_account_id is None or (
            payer is not None and account.parent_account_id == payer.account_id
        )
    _create(work, phase, task, account_id, payer_profile_id, ALL if alone else Covers(services=(service_id,)))


class Repaid(NamedTuple):
    """A service of an account that changes its payer; payers are billing account and billing profile."""

    account_id: str
    service_id: str
    old: tuple[str | None, str | None]
    new: tuple[str | None, str | None]


def repay(work: Work, desk: Desk, phase: Phase, task: Task, repaid: Repaid) -> None:
    """The payer of a service changes: with all that the old one pays here (HIE-7), or alone (HIE-8)."""
    account_id, service_id, old, new = repaid
    left = pointing_at(work, account_id, old[1]) if old[0] != account_id else None
    if new[0] == account_id:
        if left is not None:
            _back_to_own(work, desk, phase, task, left, new[1])
        exclude(work, desk, phase, task, account_id)
        return
    if new[1] is None:
        if left is not None:
            uncover(work, desk, phase, task, left, service_id)
        return
    found = pointing_at(work, account_id, new[1])
    if left is not None and _all_go_to(desk, account_id, old[1], new[1]):
        _repoint(work, desk, phase, task, (left, found), repaid)
    elif old[0] == account_id:
        _from_own(work, desk, phase, task, account_id, service_id, (old[1], new[1]))
    else:
        if found is not None:
            _grow(work, desk, phase, task, found, service_id)
        else:
            others = work.view.nonpaying_profiles(account_id) or desk.final(account_id).paid_by_account(account_id)
            covers = Covers(services=(service_id,)) if others else ALL
            _create(work, phase, task, account_id, new[1], covers)
        if left is not None:
            uncover(work, desk, phase, task, left, service_id)


def uncover(  # a service leaves a nonpaying profile
    work: Work, desk: Desk, phase: Phase, task: Task, profile: BillingProfile, service_id: str
) -> None:
    """A service is not paid for by this profile any more; one that covers nothing is closed (HIE-8, HIE-16)."""
    assert profile.covers is not None, "a nonpaying profile covers something"
    paid = desk.final(profile.account_id).paid_by_profile(profile.payer_profile_id)
    if not paid - {service_id}:
        close(work, phase, task, profile)
    elif profile.covers.lists(service_id):
        kept = tuple(found for found in profile.covers.services if found != service_id)
        change(work, phase, task, profile, profile.payer_profile_id, Covers(services=kept))


def give_back(work: Work, desk: Desk, phase: Phase, task: Task) -> None:
    """Who paid for all services of an account before a line that is cancelled does so again (INV-OBA-2)."""
    for was in task.covered:
        final = desk.final(was.account_id)
        whole = pointing_at(work, was.account_id, was.payer_profile_id)
        may_be = whole is not None and not leaves(whole) and not final.paid_by_account(was.account_id)
        if was.payer_profile_id is not None and not may_be:
            continue
        for other in work.view.nonpaying_profiles(was.account_id):
            if is_whole(other) and other != whole:
                paid = sorted(final.paid_by_profile(other.payer_profile_id))
                change(work, phase, task, other, other.payer_profile_id, Covers(services=tuple(paid)))
        if whole is not None:
            change(work, phase, task, whole, was.payer_profile_id, ALL)


def close_idle(work: Work, desk: Desk, phase: Phase, task: Task, account_id: str) -> None:
    """An account without live services leaves nothing for its payers, whatever was planned."""
    if not desk.final(account_id).services:
        for profile in work.view.planned_switches(account_id):
            close(work, phase, task, profile)


def exclude(work: Work, desk: Desk, phase: Phase, task: Task, account_id: str) -> None:
    """The account pays for a service itself: a profile that covers all covers only those that its payer pays."""
    for profile in work.view.nonpaying_profiles(account_id):
        if is_whole(profile):
            paid = sorted(desk.final(account_id).paid_by_profile(profile.payer_profile_id))
            if paid:
                change(work, phase, task, profile, profile.payer_profile_id, Covers(services=tuple(paid)))


def _all_go_to(desk: Desk, account_id: str, old: str | None, new: str | None) -> bool:
    """Whether every service that the old profile pays here ends with the new one, lines taken together (HIE-7)."""
    final = desk.final(account_id).services
    left = desk.now(account_id).paid_by_profile(old)
    return all(service not in final or final[service].profile == new for service in left)


def _repoint(  # a profile that its payer leaves with everything it covers, and one that points at the new payer
    work: Work,
    desk: Desk,
    phase: Phase,
    task: Task,
    profiles: tuple[BillingProfile, BillingProfile | None],
    repaid: Repaid,
) -> None:
    """The profile points at the new payer, or one that does so already takes over what it covers (HIE-7)."""
    left, found = profiles
    payer_profile_id = repaid.new[1]
    assert left.covers is not None, "a nonpaying profile covers something"
    final = desk.final(left.account_id)
    paid = {repaid.service_id, *final.paid_by_profile(payer_profile_id)}
    covers = left.covers
    if not covers.all:
        covers = Covers(services=tuple(sorted({repaid.service_id, *paid.intersection(covers.services)})))
    elif final.paid_by_account(left.account_id):
        covers = Covers(services=tuple(sorted(paid)))
    if found is None:
        if leaves(left):
            _drop_plan(work, phase, task.ref, left)
        change(work, phase, task, left, payer_profile_id, covers)
        return
    assert found.covers is not None, "a nonpaying profile covers something"
    if leaves(found):
        _needed_again(work, desk, phase, task, found)
    elif not found.covers.all:
        both = sorted({*found.covers.services, *covers.services})
        change(work, phase, task, found, payer_profile_id, ALL if covers.all else Covers(services=tuple(both)))
    close(work, phase, task, left)


def _from_own(  # an account stops to pay for a service itself
    work: Work, desk: Desk, phase: Phase, task: Task, account_id: str, service_id: str, profiles: tuple[str | None, str]
) -> None:
    """Its own profile pays to the end of the period if the payer takes all (HIE-13)."""
    own, payer = profiles
    found = pointing_at(work, account_id, payer)
    if found is not None:
        _grow(work, desk, phase, task, found, service_id)
        return
    final = desk.final(account_id)
    takes_all = not final.paid_by_account(account_id)
    account = work.view.account(account_id)
    waits = takes_all and account is not None and waits_for_period(task, account)
    if takes_all and not work.view.nonpaying_profiles(account_id):
        covers = ALL
    else:
        coming = final.paid_by_profile(payer) if waits else ()
        covers = Covers(services=tuple(sorted({service_id, *coming})))
    state = ProfileState.INACTIVE if waits else ProfileState.ACTIVE
    created = _create(work, phase, task, account_id, payer, covers, state)
    if created is not None and waits and account is not None:
        _plan(work, phase, task, created, account, SwitchTo.PAYER, own)


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
    if to is SwitchTo.OWN:
        remember(work, task, profile.account_id)
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
    plan = profile.planned_switch
    if plan is None:
        return
    dropped = BillingProfileSwitchDropped(
        billing_profile_id=profile.billing_profile_id,
        account_id=profile.account_id,
        own_profile_id=plan.own_profile_id,
        to=plan.to,
        effective_at=plan.effective_at,
        line=line,
    )
    work.record(phase, dropped)


def close(
    work: Work,
    phase: Phase,
    task: Task,
    profile: BillingProfile,
    cause: ProfileCause = ProfileCause.COVERS_NOTHING,
) -> None:
    """Close a profile; what it planned is dropped first."""
    remember(work, task, profile.account_id)
    _drop_plan(work, phase, task.ref, profile)
    closed = BillingProfileStateChanged(
        billing_profile_id=profile.billing_profile_id,
        account_id=profile.account_id,
        old_state=profile.state,
        new_state=ProfileState.CLOSED,
        cause=cause,
        line=task.ref,
    )
    work.record(phase, closed)


def _grow(  # a profile that covers one service more
    work: Work, desk: Desk, phase: Phase, task: Task, profile: BillingProfile, service_id: str
) -> None:
    """The profile covers one service more (HIE-3)."""
    covers = profile.covers
    if leaves(profile):
        _needed_again(work, desk, phase, task, profile)
    elif covers is not None and not covers.all and not covers.lists(service_id):
        grown = Covers(services=tuple(sorted((*covers.services, service_id))))
        change(work, phase, task, profile, profile.payer_profile_id, grown)


def _needed_again(work: Work, desk: Desk, phase: Phase, task: Task, profile: BillingProfile) -> None:
    """A profile that its account was about to leave covers what its payer pays after the command."""
    _drop_plan(work, phase, task.ref, profile)
    final = desk.final(profile.account_id)
    paid = final.paid_by_profile(profile.payer_profile_id)
    covers = ALL if len(paid) == len(final.services) else Covers(services=tuple(sorted(paid)))
    change(work, phase, task, profile, profile.payer_profile_id, covers)


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
    if profile.covers.all != covers.all or (moved and covers.all):
        remember(work, task, profile.account_id)
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
