"""Which lines a Billing System Update is about: those of an order, of a group, or some (BSU-1 to BSU-5, BSU-9, 11)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from processors.context import Context
from processors.orders.line_rules import malformed
from processors.orders.lines import LIVE
from processors.view.customer import CustomerView
from schemas.order_events import UpdateFilters
from schemas.order_lines import AlreadyBilled, LineState, OrderLine, Scope
from schemas.orders import Group, GroupState, Order, OrderState, UpdateBillingSystem
from schemas.refusals import Code, Violation, violation

FILTERS = {
    "service_actions": "service_action",
    "service_catalogs": "service_catalog",
    "service_items": "service_item",
}
"""What an update may choose by, and the field of a line that it is compared with."""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What an update is about."""

    order: Order
    scope: Scope
    group_id: str | None
    """The one group that all lines are in; None where they are in none or in several."""
    filters: UpdateFilters | None
    lines: tuple[OrderLine, ...]
    """Live lines, to be billed now; empty where every line is billed already."""
    already_billed: tuple[AlreadyBilled, ...]


def whole(order: Order, lines: tuple[OrderLine, ...]) -> Chosen:
    """Every line of an order that is not split."""
    return Chosen(order=order, scope=Scope.ORDER, group_id=None, filters=None, lines=lines, already_billed=())


def chosen(view: CustomerView, command: UpdateBillingSystem, context: Context) -> Chosen | list[Violation]:
    """What the command means, or why it means nothing: every row here ends the check."""
    filters = _filters(command)
    if command.line_ids is not None and filters is not None:
        return [malformed("line_ids", "line_ids or filters, not both")]
    order = _order(view, command)
    if isinstance(order, Violation):
        return [order]
    lines = view.lines(order.order_id)
    picked = [line for line in lines if line.state is not LineState.CANCELLED and _is_picked(command, line)]
    group = _group(order, command, picked)
    if isinstance(group, Violation):
        return [group]
    outside = list(_outside(command, order, group, lines))
    if outside:
        return outside

    picked = [line for line in picked if group is None or line.group_id == group.group_id]
    live = tuple(line for line in picked if line.state in LIVE)
    narrowed = filters is not None or command.line_ids is not None
    asked = {"filters": _given(filters), "line_ids": command.line_ids}
    if not picked:
        return [_broken(Code.SCOPE_EMPTY, "BSU-11", None, order, **asked)]
    if live and order.split is None and narrowed and context.catalog.switches.strict_vendor_behaviour:
        return [_broken(Code.SCOPE_NEEDS_SPLIT, "BSU-16", None, order, **asked)]
    return Chosen(
        order=order,
        scope=_scope(order, command, narrowed=narrowed),
        group_id=_common_group(picked),
        filters=filters,
        lines=live,
        already_billed=tuple(_answered(line) for line in picked if line.state not in LIVE),
    )


def _order(view: CustomerView, command: UpdateBillingSystem) -> Order | Violation:
    """The order that is meant, unless it is cancelled (ORD-7)."""
    order = _meant_order(view, command)
    if isinstance(order, Order) and order.state is OrderState.CANCELLED:
        return _broken(Code.ORDER_NOT_INFLIGHT, "ORD-7", "order_id", order, state=order.state)
    return order


def _meant_order(view: CustomerView, command: UpdateBillingSystem) -> Order | Violation:
    """The order that is named, else that of the group, else the only one in flight (ORD-13, BSU-1, BSU-17).

    A group that nobody has leads to no order; the only one in flight then says that it has none such.
    """
    if command.order_id is not None:
        order = view.order(command.order_id)
        return order or violation(Code.ORDER_UNKNOWN, "ORD-13", "order_id", order_id=command.order_id)
    found = None if command.group_id is None else view.group(command.group_id)
    if found is not None:
        return found[0]
    in_flight = view.orders_in_flight()
    if len(in_flight) > 1:
        return violation(Code.ORDER_ID_REQUIRED, "BSU-1", "order_id", order_id=None, order_ids=in_flight)
    order = view.order(in_flight[0]) if in_flight else None
    return order or violation(Code.ORDER_UNKNOWN, "BSU-1", "order_id", order_id=None)


def _named_group(order: Order, group_id: str) -> Group | Violation:
    group = next((group for group in order.groups if group.group_id == group_id), None)
    if group is None:
        return _broken(Code.GROUP_UNKNOWN, "BSU-1", "group_id", order, group_id=group_id)
    if group.state in (GroupState.CANCELLED, GroupState.DISSOLVED):
        return _broken(Code.GROUP_NOT_OPEN, "BSU-1", "group_id", order, group_id=group_id, state=group.state)
    return group


def _group(order: Order, command: UpdateBillingSystem, picked: list[OrderLine]) -> Group | Violation | None:
    """The group that is named, else that of the lines; None where the order has no groups, or none of them counts."""
    if command.group_id is not None:
        return _named_group(order, command.group_id)
    if order.split is None or order.state is OrderState.COMPLETED:
        return None
    if command.line_ids is None and _filters(command) is None:
        open_ones = [group.group_id for group in order.groups if group.state is GroupState.OPEN]
        return _broken(Code.GROUP_REQUIRED, "BSU-18", "group_id", order, group_ids=open_ones)
    return _meant_group(order, picked)


def _meant_group(order: Order, picked: list[OrderLine]) -> Group | Violation | None:
    """The group of the live lines that are picked, else of the billed ones; there may be one only (BSU-18)."""
    counted = [line for line in picked if line.state in LIVE] or picked
    of_lines = {line.group_id for line in counted}
    groups = [group for group in order.groups if group.group_id in of_lines]
    if len(groups) > 1:
        group_ids = [group.group_id for group in groups]
        return _broken(Code.GROUP_AMBIGUOUS, "BSU-18", "group_id", order, group_ids=group_ids)
    return groups[0] if groups else None


def _is_picked(command: UpdateBillingSystem, line: OrderLine) -> bool:
    if command.line_ids is not None:
        return line.line_id in command.line_ids
    asked = ((getattr(command, name), getattr(line, field)) for name, field in FILTERS.items())
    return all(values is None or value in values for values, value in asked)


def _outside(
    command: UpdateBillingSystem, order: Order, group: Group | None, lines: tuple[OrderLine, ...]
) -> Iterator[Violation]:
    """Values that occur on no line of the group (of the order, where there is no group), each once (BSU-11)."""
    within = [line for line in lines if group is None or line.group_id == group.group_id]
    group_id = None if group is None else group.group_id
    for param, field in (*FILTERS.items(), ("line_ids", "line_id")):
        there = {getattr(line, field) for line in within}
        values = getattr(command, param) or ()
        for value in dict.fromkeys(values):
            if value not in there:
                yield _broken(
                    Code.PARAM_OUT_OF_SCOPE,
                    "BSU-11",
                    f"{param}.{values.index(value)}",
                    order,
                    param=param,
                    value=value,
                    group_id=group_id,
                )


def _scope(order: Order, command: UpdateBillingSystem, *, narrowed: bool) -> Scope:
    """How much the update takes, as its locks say (BSU-2, BSU-4, BSU-16)."""
    if command.line_ids is not None or (order.split is None and narrowed):
        return Scope.LINES
    return Scope.ORDER if order.split is None else Scope.GROUP


def _common_group(lines: list[OrderLine]) -> str | None:
    groups = {line.group_id for line in lines}
    return groups.pop() if len(groups) == 1 else None


def _filters(command: UpdateBillingSystem) -> UpdateFilters | None:
    given = {name: values for name in FILTERS if (values := getattr(command, name)) is not None}
    return UpdateFilters(**given) if given else None


def _given(filters: UpdateFilters | None) -> dict[str, tuple[str, ...]] | None:
    """The filters as the caller gave them, for refusals that carry them."""
    if filters is None:
        return None
    return {name: values for name in FILTERS if (values := getattr(filters, name)) is not None}


def _answered(line: OrderLine) -> AlreadyBilled:
    assert line.billed is not None, "a line that is neither live nor cancelled is billed"
    return AlreadyBilled(line_id=line.line_id, command_id=line.billed.command_id, at=line.billed.at)


def _broken(code: Code, rule: str, path: str | None, order: Order, **carries: object) -> Violation:
    return violation(code, rule, path, order_id=order.order_id, **carries)
