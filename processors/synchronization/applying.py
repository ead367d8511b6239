"""Payers, parents, groups and assignments follow what the lines ask (HIE-*, LEG-*): first what is new, then what moves.

1. What must move along, or may not be left behind, where one account has one payer (HIE-8a, HIE-9).
2. ADD lines: nonpaying profiles, parent links, collections, assignments (CRE-15).
3. Moves and flips, line by line: profiles, parent link, collections, assignment.
4. What is taken back, kind by kind (UND-3), and the assignments that end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from processors.billing_profiles import nonpaying
from processors.billing_profiles.payers import Desk, pay_of
from processors.billing_profiles.whole import Change
from processors.hierarchies import groups, parents
from processors.hierarchies.parents import touch
from processors.synchronization.giving_back import Pasts
from processors.synchronization.matrix import BILLING_ACCOUNT, BILLING_PROFILE, SERVICE_ACCOUNT
from processors.synchronization.work import Holding, Phase, Task, Work
from schemas.billing_profiles import (
    AssignmentChange,
    BillingAssignmentChanged,
    BillingAssignmentEnded,
    BillingAssignmentStarted,
    LinkCause,
)
from schemas.lineage import ImplicitMove, LineRef, Used, UseKind
from schemas.refusals import Code, violation


def apply(work: Work, tasks: Sequence[Task]) -> None:
    """Do what the tasks ask, in their order."""
    doing = [task for task in tasks if not task.stopped and (task.is_processed or task.is_cancelled)]
    desk = Desk(work)
    desk.settle()
    if not work.split_payer:
        for task in doing:
            _move_along(work, desk, task, doing)
        desk.settle()
    _touch(desk, doing)
    pasts = Pasts(work, desk, doing)
    added = dict.fromkeys(task for task in doing if task.row == "REV-1" and task.old is None)
    for turn, task in enumerate((*added, *(task for task in doing if task not in added))):
        task.turn = turn
    for task in added:
        work.place = task.place
        _add(work, desk, task)
    for task in doing:
        work.place = task.place
        if task.new is None:
            _move_others(work, desk, task)
        elif task not in added and not task.ignored:
            _move(work, desk, task)
    _end(work, desk, list(_ending(work, doing)))
    pasts.give_back()
    parents.settle(work, desk, pasts)


def _touch(desk: Desk, tasks: Sequence[Task]) -> None:
    """Read who pays for the accounts of all lines before any of them is done."""
    for task in tasks:
        for holding in (task.old, task.new):
            account = None if holding is None else holding.values.get(SERVICE_ACCOUNT)
            if account is not None:
                desk.final(account)


def _can_be_done(work: Work, task: Task) -> bool:
    """Whether all that the line names is there, the assignment that it changes too; what is missing was told."""
    assert task.new is not None, "the assignment of the line goes on"
    if task.old is not None and not task.begins and work.view.assignment(task.asset) is None:
        return False
    values = task.new.values
    named = (values.get(SERVICE_ACCOUNT), values.get(BILLING_ACCOUNT))
    if any(name is not None and work.view.account(name) is None for name in named):
        return False
    profile = values.get(BILLING_PROFILE)
    return profile is None or work.view.billing_profile(profile) is not None


# -- 1. one payer per account


def _move_along(work: Work, desk: Desk, task: Task, tasks: Sequence[Task]) -> None:
    """Services of the old payer that no line moves: they move along, or the line is refused (HIE-8a, HIE-9)."""
    if task.old is None or task.new is None or task.ignored or work.only_takes_back:
        return
    account, old, new = (
        task.old.values.get(SERVICE_ACCOUNT),
        task.old.values.get(BILLING_ACCOUNT),
        task.new.values.get(BILLING_ACCOUNT),
    )
    if account is None or account != task.new.values.get(SERVICE_ACCOUNT) or old == new:
        return
    left = [
        service
        for service in sorted(desk.now(account).paid_by_account(old))
        if _remains(work, service, account, old) and service != task.asset
    ]
    if not left:
        return
    if work.moves_along and not task.is_cancelled:
        coming = {other.asset: other for other in tasks if other.place > task.place and other.old and other.new}
        for service in left:
            _move_implicitly(work, task, service, coming.get(service))
        return
    leaving = [other.asset for other in tasks if _leaves(other, account, old)]
    refused = violation(
        Code.SPLIT_PAYER_NOT_ENABLED,
        "HIE-8a",
        "implicit_moves",
        line_id=task.line.line_id,
        account_id=account,
        on_order=leaving,
        left_behind=left,
    )
    work.refuse(task.place, refused)


def _remains(work: Work, service: str, account: str, payer: str | None) -> bool:
    holding = work.holding(service)
    if holding is None:
        return False
    return holding.values.get(SERVICE_ACCOUNT) == account and holding.values.get(BILLING_ACCOUNT) == payer


def _leaves(task: Task, account: str, payer: str | None) -> bool:
    if task.old is None or task.new is None:
        return False
    held = task.old.values
    mine = held.get(SERVICE_ACCOUNT) == account and held.get(BILLING_ACCOUNT) == payer
    return mine and task.new.values.get(BILLING_ACCOUNT) != payer


def _move_implicitly(work: Work, task: Task, service: str, later: Task | None) -> None:
    """One service moves along. `later`: the line that changes something else of it, once it has moved."""
    holding = work.holding(service) if later is None else later.old
    assert holding is not None, "a service that is left behind has an assignment"
    assert task.new is not None, "the line goes on"
    target = {name: task.new.values.get(name) for name in (BILLING_ACCOUNT, BILLING_PROFILE)}
    changed = {name: value for name, value in target.items() if holding.values.get(name) != value}
    for name in changed:
        before = holding.value(name)
        known = any((move.service_id, move.attribute) == (service, name) for move in task.implicit)
        if not known:
            task.implicit.append(ImplicitMove(service_id=service, attribute=name, before=before))
    moved = holding.changed(changed, task.lineage)
    task.also[service] = (holding, moved)
    work.pending[service] = moved
    if later is not None and later.new is not None:
        later.old = moved
        later.new = work.pending[service] = later.new.changed(changed, task.lineage)


# -- 2. what is new


def _add(work: Work, desk: Desk, task: Task) -> None:
    assert task.new is not None, "an ADD has an assignment"
    if not _can_be_done(work, task):
        return
    account = task.new.values.get(SERVICE_ACCOUNT)
    if account is not None:
        nonpaying.follow(work, desk, Phase.NONPAYING, task, account, Change(task.asset, None, pay_of(task.new)))
        touch(work, Phase.PARENTS, task, account, (None, task.new))
    groups.follow(work, Phase.COLLECTIONS, task.asset, None, task.new, task.lineage)
    _assign(work, Phase.ASSIGNMENTS, task)
    desk.done(task.asset, None, task.new)


# -- 3. what moves


def _move(work: Work, desk: Desk, task: Task) -> None:
    """One line: profiles, parent link, collections, assignment; then what moves along with it."""
    old, new = task.old, task.new
    assert new is not None, "the assignment of the line goes on"
    if not _can_be_done(work, task):
        return
    _pay(work, desk, task, task.asset, old, new)
    groups.follow(work, Phase.MOVES, task.asset, None if task.begins else old, new, task.lineage)
    _assign(work, Phase.MOVES, task)
    desk.done(task.asset, old, new)
    _move_others(work, desk, task)


def _move_others(work: Work, desk: Desk, task: Task) -> None:
    """Services that move along with the line's own, or go back with it (HIE-9)."""
    for service, (was, now) in task.also.items():
        if now is None:
            continue
        _pay(work, desk, task, service, was, now)
        groups.follow(work, Phase.MOVES, service, was, now, task.lineage)
        cause = LinkCause.FLIP if task.is_cancelled else LinkCause.IMPLICIT
        _change(work, Phase.MOVES, service, was, now, task.ref, cause)
        desk.done(service, was, now)


def _pay(work: Work, desk: Desk, task: Task, service: str, old: Holding | None, new: Holding) -> None:
    """Profiles and parent link of a service that has another account or another payer."""
    account = new.values.get(SERVICE_ACCOUNT)
    before = None if old is None else old.values.get(SERVICE_ACCOUNT)
    was, now = None if old is None else pay_of(old), pay_of(new)
    if task.begins and account is not None and now.account == account:
        nonpaying.exclude(work, desk, Phase.MOVES, task, account)
    if before == account:
        is_paid_alike = was is not None and (was.account, was.profile) == (now.account, now.profile)
        if account is not None and was is not None and (task.is_anew(service) or not is_paid_alike):
            nonpaying.follow(work, desk, Phase.MOVES, task, account, Change(service, was, now))
            touch(work, Phase.MOVES, task, account, (None if task.is_anew(service) else old, new))
        return
    if before is not None:
        nonpaying.follow(work, desk, Phase.MOVES, task, before, Change(service, was, None))
    if account is not None:
        nonpaying.follow(work, desk, Phase.MOVES, task, account, Change(service, None, now))
    if before is not None:
        touch(work, Phase.MOVES, task, before, (old, None))
    if account is not None:
        touch(work, Phase.MOVES, task, account, (None, new))


# -- 4. what is taken back


def _ending(work: Work, tasks: Sequence[Task]) -> Iterator[tuple[Task, str, Holding]]:
    """Assignments that end, with the line that takes them back; not where another line has the service now."""
    for task in tasks:
        ended = [] if task.new is not None or task.old is None else [(task.asset, task.old)]
        ended += [(service_id, old) for service_id, (old, new) in task.also.items() if new is None]
        for service_id, old in ended:
            if work.view.assignment(service_id) is not None and work.pending.get(service_id) is None:
                yield task, service_id, old


def _end(work: Work, desk: Desk, ending: Sequence[tuple[Task, str, Holding]]) -> None:
    """Memberships, nonpaying profiles, parent links, then the assignments themselves (UND-3)."""
    for task, service_id, old in ending:
        groups.follow(work, Phase.UNDO_COLLECTIONS, service_id, old, None, task.lineage)
        _record_end(work, Phase.ENDED, service_id, old, task.ref)
        for name, kind in ((BILLING_PROFILE, UseKind.BILLING_PROFILE), (SERVICE_ACCOUNT, UseKind.ACCOUNT)):
            value = old.values.get(name)
            if value is not None:
                work.let_go.setdefault(Used(kind=kind, id=value), task)
    for task, service_id, old in ending:
        account = old.values.get(SERVICE_ACCOUNT)
        if account is not None:
            left = Change(service_id, pay_of(old), None)
            nonpaying.follow(work, desk, Phase.UNDO_NONPAYING, task, account, left)
            nonpaying.close_idle(work, desk, Phase.UNDO_NONPAYING, task, account)
            touch(work, Phase.UNDO_PARENTS, task, account, (old, None))


# -- assignments


def _assign(work: Work, phase: Phase, task: Task) -> None:
    old, new = task.old, task.new
    assert new is not None, "the assignment of the line goes on"
    if task.takes_over is not None and old is not None:
        _record_end(work, phase, task.asset, old, task.takes_over)
        old = None
    if task.begins or old is None:
        first = old if old is not None else new
        started = BillingAssignmentStarted(
            service_id=task.asset,
            product_id=first.product_id,
            values=first.values,
            set_by=first.set_by,
            at=work.context.at,
        )
        work.record(phase, started)
    if old is not None:
        _change(work, phase, task.asset, old, new, task.ref, task.cause)


def _record_end(work: Work, phase: Phase, service: str, old: Holding, line: LineRef) -> None:
    work.record(phase, BillingAssignmentEnded(service_id=service, values=old.values, line=line, at=work.context.at))


def _change(  # a service, its assignment before and after, and the line
    work: Work, phase: Phase, service: str, old: Holding, new: Holding, line: LineRef, cause: LinkCause
) -> None:
    changes = tuple(
        AssignmentChange(
            attribute=name,
            old=old.values.get(name),
            new=value,
            old_set_by=old.set_by.get(name),
            new_set_by=new.set_by.get(name),
        )
        for name, value in new.values.items()
        if (value, new.set_by.get(name)) != (old.values.get(name), old.set_by.get(name))
    )
    if changes:
        changed = BillingAssignmentChanged(
            service_id=service, changes=changes, line=line, cause=cause, at=work.context.at
        )
        work.record(phase, changed)
