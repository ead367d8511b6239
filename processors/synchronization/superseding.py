"""Lines that were overtaken: a cancelled update never overwrites a later one (FLP-1 .. FLP-4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from processors.synchronization.evolution import rebased_values
from processors.synchronization.matrix import BILLING_ACCOUNT, BILLING_PROFILE, SERVICE_ACCOUNT
from processors.synchronization.work import Holding, Phase, Task, Work
from schemas.accounts import AccountState
from schemas.billing_profiles import ProfileState
from schemas.lineage import LineAction, LineRef, LineSync, SetBy, SyncState, ValueSet
from schemas.refusals import Code, violation
from schemas.synchronization import KeptAttribute, OrderLineRebased

_OTHER_HALF = {BILLING_ACCOUNT: BILLING_PROFILE, BILLING_PROFILE: BILLING_ACCOUNT}
"""A profile is one of its billing account: where one of the two is left as it is, the other one is too."""


def is_held(holding: Holding, name: str, task: Task) -> bool:
    """Whether the line holds an attribute."""
    by = holding.set_by.get(name)
    return by is not None and by.line_id == task.line.line_id


def check_revision(work: Work, task: Task, base: LineSync, holding: Holding) -> None:
    """An attribute that a later line has set since is not changed by a revision of an earlier one (FLP-2).

    What was left as it is in this revision once is not judged again, and changes when it is free.
    """
    again = task.line.synchronized_revision == work.order.revision
    changed, left = list[str](), dict[str, SetBy | None]()
    for name in task.changed:
        by = holding.set_by.get(name)
        before = base.before.get(name)
        since = before.set_by if before is not None and before.value == base.applied.get(name) else None
        if by is None or by.line_id == task.line.line_id or since == by:
            changed.append(name)
        elif before is None:
            changed.append(name)  # tracked only since this revision
        elif again:
            _keep(task, name, by)
            left[name] = by
        else:
            _superseded(work, task, name, (base.applied.get(name), holding.values.get(name)), by)
            if work.keeps_current:
                left[name] = by
    _keep_halves(task, left, changed)
    changed = [name for name in changed if name not in left]
    task.changed = tuple(changed)
    task.prior = {name: task.prior[name] for name in changed}


def _keep_halves(task: Task, left: dict[str, SetBy | None], names: Collection[str]) -> None:
    """Half of a payer pays nothing: what is left as it is takes the other half along, with the line that keeps it."""
    for name, other in _OTHER_HALF.items():
        if name in left and other in names and other not in left:
            left[other] = left[name]
            _keep(task, other, left[name])


def cancel(work: Work, task: Task) -> None:
    """What a cancelled line leaves of its assignment: nothing of its own (REV-4, REV-8, REV-12)."""
    if task.original is LineAction.ADD and work.strict:
        task.ignored = True
        task.changed = ()
        return
    holding = task.old = task.new = work.holding(task.asset)
    if holding is not None and task.original is LineAction.ADD:
        _delete(work, task, holding)
    elif holding is not None:
        _flip(work, task, holding)
    _flip_implicit(work, task)


def _delete(work: Work, task: Task, holding: Holding) -> None:
    """The assignment ends, unless a later line holds part of it (FLP-3)."""
    back = dict.fromkeys(holding.set_by, ValueSet())
    left = _left(work, task, holding, back)
    if not left:
        task.new = work.pending[task.asset] = None
        work.ended[task.asset] = (task.ref, holding)
        return
    if not work.keeps_current:
        task.stopped = True
        return
    if BILLING_ACCOUNT not in left:  # nobody else could end it: who has the rest takes the payer over
        heir = left.get(BILLING_PROFILE) or next(iter(left.values()))
        left |= {name: heir for name in (BILLING_ACCOUNT, BILLING_PROFILE) if name in back and name not in left}
    task.changed = ()
    stays = {name: ValueSet(value=value) for name, value in holding.values.items() if is_held(holding, name, task)}
    task.new = work.pending[task.asset] = holding.given(stays | _kept(work, task, task.asset, holding, back, left))


def _flip(work: Work, task: Task, holding: Holding) -> None:
    """Each attribute of the line goes back to what it was before the line, and to whom it was (FLP-1).

    Where it is equal to that already, only the holder changes.
    """
    left = _left(work, task, holding, {name: task.before[name] for name in task.changed})
    _keep_halves(task, left, task.changed)
    if left and not work.keeps_current:
        task.stopped = True
        return
    back = {
        name: was
        for name, was in task.before.items()
        if name not in left and (name in task.changed or is_held(holding, name, task))
    }
    new = holding.given(back | _kept(work, task, task.asset, holding, task.before, left))
    task.changed = tuple(name for name in task.changed if name not in left)
    task.prior = {name: task.prior[name] for name in task.changed}
    task.applied |= {name: new.values[name] for name in task.changed}
    task.new = new if None in left.values() else _if_it_goes_on(work, task, task.asset, holding, new)  # FLP-4
    work.pending[task.asset] = task.new


def _flip_implicit(work: Work, task: Task) -> None:
    """What the line moved along goes back with it (HIE-9)."""
    moved: dict[str, dict[str, ValueSet]] = {}
    for move in task.implicit:
        moved.setdefault(move.service_id, {})[move.attribute] = move.before
    for service_id, values in moved.items():
        holding = work.holding(service_id)
        if holding is None:
            continue
        before = {name: was for name, was in values.items() if holding.set_by.get(name) is not None}
        left = _left(work, task, holding, before)
        _keep_halves(task, left, before)
        back = {name: was for name, was in before.items() if name not in left}
        new = holding.given(back | _kept(work, task, service_id, holding, before, left))
        task.implicit = [move for move in task.implicit if move.service_id != service_id or move.attribute in back]
        if new != holding:
            old = task.also[service_id][0] if service_id in task.also else holding
            task.also[service_id] = (old, _if_it_goes_on(work, task, service_id, holding, new))
            work.pending[service_id] = task.also[service_id][1]


def _if_it_goes_on(work: Work, task: Task, service_id: str, old: Holding, new: Holding) -> Holding | None:
    """The assignment as it is now, unless nobody has the service any more, nobody pays for it, or no line says so.

    What was there before any order goes on when no line says anything of it any more (PVL-4).
    """
    is_paid = new.values.get(BILLING_ACCOUNT) is not None and new.values.get(SERVICE_ACCOUNT, service_id) is not None
    if is_paid and (new.known_before or any(new.set_by.values())):
        return new
    work.ended[service_id] = (task.ref, old)
    return None


def _left(  # what the line changed of a service, and what that was before
    work: Work, task: Task, holding: Holding, back: Mapping[str, ValueSet]
) -> dict[str, SetBy | None]:
    """The attributes that do not go back, and the line that keeps each; null: the old value is closed."""
    left: dict[str, SetBy | None] = {}
    for name, was in back.items():
        by = holding.set_by.get(name)
        if by is not None and holding.value(name) == was:
            continue  # another line of the command has given it back: one that had moved the service along (HIE-9)
        if by is not None and by.line_id != task.line.line_id:
            left[name] = by
            _superseded(work, task, name, (task.applied.get(name), holding.values.get(name)), by)
        elif was.value is not None and _is_closed(work, name, was.value):
            left[name] = None
            _target_closed(work, task, name, was.value)
    return left


def _kept(  # a service, what the line changed of it, and what does not go back with the line that keeps it
    work: Work,
    task: Task,
    service_id: str,
    holding: Holding,
    back: Mapping[str, ValueSet],
    left: Mapping[str, SetBy | None],
) -> dict[str, ValueSet]:
    """What the line holds and does not take back: it passes to an heir, or nobody holds it any more (FLP-3).

    The line after this one goes back to what was before this one.
    """
    heirs: dict[str, SetBy] = {}
    for name, was in back.items():
        later = left.get(name) or holding.set_by.get(name)
        first = later
        while later is not None and later.line_id != task.line.line_id:
            known, _ = _before(work, later.line_id, service_id, name)
            if known is not None and known.set_by is not None and known.set_by.line_id == task.line.line_id:
                between = _keeper_of_the_other_half(work, task, service_id, name, later)
                if between is not None:
                    _rebase(work, task, service_id, name, later, ValueSet(value=known.value, set_by=between))
                _rebase(work, task, service_id, name, between or later, was)
                if later is first and is_held(holding, name, task) and known.value == holding.values.get(name):
                    heirs[name] = later
                break
            later = None if known is None else known.set_by
    return {
        name: ValueSet(value=holding.values.get(name), set_by=heirs.get(name))
        for name in left
        if is_held(holding, name, task)
    }


def _superseded(  # an attribute, what the line made of it and what it is, and who has it now
    work: Work, task: Task, name: str, values: tuple[str | None, str | None], by: SetBy
) -> None:
    if work.keeps_current:
        _keep(task, name, by)
        return
    found = violation(
        Code.SUPERSEDED_BY,
        "FLP-2",
        "order_id",
        line_id=task.line.line_id,
        attribute=name,
        applied=values[0],
        current=values[1],
        by={"order_id": by.order_id, "line_id": by.line_id, "revision": by.revision},
    )
    work.refuse(task.place, found)


def _keep(task: Task, name: str, by: SetBy | None) -> None:
    ref = None if by is None else LineRef(order_id=by.order_id, line_id=by.line_id)
    task.kept.append(KeptAttribute(attribute=name, by=ref))


def _target_closed(work: Work, task: Task, name: str, target: str) -> None:
    if work.keeps_current:
        _keep(task, name, None)
        return
    found = violation(
        Code.FLIP_TARGET_CLOSED, "FLP-4", "order_id", line_id=task.line.line_id, attribute=name, value=target
    )
    work.refuse(task.place, found)


def _is_closed(work: Work, name: str, target: str) -> bool:
    if name == BILLING_PROFILE:
        profile = work.view.billing_profile(target)
        return profile is not None and profile.state is ProfileState.CLOSED
    account = work.view.account(target)
    return account is not None and account.state is AccountState.DEACTIVATED


def _before(work: Work, line_id: str, service_id: str, attribute: str) -> tuple[ValueSet | None, bool]:
    """What a line gives an attribute of a service back, and whether it is one that it moved along (HIE-9).

    A line of this command says so itself: its event comes last.
    """
    line = work.view.line(line_id)
    holder = work.planned.get(line_id) or (None if line is None else line.sync)
    if holder is None:
        return None, False
    for move in holder.implicit:
        if (move.service_id, move.attribute) == (service_id, attribute):
            return move.before, True
    return holder.before.get(attribute), False


def _keeper_of_the_other_half(
    work: Work, task: Task, service_id: str, name: str, later: LineRef | SetBy
) -> SetBy | None:
    """A line between this one and a later one that set the other half of the payer alone: it keeps both from now on."""
    other = _OTHER_HALF.get(name)
    known = None if other is None else _before(work, later.line_id, service_id, other)[0]
    between = None if known is None else known.set_by
    if between is None or between.line_id in (task.line.line_id, later.line_id) or not _stays(work, between):
        return None
    mine, _ = _before(work, between.line_id, service_id, name)
    is_after_this = mine is not None and mine.set_by is not None and mine.set_by.line_id == task.line.line_id
    return between if is_after_this else None


def _stays(work: Work, by: SetBy) -> bool:
    """Whether a line is in force, and not taken back by this command either."""
    planned, line = work.planned.get(by.line_id), work.view.line(by.line_id)
    is_applied = line is not None and line.sync is not None and line.sync.state is SyncState.APPLIED
    return is_applied and (planned is None or not planned.is_cancelled)


def _rebase(  # a service and an attribute of it, the line that goes back to something else, and what that is
    work: Work, task: Task, service_id: str, name: str, later: LineRef | SetBy, was: ValueSet
) -> None:
    """For the line as it is stored, and for what this command makes of it."""
    known, moved = _before(work, later.line_id, service_id, name)
    assert known is not None, "a line of the chain goes back to something"
    rebased = OrderLineRebased(
        order_id=later.order_id,
        line_id=later.line_id,
        service_id=service_id if moved else None,
        attribute=name,
        old_before=known,
        new_before=was,
        because=task.ref,
    )
    line = work.view.line(rebased.line_id)
    if line is not None and line.sync is not None:
        work.record(Phase.LINES, rebased)
    planned = work.planned.get(rebased.line_id)
    if planned is not None:
        planned.before, planned.implicit = rebased_values(planned.before, planned.implicit, rebased)
