"""How collections groups and corporate trees evolve. Parent links are the account's own (accounts/linking.py)."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from schemas.hierarchies import (
    CollectionsGroup,
    CollectionsGroupChanged,
    CollectionsGroupClosed,
    CollectionsGroupCreated,
    CorporateHierarchy,
    CorporateHierarchySynchronized,
    GroupEvent,
)


def evolve_group(group: CollectionsGroup | None, event: GroupEvent) -> CollectionsGroup:
    """The collections group after the event."""
    if isinstance(event, CollectionsGroupCreated):
        assert group is None, "a collections group is created once"
        return CollectionsGroup(
            collections_group_id=event.collections_group_id,
            owner_account_id=event.owner_account_id,
            members=event.members,
            lineage=event.lineage,
        )
    assert group is not None, "only CollectionsGroupCreated makes a collections group"
    match event:
        case CollectionsGroupChanged():
            return replace(group, members=event.members)
        case CollectionsGroupClosed():
            return replace(group, members=(), closed=True)
        case _:
            assert_never(event)


def evolve_tree(tree: CorporateHierarchy | None, event: CorporateHierarchySynchronized) -> CorporateHierarchy:
    """The corporate tree after the event."""
    if tree is None:
        return CorporateHierarchy(
            corporate_account_id=event.corporate_account_id, nodes=event.nodes, lineage=event.lineage
        )
    return replace(tree, nodes=event.nodes)
