"""The parent links that orders make: an account whose services another one pays for is its child (HIE-*)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.billing_profiles import LinkCause
from schemas.hierarchies import AccountHierarchyChanged
from schemas.lineage import Lineage
from schemas.refusals import Code, violation

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Desk
    from processors.synchronization.work import Phase, Work


def link(  # an account, its new parent, and what makes the link
    work: Work,
    phase: Phase,
    account_id: str,
    parent: str | None,
    lineage: Lineage | None,
    cause: LinkCause,
    moved: tuple[str, ...] = (),
) -> None:
    """Put an account below another one. What stood there before any order line is given back as it was (HIE-14)."""
    account = work.view.account(account_id)
    if account is None or account.parent_account_id == parent:
        return
    if account.parent_lineage is not None and parent == account.parent_before:
        lineage = None
    changed = AccountHierarchyChanged(
        account_id=account_id,
        old_parent_account_id=account.parent_account_id,
        new_parent_account_id=parent,
        old_lineage=account.parent_lineage,
        new_lineage=lineage,
        implicitly_moved=moved,
        cause=cause,
    )
    work.record(phase, changed)
    work.moved_accounts.setdefault(account_id, work.place)


def pass_on(work: Work, desk: Desk, phase: Phase, account_id: str, cause: LinkCause) -> None:
    """A link whose payer pays for nothing here any more goes to the next payer, or back to what was (HIE-15)."""
    account = work.view.account(account_id)
    if account is None or account.parent_lineage is None or account.parent_account_id is None:
        return
    if work.view.corporate_of(account_id) is not None:
        return
    final = desk.final(account_id)
    if final.paid_by_account(account.parent_account_id):
        return
    payer = final.first_payer(account_id)
    if payer is None:
        link(work, phase, account_id, account.parent_before, None, cause)
        return
    link(work, phase, account_id, payer, _lineage_of(work, desk, account_id, payer) or account.parent_lineage, cause)


def _lineage_of(work: Work, desk: Desk, account_id: str, payer: str) -> Lineage | None:
    """The line that set the earliest assignment to a payer."""
    final = desk.final(account_id)
    first = min(final.paid_by_account(payer), key=lambda service: final.services[service].number)
    holding = work.holding(first)
    return None if holding is None else holding.set_by.get("billing_account")


def cycles(work: Work) -> None:
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
