"""ConfirmLineProvisioning: what the provisioning side says of lines, billed ones too. A fact of the outside world."""

from __future__ import annotations

from collections.abc import Iterator

from processors.context import Context
from processors.decision import Decision, Refused
from processors.orders.addressing import existing
from processors.orders.states import recorded, settle
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.order_events import OrderLineProvisioningConfirmed
from schemas.order_lines import LineProvisioning, LineState, OrderLine
from schemas.orders import ConfirmedLine, ConfirmLineProvisioning, Order
from schemas.refusals import Code, Violation, violation


def confirm(customer: CustomerView, command: ConfirmLineProvisioning, context: Context) -> Decision:
    """Note for each line that it was implemented, or failed (PVC-1 to PVC-5); all or nothing."""
    order = existing(customer, command.order_id)
    if isinstance(order, Violation):
        return Refused((order,))
    violations = tuple(_violations(customer, order, command))
    if violations:
        return Refused(violations)

    draft, events = customer.draft(), list[Event]()
    for answer in command.lines:
        line = draft.line(answer.line_id)
        assert line is not None, "unknown lines are refused"
        result = LineProvisioning(answer.result)
        if line.provisioning is result:
            continue
        event = OrderLineProvisioningConfirmed(
            order_id=order.order_id,
            line_id=line.line_id,
            old=line.provisioning,
            new=result,
            line_version=line.version,
            reference=answer.reference,
            at=context.at,
        )
        recorded(draft, events, event)
    if not events:
        return ()
    events += settle(draft, order.order_id, context)
    return tuple(events)


def _violations(customer: CustomerView, order: Order, command: ConfirmLineProvisioning) -> Iterator[Violation]:
    """Code by code; under each the unknown lines as they were named, the others in their order in the order."""
    found: list[tuple[ConfirmedLine, OrderLine]] = []
    for answer in command.lines:
        line = customer.line(answer.line_id)
        if line is None or line.order_id != order.order_id:
            yield _about(order, answer, Code.LINE_UNKNOWN)
        else:
            found.append((answer, line))
    if len(found) > 1:
        place = {line_id: number for number, line_id in enumerate(order.line_ids)}
        found.sort(key=lambda pair: place[pair[0].line_id])
    for answer, line in found:
        if line.state is LineState.CANCELLED:
            yield _about(order, answer, Code.LINE_NOT_LIVE, state=line.state)
    there = [pair for pair in found if pair[1].state is not LineState.CANCELLED]
    for answer, line in there:
        if line.provisioning is LineProvisioning.NOT_REQUIRED:
            yield _about(
                order,
                answer,
                Code.PROVISIONING_NOT_REQUIRED,
                product=line.product_id,
                provisioning=line.provisioning,
            )
    for answer, line in there:
        if answer.line_version not in (None, line.version):
            given, current = answer.line_version, line.version
            yield _about(order, answer, Code.LINE_VERSION_CONFLICT, given=given, current=current)


def _about(order: Order, answer: ConfirmedLine, code: Code, **carries: object) -> Violation:
    return violation(code, "PVC-1", "lines", order_id=order.order_id, line_id=answer.line_id, **carries)
