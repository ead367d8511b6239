"""The parent links that orders make: an account whose services another one pays for is its child (HIE-*).

Where an account ends is decided once for a whole command, when all its lines are done: what a line of it would break,
another one may mend.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from processors.hierarchies import circles
from processors.hierarchies.circles import Choice, Choices
from processors.hierarchies.standing import Standing, after_parent, placed, standing_of
from processors.synchronization.matrix import BILLING_ACCOUNT
from schemas.accounts import Account, AccountState
from schemas.billing_profiles import LinkCause
from schemas.hierarchies import AccountHierarchyChanged
from schemas.lineage import Lineage
from schemas.refusals import Code, violation

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Desk
    from processors.synchronization.giving_back import Pasts
    from processors.synchronization.work import Holding, Phase, Task, Work


class Touch(NamedTuple):
    """A service of an account is paid by another one, came to the account, or left it: a `Move` of this command."""

    task: Task
    phase: Phase
    slot: int
    """Where a change of the account's parent stands among the events."""
    old: str | None
    new: str | None

    @property
    def lineage(self) -> Lineage:
        """The line that says so."""
        return self.task.lineage


def touch(  # an account, and the assignment of a service before and after, as long as it was here
    work: Work, phase: Phase, task: Task, account_id: str, held: tuple[Holding | None, Holding | None] = (None, None)
) -> None:
    """Note that the parent of an account is to be looked at."""
    old, new = (None if found is None else found.values.get(BILLING_ACCOUNT) for found in held)
    work.touched.setdefault(account_id, []).append(Touch(task, phase, work.slot(), old, new))


def settle(work: Work, desk: Desk, pasts: Pasts) -> None:
    """Give every account that was touched the parent that it is to have (HIE-1 .. HIE-8, HIE-14 .. HIE-16).

    `pasts`: where accounts stand without the lines that are cancelled (INV-OBA-2).
    """
    choices: Choices = {}
    for account, touches in _looked_at(work):
        choices[account.account_id] = list(_choices(work, desk, account, touches, pasts.standing(account.account_id)))
    circles.avoid(work, choices, pasts)
    while opened := list(circles.opened(work, choices, pasts)):
        for account, choice in opened:
            changed = work.touched.get(account.account_id)
            again = [choice] if changed is None else list(_choices(work, desk, account, changed, choice.place))
            choices[account.account_id] = again
        circles.avoid(work, choices, pasts)
    for account_id, offered in choices.items():
        if offered:
            _move(work, account_id, offered[0])
    if not (work.split_payer or work.only_takes_back):
        for account_id, touches in work.touched.items():
            if account_id in choices:
                _one_parent(work, account_id, touches)
    circles.refuse(work)


def _looked_at(work: Work) -> Iterator[tuple[Account, Sequence[Touch]]]:
    """The accounts that were touched, but for those whose parents a tree decides (CRP-5)."""
    for account_id, touches in work.touched.items():
        account = work.view.account(account_id)
        if account is not None and work.view.corporate_of(account_id) is not None:
            work.in_trees.add(account_id)
        elif account is not None:
            yield account, touches


def _choices(
    work: Work, desk: Desk, account: Account, touches: Sequence[Touch], given_back: Standing | None
) -> Iterator[Choice]:
    """The places that the account may have, best first; nothing: it stays.

    First what the lines of the command ask, from where it stands without those that are cancelled; then, where one is
    taken back, the places after that one.
    """
    account_id = account.account_id
    final = desk.final(account_id)
    standing = standing_of(account) if given_back is None else _open(work, given_back)
    leaving = next((found for found in touches if found.old is not None), touches[0])
    moves = [found for found in touches if not found.task.is_cancelled]
    places = list(placed(standing, final, account_id, moves))
    yield from (Choice(place, found or leaving) for place, found in places)
    if places or given_back is None:
        return
    back = next((found for found in touches if found.task.is_cancelled), leaving)
    for place in (standing, *after_parent(standing, final, account_id)):
        yield Choice(place, back)


def _open(work: Work, standing: Standing) -> Standing:
    """The place, unless the parent there is none any more."""
    parent = None if standing.parent is None else work.view.account(standing.parent)
    return Standing() if parent is None or parent.state is AccountState.DEACTIVATED else standing


# -- a new parent


def _move(work: Work, account_id: str, choice: Choice) -> None:
    account = work.view.account(account_id)
    assert account is not None, "an account that may move is there"
    place, found = choice
    work.place = found.task.place
    along = found.task.also.items() if found.old is not None and account_id in work.touched else ()
    moved = tuple(service_id for service_id, (_, new) in along if new is not None)
    link(work, found.phase, account, place, found.task.cause, slot=found.slot, moved=moved)


def link(  # an account and its new place, the services that move along (HIE-9), and where the event stands
    work: Work,
    phase: Phase,
    account: Account,
    place: Standing,
    cause: LinkCause,
    *,
    slot: int | None = None,
    moved: tuple[str, ...] = (),
) -> None:
    """Put an account below another one."""
    if account.parent_account_id == place.parent:
        return
    changed = AccountHierarchyChanged(
        account_id=account.account_id,
        old_parent_account_id=account.parent_account_id,
        new_parent_account_id=place.parent,
        old_lineage=account.parent_lineage,
        new_lineage=place.lineage,
        implicitly_moved=moved,
        cause=cause,
        sequence=work.sequence if cause is LinkCause.CORPORATE else None,
    )
    work.record(phase, changed, slot=slot)
    work.moved_accounts.setdefault(account.account_id, work.place)


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
