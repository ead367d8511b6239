"""The parent links that orders make: an account whose services another one pays for is its child (HIE-*).

Where an account ends is decided once for a whole command, when all its lines are done: what a line of it would break,
another one may mend. Each line remembers the link that it replaced, and gives it back when it is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from processors.hierarchies.before import given_back, remember
from processors.hierarchies.touched import Choice, Touch
from processors.synchronization.matrix import BILLING_ACCOUNT
from schemas.accounts import Account
from schemas.billing_profiles import LinkCause
from schemas.hierarchies import AccountHierarchyChanged
from schemas.lineage import Lineage
from schemas.refusals import Code, violation

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Desk, Payers
    from processors.synchronization.work import Phase, Work


def settle(work: Work, desk: Desk) -> None:
    """Give every account that was touched the parent that it is to have (HIE-1 .. HIE-8, HIE-14 .. HIE-16)."""
    accounts: dict[str, Account] = {}
    choices: dict[str, list[Choice]] = {}
    for account_id, touches in work.touched.items():
        account = work.view.account(account_id)
        if account is not None and work.view.corporate_of(account_id) is None:  # else the tree decides (CRP-5)
            accounts[account_id] = account
            choices[account_id] = list(_choices(work, desk.final(account_id), account, touches))
    _avoid_circles(work, choices)
    for account_id, account in accounts.items():
        found, touches = choices[account_id], work.touched[account_id]
        moves = found[0] if found and found[0].parent != account.parent_account_id else None
        remember(desk.final(account_id), account, touches, moves)
        if found:
            _move(work, account, found[0])
        if not (work.split_payer or work.only_takes_back):
            _one_parent(work, account_id, touches)
    _refuse_circles(work)


def _choices(work: Work, final: Payers, account: Account, touches: Sequence[Touch]) -> Iterator[Choice]:
    """The parents that the account may have, best first; nothing: the one that it has.

    More than one are offered where a line is taken back or a payer has gone.
    """
    here, parent = account.account_id, account.parent_account_id
    commanded = parent is not None and account.parent_lineage is None
    if not commanded:
        yield from given_back(work, final, account, touches)
    if parent is not None and final.paid_by_account(parent):
        yield Choice(parent, account.parent_lineage, touches[0])
        return
    may_move = (found for found in touches if not (commanded and found.task.is_cancelled))
    moving = next((found for found in may_move if _moves_all(found, final, here)), None)
    if moving is not None:
        yield Choice(moving.new, _lineage(moving), moving)
        if not moving.task.is_cancelled:
            return
    elif account.parent_lineage is None:
        joining = next((found for found in touches if _joins(found, final, here)), None)
        if parent is None and joining is not None:
            yield Choice(joining.new, _lineage(joining), joining)
        if parent is not None or joining is None or not joining.task.is_cancelled:
            return
    leaving = next((found for found in touches if found.old is not None), touches[0])
    for payer, service in final.in_turn(here):
        yield Choice(payer, _set_by(work, service) or account.parent_lineage, leaving)
    if account.parent_lineage is not None:
        yield Choice(account.parent_before, None, leaving)
    yield Choice(None, None, leaving)


def _moves_all(found: Touch, final: Payers, account_id: str) -> bool:
    """Whether a line moves all that the old payer paid here to another one (HIE-7)."""
    moved = found.old not in (None, found.new) and not final.paid_by_account(found.old)
    return moved and _is_paid(found, final, account_id)


def _joins(found: Touch, final: Payers, account_id: str) -> bool:
    """Whether a service came that another account pays for (HIE-2, HIE-16)."""
    return found.old is None and _is_paid(found, final, account_id)


def _is_paid(found: Touch, final: Payers, account_id: str) -> bool:
    """Whether another account pays after all lines; a flip to prior values makes no parent appear (FLP-1)."""
    was_there = found.by is not None or not found.task.is_cancelled
    return was_there and found.new not in (None, account_id) and bool(final.paid_by_account(found.new))


def _lineage(found: Touch) -> Lineage:
    """The line that makes a link: the one that goes back to it is not the one that made it."""
    return found.by if found.by is not None and found.task.is_cancelled else found.task.lineage


def _set_by(work: Work, service_id: str) -> Lineage | None:
    """The line that has the say who pays for a service."""
    holding = work.holding(service_id)
    return None if holding is None else holding.set_by.get(BILLING_ACCOUNT)


# -- a new parent


def _move(work: Work, account: Account, choice: Choice) -> None:
    task = choice.touch.task
    to = Link(
        choice.parent,
        choice.lineage,
        line_id=task.line.line_id if choice.back is None else choice.back.line_id,
        moved=tuple(task.also) if choice.touch.old is not None else (),
    )
    work.place = task.place
    link(work, choice.touch.phase, account.account_id, to, task.cause, choice.touch.slot)


class Link(NamedTuple):
    """A parent link: what made it, the line that puts it there, and the services that move along (HIE-9)."""

    parent: str | None
    lineage: Lineage | None
    line_id: str | None = None
    moved: tuple[str, ...] = ()


def link(  # an account and its new parent
    work: Work, phase: Phase, account_id: str, to: Link, cause: LinkCause, slot: int | None = None
) -> None:
    """Put an account below another one. What stood there before any order line is given back as it was (HIE-14)."""
    account = work.view.account(account_id)
    if account is None or account.parent_account_id == to.parent:
        return
    as_before = account.parent_lineage is not None and to.parent == account.parent_before
    changed = AccountHierarchyChanged(
        account_id=account_id,
        old_parent_account_id=account.parent_account_id,
        new_parent_account_id=to.parent,
        old_lineage=account.parent_lineage,
        new_lineage=None if as_before else to.lineage,
        implicitly_moved=to.moved,
        cause=cause,
        line_id=to.line_id,
    )
    work.record(phase, changed, slot=slot)
    work.moved_accounts.setdefault(account_id, work.place)


# -- what must hold of all links together


def _one_parent(work: Work, account_id: str, touches: Sequence[Touch]) -> None:
    """Where an account has one payer, no service of another payer's comes to it (HIE-5, HIE-16)."""
    account = work.view.account(account_id)
    assert account is not None, "an account that was linked is there"
    parent = account.parent_account_id
    for found in touches:
        if found.old is not None or found.new in (None, account_id, parent) or parent is None:
            continue
        taken = violation(
            Code.ALREADY_HAS_PARENT,
            "HIE-5",
            "order_id",
            line_id=found.task.line.line_id,
            account_id=account_id,
            parent=parent,
            wanted=found.new,
        )
        work.refuse(found.task.place, taken)


def _avoid_circles(work: Work, choices: dict[str, list[Choice]]) -> None:
    """Pass over a parent that would lead its account back to itself, where there is another choice.

    Judged on the links as the whole command leaves them. What a cancelled line gives back is passed over last; where
    more is asked than to take back, a new link that closes a circle is refused (HIE-6).
    """

    def circles() -> Iterator[str]:
        for account_id, offered in choices.items():
            may_pass = bool(offered) and (offered[0].back is not None or (len(offered) > 1 and work.only_takes_back))
            if may_pass and _in_circle(work, choices, account_id):
                yield account_id

    while (passed := min(circles(), key=lambda found: choices[found][0].back is not None, default=None)) is not None:
        choices[passed].pop(0)


def _in_circle(work: Work, choices: dict[str, list[Choice]], account_id: str) -> bool:
    met: set[str] = set()
    here: str | None = account_id
    while here is not None and here not in met:
        met.add(here)
        offered = choices.get(here)
        account = None if offered else work.view.account(here)
        here = offered[0].parent if offered else account.parent_account_id if account else None
    return here == account_id


def _refuse_circles(work: Work) -> None:
    """Links that, all lines together, lead an account back to itself (HIE-6)."""
    clear: set[str] = set()
    for account_id, place in work.moved_accounts.items():
        path: list[str] = []
        here: str | None = account_id
        while here is not None and here not in clear and here not in path:
            path.append(here)
            account = work.view.account(here)
            here = account.parent_account_id if account else None
        if here is not None and here not in clear:
            cycle = path[path.index(here) :]
            at = cycle.index(account_id) if account_id in cycle else 0
            work.refuse(place, violation(Code.HIERARCHY_CYCLE, "HIE-6", "order_id", cycle=[*cycle[at:], *cycle[:at]]))
        clear.update(path)
