"""What a synchronization says of its lines and of its order, when all is done (SYN-10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from processors.synchronization.matrix import SERVICE_ACCOUNT, WHO_PAYS
from processors.synchronization.progress import missing_lines, reached, recorded_payment
from processors.synchronization.work import AFTER_ALL, Holding, Phase, Task, Work
from schemas.billing_profiles import ProfileState
from schemas.lineage import AccountSync, LineStep, SyncState
from schemas.orders import Order
from schemas.refusals import Code, Violation, violation
from schemas.synchronization import (
    OrderAccountsSynchronized,
    OrderAccountSyncCompleted,
    OrderLineSkipped,
    OrderLineSynchronized,
    SyncedLine,
)


def say_lines(work: Work, tasks: Sequence[Task]) -> None:
    """One event per line that was done or skipped, once per revision, in the order of the checks."""
    for task in sorted(tasks, key=lambda task: task.place):
        if task.stopped:
            continue
        if task.skipped is None:
            work.record(Phase.LINES, _synchronized(work, task))
        elif task.line.synchronized_revision != work.order.revision:
            work.record(Phase.LINES, _skipped(work, task))


def _synchronized(work: Work, task: Task) -> OrderLineSynchronized:
    line = task.line
    cancelled = task.is_cancelled and not task.ignored
    assert task.row is not None, "a line that is done is in a row of the matrix"
    assert task.compensation is not None, "as above"
    return OrderLineSynchronized(
        order_id=line.order_id,
        line_id=line.line_id,
        revision=work.order.revision,
        row=task.row,
        original_action=task.original,
        compensation_action=task.compensation,
        service_id=None if task.promotion else task.asset,
        applied=task.applied,
        before=task.before,
        changed=task.changed,
        prior_values=task.prior,
        kept=tuple(task.kept),
        implicit=tuple(task.implicit),
        uses=tuple(task.uses),
        created=tuple(task.created),
        ignored=task.ignored,
        sync_state=SyncState.CANCELLED if cancelled else SyncState.APPLIED,
        customer_account=task.customer_account,
        owner_account=task.owner_account,
        billing_type=line.billing_type,
        product_type=line.product_type,
        steps=tuple(_steps(work, task)),
    )


def _steps(work: Work, task: Task) -> Iterator[LineStep]:
    """What the line says of services now: its own, and those that move along (HIE-9)."""
    if task.promotion or task.is_cancelled or task.new is None:
        return
    own = {name: task.new.values[name] for name in WHO_PAYS if name in task.changed}
    if own:
        yield _step(work, task, task.asset, task.new, own, _begun(task))
    for service_id, (old, new) in task.also.items():
        assert new is not None, "what moves along has a payer"
        moved = {name: new.values[name] for name in WHO_PAYS if new.values.get(name) != old.values.get(name)}
        if moved:
            yield _step(work, task, service_id, new, moved)


def _begun(task: Task) -> dict[str, str | None] | None:
    """What the line's assignment began with: nothing where it is new, prior values (PVL-4), or null: it was there."""
    if task.begins and task.old is not None:
        return {name: task.old.values.get(name) for name in WHO_PAYS}
    return {} if task.row == "REV-1" else None


def _step(  # a service, what is said of it, and what its assignment began with
    work: Work,
    task: Task,
    service_id: str,
    held: Holding,
    values: dict[str, str | None],
    begun: dict[str, str | None] | None = None,
) -> LineStep:
    account_id = held.values[SERVICE_ACCOUNT]
    return LineStep(
        sequence=work.sequence,
        place=task.turn,
        revision=task.lineage.revision,
        command_id=task.lineage.command_id,
        service_id=service_id,
        account_id=account_id,
        values=values,
        begun=begun,
        in_tree=account_id is not None and account_id in work.in_trees,
    )


def _skipped(work: Work, task: Task) -> OrderLineSkipped:
    assert task.skipped is not None, "a line is skipped for a reason"
    return OrderLineSkipped(
        order_id=task.line.order_id,
        line_id=task.line.line_id,
        revision=work.order.revision,
        row=task.row,
        compensation_action=task.compensation,
        reason=task.skipped,
        untracked_changes=task.untracked,
    )


def answers(tasks: Sequence[Task]) -> tuple[SyncedLine, ...]:
    """What became of each line, in the order of the checks."""
    return tuple(
        SyncedLine(
            line_id=task.line.line_id,
            row=task.row,
            compensation_action=task.compensation,
            changed=task.changed,
            skipped=task.skipped,
        )
        for task in sorted(tasks, key=lambda task: task.place)
    )


def say_order(work: Work, tasks: Sequence[Task], payment_profile: str | None) -> None:
    """How far the order has come; complete once per revision (PAY-3, PAY-4)."""
    order = work.view.order(work.order.order_id)
    assert order is not None, "the order that is synchronized is there"
    profile = payment_profile or order.payment_billing_profile
    missing = missing_lines(work.view, order, strict=work.strict)
    if not missing and profile is not None:
        for found in _profile_violations(work, profile):
            work.refuse(AFTER_ALL, found)
    stored = order.payment_billing_profile
    order = replace(order, payment_billing_profile=profile)
    sync = reached(work.view, order, missing)
    if not work.has_events() and profile == stored and sync is order.account_sync:
        return
    rows = Counter(task.row for task in tasks if task.row is not None)
    synchronized = OrderAccountsSynchronized(
        order_id=order.order_id,
        revision=order.revision,
        line_ids=tuple(task.line.line_id for task in sorted(tasks, key=lambda task: task.place)),
        rows=dict(rows),
        missing_lines=missing,
        account_sync=sync,
        payment_billing_profile=profile,
    )
    work.record(Phase.DONE, synchronized)
    completed = complete(work, order) if sync is AccountSync.COMPLETED else None
    if completed is not None:
        work.record(Phase.DONE, completed)


def complete(work: Work, order: Order) -> OrderAccountSyncCompleted | None:
    """That a revision is complete; None if it was said before (INV-OBA-11)."""
    if work.view.completed_revision(order.order_id) == order.revision:
        return None
    return OrderAccountSyncCompleted(
        order_id=order.order_id,
        revision=order.revision,
        payment_id=recorded_payment(work.view, order.order_id),
    )


def _profile_violations(work: Work, profile_id: str) -> Iterator[Violation]:
    """The profile of a payment exists once all lines are synchronized, and pays (PAY-3a)."""
    path = "payment_billing_profile"
    profile = work.view.billing_profile(profile_id)
    if profile is None:
        yield violation(Code.PROFILE_UNKNOWN, "PAY-3a", path, billing_profile_id=profile_id)
    elif not profile.paying:
        yield violation(Code.PROFILE_NOT_PAYING, "PAY-3a", path, line_id=None, billing_profile_id=profile_id)
    elif profile.state is not ProfileState.ACTIVE:
        yield violation(
            Code.PROFILE_NOT_ACTIVE, "PAY-3a", path, line_id=None, billing_profile_id=profile_id, state=profile.state
        )
