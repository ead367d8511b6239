"""What each line asks of customer data: its row of the matrix, its asset, the assignment before and after it.

Lines are looked at in their order, but a line whose asset is held by one that is being cancelled waits for that one:
a chain of updates is taken back from its end (FLP-5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from processors.synchronization import prior, superseding
from processors.synchronization.brought import Brought
from processors.synchronization.matrix import (
    BILLING_ACCOUNT,
    OWNER_ACCOUNT,
    SERVICE_ACCOUNT,
    SYNCED,
    CompensationLine,
    compensate,
    flipped,
    unchanged,
)
from processors.synchronization.work import Holding, Task, Work
from schemas.billing_profiles import LinkCause
from schemas.lineage import LineAction, Lineage, LineSync, SetBy, SyncState, ValueSet
from schemas.order_lines import PROMOTION, LineState, OrderLine
from schemas.refusals import Code, violation
from schemas.synchronization import Compensation, SkipReason

SYNCED_TYPES = ("SERVICE_BUNDLE", "ITEM", "SUBSCRIPTION", "DISCOUNT", "SPONSORSHIP")
"""Billing types whose lines have customer data (LIN-3)."""

IGNORED_ROW = "REV-4"
"""Only the vendor's behaviour leaves a line in force with this row: its cancellation was ignored (UND-6)."""


def in_force(line: OrderLine) -> LineSync | None:
    """What a line has in force (the matrix' base)."""
    return line.sync if line.sync is not None and line.sync.state is SyncState.APPLIED else None


def is_gone(line: OrderLine) -> bool:
    """Whether the order's revision does not hold the line any more (REV-16)."""
    return line.state is LineState.CANCELLED


def to_undo(line: OrderLine, *, strict: bool) -> bool:
    """Whether a line is gone and something of it is still in force. The vendor ignores an ADD once, and for good."""
    base = in_force(line)
    return is_gone(line) and base is not None and not (strict and base.row == IGNORED_ROW)


def plan(work: Work, brought: Brought, lines: Sequence[OrderLine]) -> list[Task]:
    """The tasks of the lines, in the order in which they can be done."""
    places = {line.line_id: place for place, line in enumerate(lines)}
    waiting = {line.line_id: line for line in lines if _is_cancelled(line)}
    tasks: list[Task] = []
    looked_at: set[str] = set()
    for first in lines:
        stack = [first]
        while stack:
            line = stack[-1]
            if waiting:
                held_by = (
                    waiting[other] for other in _holders(work, line) if other in waiting and other not in looked_at
                )
                ahead = next((other for other in held_by if all(other is not entry for entry in stack)), None)
                if ahead is not None:
                    stack.append(ahead)
                    continue
            stack.pop()
            if line.line_id not in looked_at:
                looked_at.add(line.line_id)
                task = _task(work, brought, work.view.line(line.line_id) or line, places[line.line_id])
                if task.skipped is None:
                    work.planned[line.line_id] = task
                tasks.append(task)
    return tasks


def _is_cancelled(line: OrderLine) -> bool:
    return in_force(line) is not None and (is_gone(line) or line.action is LineAction.NONE)


def _holders(work: Work, line: OrderLine) -> Iterator[str]:
    """Other lines that hold attributes of the line's asset, or those that it moved along (HIE-9).

    A line that goes back to what was before it has nothing to do with the attributes that it left as they were.
    """
    base = in_force(line)
    asset = base.service_id if base is not None else line.service_id
    holding = None if asset is None else work.holding(asset)
    goes_back = base is not None and base.action is not LineAction.ADD and _is_cancelled(line)
    set_by = {} if holding is None else holding.set_by
    held = [set_by.get(name) for name in (flipped(base) if base is not None and goes_back else set_by)]
    for move in () if base is None else base.implicit:
        moved = work.holding(move.service_id)
        held.append(None if moved is None else moved.set_by.get(move.attribute))
    yield from dict.fromkeys(by.line_id for by in held if by is not None and by.line_id != line.line_id)


def _task(work: Work, brought: Brought, line: OrderLine, place: int) -> Task:
    lineage = Lineage(
        order_id=line.order_id,
        line_id=line.line_id,
        revision=work.order.revision,
        command_id=work.context.command_id,
    )
    task = Task(line=line, place=place, lineage=lineage, promotion=line.product_type == PROMOTION)
    base = in_force(line)
    if base is not None:
        _again(work, brought, task, base)
    elif line.action not in SYNCED:
        task.skipped = SkipReason.ACTION_NOT_SYNCED
    elif not task.promotion and line.billing_type not in SYNCED_TYPES:
        task.skipped = SkipReason.TYPE_NOT_SYNCED
    else:
        _read(work, brought, task)
        task.original = line.action
        if line.action is LineAction.ADD:
            _added(work, task)
        else:
            _updated(work, brought, task)
    return task


def _read(work: Work, brought: Brought, task: Task) -> None:
    """The values that the line asks for, as ids."""
    line = task.line
    found: dict[str, str | None] = {
        "service_account": brought.value(line.service_account),
        "billing_account": brought.value(line.billing_account),
        "billing_profile": line.billing_profile,
        "owner_account": None if line.owner_account is None else brought.value(line.owner_account),
    }
    task.wanted = {name: found[name] for name in tracked(work, task)}
    if not task.promotion:
        task.customer_account = brought.value(line.customer_account)
        task.owner_account = found[OWNER_ACCOUNT]


def tracked(work: Work, task: Task) -> tuple[str, ...]:
    """The tracked attributes of the line (LIN-3 .. LIN-6)."""
    return ("billing_account",) if task.promotion else work.tracked


# -- lines that have nothing in force


def _added(work: Work, task: Task) -> None:
    """An ADD: its assignment is new (REV-1)."""
    line = task.line
    task.asset = line.line_id if task.promotion else line.service_id or _new_service(work, task)
    holding = work.holding(task.asset)
    by = _other_holder(holding, task)
    if by is not None:
        taken = violation(
            Code.SERVICE_ALREADY_ASSIGNED,
            "PVL-6",
            "order_id",
            line_id=line.line_id,
            service_id=task.asset,
            by=by_line(by),
        )
        work.refuse(task.place, taken)
        task.stopped = True
        return
    _apply(task, compensate(None, LineAction.ADD, task.wanted, tuple(task.wanted), {}))
    task.applied = dict(task.wanted)
    task.before = dict.fromkeys(task.wanted, ValueSet())
    task.old = holding
    if holding is None and task.asset in work.ended:
        task.takes_over, task.old = work.ended[task.asset]
    known: Mapping[str, str | None] = holding.values if holding else {}
    values = {**known, **task.wanted}
    _becomes(work, task, Holding(line.product_id, values, dict.fromkeys(values, task.lineage)))


def _new_service(work: Work, task: Task) -> str:
    return work.context.derived_id("service", task.line.line_id)


def _other_holder(holding: Holding | None, task: Task) -> SetBy | None:
    if holding is None:
        return None
    held = (by for by in holding.set_by.values() if by is not None)
    return next((by for by in held if by.line_id != task.line.line_id), None)


def by_line(by: SetBy) -> dict[str, object]:
    """The line that holds an attribute, as refusals carry it."""
    return {"order_id": by.order_id, "line_id": by.line_id, "revision": by.revision}


def _updated(work: Work, brought: Brought, task: Task) -> None:
    """An UPDATE or MOVE_ADD: its asset is there, or begins with prior values (REV-5, REV-9)."""
    line = task.line
    given = prior.given(brought, line, tuple(task.wanted))
    if not _find_asset(work, task, given):
        return
    holding = work.holding(task.asset)
    if holding is None:
        began = prior.beginning(work, brought, task, given)
        if began is None:
            task.stopped = True
            return
        task.begins = True
        holding = Holding(line.product_id, began, dict.fromkeys(began), known_before=True)
    else:
        prior.compare(work, brought, task, given, holding)
    current = {name: holding.values.get(name) for name in task.wanted}
    _apply(task, compensate(None, line.action, task.wanted, tuple(task.wanted), current))
    if not task.begins:
        prior.require(work, task, given)
    task.applied = dict(task.wanted)
    task.before = {name: holding.value(name) for name in task.wanted}
    task.old = holding
    _becomes(work, task, _set(holding, task))


def _find_asset(work: Work, task: Task, given: dict[str, str | None]) -> bool:
    """The service that the line is about; False where several could be meant (PVL-5)."""
    line = task.line
    if task.promotion:
        task.asset = line.line_id
        return True
    if line.service_id is not None:
        task.asset = line.service_id
        return True
    account = given.get(SERVICE_ACCOUNT) or task.wanted[SERVICE_ACCOUNT]
    candidates = [] if account is None else list(_candidates(work, account, line.product_id))
    if len(candidates) > 1:
        ambiguous = violation(Code.ASSET_AMBIGUOUS, "PVL-5", "order_id", line_id=line.line_id, candidates=candidates)
        work.refuse(task.place, ambiguous)
        task.stopped = True
        return False
    task.asset = candidates[0] if candidates else _new_service(work, task)
    return True


def _candidates(work: Work, account_id: str, product_id: str) -> Iterator[str]:
    """Live services of an account with the product, as the lines before this one leave them, by service_id."""
    known = {assigned.service_id for assigned in work.view.assigned_to(account_id)}
    for service_id in sorted(known.union(work.pending)):
        holding = work.holding(service_id)
        if holding is None or holding.product_id != product_id:
            continue
        if holding.values.get(SERVICE_ACCOUNT) == account_id and work.is_live(service_id):
            yield service_id


# -- lines that have something in force


def _again(work: Work, brought: Brought, task: Task, base: LineSync) -> None:
    """A line that was synchronized before: unchanged, revised or cancelled."""
    line = task.line
    task.original = base.action
    task.asset = base.service_id or line.line_id
    task.applied, task.before = dict(base.applied), dict(base.before)
    task.uses, task.implicit = list(base.uses), list(base.implicit)
    task.steps = base.steps
    task.customer_account, task.owner_account = base.customer_account, base.owner_account
    if _is_cancelled(line):
        task.cause = LinkCause.UNDO if base.action is LineAction.ADD else LinkCause.FLIP
        _apply(task, compensate(base, None, {}, (), {}))
        superseding.cancel(work, task)
        return
    if _kind_changed(work, task, base):
        task.stopped = True
        return
    known = task.customer_account, task.owner_account
    _read(work, brought, task)
    task.cause = LinkCause.REVISION
    _apply(task, compensate(base, line.action, task.wanted, tuple(task.wanted), {}))
    if task.compensation is Compensation.NONE:
        task.skipped = SkipReason.NO_CHANGE
        task.untracked = tuple(_untracked(work, task, known))
        task.customer_account, task.owner_account = known
        return
    if base.action is not LineAction.ADD:
        prior.compare_revised(work, brought, task, prior.given(brought, line, tuple(task.wanted)), base)
    _revised(work, task, base)


def _revised(work: Work, task: Task, base: LineSync) -> None:
    """A revision: each changed attribute is set anew, unless a later line has set it (REV-3, REV-7, REV-11)."""
    holding = work.holding(task.asset)
    if holding is None:  # it held nothing of the assignment, which has ended with the line that made it
        task.begins = True
        anew = BILLING_ACCOUNT if task.promotion else SERVICE_ACCOUNT  # with the line it ends again
        task.before[anew] = ValueSet()
        holding = Holding(task.line.product_id, dict(base.applied), dict.fromkeys(base.applied) | {anew: task.lineage})
    superseding.check_revision(work, task, base, holding)
    for name in task.changed:
        began = base.before.get(name)
        first = began is None or (
            began.value == base.applied.get(name) and not superseding.is_held(holding, name, task)
        )
        if first:
            by_add = base.action is LineAction.ADD
            was = holding.value(name)
            task.before[name] = ValueSet() if by_add else was
    if not task.changed and task.line.synchronized_revision == work.order.revision:
        task.skipped, task.row, task.compensation = SkipReason.NO_CHANGE, unchanged(base.action), Compensation.NONE
        return
    # What was left as it is stays what the line had in force: it may come back to it (INV-OBA-4).
    left = {found.attribute: base.applied.get(found.attribute) for found in task.kept}
    task.applied = task.wanted | left
    task.old = holding
    _becomes(work, task, _set(holding, task))


def _kind_changed(work: Work, task: Task, base: LineSync) -> bool:
    """What a line is cannot change once it was synchronized (REV-13)."""
    line = task.line
    pairs = {
        "action": (base.action, line.action),
        "billing_type": (base.billing_type, line.billing_type),
        "product_type": (base.product_type, line.product_type),
        "service_id": (base.service_id, base.service_id if line.service_id is None else line.service_id),
    }
    if task.promotion and base.service_id is None:
        del pairs["service_id"]
    for field, (was, now) in pairs.items():
        if was != now:
            carried = {"line_id": line.line_id, "field": field, "from": was, "to": now}
            work.refuse(task.place, violation(Code.LINE_KIND_CHANGED, "REV-13", "order_id", **carried))
    return any(was != now for was, now in pairs.values())


def _untracked(work: Work, task: Task, known: tuple[str | None, str | None]) -> Iterator[str]:
    """What changed on the line but is not tracked (LIN-9)."""
    if task.promotion:
        return
    if task.customer_account != known[0]:
        yield "customer_account"
    if OWNER_ACCOUNT not in work.tracked and task.owner_account != known[1]:
        yield OWNER_ACCOUNT


# -- common to both


def _apply(task: Task, line: CompensationLine | None) -> None:
    assert line is not None, "only lines that are synchronized come here"
    task.row, task.compensation, task.changed, task.prior = line.row, line.action, line.changed, dict(line.prior)


def _set(holding: Holding, task: Task) -> Holding:
    """The assignment with the line's changes, but for those that were left as they are."""
    return holding.changed({name: task.wanted[name] for name in task.changed}, task.lineage)


def _becomes(work: Work, task: Task, holding: Holding | None) -> None:
    task.new = holding
    work.pending[task.asset] = holding
