"""The words of the hierarchies that orders make: parent links, collections groups, corporate trees."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar

from schemas.accounts import Reason
from schemas.billing_profiles import AddedSystems, ByLine, LinkCause, MadeBy, Systems
from schemas.fields import AccountId, Entity, Event, Word, doc
from schemas.lineage import Lineage, LineRef

GroupMembers = Annotated[tuple[str, ...], doc("Accounts, in order of account_id")]
CollectionsGroupId = Annotated[str, doc("Id of the collections group")]


class CorporateNode(Word, frozen=True, kw_only=True):
    """An account of a corporate tree."""

    account_id: AccountId
    parent_account_id: Annotated[str | None, doc("The node above it; null for the root")] = None


class CollectionsGroup(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """Accounts whose debts one owner collects."""

    identity: ClassVar = ("collections_group", "collections_group_id")

    collections_group_id: CollectionsGroupId
    owner_account_id: Annotated[str, doc("The owner")]
    members: GroupMembers = ()
    closed: Annotated[bool, doc("Its last member has left")] = False
    lineage: MadeBy = None


class CorporateHierarchy(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """The tree of accounts under a corporate account."""

    identity: ClassVar = ("corporate_hierarchy", "corporate_account_id")

    corporate_account_id: AccountId
    nodes: Annotated[tuple[CorporateNode, ...], doc("Accounts of the tree, in the order given")] = ()
    lineage: MadeBy = None


class AccountReopened(Event, frozen=True, kw_only=True):
    """An account that was closed unused is used after all (UND-5)."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    closed_at: Annotated[datetime, doc("When it was closed")]
    closed_by: Annotated[LineRef | None, doc("The cancelled line that closed it")] = None
    lineage: Annotated[Lineage, doc("The line that needs it")]
    reason: Reason
    effective_at: Annotated[datetime, doc("Since when")]
    effective_date: Annotated[date, doc("Local day of effective_at")]
    billing_systems: Systems = ()


class AccountBillingSystemAdded(Event, frozen=True, kw_only=True):
    """An account is known to more billing systems."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    added: AddedSystems
    billing_systems: Systems
    lineage: MadeBy = None


class AccountHierarchyChanged(Event, frozen=True, kw_only=True):
    """An account has another parent."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    old_parent_account_id: Annotated[str | None, doc("Parent before")] = None
    new_parent_account_id: Annotated[str | None, doc("Parent after; null: none")] = None
    old_lineage: Annotated[Lineage | None, doc("What had made the old link; null: no order did")] = None
    new_lineage: Annotated[Lineage | None, doc("What made the new link; null: no order did")] = None
    implicitly_moved: Annotated[tuple[str, ...], doc("Services that moved along (HIE-9)")] = ()
    cause: Annotated[LinkCause, doc("Why")]
    sequence: Annotated[int | None, doc("Number of the transaction, where a tree decides (CRP-1)")] = None


class CollectionsGroupCreated(Event, frozen=True, kw_only=True):
    """An owner has a collections group."""

    about: ClassVar = ("collections_group", "collections_group_id")

    collections_group_id: CollectionsGroupId
    owner_account_id: Annotated[str, doc("The owner")]
    members: GroupMembers
    lineage: MadeBy = None


class CollectionsGroupChanged(Event, frozen=True, kw_only=True):
    """A collections group has other members."""

    about: ClassVar = ("collections_group", "collections_group_id")

    collections_group_id: CollectionsGroupId
    owner_account_id: Annotated[str, doc("The owner")]
    joined: Annotated[tuple[str, ...], doc("Accounts that came")] = ()
    left: Annotated[tuple[str, ...], doc("Accounts that went")] = ()
    old_members: GroupMembers
    members: GroupMembers
    line: ByLine = None


class CollectionsGroupClosed(Event, frozen=True, kw_only=True):
    """The last member of a collections group has left."""

    about: ClassVar = ("collections_group", "collections_group_id")

    collections_group_id: CollectionsGroupId
    owner_account_id: Annotated[str, doc("The owner")]
    last_members: GroupMembers
    line: ByLine = None


class CorporateHierarchySynchronized(Event, frozen=True, kw_only=True):
    """A corporate tree is as it was given."""

    about: ClassVar = ("corporate_hierarchy", "corporate_account_id")

    corporate_account_id: AccountId
    nodes: Annotated[tuple[CorporateNode, ...], doc("The whole tree")]
    added: Annotated[tuple[str, ...], doc("Accounts that came into the tree")] = ()
    moved: Annotated[tuple[str, ...], doc("Accounts that have another parent in the tree")] = ()
    removed: Annotated[tuple[str, ...], doc("Accounts that left the tree")] = ()
    lineage: MadeBy = None


AccountLinkEvent = AccountReopened | AccountBillingSystemAdded | AccountHierarchyChanged
GroupEvent = CollectionsGroupCreated | CollectionsGroupChanged | CollectionsGroupClosed
"""What happens to a collections group."""
