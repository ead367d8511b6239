"""ReviseOrder: the whole order said anew. It is compared with the lines as they are now, and taken or refused whole."""

from __future__ import annotations

from collections.abc import Iterator

from processors.context import Context
from processors.decision import Decision, Refused
from processors.orders.addressing import existing, read_only_violation
from processors.orders.changes import is_past_soft_point, line_changed
from processors.orders.comparing import Difference
from processors.orders.grouping import Homes, content_changed, key_of
from processors.orders.line_rules import limit_violations, line_violations, shape_violation
from processors.orders.lines import in_group
from processors.orders.states import recorded, settle
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.order_events import (
    LineChangeCause,
    OrderLineAdded,
    OrderLineCancelled,
    OrderLineGrouped,
    OrderRevised,
)
from schemas.order_lines import LineCancellation, LineState, OrderLine
from schemas.orders import CLOSED, Order, ReviseOrder
from schemas.refusals import Code, Violation, violation


def revise(customer: CustomerView, command: ReviseOrder, context: Context) -> Decision:
    """Take the order as it is said now (RVN-2 to RVN-8, RVN-10 to RVN-15)."""
    misshapen = shape_violation(command.lines)
    if misshapen is not None:
        return Refused((misshapen,))
    order = existing(customer, command.order_id)
    if isinstance(order, Violation):
        return Refused((order,))
    closed = read_only_violation(order) or _closed_violation(order, command)
    if closed is not None:
        return Refused((closed,))

    difference = Difference(customer, order, command, context)
    violations = tuple(_violations(difference))
    if violations:
        return Refused(violations)
    return _events(difference)


def _closed_violation(order: Order, command: ReviseOrder) -> Violation | None:
    """An order that is over (RVN-5), or a revision that came late or twice (RVN-6)."""
    named = {"order_id": order.order_id}
    if order.state in CLOSED:
        return violation(Code.ORDER_NOT_AMENDABLE, "RVN-5", "order_id", **named, state=order.state)
    if command.revision <= order.revision:
        given, current = command.revision, order.revision
        return violation(Code.STALE_REVISION, "RVN-6", "revision", **named, given=given, current=current)
    return None


def _violations(found: Difference) -> Iterator[Violation]:
    """Row by row; under each code the lines in their order in the order, new ones last."""
    order_id = found.order.order_id
    for path, line_id in found.doubled:
        yield violation(Code.LINE_ID_TAKEN, "ORD-15", path, order_id=order_id, line_id=line_id)
    yield from limit_violations(order_id, len(found.lines) + len(found.added), "lines")
    place = {line.line_id: number for number, line in enumerate(found.lines)}
    judged = sorted(found.judged, key=lambda pair: place.get(pair[1].line_id, len(place)))
    yield from line_violations(judged, found.context)
    if found.leaves_nothing():
        yield violation(Code.ORDER_WOULD_BE_EMPTY, "ORD-23", "lines", order_id=order_id)
    for path, line_id in found.foreign:
        yield violation(Code.LINE_UNKNOWN, "RVN-10", path, order_id=order_id, line_id=line_id)
    for path, line in sorted(found.ended, key=lambda pair: place[pair[1].line_id]):
        yield _about(line, Code.LINE_NOT_LIVE, "RVN-10", path, state=line.state)
    yield from _no_return(found)
    for path, change in sorted(found.products, key=lambda pair: place[pair[1].before.line_id]):
        old, new = change.before.product_id, change.after.product_id
        yield _about(change.before, Code.PRODUCT_CHANGE_NOT_ALLOWED, "RVN-3", f"{path}.product_id", old=old, new=new)


def _no_return(found: Difference) -> Iterator[Violation]:
    """A locked line is repeated as it is, or the revision is refused (RVN-7); the vendor refuses any (RVN-11)."""
    for line in found.lines:
        fields = found.broken.get(line.line_id)
        if fields is None:
            continue
        says = {"fields": fields} if line.line_id in found.named else {"missing": True}
        yield _about(line, Code.POINT_OF_NO_RETURN, "RVN-7", "lines", **says, lock=line.locked)


def _about(line: OrderLine, code: Code, rule: str, path: str, **carries: object) -> Violation:
    return violation(code, rule, path, order_id=line.order_id, line_id=line.line_id, **carries)


def _events(found: Difference) -> tuple[Event, ...]:
    """What goes, in reverse; then changes, additions, regrouping (RVN-8)."""
    order, draft, events = found.order, found.customer.draft(), list[Event]()
    recorded(draft, events, _revised(found))
    gone = [line for line in found.lines if line.line_id in found.gone]
    for line in reversed(gone):
        recorded(draft, events, _cancelled(found, line))
    changed = [found.changed[line.line_id] for line in found.lines if line.line_id in found.changed]
    for change in changed:
        recorded(draft, events, line_changed(change, LineChangeCause.REVISED))

    homes = None if order.split is None else Homes(found.customer, order, order.split, found.context)
    for line in found.added:
        there = line if homes is None else in_group(line, _home(found, line, homes))
        added = OrderLineAdded(
            order_id=order.order_id, line_id=line.line_id, line=there, revision=found.command.revision
        )
        recorded(draft, events, added)
    touched = [line.group_id for line in gone]
    if homes is not None and order.split is not None and not order.split.explicit:
        for change in changed:
            if key_of(draft, change.before, order.split) != key_of(draft, change.after, order.split):
                touched.append(change.before.group_id)
                recorded(draft, events, _moved(change.after, homes))
    new = [] if homes is None else homes.new
    added_ids = [line.line_id for line in found.added]
    events += content_changed(draft, order.order_id, touched, new=new, added=added_ids)
    events += settle(draft, order.order_id, found.context)
    return tuple(events)


def _revised(found: Difference) -> OrderRevised:
    """Which lines came, differ, went and stay, in their order in the order."""
    stay = [
        line.line_id
        for line in found.lines
        if line.state is not LineState.CANCELLED
        and line.line_id not in found.gone
        and line.line_id not in found.changed
    ]
    return OrderRevised(
        order_id=found.order.order_id,
        revision=found.command.revision,
        previous_revision=found.order.revision,
        reason=found.command.reason,
        added=tuple(line.line_id for line in found.added),
        changed=tuple(line.line_id for line in found.lines if line.line_id in found.changed),
        cancelled=tuple(line.line_id for line in found.lines if line.line_id in found.gone),
        unchanged=tuple(stay),
    )


def _cancelled(found: Difference, line: OrderLine) -> OrderLineCancelled:
    successor = found.replaced.get(line.line_id)
    return OrderLineCancelled(
        order_id=line.order_id,
        line_id=line.line_id,
        because=LineCancellation.REVISED if successor is None else LineCancellation.REPLACED,
        replaced_by=None if successor is None else successor.line_id,
        past_soft_point=is_past_soft_point(line),
    )


def _home(found: Difference, line: OrderLine, homes: Homes) -> str:
    """The group of a line that comes. One that takes another's place among given groups stays where that one was."""
    split = found.order.split
    if split is not None and split.explicit and line.replaces_line_id is not None:
        replaced = found.customer.line(line.replaces_line_id)
        assert replaced is not None, "a line that is replaced is there"
        assert replaced.group_id is not None, "every live line of a split order is in a group"
        return replaced.group_id
    return homes.of(line)


def _moved(line: OrderLine, homes: Homes) -> OrderLineGrouped:
    assert line.group_id is not None, "every live line of a split order is in a group"
    return OrderLineGrouped(
        order_id=line.order_id,
        line_id=line.line_id,
        from_group_id=line.group_id,
        to_group_id=homes.of(line),
    )
