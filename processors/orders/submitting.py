"""SubmitOrder: an order is in flight; nothing is on any account yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from processors.context import Context
from processors.decision import Decision, Refused
from processors.orders.line_rules import line_violations, shape_violation
from processors.orders.lines import new_line
from processors.view.customer import CustomerView
from schemas.order_events import OrderLineAdded, OrderSubmitted
from schemas.orders import SubmitOrder
from schemas.refusals import Code, Violation, violation

FIRST_REVISION = 1


def submit(customer: CustomerView, command: SubmitOrder, context: Context) -> Decision:
    """Put an order in flight (ORD-1, ORD-2, ORD-12 to ORD-18, ORD-22)."""
    misshapen = shape_violation(command.lines)
    if misshapen is not None:
        return Refused((misshapen,))
    order_id = command.order_id or context.derived_id("order")
    line_ids = [given.line_id or context.derived_id("line", number) for number, given in enumerate(command.lines)]
    lines = [
        new_line(customer, given, order_id=order_id, line_id=line_id, revision=FIRST_REVISION, context=context)
        for line_id, given in zip(line_ids, command.lines, strict=True)
    ]
    judged = [(f"lines.{number}", line) for number, line in enumerate(lines)]
    violations = (
        *order_id_violations(customer, order_id, "order_id"),
        *line_id_violations(customer, order_id, ((f"lines.{n}.line_id", name) for n, name in enumerate(line_ids))),
        *line_violations(judged, context),
    )
    if violations:
        return Refused(violations)

    submitted = OrderSubmitted(
        order_id=order_id, line_ids=tuple(line_ids), custom=command.custom or {}, submitted_at=context.at
    )
    added = (
        OrderLineAdded(order_id=order_id, line_id=line.line_id, line=line, revision=FIRST_REVISION) for line in lines
    )
    return (submitted, *added)


def order_id_violations(customer: CustomerView, order_id: str, path: str) -> Iterator[Violation]:
    """An order's id is unique in the customer (ORD-15)."""
    if customer.order(order_id) is not None:
        yield violation(Code.ORDER_ID_TAKEN, "ORD-15", path, order_id=order_id)


def line_id_violations(
    customer: CustomerView, order_id: str, line_ids: Iterable[tuple[str, str]]
) -> Iterator[Violation]:
    """A new line's id is unique in the customer, and stands once in the command (ORD-15). Given with their paths."""
    seen: set[str] = set()
    for path, line_id in line_ids:
        if line_id in seen or customer.line(line_id) is not None:
            yield violation(Code.LINE_ID_TAKEN, "ORD-15", path, order_id=order_id, line_id=line_id)
        seen.add(line_id)
