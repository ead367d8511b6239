"""Where accounts stood before a line: it remembers, and gives it back when it is cancelled (INV-OBA-2).

An account names the line that put it where it is, and that line remembers the link that it replaced, with the line that
had made that one. So a line that is cancelled out of turn leaves the chain by itself: nothing has to be rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from processors.hierarchies.touched import Choice, Touch
from schemas.accounts import Account, AccountState
from schemas.lineage import LinkBefore, SyncState

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Payers
    from processors.synchronization.work import Work


def remember(final: Payers, account: Account, touches: Sequence[Touch], move: Choice | None) -> None:
    """A line that takes a service from an account, or from its payer there, remembers where the account stood.

    So does a line that gives a parent to an account that had none, though others paid there or an earlier line left it;
    and one that is cancelled, when its account passes to the next payer.
    """
    beside: tuple[str, ...] = ()
    if account.parent_account_id is None:
        touched = {found.service_id for found in touches}
        beside = tuple(payer for payer, _ in final.in_turn(account.account_id, touched))
    takers = {
        found.task.line.line_id: found
        for found in touches
        if found.old not in (None, found.new) and not found.task.is_cancelled
    }
    if move is not None and _is_new(account, move, beside):
        takers.setdefault(move.touch.task.line.line_id, move.touch)
    for line_id, taker in takers.items():
        known = (link.account_id == account.account_id for link in taker.task.links)
        if account.parent_line_id == line_id or any(known):
            continue
        movers = takers if move is not None and move.touch.task is taker.task else {}
        stood = LinkBefore(
            account_id=account.account_id,
            parent_account_id=account.parent_account_id,
            lineage=account.parent_lineage,
            line_id=account.parent_line_id,
            with_lines=tuple(other for other, found in movers.items() if other != line_id and found.old == taker.old),
            beside=beside,
        )
        taker.task.links.append(stood)


def _is_new(account: Account, move: Choice, beside: tuple[str, ...]) -> bool:
    """Whether a line that takes nothing moves the account to where it did not stand because of an earlier line."""
    if move.touch.task.is_cancelled:
        return move.back is None and move.parent is not None
    return bool(beside) or account.parent_line_id is not None


def given_back(work: Work, final: Payers, account: Account, touches: Sequence[Touch]) -> Iterator[Choice]:
    """The links that stood there before lines that hold nothing any more, the oldest first (INV-OBA-2)."""
    flips = [found for found in touches if found.task.is_cancelled]
    if not flips:
        return
    here = account.account_id
    if account.parent_account_id is not None:
        starts = [_stood_before(work, here, account.parent_line_id)]
    else:
        lines = dict.fromkeys((account.parent_line_id, *(found.task.line.line_id for found in flips)))
        starts = [_remembered(work, here, line_id) for line_id in lines if _holds_nothing(work, line_id)]
    back = {found.service_id for found in flips}
    for start in starts:
        for link in reversed(list(_unwound(work, start))):
            if _is_needed(work, final, link, back):
                yield Choice(link.parent_account_id, link.lineage, flips[0], link)


def _stood_before(work: Work, account_id: str, line_id: str | None) -> LinkBefore | None:
    """The link that stood before a line's, if neither it nor those that moved the account with it hold anything now.

    A line that remembers none put the account where nothing was.
    """
    if line_id is None or not _holds_nothing(work, line_id):
        return None
    link = _remembered(work, account_id, line_id) or LinkBefore(account_id=account_id)
    return None if any(_is_in_force(work, other) for other in link.with_lines) else link


def _remembered(work: Work, account_id: str, line_id: str | None) -> LinkBefore | None:
    line = None if line_id is None else work.view.line(line_id)
    links = () if line is None or line.sync is None else line.sync.links
    return next((link for link in links if link.account_id == account_id), None)


def _unwound(work: Work, start: LinkBefore | None) -> Iterator[LinkBefore]:
    """A link that was replaced, the one before it if its line holds nothing any more either, and so on."""
    met: set[str | None] = set()
    link = start
    while link is not None and link.line_id not in met:
        yield link
        met.add(link.line_id)
        link = _stood_before(work, link.account_id, link.line_id)


def _holds_nothing(work: Work, line_id: str | None) -> bool:
    """Whether a line was synchronized and holds nothing any more."""
    line = None if line_id is None else work.view.line(line_id)
    return line is not None and line.sync is not None and not _is_in_force(work, line.line_id)


def _is_in_force(work: Work, line_id: str) -> bool:
    line = work.view.line(line_id)
    applied = line is not None and line.sync is not None and line.sync.state is SyncState.APPLIED
    return applied and line_id not in work.cancelled_lines


def _is_needed(work: Work, final: Payers, link: LinkBefore, back: set[str]) -> bool:
    """Whether a link may come back: its payer pays here, or a command made it (HIE-14, HIE-15).

    `back`: services that come back with it: where there was no parent beside them, there is none now.
    """
    if link.parent_account_id is None:
        return all(payer in link.beside for payer, _ in final.in_turn(link.account_id, back))
    if link.lineage is not None:
        return bool(final.paid_by_account(link.parent_account_id))
    parent = work.view.account(link.parent_account_id)
    return parent is not None and parent.state is not AccountState.DEACTIVATED
