"""Lines that were overtaken: a cancelled update never overwrites a later one (FLP-1 .. FLP-4)."""

from __future__ import annotations

import msgspec

from processors.synchronization.evolution import rebased_values
from processors.synchronization.matrix import BILLING_ACCOUNT, BILLING_PROFILE, SERVICE_ACCOUNT
from processors.synchronization.work import Holding, Phase, Task, Work
from schemas.accounts import AccountState
from schemas.billing_profiles import ProfileState
from schemas.lineage import ImplicitMove, LineAction, LineRef, LineSync, SetBy, ValueSet
from schemas.refusals import Code, violation
from schemas.synchronization import KeptAttribute, OrderLineRebased


def is_held(holding: Holding, name: str, task: Task) -> bool:
    """Whether the line holds an attribute."""
    by = holding.set_by.get(name)
    return by is not None and by.line_id == task.line.line_id


def check_revision(work: Work, task: Task, base: LineSync, holding: Holding) -> None:
    """An attribute that a later line has set since is not changed by a revision of an earlier one (FLP-2).

    What was left as it is in this revision once is not judged again, and changes when it is free.
    """
    again = task.line.synchronized_revision == work.order.revision
    changed = []
    for name in task.changed:
        by = holding.set_by.get(name)
        before = base.before.get(name)
        since = before.set_by if before is not None and before.value == base.applied.get(name) else None
        if by is None or by.line_id == task.line.line_id or (since is not None and since.line_id == by.line_id):
            changed.append(name)
        elif before is None:
            changed.append(name)  # tracked only since this revision
        elif again:
            task.kept.append(KeptAttribute(attribute=name, by=LineRef(order_id=by.order_id, line_id=by.line_id)))
        else:
            _superseded(work, task, name, base.applied.get(name), holding, by)
    changed = _paired(task, changed)
    task.changed = tuple(changed)
    task.prior = {name: task.prior[name] for name in changed}


def _paired(task: Task, changed: list[str]) -> list[str]:
    """A profile is one of its billing account: where one of the two is left as it is, the other one is too."""
    kept = {found.attribute: found.by for found in task.kept}
    for name, other in ((BILLING_ACCOUNT, BILLING_PROFILE), (BILLING_PROFILE, BILLING_ACCOUNT)):
        if name in kept and other in changed:
            task.kept.append(KeptAttribute(attribute=other, by=kept[name]))
            changed = [found for found in changed if found != other]
    return changed


def cancel(work: Work, task: Task) -> None:
    """What a cancelled line leaves of its assignment: nothing of its own (REV-4, REV-8, REV-12)."""
    if task.original is LineAction.ADD and work.strict:
        task.ignored = True
        task.changed = ()
        return
    holding = task.old = task.new = work.holding(task.asset)
    if holding is None:
        return
    if task.original is LineAction.ADD:
        _delete(work, task, holding)
    else:
        _flip(work, task, holding)
    _flip_implicit(work, task)
    _leave_chain(work, task, holding)


def _delete(work: Work, task: Task, holding: Holding) -> None:
    """The assignment ends, unless a later line holds part of it (FLP-3)."""
    others = {name: by for name, by in holding.set_by.items() if by is not None and by.line_id != task.line.line_id}
    for name, by in others.items():
        _superseded(work, task, name, task.applied.get(name), holding, by)
    if others and not work.keeps_current:
        task.stopped = True
        return
    if not others:
        task.new = work.pending[task.asset] = None
        work.ended[task.asset] = (task.ref, holding)
        return
    mine = [name for name in holding.set_by if is_held(holding, name, task)]
    task.changed = ()
    task.new = work.pending[task.asset] = msgspec.structs.replace(
        holding, set_by={**holding.set_by, **dict.fromkeys(mine)}
    )


def _flip(work: Work, task: Task, holding: Holding) -> None:
    """Each attribute of the line goes back to what it was before the line, and to whom it was (FLP-1)."""
    free = []
    for name in task.changed:
        by, target = holding.set_by.get(name), task.before[name].value
        if by is not None and by.line_id != task.line.line_id:
            _superseded(work, task, name, task.applied[name], holding, by)
        elif target is not None and _is_closed(work, name, target):
            _target_closed(work, task, name, target)
        else:
            free.append(name)
    if len(free) < len(task.changed) and not work.keeps_current:
        task.stopped = True
        return
    flipped = _paired(task, free)
    values, set_by = dict(holding.values), dict(holding.set_by)
    for name in task.applied:
        if name in flipped:
            values[name], set_by[name] = task.before[name].value, task.before[name].set_by
        elif is_held(holding, name, task):
            # Equal to its `before` already: only the holder changes. Left as it is: nobody holds it any more.
            set_by[name] = None if name in task.changed else task.before[name].set_by
    task.changed = tuple(flipped)
    task.prior = {name: task.prior[name] for name in flipped}
    task.applied |= {name: values[name] for name in flipped}
    ends = values.get(BILLING_ACCOUNT) is None or (SERVICE_ACCOUNT in values and values[SERVICE_ACCOUNT] is None)
    task.new = None if ends else Holding(holding.product_id, values, set_by)
    if ends:
        work.ended[task.asset] = (task.ref, holding)
    work.pending[task.asset] = task.new


def _flip_implicit(work: Work, task: Task) -> None:
    """What the line moved along goes back with it (HIE-9)."""
    left: list[ImplicitMove] = []
    for move in task.implicit:
        holding = work.holding(move.service_id)
        by = None if holding is None else holding.set_by.get(move.attribute)
        if holding is None or by is None:
            continue
        if by.line_id != task.line.line_id:
            _superseded(work, task, move.attribute, None, holding, by)
            left.append(move)
            continue
        new = msgspec.structs.replace(
            holding,
            values={**holding.values, move.attribute: move.before.value},
            set_by={**holding.set_by, move.attribute: move.before.set_by},
        )
        old = task.also[move.service_id][0] if move.service_id in task.also else holding
        task.also[move.service_id] = (old, new)
        work.pending[move.service_id] = new
    task.implicit = [move for move in task.implicit if move not in left]


def _superseded(  # an attribute, what the line made of it and who has it now
    work: Work, task: Task, name: str, applied: str | None, holding: Holding, by: SetBy
) -> None:
    if work.keeps_current:
        task.kept.append(KeptAttribute(attribute=name, by=LineRef(order_id=by.order_id, line_id=by.line_id)))
        return
    found = violation(
        Code.SUPERSEDED_BY,
        "FLP-2",
        "order_id",
        line_id=task.line.line_id,
        attribute=name,
        applied=applied,
        current=holding.values.get(name),
        by={"order_id": by.order_id, "line_id": by.line_id, "revision": by.revision},
    )
    work.refuse(task.place, found)


def _target_closed(work: Work, task: Task, name: str, target: str) -> None:
    if work.keeps_current:
        task.kept.append(KeptAttribute(attribute=name))
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


def _leave_chain(work: Work, task: Task, holding: Holding) -> None:
    """The line after this one goes back to what was before this one (FLP-3)."""
    kept = {found.attribute: found.by for found in task.kept}
    for name in task.before:
        later: LineRef | SetBy | None = kept.get(name) or holding.set_by.get(name)
        while later is not None and later.line_id != task.line.line_id:
            known, moved = _before(work, later.line_id, task.asset, name)
            if known is not None and known.set_by is not None and known.set_by.line_id == task.line.line_id:
                rebased = OrderLineRebased(
                    order_id=later.order_id,
                    line_id=later.line_id,
                    service_id=task.asset if moved else None,
                    attribute=name,
                    old_before=known,
                    new_before=task.before[name],
                    because=task.ref,
                )
                _rebase(work, rebased)
                break
            later = None if known is None else known.set_by


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


def _rebase(work: Work, rebased: OrderLineRebased) -> None:
    """For the line as it is stored, and for what this command makes of it."""
    line = work.view.line(rebased.line_id)
    if line is not None and line.sync is not None:
        work.record(Phase.LINES, rebased)
    planned = work.planned.get(rebased.line_id)
    if planned is not None:
        planned.before, planned.implicit = rebased_values(planned.before, planned.implicit, rebased)
