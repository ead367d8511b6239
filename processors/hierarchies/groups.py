"""Collections groups: an owner's group holds the accounts that pay for what it owns (LEG-1 .. LEG-5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.synchronization.matrix import BILLING_ACCOUNT, OWNER_ACCOUNT
from schemas.hierarchies import CollectionsGroupChanged, CollectionsGroupClosed, CollectionsGroupCreated
from schemas.lineage import Lineage, LineRef

if TYPE_CHECKING:
    from processors.synchronization.work import Holding, Phase, Work

Membership = tuple[str, str]
"""Owner and member."""


def follow(  # a service, its assignment before and after, and the line that changed it
    work: Work, phase: Phase, service_id: str, old: Holding | None, new: Holding | None, lineage: Lineage
) -> None:
    """Members of an owner's group are the payers of all assignments with this owner (LEG-5)."""
    was, now = _membership(old), _membership(new)
    if was == now:
        return
    left = was if was is not None and not work.view.is_owned(*was, service_id) else None
    if left is not None and now is not None and left[0] == now[0]:
        _change(work, phase, now[0], joined=now[1], left=left[1], lineage=lineage)
        return
    if left is not None:
        _change(work, phase, left[0], joined=None, left=left[1], lineage=lineage)
    if now is not None:
        _change(work, phase, now[0], joined=now[1], left=None, lineage=lineage)


def _membership(holding: Holding | None) -> Membership | None:
    if holding is None:
        return None
    owner, member = holding.values.get(OWNER_ACCOUNT), holding.values.get(BILLING_ACCOUNT)
    return None if owner is None or member is None or owner == member else (owner, member)


def _change(  # who joins and who leaves an owner's group
    work: Work, phase: Phase, owner: str, *, joined: str | None, left: str | None, lineage: Lineage
) -> None:
    group = work.view.group_of_owner(owner)
    if group is None:
        if joined is not None:
            created = CollectionsGroupCreated(
                collections_group_id=work.new_id("collections_group", "collections_group", owner),
                owner_account_id=owner,
                members=(joined,),
                lineage=lineage,
            )
            work.record(phase, created)
        return
    members = set(group.members) - {left}
    if joined is not None:
        members.add(joined)
    if members == set(group.members):
        return
    line = LineRef(order_id=lineage.order_id, line_id=lineage.line_id)
    if not members:
        closed = CollectionsGroupClosed(
            collections_group_id=group.collections_group_id,
            owner_account_id=owner,
            last_members=group.members,
            line=line,
        )
        work.record(phase, closed)
        return
    changed = CollectionsGroupChanged(
        collections_group_id=group.collections_group_id,
        owner_account_id=owner,
        joined=() if joined is None or joined in group.members else (joined,),
        left=() if left is None or left not in group.members else (left,),
        old_members=group.members,
        members=tuple(sorted(members)),
        line=line,
    )
    work.record(phase, changed)
