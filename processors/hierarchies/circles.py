"""Links that would lead an account back to itself: refused, or passed over where something is taken back (HIE-6).

Judged on the links as the whole command leaves them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from processors.accounts.tree import lineage
from schemas.accounts import Account, AccountState
from schemas.refusals import Code, violation

if TYPE_CHECKING:
    from processors.hierarchies.parents import Touch
    from processors.hierarchies.standing import Standing
    from processors.synchronization.giving_back import Pasts
    from processors.synchronization.work import Work


class Choice(NamedTuple):
    """A place that an account may have, and on account of which line."""

    place: Standing
    touch: Touch


Choices = dict[str, list[Choice]]
"""The places that accounts may have, best first; nothing: they stay where they are."""


def avoid(work: Work, choices: Choices, pasts: Pasts) -> None:
    """Pass over a parent that would close a circle, where there is another choice.

    What a cancelled line gives back is passed over last. Where more is asked than to take back, a new link that closes
    a circle is refused.
    """

    def closed() -> Iterator[tuple[bool, str]]:
        for account_id, offered in choices.items():
            is_given_back = pasts.standing(account_id) is not None
            may_pass = len(offered) > 1 or (offered and account_id not in work.touched)
            if may_pass and (work.only_takes_back or is_given_back) and _in_circle(work, choices, account_id):
                yield is_given_back, account_id

    while (passed := min(closed(), key=lambda found: found[0], default=None)) is not None:
        choices[passed[1]].pop(0)


def opened(work: Work, choices: Choices, pasts: Pasts) -> Iterator[tuple[Account, Choice]]:
    """Accounts that were passed over once, and may stand where they are to now that a circle is open.

    One that moves, whatever for, was below them; below it, or it itself, is the parent that they could not have. The
    past of an account is played again only where such a parent may be.
    """
    for account_id, offered in choices.items():
        account = None if account_id in work.made or not offered else work.view.account(account_id)
        if account is None or offered[0].place.parent == account.parent_account_id:
            continue
        _, *higher = lineage(work.view, account)
        passed = {found.account_id for found in higher}
        for above in higher:
            if pasts.knows(above.account_id) or work.view.corporate_of(above.account_id) is not None:
                continue
            lower = (found for found in _wanted(work, above) if found.account_id not in passed)
            if not any(account in lineage(work.view, found) for found in lower):
                continue
            place = pasts.ask(above)
            parent = None if place is None or place.parent is None else work.view.account(place.parent)
            if place is None or parent is None or parent.state is AccountState.DEACTIVATED:
                continue
            if above in lineage(work.view, parent):
                yield above, Choice(place, offered[0].touch)


def _wanted(work: Work, account: Account) -> Iterator[Account]:
    """The parents that an account may ever have had by its lines: who pays for it, and those that no line has made."""
    payers = (work.view.billing_profile(found.payer_profile_id or "") for found in work.nonpaying(account.account_id))
    named = [found.account_id for found in payers if found is not None]
    for account_id in (*named, account.parent_before, account.parent_earlier):
        wanted = None if account_id is None else work.view.account(account_id)
        if wanted is not None:
            yield wanted


def _in_circle(work: Work, choices: Choices, account_id: str) -> bool:
    met: set[str] = set()
    here: str | None = account_id
    while here is not None and here not in met:
        met.add(here)
        offered = choices.get(here)
        account = None if offered else work.view.account(here)
        here = offered[0].place.parent if offered else account.parent_account_id if account else None
    return here == account_id


def refuse(work: Work) -> None:
    """Links that, all lines together, lead an account back to itself."""
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
