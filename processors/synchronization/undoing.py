"""What only a cancelled line needed is taken away: profiles, payment methods, accounts (UND-1 .. UND-4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from processors.accounts.states import CORE_REASON, Wish, carry_out
from processors.accounts.tree import lineage
from processors.billing_profiles.events import state_changed
from processors.billing_profiles.following import follow_payer
from processors.periods import local_day
from processors.synchronization.work import Phase, Task, Work
from processors.view.rows.billing import ACCOUNT, PROFILE
from schemas.accounts import Account, AccountState, AccountStateChanged, StateCause
from schemas.billing_profiles import (
    PaymentMethodClosed,
    PaymentMethodState,
    ProfileCause,
    ProfileState,
)
from schemas.fields import Event
from schemas.lineage import LineRef, Used, UseKind
from schemas.synchronization import KeptReason, OrderObjectKept

_ORDER = (UseKind.BILLING_PROFILE, UseKind.PAYMENT_METHOD, UseKind.ACCOUNT)

Need = tuple[KeptReason, LineRef | None]


def undo(work: Work, tasks: Sequence[Task], depths: dict[str, int]) -> None:
    """Take away what nothing needs, in the order of UND-3; say of the rest why it stays (UND-2).

    `depths`: how deep each account stood before the command: children go first.
    """
    cancelled = [task for task in tasks if task.is_cancelled and not task.ignored and not task.stopped]
    if work.strict or not cancelled:
        return
    for task in tasks:
        if task.is_processed and not task.stopped:
            for name in task.names():
                work.naming.setdefault(name, []).append(task.ref)
    found = _candidates(work, cancelled)
    for profile_id, task in found[UseKind.BILLING_PROFILE].items():
        _undo_profile(work, task, profile_id)
    for method_id, task in found[UseKind.PAYMENT_METHOD].items():
        _undo_method(work, task, method_id)
    accounts = sorted(found[UseKind.ACCOUNT].items(), key=lambda entry: -depths.get(entry[0], 0))
    for account_id, task in accounts:
        _undo_account(work, task, account_id)
    for kept in sorted(work.kept, key=lambda kept: (_ORDER.index(kept.kind), kept.id)):
        work.record(Phase.KEPT, kept)


def _candidates(work: Work, tasks: Sequence[Task]) -> dict[UseKind, dict[str, Task]]:
    """Everything that the cancelled lines have named, with the first line that did (UND-1); then what they let go.

    What other lines had named may be needed to the end by a line that did not: a payer that its account was to leave
    only later (HIE-13), or what was left as it is (FLP-3).
    """
    found: dict[UseKind, dict[str, Task]] = {kind: {} for kind in UseKind}
    for task in tasks:
        for used in task.uses:
            found[used.kind].setdefault(used.id, task)
    for used, task in work.let_go.items():
        found[used.kind].setdefault(used.id, task)
        profile = work.view.billing_profile(used.id) if used.kind is UseKind.BILLING_PROFILE else None
        if profile is not None:
            found[UseKind.ACCOUNT].setdefault(profile.account_id, task)
            if profile.payment_method_id is not None:
                found[UseKind.PAYMENT_METHOD].setdefault(profile.payment_method_id, task)
    return found


def depths(work: Work, tasks: Sequence[Task]) -> dict[str, int]:
    """How deep the accounts stand that cancelled lines have named."""
    found: dict[str, int] = {}
    for task in tasks:
        if task.is_cancelled:
            for used in task.uses:
                account = work.view.account(used.id) if used.kind is UseKind.ACCOUNT else None
                if account is not None and used.id not in found:
                    found[used.id] = sum(1 for _ in lineage(work.view, account))
    return found


def _undo_profile(work: Work, task: Task, profile_id: str) -> None:
    profile = work.view.billing_profile(profile_id)
    if profile is None or profile.state is ProfileState.CLOSED:
        return
    need = next(_profile_needs(work, profile_id, made=profile.lineage is not None, account_id=profile.account_id), None)
    if need is not None:
        _keep(work, task, UseKind.BILLING_PROFILE, profile_id, need)
        return
    closed = state_changed(profile, ProfileState.CLOSED, ProfileCause.ORDER_LINE_CANCELLED, task.ref)
    work.record(Phase.UNDO_PROFILES, closed)
    work.record(Phase.UNDO_PROFILES, *follow_payer(work.view, profile_id, ProfileState.CLOSED, task.ref))


def _profile_needs(work: Work, profile_id: str, *, made: bool, account_id: str) -> Iterator[Need]:
    marked = PROFILE + profile_id
    yield from _common_needs(work, marked, made=made)
    if work.view.has_payer_role(profile_id):
        yield KeptReason.PAYS_FOR_OTHERS, None
    account = work.view.account(account_id)
    if _has_charge(work, marked, account):
        yield KeptReason.HAS_CHARGE, None
    if work.view.has_payment(profile_id) or any(_awaits(work, order) for order in work.view.awaited_by(profile_id)):
        yield KeptReason.HAS_PAYMENT, None


def _awaits(work: Work, order_id: str) -> bool:
    """Whether the order is in flight; the one that is being cancelled is no more, though it does not say so yet."""
    return order_id != work.order.order_id or work.view.order_tally(order_id).live > 0


def _undo_method(work: Work, task: Task, method_id: str) -> None:
    method = work.view.payment_method(method_id)
    if method is None or method.state is PaymentMethodState.CLOSED:
        return
    if method.lineage is None:
        _keep(work, task, UseKind.PAYMENT_METHOD, method_id, (KeptReason.NOT_MADE_BY_ORDER, None))
    elif work.view.is_paid_with(method_id):
        _keep(work, task, UseKind.PAYMENT_METHOD, method_id, (KeptReason.HAS_PROFILE, None))
    else:
        closed = PaymentMethodClosed(
            payment_method_id=method_id,
            line=task.ref,
            old_state=method.state,
            new_state=PaymentMethodState.CLOSED,
        )
        work.record(Phase.UNDO_METHODS, closed)


def _undo_account(work: Work, task: Task, account_id: str) -> None:
    account = work.view.account(account_id)
    if account is None or account.state is AccountState.DEACTIVATED:
        return
    need = next(_account_needs(work, account), None)
    if need is not None:
        _keep(work, task, UseKind.ACCOUNT, account_id, need)
        return
    wish = Wish(to=AccountState.DEACTIVATED, reason=CORE_REASON, cause=StateCause.ORDER)
    for event in carry_out(work.view, account, wish, work.context):
        work.record(Phase.UNDO_ACCOUNTS, _by_line(event, task))


def _by_line(event: Event, task: Task) -> Event:
    if isinstance(event, AccountStateChanged):
        return msgspec.structs.replace(event, line=task.ref)
    return event


def _account_needs(work: Work, account: Account) -> Iterator[Need]:
    marked = ACCOUNT + account.account_id
    yield from _common_needs(work, marked, made=account.created_by is not None)
    if work.view.profiles_of(account.account_id):
        yield KeptReason.HAS_PROFILE, None
    children = map(work.view.account, work.view.children(account.account_id))
    if any(child is not None and child.state is not AccountState.DEACTIVATED for child in children):
        yield KeptReason.HAS_CHILDREN, None
    if work.view.corporate_of(account.account_id) is not None:
        yield KeptReason.IN_CORPORATE_HIERARCHY, None
    if work.view.had_subscription(account.account_id):
        yield KeptReason.HAS_SUBSCRIPTION, None
    if _has_charge(work, marked, account):
        yield KeptReason.HAS_CHARGE, None


def _common_needs(work: Work, marked: str, *, made: bool) -> Iterator[Need]:
    if not made:
        yield KeptReason.NOT_MADE_BY_ORDER, None
    others = [line for line in work.view.lines_naming(marked) if line.line_id not in work.cancelled_lines]
    others += work.naming.get(marked, [])
    if others:
        yield KeptReason.USED_BY_LINE, _first(work, others)
    if work.view.is_assigned(marked):
        yield KeptReason.USED_BY_ASSIGNMENT, None


def _first(work: Work, lines: Sequence[LineRef]) -> LineRef:
    """The first line in its order, of the first order by id."""
    order_id = min(line.order_id for line in lines)
    order = work.view.order(order_id)
    assert order is not None, "a line that names something has its order"
    named = {line.line_id: line for line in lines if line.order_id == order_id}
    return next(named[line_id] for line_id in order.line_ids if line_id in named)


def _has_charge(work: Work, marked: str, account: Account | None) -> bool:
    """A line was billed for it, or a billing period has ended in which it held or paid for a service (UND-4)."""
    if work.view.was_charged(marked):
        return True
    first = work.view.first_use(marked)
    if first is None or account is None:
        return False
    used_from = local_day(first, work.context.zone)
    current, previous = account.current_period, account.previous_period
    ended = current.start if current is not None else previous.end if previous is not None else None
    return ended is not None and used_from < ended and previous is not None


def _keep(work: Work, task: Task, kind: UseKind, object_id: str, need: Need) -> None:
    reason, by = need
    if Used(kind=kind, id=object_id) not in task.uses:
        return  # the line let it go, but had not named it
    kept = OrderObjectKept(
        order_id=task.line.order_id, line_id=task.line.line_id, kind=kind, id=object_id, reason=reason, by=by
    )
    work.kept.append(kept)
