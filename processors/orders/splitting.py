"""SplitOrder: the live lines of an order are put into groups, by their values or as the caller gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from processors.acting import author
from processors.context import Context
from processors.decision import Decision, Refused
from processors.orders.addressing import unlocked
from processors.orders.grouping import ATTRIBUTES, FREE, GroupKey, group_state, key_of, resolved_key
from processors.orders.line_rules import malformed
from processors.orders.lines import LIVE
from processors.orders.states import recorded, settle
from processors.view.customer import CustomerView
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
    line_ids: tuple[str, ...]
    """Each once; as a caller gives them they may be any, until `_line_violations` has seen to it."""
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
    parts = _by_key(customer, live, wanted, context) if command.groups is None else _as_given(command.groups, context)
    if _stands(customer, order, lines, parts):
        return ()
    if command.groups is not None:
        violations = (*_line_violations(order, lines, parts), *_group_violations(customer, order, command.groups))
        if violations:
            return Refused(violations)
    return _events(customer, order, wanted, parts, live, context)


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
    by_key: dict[frozenset[tuple[str, str | None]], tuple[GroupKey, list[str]]] = {}
    for line in live:
        key = key_of(view, line, wanted)
        by_key.setdefault(frozenset(key.items()), (key, []))[1].append(line.line_id)
    return [
        Part(context.derived_id("group", number), key, tuple(line_ids))
        for number, (key, line_ids) in enumerate(by_key.values())
    ]


def _as_given(groups: Sequence[AskedGroup], context: Context) -> list[Part]:
    """The groups of the command."""
    return [
        Part(
            group.group_id or context.derived_id("group", number),
            {},
            tuple(dict.fromkeys(group.line_ids)),
            named=group.group_id is not None,
        )
        for number, group in enumerate(groups)
    ]


def _stands(view: CustomerView, order: Order, lines: Sequence[OrderLine], parts: Sequence[Part]) -> bool:
    """Whether the lines are grouped so already (SPL-12): the same keys, and the ids that the caller gives.

    A group is the same by its live lines; a caller may name its billed ones with them, but no line of elsewhere.
    """
    if order.split is None:
        return False
    home = {line.line_id: line.group_id for line in lines}
    live: dict[str | None, set[str]] = {}
    for line in lines:
        if line.state in LIVE:
            live.setdefault(line.group_id, set()).add(line.line_id)
    keys = {group.group_id: resolved_key(view, group.key, order.split) for group in order.groups}
    same: set[str | None] = set()
    for part in parts:
        group_ids = {home.get(line_id) for line_id in part.line_ids}
        group_id = group_ids.pop() if len(group_ids) == 1 else None
        if group_id is None or not live.get(group_id, set()).issubset(part.line_ids) or keys[group_id] != part.key:
            return False
        if part.named and part.group_id != group_id:
            return False
        same.add(group_id)
    return same == set(live) and len(parts) == len(live)


# -- what stands against groups that are given


def _line_violations(order: Order, lines: Sequence[OrderLine], parts: Sequence[Part]) -> Iterator[Violation]:
    """Every live line stands in one group, and nothing else does (SPL-11); code by code."""
    named: dict[str, list[str]] = {}
    for part in parts:
        for line_id in part.line_ids:
            named.setdefault(line_id, []).append(part.group_id)
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
    view: CustomerView,
    order: Order,
    wanted: Split,
    parts: Sequence[Part],
    live: Sequence[OrderLine],
    context: Context,
) -> tuple[Event, ...]:
    """The split, then each line that goes to its group. Groups that lose all their live lines end (SPL-8)."""
    tallies = {group.group_id: view.group_tally(group.group_id) for group in order.groups}
    new = [GroupNamed(group_id=part.group_id, key=part.key, state=GroupState.OPEN) for part in parts]
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
    home = {line_id: part.group_id for part in parts for line_id in part.line_ids}
    for line in live:
        grouped = OrderLineGrouped(
            order_id=order.order_id,
            line_id=line.line_id,
            from_group_id=line.group_id,
            to_group_id=home[line.line_id],
        )
        recorded(draft, events, grouped)
    events += settle(draft, order.order_id, context)
    return tuple(events)


def _emptied(tally: GroupTally) -> GroupTally:
    return GroupTally(live=0, billed=tally.billed, cancelled=tally.cancelled)
