"""CompensateOrder: an order is generated that undoes billed lines; the originals stay billed and name it (CPO-*)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from processors.context import Context
from processors.customer import CustomerView
from processors.decision import Accepted, Decision, Refused
from processors.orders.addressing import existing
from processors.orders.applying import moment
from processors.orders.billing import bill
from processors.orders.inverting import FIRST_REVISION, inverse
from processors.orders.scope import whole
from processors.orders.states import recorded
from processors.orders.submitting import order_id_violations
from processors.orders.undone import superseded
from schemas.fields import Event
from schemas.lineage import LineRef
from schemas.order_events import OrderCompensated, OrderLineAdded, OrderLineCompensated, OrderSubmitted
from schemas.order_lines import LineState, OrderLine
from schemas.orders import CompensateOrder, Order
from schemas.refusals import Code, Violation, violation


def compensate(customer: CustomerView, command: CompensateOrder, context: Context) -> Decision:
    """Undo billed lines of an order, at once or by an order that waits."""
    order = existing(customer, command.order_id)
    if isinstance(order, Violation):
        return Refused((order,))
    order_id = command.compensating_order_id or context.derived_id("order")
    lines = customer.lines(order.order_id)
    billed = [line for line in _named(command, lines) if line.state is LineState.BILLED]
    originals = [line for line in billed if line.compensated_by is None]
    violations = [
        *order_id_violations(customer, order_id, "compensating_order_id"),
        *_not_billed(order, command, lines),
        *(_already(line) for line in billed if line.compensated_by is not None and command.line_ids is not None),
        *_is_compensation(order),
        *(broken for line in originals if (broken := superseded(customer, line)) is not None),
    ]
    if violations:
        return Refused(tuple(violations))

    draft, events = customer.draft(), list[Event]()
    generated = [
        inverse(
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
    if billing.violations:
        return Refused(billing.violations, billing.preview)
    return Accepted(events=(*events, *billing.events), preview=billing.preview)


def _named(command: CompensateOrder, lines: Sequence[OrderLine]) -> list[OrderLine]:
    return [line for line in lines if command.line_ids is None or line.line_id in command.line_ids]


# -- what stands against it (CPO-1 to CPO-3)


def _not_billed(order: Order, command: CompensateOrder, lines: Sequence[OrderLine]) -> Iterator[Violation]:
    """CPO-1. A line that the order does not have was not billed in it either."""
    states = {line.line_id: line.state for line in lines}
    for line_id in dict.fromkeys(command.line_ids or ()):
        if states.get(line_id) is not LineState.BILLED:
            yield violation(
                Code.LINE_NOT_BILLED,
                "CPO-1",
                f"line_ids.{(command.line_ids or ()).index(line_id)}",
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


# -- what happens (CPO-5)


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
