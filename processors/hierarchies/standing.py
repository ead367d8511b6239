"""Where an account stands: the rules of parents, apart from any command (HIE-2 .. HIE-8, HIE-14 .. HIE-16).

Nothing here knows of lines that are taken back. Those leave nothing: their accounts stand where the lines that remain
have put them (past.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from schemas.accounts import Account
from schemas.lineage import Lineage

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Payers


class Move(Protocol):
    """A service came to an account, left it, or is paid by another one there."""

    @property
    def old(self) -> str | None:
        """Who paid for it on this account; null: it came."""

    @property
    def new(self) -> str | None:
        """Who pays for it here now; null: it left."""

    @property
    def lineage(self) -> Lineage:
        """The line that says so."""


AnyMove = TypeVar("AnyMove", bound=Move)


class Standing(NamedTuple):
    """The parent of an account, the line that made the link, and the parent that no line had made (HIE-14)."""

    parent: str | None = None
    lineage: Lineage | None = None
    before: str | None = None

    def below(self, parent: str | None, lineage: Lineage | None) -> Standing:
        """Below another parent. What stood there before any order line is given back as it was."""
        if lineage is None or (self.lineage is not None and parent == self.before):
            return Standing(parent)
        return Standing(parent, lineage, self.parent if self.lineage is None else self.before)


def standing_of(account: Account) -> Standing:
    """Where an account stands now."""
    return Standing(account.parent_account_id, account.parent_lineage, account.parent_before)


def placed(
    standing: Standing, payers: Payers, account_id: str, moves: Sequence[AnyMove]
) -> Iterator[tuple[Standing, AnyMove | None]]:
    """Where an account goes, and with which move; the best first, nothing: it stays.

    A parent stays as long as it pays for something. `payers`: as all moves together leave them. More than one place is
    offered where the parent has gone.
    """
    if standing.parent is not None and payers.paid_by_account(standing.parent):
        return
    for move in moves:
        if _moves_all(move, payers, account_id):
            yield standing.below(move.new, move.lineage), move
            return
    if standing.lineage is not None:
        for place in after_parent(standing, payers, account_id):
            yield place, None
    elif standing.parent is None:
        for move in moves:
            if move.old is None and _is_paid(move.new, payers, account_id):
                yield standing.below(move.new, move.lineage), move
                return


def after_parent(standing: Standing, payers: Payers, account_id: str) -> Iterator[Standing]:
    """The places of an account whose parent pays for nothing any more, the best first (HIE-15)."""
    for payer, by in payers.in_turn(account_id).items():
        yield standing.below(payer, by or standing.lineage)
    yield Standing(standing.before)
    yield Standing()


def _moves_all(move: Move, payers: Payers, account_id: str) -> bool:
    """Whether all that the old payer paid here goes to another one (HIE-7)."""
    moved = move.old not in (None, move.new) and not payers.paid_by_account(move.old)
    return moved and _is_paid(move.new, payers, account_id)


def _is_paid(payer: str | None, payers: Payers, account_id: str) -> bool:
    """Whether another account pays here, after all moves (HIE-2, HIE-16)."""
    return payer not in (None, account_id) and bool(payers.paid_by_account(payer))
