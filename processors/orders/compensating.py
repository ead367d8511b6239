"""CompensateOrder: an order is generated that undoes billed lines; the originals stay billed and name it (CPO-*)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from processors.context import Context
from processors.decision import Accepted, Decision, Refused
from processors.orders.addressing import existing
from processors.orders.billed_services import found_by, left_by, superseded
from processors.orders.billing.applying import moment
from processors.orders.billing.scope import whole
from processors.orders.billing.updating import bill
from processors.orders.lines import as_given, new_line
from processors.orders.states import recorded
from processors.orders.submitting import FIRST_REVISION, order_id_violations
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.lineage import LineAction, LineRef
from schemas.order_events import OrderCompensated, OrderLineAdded, OrderLineCompensated, OrderSubmitted
from schemas.order_lines import (
    BilledService,
    BilledState,
    Feature,
    FeatureAction,
    LineServiceAction,
    LineState,
    OrderLine,
)
from schemas.orders import CompensateOrder, Order
from schemas.refusals import Code, Violation, violation

_LINE = LineServiceAction

_INVERSE = {
    _LINE.ADD: _LINE.DISCONNECT,
    _LINE.DISCONNECT: _LINE.ADD,
    _LINE.SUSPEND: _LINE.RESTORE,
    _LINE.RESTORE: _LINE.SUSPEND,
    _LINE.CHANGE: _LINE.CHANGE,
}
"""What undoes what (CPO-5)."""


def compensate(customer: CustomerView, command: CompensateOrder, context: Context) -> Decision:
    """Undo billed lines of an order, at once or by an order that waits.

    Lines that stand as they were left are judged as an update too, whatever stands against others (CPO-4, CPO-6).
    """
    order = existing(customer, command.order_id)
    if isinstance(order, Violation):
        return Refused((order,))
    order_id = command.compensating_order_id or context.derived_id("order")
    lines = customer.lines(order.order_id)
    billed = [line for line in _named(command, lines) if line.state is LineState.BILLED]
    free = [line for line in billed if line.compensated_by is None]
    outdone = {line.line_id: broken for line in free if (broken := superseded(customer, line)) is not None}
    originals = [line for line in free if line.line_id not in outdone]
    violations = (
        *order_id_violations(customer, order_id, "compensating_order_id"),
        *_not_billed(order, command, lines),
        *(_already(line) for line in billed if line.compensated_by is not None and command.line_ids is not None),
        *_is_compensation(order),
        *outdone.values(),
    )
    is_order = originals and customer.order(order_id) is None and order.compensates_order_id is None
    if violations and not (is_order and command.bill_now):
        return Refused(violations)

    draft, events = customer.draft(), list[Event]()
    generated = [
        _inverse(
            customer, line, order_id=order_id, line_id=context.derived_id("line", order_id, number), context=context
        )
        for number, line in enumerate(reversed(originals))
    ]
    for event in _submission(order, command, originals, generated, context):
        recorded(draft, events, event)
    if not command.bill_now:
        return tuple(events)
    submitted = draft.order(order_id)
    assert submitted is not None, "it was submitted just now"
    billing = bill(draft, whole(submitted, tuple(generated)), moment(None, context), context)
    if violations or billing.violations:
        return Refused((*violations, *billing.violations), billing.preview)
    return Accepted(events=(*events, *billing.events), preview=billing.preview)


def _named(command: CompensateOrder, lines: Sequence[OrderLine]) -> list[OrderLine]:
    return [line for line in lines if command.line_ids is None or line.line_id in command.line_ids]


# -- what stands against it (CPO-1 to CPO-3)


def _not_billed(order: Order, command: CompensateOrder, lines: Sequence[OrderLine]) -> Iterator[Violation]:
    """CPO-1. A line that the order does not have was not billed in it either; such ones come last, as named."""
    states = {line.line_id: line.state for line in lines}
    named = command.line_ids or ()
    strange = [line_id for line_id in dict.fromkeys(named) if line_id not in states]
    for line_id in (*(line_id for line_id in states if line_id in named), *strange):
        if states.get(line_id) is not LineState.BILLED:
            yield violation(
                Code.LINE_NOT_BILLED,
                "CPO-1",
                f"line_ids.{named.index(line_id)}",
                order_id=order.order_id,
                line_id=line_id,
                state=states.get(line_id),
            )
    left = any(line.state is LineState.BILLED and line.compensated_by is None for line in lines)
    if command.line_ids == () or (command.line_ids is None and not left):
        yield violation(Code.LINE_NOT_BILLED, "CPO-1", "line_ids", order_id=order.order_id, state=order.state)


def _already(line: OrderLine) -> Violation:
    return violation(
        Code.ALREADY_COMPENSATED,
        "CPO-1",
        "line_ids",
        order_id=line.order_id,
        line_id=line.line_id,
        compensated_by=line.compensated_by,
    )


def _is_compensation(order: Order) -> Iterator[Violation]:
    if order.compensates_order_id is not None:
        yield violation(
            Code.ORDER_IS_COMPENSATION,
            "CPO-1",
            "order_id",
            order_id=order.order_id,
            compensates_order_id=order.compensates_order_id,
        )


# -- the lines that undo (CPO-5)


def _inverse(view: CustomerView, line: OrderLine, *, order_id: str, line_id: str, context: Context) -> OrderLine:
    """A new line of the order `order_id` that brings back what was before a billed line."""
    service_action = _INVERSE[line.service_action]
    left, found = left_by(line), found_by(line)
    before = None if found is None else found.before
    product = line.product_id if before is None else before.product
    given = msgspec.structs.replace(
        as_given(line, context),
        line_id=None,
        action=LineAction.NONE,
        service_action=service_action,
        product_id=product,
        features=tuple(_features(view, service_action, found, left)),
        service_id=None if left is None else left.service_id,
    )
    made = new_line(view, given, order_id=order_id, line_id=line_id, revision=FIRST_REVISION, context=context)
    restores = found.service_id if found is not None and service_action is _LINE.ADD else None
    return msgspec.structs.replace(made, restores_service_id=restores)


def _features(
    view: CustomerView, service_action: LineServiceAction, found: BilledService | None, left: BilledService | None
) -> Iterator[Feature]:
    """Components that come back: all of what was disconnected or swapped, the difference of what was amended."""
    before = None if found is None else found.before
    if before is None or service_action not in (_LINE.ADD, _LINE.CHANGE):
        return
    if left is None or left.after is None or left is not found:
        yield from _added(before.components)
        return
    yield from _removed(view, left, before)
    yield from _added(product for product in before.components if product not in left.after.components)


def _added(products: Iterable[str]) -> Iterator[Feature]:
    return (Feature(product_id=product) for product in products)


def _removed(view: CustomerView, left: BilledService, before: BilledState) -> Iterator[Feature]:
    """What came with the line, by the ids of the components that are there now; a bundle has a product once (CMP-5)."""
    for member in view.components(left.service_id):
        if member.product not in before.components:
            yield Feature(
                product_id=member.product, service_id=member.service_id, service_action=FeatureAction.DISCONNECT
            )


# -- what happens


def _submission(
    order: Order,
    command: CompensateOrder,
    originals: Sequence[OrderLine],
    generated: Sequence[OrderLine],
    context: Context,
) -> Iterator[Event]:
    """The generated order with its lines, then what the original ones say of it, in their own order."""
    order_id = generated[0].order_id
    yield OrderSubmitted(
        order_id=order_id,
        line_ids=tuple(line.line_id for line in generated),
        submitted_at=context.at,
        compensates_order_id=order.order_id,
    )
    for line in generated:
        yield OrderLineAdded(order_id=order_id, line_id=line.line_id, line=line, revision=FIRST_REVISION)
    for original, line in zip(originals, reversed(generated), strict=True):
        yield OrderLineCompensated(
            order_id=order.order_id,
            line_id=original.line_id,
            compensated_by=LineRef(order_id=order_id, line_id=line.line_id),
        )
    yield OrderCompensated(
        order_id=order.order_id,
        compensating_order_id=order_id,
        line_ids=tuple(line.line_id for line in originals),
        bill_now=command.bill_now,
        reason=command.reason,
    )
