"""SplitOrder: the live lines of an order are put into groups, by their values or as the caller gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from processors.acting import author
from processors.context import Context
from processors.customer import CustomerView
from processors.decision import Decision, Refused
from processors.orders.addressing import unlocked
from processors.orders.grouping import ATTRIBUTES, FREE, GroupKey, group_state, key_of, resolved_key
from processors.orders.judging import malformed
from processors.orders.lines import LIVE
from processors.orders.states import recorded, settle
from schemas.fields import Event
from schemas.order_events import GroupNamed, OrderLineGrouped, OrderSplit
from schemas.order_lines import LineState, OrderLine
from schemas.order_rosters import GroupTally
from schemas.orders import AskedGroup, Dimension, GroupState, Order, Split, SplitOrder
from schemas.refusals import Code, Violation, violation


class Part(NamedTuple):
    """A group as it is to be."""

    group_id: str
    key: GroupKey
    lines: list[OrderLine]
    """Live lines of the order."""
    named: bool = False
    """The caller gave it its id."""


def split(customer: CustomerView, command: SplitOrder, context: Context) -> Decision:
    """Put every live line into exactly one open group (SPL-1 to SPL-4, SPL-8 to SPL-12)."""
    misshapen = _misshapen(command)
    if misshapen is not None:
        return Refused((misshapen,))
    order = unlocked(customer, command.order_id)
    if isinstance(order, Violation):
        return Refused((order,))
    if command.attribute is not None and not _is_attribute(command.attribute):
        unknown = violation(
            Code.SPLIT_ATTRIBUTE_UNKNOWN,
            "SPL-10",
            "attribute",
            order_id=order.order_id,
            attribute=command.attribute,
        )
        return Refused((unknown,))

    wanted = Split(
        number=order.split.number + 1 if order.split else 1,
        dimensions=command.dimensions,
        attribute=command.attribute,
        explicit=command.groups is not None,
        at=context.at,
        by=author(context),
    )
    lines = customer.lines(order.order_id)
    live = [line for line in lines if line.state in LIVE]
    if command.groups is None:
        parts = _by_key(customer, live, wanted, context)
    else:
        parts = _as_given(command.groups, live, context)
    if _stands(customer, order, live, parts):
        return ()
    if command.groups is not None:
        violations = tuple(_violations(customer, order, lines, command.groups, [part.group_id for part in parts]))
        if violations:
            return Refused(violations)
    return _events(customer, order, wanted, parts, context)


def _misshapen(command: SplitOrder) -> Violation | None:
    """One way to split, and all that it needs (ORD-18, SPL-9)."""
    if (command.dimensions is None) == (command.groups is None):
        return malformed("dimensions", "exactly one of dimensions and groups")
    dimensions = command.dimensions or ()
    if command.dimensions is not None and not dimensions:
        return malformed("dimensions", "at least one element")
    if len(set(dimensions)) < len(dimensions):
        return malformed("dimensions", "each dimension once")
    if (Dimension.ATTRIBUTE in dimensions) != (command.attribute is not None):
        return malformed("attribute", "a value with ATTRIBUTE, and only then")
    return None


def _is_attribute(name: str) -> bool:
    return name in ATTRIBUTES or (name.startswith(FREE) and name != FREE)


# -- who belongs where


def _by_key(view: CustomerView, live: Sequence[OrderLine], wanted: Split, context: Context) -> list[Part]:
    """One group per key, in the order of its first line (SPL-1)."""
    by_key: dict[frozenset[tuple[str, str | None]], tuple[GroupKey, list[OrderLine]]] = {}
    for line in live:
        key = key_of(view, line, wanted)
        by_key.setdefault(frozenset(key.items()), (key, []))[1].append(line)
    return [Part(context.derived_id("group", number), *part) for number, part in enumerate(by_key.values())]


def _as_given(groups: Sequence[AskedGroup], live: Sequence[OrderLine], context: Context) -> list[Part]:
    """The groups of the command; lines that cannot be in one are told by `_violations`."""
    by_id = {line.line_id: line for line in live}
    return [
        Part(
            group.group_id or context.derived_id("group", number),
            {},
            [by_id[line_id] for line_id in dict.fromkeys(group.line_ids) if line_id in by_id],
            named=group.group_id is not None,
        )
        for number, group in enumerate(groups)
    ]


def _stands(view: CustomerView, order: Order, live: Sequence[OrderLine], parts: Sequence[Part]) -> bool:
    """Whether the lines are grouped so already (SPL-12): the same keys, and the ids that the caller gives."""
    if order.split is None:
        return False
    keys = {group.group_id: resolved_key(view, group.key, order.split) for group in order.groups}
    members: dict[str, set[str]] = {}
    for line in live:
        assert line.group_id is not None, "every live line of a split order is in a group"
        members.setdefault(line.group_id, set()).add(line.line_id)
    there = {frozenset(line_ids): group_id for group_id, line_ids in members.items()}
    for part in parts:
        group_id = there.get(frozenset(line.line_id for line in part.lines))
        if group_id is None or keys[group_id] != part.key or (part.named and part.group_id != group_id):
            return False
    return len(parts) == len(there)


# -- what stands against groups that are given


def _violations(
    view: CustomerView, order: Order, lines: Sequence[OrderLine], groups: Sequence[AskedGroup], ids: Sequence[str]
) -> Iterator[Violation]:
    """SPL-11, code by code. `ids`: the id of each group, derived where the command gives none."""
    named: dict[str, list[str]] = {}
    for group_id, group in zip(ids, groups, strict=True):
        for line_id in dict.fromkeys(group.line_ids):
            named.setdefault(line_id, []).append(group_id)
    own = {line.line_id for line in lines}
    yield from (_refused(order, Code.LINE_UNKNOWN, line_id=line_id) for line_id in named if line_id not in own)
    grouped = [line for line in lines if line.line_id in named]
    for line in grouped:
        if line.locked is not None:
            yield _refused(order, Code.ORDER_ITEM_LOCKED, line_id=line.line_id, lock=line.locked)
    for line in grouped:
        if line.state is LineState.CANCELLED:
            yield _refused(order, Code.LINE_NOT_LIVE, line_id=line.line_id, state=line.state)
    for line in grouped:
        if len(named[line.line_id]) > 1:
            yield _refused(order, Code.SPLIT_OVERLAP, line_id=line.line_id, group_ids=named[line.line_id])
    left = [line.line_id for line in lines if line.state in LIVE and line.line_id not in named]
    if left:
        yield _refused(order, Code.SPLIT_INCOMPLETE, line_ids=left)
    yield from _group_violations(view, order, groups)


def _group_violations(view: CustomerView, order: Order, groups: Sequence[AskedGroup]) -> Iterator[Violation]:
    """Groups have ids of their own, unique in the customer, and lines (SPL-11)."""
    seen: set[str] = set()
    for group in groups:
        if group.group_id is not None:
            if group.group_id in seen or view.group(group.group_id) is not None:
                yield _refused(order, Code.GROUP_ID_TAKEN, group_id=group.group_id)
            seen.add(group.group_id)
    for group in groups:
        if not group.line_ids:
            yield _refused(order, Code.GROUP_EMPTY, group_id=group.group_id)


def _refused(order: Order, code: Code, **carries: object) -> Violation:
    return violation(code, "SPL-11", "groups", order_id=order.order_id, **carries)


# -- what happens


def _events(
    view: CustomerView, order: Order, wanted: Split, parts: Sequence[Part], context: Context
) -> tuple[Event, ...]:
    """The split, then each line that goes to its group. Groups that lose all their live lines end (SPL-8)."""
    tallies = {group.group_id: view.group_tally(group.group_id) for group in order.groups}
    new = [GroupNamed(group_id=name, key=key, state=GroupState.OPEN) for name, key, *_ in parts]
    ended = [
        GroupNamed(group_id=group.group_id, key=group.key, state=group_state(_emptied(tallies[group.group_id])))
        for group in order.groups
        if group.state is GroupState.OPEN
    ]
    happened = OrderSplit(
        order_id=order.order_id,
        number=wanted.number,
        dimensions=wanted.dimensions,
        attribute=wanted.attribute,
        explicit=wanted.explicit,
        at=wanted.at,
        by=wanted.by,
        groups=(*new, *(group for group in ended if group.state is not GroupState.DISSOLVED)),
        dissolved=tuple(group.group_id for group in ended if group.state is GroupState.DISSOLVED),
    )
    draft, events = view.draft(), list[Event]()
    recorded(draft, events, happened)
    home = {line.line_id: (line, group_id) for group_id, _, lines, _ in parts for line in lines}
    for line_id in order.line_ids:
        if line_id in home:
            line, group_id = home[line_id]
            grouped = OrderLineGrouped(
                order_id=order.order_id, line_id=line_id, from_group_id=line.group_id, to_group_id=group_id
            )
            recorded(draft, events, grouped)
    events += settle(draft, order.order_id, context)
    return tuple(events)


def _emptied(tally: GroupTally) -> GroupTally:
    return GroupTally(live=0, billed=tally.billed, cancelled=tally.cancelled)
