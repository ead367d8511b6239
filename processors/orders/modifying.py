"""ModifyOrderLine: one line of an order in flight is added, changed or removed. No other line is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, assert_never

import msgspec

from processors.context import Context
from processors.decision import Decision, Refused
from processors.orders.addressing import read_only_violation, unlocked
from processors.orders.changes import is_past_soft_point, line_changed
from processors.orders.grouping import Homes, content_changed, key_of
from processors.orders.line_rules import limit_violations, line_violations, malformed
from processors.orders.lines import (
    CUSTOMER_DATA,
    SETTABLE,
    Altered,
    altered,
    as_given,
    identified,
    in_group,
    new_line,
)
from processors.orders.states import recorded, settle
from processors.orders.submitting import line_id_violations
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.lineage import LineAction
from schemas.order_events import LineChangeCause, OrderLineAdded, OrderLineCancelled, OrderLineGrouped
from schemas.order_lines import LineCancellation, LineChange, LineState, OrderLine
from schemas.orders import Group, GroupState, LineOperation, ModifyOrderLine, Order
from schemas.refusals import Code, Violation, violation

_replace = msgspec.structs.replace

_BELONGS = {
    LineOperation.ADD: ("line", "group_id"),
    LineOperation.CHANGE: (
        "line_id",
        "expected_version",
        "set",
        "add_features",
        "remove_features",
        "custom_state",
    ),
    LineOperation.REMOVE: ("line_id", "expected_version"),
}
"""Fields of the operations; the first one of each must be given."""

_REQUIRED = ("service_action", "service_catalog", "product_id", "service_account")
"""What `set` can replace but not clear."""


def modify(customer: CustomerView, command: ModifyOrderLine, context: Context) -> Decision:
    """Add, change or remove one line (ORD-4, ORD-5, ORD-9, ORD-11, ORD-19 to ORD-26, LCK-1 to LCK-6)."""
    misshapen = _misshapen(command)
    if misshapen is not None:
        return Refused((misshapen,))
    order = unlocked(customer, command.order_id)
    if isinstance(order, Violation):
        return Refused((order,))
    read_only = read_only_violation(order)
    if read_only is not None:
        return Refused((read_only,))

    if command.operation is LineOperation.ADD:
        return _add(customer, order, command, context)
    line = _addressed(customer, command)
    if isinstance(line, Violation):
        return Refused((line,))
    match command.operation:
        case LineOperation.CHANGE:
            return _change(customer, order, line, command, context)
        case LineOperation.REMOVE:
            return _remove(customer, order, line, context)
        case _:
            assert_never(command.operation)


def _misshapen(command: ModifyOrderLine) -> Violation | None:
    """Each operation has fields of its own, and one that it cannot do without (ORD-18)."""
    belongs = _BELONGS[command.operation]
    if getattr(command, belongs[0]) is None:
        return malformed(belongs[0], "a value")
    for field in ("line_id", "expected_version", "line", "group_id", "set", "custom_state"):
        if field not in belongs and getattr(command, field) is not None:
            return malformed(field, f"not with {command.operation}")
    for field in ("add_features", "remove_features"):
        if field not in belongs and getattr(command, field):
            return malformed(field, f"not with {command.operation}")
    for field in _REQUIRED:
        if command.set is not None and getattr(command.set, field) is None:
            return malformed(f"set.{field}", "a value")
    return None


def _addressed(customer: CustomerView, command: ModifyOrderLine) -> OrderLine | Violation:
    """The line, live and not locked, in the version that the caller believes in (ORD-19, ORD-5, LCK-4)."""
    assert command.line_id is not None, "the shape was judged before"
    line = customer.line(command.line_id)
    named = {"order_id": command.order_id, "line_id": command.line_id}
    if line is None or line.order_id != command.order_id:
        return violation(Code.LINE_UNKNOWN, "ORD-19", "line_id", **named)
    if line.state is LineState.CANCELLED:
        return violation(Code.LINE_NOT_LIVE, "ORD-19", "line_id", **named, state=line.state)
    if line.locked is not None:
        return violation(Code.ORDER_ITEM_LOCKED, "ORD-5", "line_id", **named, lock=line.locked)
    given = command.expected_version
    if given is not None and given != line.version:
        return violation(
            Code.LINE_VERSION_CONFLICT, "LCK-4", "expected_version", **named, given=given, current=line.version
        )
    return line


# -- ADD


def _add(customer: CustomerView, order: Order, command: ModifyOrderLine, context: Context) -> Decision:
    """A new line, PENDING or in a group, whatever is locked beside it (ORD-9, SPL-5)."""
    given = command.line
    assert given is not None, "the shape was judged before"
    line_id = given.line_id or context.derived_id("line")
    line = new_line(customer, given, order_id=order.order_id, line_id=line_id, revision=order.revision, context=context)
    violations = (
        *line_id_violations(customer, order.order_id, (("line.line_id", line_id),)),
        *limit_violations(order.order_id, len(order.line_ids) + 1, "line"),
        *line_violations((("line", line),), context),
        *_group_violations(order, command.group_id),
    )
    if violations:
        return Refused(violations)

    new: list[Group] = []
    if order.split is not None:
        homes = Homes(customer, order, order.split, context)
        group_id = command.group_id if order.split.explicit and command.group_id else homes.of(line)
        line, new = in_group(line, group_id), homes.new
    draft, events = customer.draft(), list[Event]()
    recorded(
        draft,
        events,
        OrderLineAdded(order_id=order.order_id, line_id=line_id, line=line, revision=order.revision),
    )
    events += content_changed(draft, order.order_id, (), new=new, added=(line_id,))
    events += settle(draft, order.order_id, context)
    return tuple(events)


def _group_violations(order: Order, group_id: str | None) -> Iterator[Violation]:
    """A line joins an open group of its order (SPL-5). Where lines are grouped by their values, none can be chosen."""
    if group_id is None:
        return
    group = next((group for group in order.groups if group.group_id == group_id), None)
    if group is None:
        yield violation(Code.GROUP_UNKNOWN, "SPL-5", "group_id", order_id=order.order_id, group_id=group_id)
    elif group.state is not GroupState.OPEN:
        yield violation(
            Code.GROUP_NOT_OPEN, "SPL-5", "group_id", order_id=order.order_id, group_id=group_id, state=group.state
        )
    elif order.split is not None and not order.split.explicit:
        yield malformed("group_id", "only in an order with explicit groups")


# -- CHANGE


def _change(
    customer: CustomerView, order: Order, line: OrderLine, command: ModifyOrderLine, context: Context
) -> Decision:
    """Other values, features or sub-state of a line (ORD-4, ORD-11, ORD-25)."""
    given = _given(command.set)
    change = _altered(customer, order, line, command, given, context)
    violations = (
        *(line_violations((("set", change.after),), context) if change.fields else ()),
        *_frozen_violations(line, given),
        *_feature_violations(line, command.remove_features),
        *_empty_violations(line, command, given),
    )
    if violations:
        return Refused(violations)
    custom_state = command.custom_state if command.custom_state != line.custom_state else None
    if not change.fields and custom_state is None:
        return ()

    draft, events = customer.draft(), list[Event]()
    recorded(draft, events, line_changed(change, LineChangeCause.MODIFIED, custom_state))
    events += _moved(draft, order, line, context)
    events += settle(draft, order.order_id, context)
    return tuple(events)


def _given(change: LineChange | None) -> dict[str, Any]:
    """The fields that `set` names, in the order of the line's fields."""
    if change is None:
        return {}
    return {field: value for field in SETTABLE if (value := getattr(change, field)) is not msgspec.UNSET}


def _altered(  # what a line would be is said by five things
    customer: CustomerView,
    order: Order,
    line: OrderLine,
    command: ModifyOrderLine,
    given: dict[str, Any],
    context: Context,
) -> Altered:
    """The line as it would be: first its features go, then new ones come."""
    gone = set(command.remove_features)
    kept = tuple(feature for feature in line.features if feature.feature_id not in gone)
    features = (*kept, *identified(command.add_features, line.line_id, context))
    values = dict(given)
    if values.get("action", LineAction.NONE) is None:
        values["action"] = LineAction.NONE
    asked = _replace(as_given(line, context), **values, features=features)
    return altered(customer, line, asked, order.revision, context)


def _frozen_violations(line: OrderLine, given: Iterable[str]) -> Iterator[Violation]:
    """Customer data that was synchronized changes by ReviseOrder only (LCK-5)."""
    if line.synchronized_revision is None:
        return
    for field in given:
        if field in CUSTOMER_DATA:
            yield violation(
                Code.FIELD_NOT_EDITABLE,
                "LCK-5",
                f"set.{field}",
                order_id=line.order_id,
                line_id=line.line_id,
                field=field,
                why="SYNCHRONIZED",
            )


def _feature_violations(line: OrderLine, removed: Iterable[str]) -> Iterator[Violation]:
    """Only a feature that is there can go (ORD-23)."""
    there = {feature.feature_id for feature in line.features}
    for number, feature_id in enumerate(removed):
        if feature_id not in there:
            yield violation(
                Code.FEATURE_WITHOUT_SERVICE,
                "ORD-23",
                f"remove_features.{number}",
                order_id=line.order_id,
                line_id=line.line_id,
                feature_id=feature_id,
            )


def _empty_violations(line: OrderLine, command: ModifyOrderLine, given: dict[str, Any]) -> Iterator[Violation]:
    """A change says what is to change (ORD-23)."""
    if not (given or command.add_features or command.remove_features or command.custom_state is not None):
        yield violation(Code.EMPTY_CHANGE, "ORD-23", order_id=line.order_id, line_id=line.line_id)


def _moved(draft: CustomerView, order: Order, before: OrderLine, context: Context) -> Iterator[Event]:
    """Record and answer that a changed line has another key, and so another group (SPL-6)."""
    after = draft.line(before.line_id)
    assert after is not None, "a line that was changed is there"
    if order.split is None or order.split.explicit:
        return
    if key_of(draft, after, order.split) == key_of(draft, before, order.split):
        return
    homes = Homes(draft, order, order.split, context)
    event = OrderLineGrouped(
        order_id=order.order_id,
        line_id=after.line_id,
        from_group_id=after.group_id,
        to_group_id=homes.of(after),
    )
    draft.record(event)
    yield event
    yield from content_changed(draft, order.order_id, (before.group_id,), new=homes.new)


# -- REMOVE


def _remove(customer: CustomerView, order: Order, line: OrderLine, context: Context) -> Decision:
    """A line is cancelled, its features with it (ORD-26), unless nothing of the order would be left (ORD-24)."""
    tally = customer.order_tally(order.order_id)
    if tally.live == 1 and not tally.billed:
        return Refused((violation(Code.ORDER_WOULD_BE_EMPTY, "ORD-23", order_id=order.order_id),))

    draft, events = customer.draft(), list[Event]()
    cancelled = OrderLineCancelled(
        order_id=order.order_id,
        line_id=line.line_id,
        because=LineCancellation.REMOVED,
        past_soft_point=is_past_soft_point(line),
    )
    recorded(draft, events, cancelled)
    events += content_changed(draft, order.order_id, (line.group_id,))
    events += settle(draft, order.order_id, context)
    return tuple(events)
