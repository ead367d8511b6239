"""The parent links that orders make: an account whose services another one pays for is its child (HIE-*).

Where an account ends is decided once for a whole command, when all its lines are done: what a line of it would break,
another one may mend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from processors.hierarchies.standing import Standing, after_parent, placed, standing_of
from processors.synchronization.matrix import BILLING_ACCOUNT
from schemas.accounts import Account, AccountState
from schemas.billing_profiles import LinkCause
from schemas.hierarchies import AccountHierarchyChanged
from schemas.lineage import Lineage
from schemas.refusals import Code, violation

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Desk
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


class Choice(NamedTuple):
    """A place that an account may have, and on account of which line."""

    place: Standing
    touch: Touch


def touch(  # an account, and the assignment of a service before and after, as long as it was here
    work: Work, phase: Phase, task: Task, account_id: str, held: tuple[Holding | None, Holding | None] = (None, None)
) -> None:
    """Note that the parent of an account is to be looked at."""
    old, new = (None if found is None else found.values.get(BILLING_ACCOUNT) for found in held)
    work.touched.setdefault(account_id, []).append(Touch(task, phase, work.slot(), old, new))


def settle(work: Work, desk: Desk, given_back: Mapping[str, Standing]) -> None:
    """Give every account that was touched the parent that it is to have (HIE-1 .. HIE-8, HIE-14 .. HIE-16).

    `given_back`: where accounts stand without the lines that are cancelled, if that is elsewhere (INV-OBA-2).
    """
    accounts: dict[str, Account] = {}
    choices: dict[str, list[Choice]] = {}
    for account_id, touches in work.touched.items():
        account = work.view.account(account_id)
        if account is not None and work.view.corporate_of(account_id) is None:  # else the tree decides (CRP-5)
            accounts[account_id] = account
            choices[account_id] = list(_choices(work, desk, account, touches, given_back.get(account_id)))
    _avoid_circles(work, choices, given_back)
    for account_id, offered in choices.items():
        if offered:
            _move(work, accounts[account_id], offered[0])
        if not (work.split_payer or work.only_takes_back):
            _one_parent(work, account_id, work.touched[account_id])
    _refuse_circles(work)


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


def _move(work: Work, account: Account, choice: Choice) -> None:
    place, found = choice
    work.place = found.task.place
    moved = tuple(found.task.also) if found.old is not None else ()
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


def _avoid_circles(work: Work, choices: dict[str, list[Choice]], given_back: Mapping[str, Standing]) -> None:
    """Pass over a parent that would lead its account back to itself, where there is another choice.

    Judged on the links as the whole command leaves them. What a cancelled line gives back is passed over last; where
    more is asked than to take back, a new link that closes a circle is refused (HIE-6).
    """

    def circles() -> Iterator[str]:
        for account_id, offered in choices.items():
            may_pass = len(offered) > 1 and (account_id in given_back or work.only_takes_back)
            if may_pass and _in_circle(work, choices, account_id):
                yield account_id

    while (passed := min(circles(), key=lambda found: found in given_back, default=None)) is not None:
        choices[passed].pop(0)


def _in_circle(work: Work, choices: dict[str, list[Choice]], account_id: str) -> bool:
    met: set[str] = set()
    here: str | None = account_id
    while here is not None and here not in met:
        met.add(here)
        offered = choices.get(here)
        account = None if offered else work.view.account(here)
        here = offered[0].place.parent if offered else account.parent_account_id if account else None
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
