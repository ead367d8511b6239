"""Rows of hierarchies: who is below whom, in whose collections group, and where in a corporate tree.

A row says what a transaction left: of several events about one link, the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from processors.analytics.customer_data_rows import (
    AccountLinkVersion,
    CollectionsMemberVersion,
    CorporateNodeVersion,
    CustomerDataRow,
)
from processors.analytics.rows import Origin
from schemas.accounts import AccountCreated, AccountDetailsChanged
from schemas.envelope import BusinessTransaction
from schemas.fields import Event
from schemas.hierarchies import (
    AccountHierarchyChanged,
    CollectionsGroupChanged,
    CollectionsGroupClosed,
    CollectionsGroupCreated,
    CorporateHierarchySynchronized,
)
from schemas.lineage import Lineage, LineRef

PARENT = "parent_account_id"
CREATED, REQUESTED = "CREATED", "REQUESTED"

_TELLING = frozenset(
    {
        AccountCreated,
        AccountDetailsChanged,
        AccountHierarchyChanged,
        CollectionsGroupCreated,
        CollectionsGroupChanged,
        CollectionsGroupClosed,
        CorporateHierarchySynchronized,
    }
)
"""Events that may tell of one; most transactions have none."""

_Begin = tuple[int, int, str, int]
_Versions = dict[tuple[str, ...], CustomerDataRow]


def versions(transaction: BusinessTransaction, origin: Origin) -> Iterator[CustomerDataRow]:
    """Give a row for each parent link, membership and node that the transaction left different."""
    begin = origin.partition, origin.offset, transaction.customer_id, transaction.sequence
    found: _Versions = {}
    for change in transaction.changes:
        if type(change.event) in _TELLING:
            _add(found, transaction, begin, change.event)
    yield from found.values()


def _add(found: _Versions, transaction: BusinessTransaction, begin: _Begin, event: Event) -> None:
    match event:
        case AccountCreated(parent_account_id=str(parent)):
            _link(found, transaction, begin, event.account_id, parent, CREATED, event.created_by)
        case AccountDetailsChanged():
            for change in event.changes:
                if change.field == PARENT:
                    _link(found, transaction, begin, event.account_id, change.new, REQUESTED, None)
        case AccountHierarchyChanged():
            cause, lineage = event.cause.value, event.new_lineage
            _link(found, transaction, begin, event.account_id, event.new_parent_account_id, cause, lineage)
        case CollectionsGroupCreated():
            _members(found, transaction, begin, event, event.members, event.lineage, is_member=True)
        case CollectionsGroupChanged():
            _members(found, transaction, begin, event, event.left, event.line, is_member=False)
            _members(found, transaction, begin, event, event.joined, event.line, is_member=True)
        case CollectionsGroupClosed():
            _members(found, transaction, begin, event, event.last_members, event.line, is_member=False)
        case CorporateHierarchySynchronized():
            _nodes(found, transaction, begin, event)
        case _:
            pass


def _link(
    found: _Versions,
    transaction: BusinessTransaction,
    begin: _Begin,
    child: str,
    parent: str | None,
    cause: str,
    made_by: Lineage | None,
) -> None:
    found["link", child] = AccountLinkVersion(
        *begin,
        child,
        transaction.occurred_at,
        parent,
        cause,
        made_by.order_id if made_by else None,
        made_by.line_id if made_by else None,
    )


def _members(
    found: _Versions,
    transaction: BusinessTransaction,
    begin: _Begin,
    event: CollectionsGroupCreated | CollectionsGroupChanged | CollectionsGroupClosed,
    accounts: tuple[str, ...],
    by: Lineage | LineRef | None,
    *,
    is_member: bool,
) -> None:
    for account_id in accounts:
        found["member", event.collections_group_id, account_id] = CollectionsMemberVersion(
            *begin,
            event.collections_group_id,
            account_id,
            transaction.occurred_at,
            event.owner_account_id,
            is_member,
            by.order_id if by else None,
            by.line_id if by else None,
        )


def _nodes(
    found: _Versions, transaction: BusinessTransaction, begin: _Begin, event: CorporateHierarchySynchronized
) -> None:
    """Nodes that came, have another parent, or left; the others are what they were."""
    parents = {node.account_id: node.parent_account_id for node in event.nodes}
    by = event.lineage
    for account_id in (*event.added, *event.moved, *event.removed):
        found["node", event.corporate_account_id, account_id] = CorporateNodeVersion(
            *begin,
            event.corporate_account_id,
            account_id,
            transaction.occurred_at,
            parents.get(account_id),
            account_id in parents,
            by.order_id if by else None,
            by.line_id if by else None,
        )
