"""Corporate trees: an account of the configured type brings the whole tree that it is a node of (CRP-1 .. CRP-6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from processors.hierarchies.parents import link
from processors.hierarchies.standing import Standing, standing_of
from processors.references import as_given
from processors.synchronization.demands import Demand, named
from processors.synchronization.work import Phase
from schemas.billing_profiles import LinkCause
from schemas.hierarchies import CorporateHierarchySynchronized, CorporateNode
from schemas.refusals import Code, violation
from schemas.synchronization import CorporateData

if TYPE_CHECKING:
    from processors.synchronization.brought import Brought
    from processors.synchronization.work import Task, Work

Shown = str | dict[str, str] | None
Flaw = tuple[Shown, str]
"""A node and what is wrong with it."""


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """A tree to synchronize, its nodes parents first, and the first line that needs it."""

    corporate_account_id: str
    given: tuple[CorporateNode, ...]
    parents_first: tuple[CorporateNode, ...]
    task: Task
    systems: tuple[str, ...]


def find(work: Work, brought: Brought, tasks: Sequence[Task], systems: dict[str, tuple[str, ...]]) -> list[Tree]:
    """The trees of the command that lines need. Those that disagree with the data are told and left out."""
    wanted_type = work.context.catalog.switches.corporate_account_type
    if wanted_type is None:
        return []
    places = _places(brought)
    found: dict[int, Tree | None] = {}
    for task in tasks:
        for account_id in dict.fromkeys(
            found.account_id for found in named(work, brought, task) if found.role != "owner_account"
        ):
            if account_id is None or brought.type_of(account_id) != wanted_type:
                continue
            place = places.get(account_id)
            if place is None:
                if work.view.corporate_of(account_id) is None:
                    missing = violation(
                        Code.HIERARCHY_MISSING,
                        "CRP-3",
                        "corporate_hierarchies",
                        line_id=task.line.line_id,
                        account=account_id,
                    )
                    work.refuse(task.place, missing)
            elif place not in found:
                data = brought.trees[place]
                brought.used.add(("CORPORATE_HIERARCHY", brought.value(data.corporate_account)))
                found[place] = _tree(work, brought, data, place, task, systems[task.line.line_id])
    return [tree for tree in found.values() if tree is not None]


def _places(brought: Brought) -> dict[str, int]:
    """For each account the first tree of the command that has it as a node."""
    places: dict[str, int] = {}
    for place, tree in enumerate(brought.trees):
        for node in tree.nodes:
            account_id = brought.account_id(node.account)
            if account_id is not None:
                places.setdefault(account_id, place)
    return places


def _tree(  # a tree of the command, and the line that needs it
    work: Work, brought: Brought, data: CorporateData, place: int, task: Task, systems: tuple[str, ...]
) -> Tree | None:
    corporate = brought.shown(data.corporate_account)
    flaws = list(_flaws(work, brought, data, place))
    for flawed, reason in flaws:
        inconsistent = violation(
            Code.HIERARCHY_DATA_INCONSISTENT,
            "CRP-4",
            f"corporate_hierarchies.{place}",
            corporate_account=corporate,
            node=flawed,
            reason=reason,
        )
        work.refuse(task.place, inconsistent)
    if flaws:
        return None
    given = tuple(
        CorporateNode(
            account_id=brought.value(node.account),
            parent_account_id=None if node.parent is None else brought.value(node.parent),
        )
        for node in data.nodes
    )
    for node in given:
        brought.used.add(("ACCOUNT", node.account_id))
    return Tree(
        corporate_account_id=brought.value(data.corporate_account),
        given=given,
        parents_first=tuple(_parents_first(given)),
        task=task,
        systems=systems,
    )


def _flaws(work: Work, brought: Brought, data: CorporateData, place: int) -> Iterator[Flaw]:
    """Everything in which tree and data disagree (CRP-4)."""
    ids = [brought.account_id(node.account) for node in data.nodes]
    shown = [account_id or as_given(node.account) for account_id, node in zip(ids, data.nodes, strict=True)]
    keys = [brought.value(node.account) for node in data.nodes]
    parents = [None if node.parent is None else brought.value(node.parent) for node in data.nodes]
    known = dict(zip(keys, shown, strict=True))
    yield from ((found, "NO_DATA") for account_id, found in zip(ids, shown, strict=True) if account_id is None)
    seen: set[str] = set()
    for name in keys:
        if name in seen:
            yield known[name], "TWICE"
        seen.add(name)
    roots = [name for name, parent in zip(keys, parents, strict=True) if parent is None]
    if not roots:
        yield None, "ROOT"
    yield from ((known[name], "ROOT") for name in roots[1:])
    above = {name: parent for name, parent in zip(keys, parents, strict=True) if parent is not None}
    yield from ((known[name], "CYCLE") for name in _in_cycles(above))
    yield from ((known[name], "PARENT_NOT_A_NODE") for name, parent in above.items() if parent not in known)
    corporate = brought.value(data.corporate_account)
    if roots and roots[0] != corporate:
        yield known[roots[0]], "NOT_THE_CORPORATE_ACCOUNT"
    elsewhere = {
        brought.value(node.account) for other, tree in enumerate(brought.trees) if other != place for node in tree.nodes
    }
    for name, found in known.items():
        if name in elsewhere or work.view.corporate_of(name) not in (None, corporate):
            yield found, "IN_OTHER_HIERARCHY"


def _in_cycles(above: dict[str, str]) -> Iterator[str]:
    """One node of each cycle of parents."""
    clear: set[str] = set()
    for name in above:
        path: dict[str, None] = {}
        here: str | None = name
        while here is not None and here not in clear and here not in path:
            path[here] = None
            here = above.get(here)
        if here is not None and here in path and here not in clear:
            yield here
        clear.update(path)


def _parents_first(nodes: Sequence[CorporateNode]) -> Iterator[CorporateNode]:
    """The nodes as they are listed; one that stands before its parent waits for it (CRE-15)."""
    told: set[str | None] = {None}
    waiting: dict[str | None, list[CorporateNode]] = {}
    for node in nodes:
        waiting.setdefault(node.parent_account_id, []).append(node)
        ready = waiting.pop(node.parent_account_id) if node.parent_account_id in told else []
        for found in ready:
            told.add(found.account_id)
            yield found
            ready.extend(waiting.pop(found.account_id, []))


def demands(tree: Tree) -> Iterator[tuple[str, Demand]]:
    """The accounts of a tree, parents first, and what is needed of them."""
    for node in tree.parents_first:
        demand = Demand(tree.task)
        demand.add(tree.systems)
        yield node.account_id, demand


def synchronize(work: Work, tree: Tree) -> None:
    """Parents as in the tree; what is in it no longer loses the parent that the tree gave (CRP-1)."""
    stored = work.view.corporate_hierarchy(tree.corporate_account_id)
    before = {node.account_id: node.parent_account_id for node in stored.nodes} if stored else {}
    after = {node.account_id: node.parent_account_id for node in tree.given}
    work.place = tree.task.place
    for node in tree.parents_first:
        account = work.view.account(node.account_id)
        if account is not None:
            place = standing_of(account).below(node.parent_account_id, tree.task.lineage)
            link(work, Phase.PARENTS, account, place, LinkCause.CORPORATE)
    removed = tuple(account_id for account_id in before if account_id not in after)
    for account_id in removed:
        account = work.view.account(account_id)
        if account is not None and account.parent_account_id == before[account_id]:
            link(work, Phase.PARENTS, account, Standing(), LinkCause.CORPORATE)
    if before == after:
        return
    synchronized = CorporateHierarchySynchronized(
        corporate_account_id=tree.corporate_account_id,
        nodes=tree.given,
        added=tuple(account_id for account_id in after if account_id not in before),
        moved=tuple(name for name, parent in after.items() if name in before and before[name] != parent),
        removed=removed,
        lineage=tree.task.lineage,
    )
    work.record(Phase.PARENTS, synchronized)
