"""CancelOrder: what is not billed yet will not be; what is billed stays."""

from __future__ import annotations

from collections.abc import Iterator

from processors.context import Context
from processors.decision import Decision, Refused
from processors.orders.addressing import existing, locked_violation
from processors.orders.changes import is_past_soft_point
from processors.orders.grouping import content_changed
from processors.orders.lines import LIVE
from processors.orders.states import recorded, settle
from processors.synchronization import carrying
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.order_events import OrderCancelled, OrderLineCancelled, OrderLineCompensated
from schemas.order_lines import LineCancellation, LineState, OrderLine
from schemas.orders import CancelOrder, IfPartlyBilled, Order, OrderState
from schemas.refusals import Code, Violation, violation


def cancel(customer: CustomerView, command: CancelOrder, context: Context) -> Decision:
    """Cancel the live lines, and with them the order if nothing is billed (ORD-20, ORD-27 to ORD-29, CPO-7).

    Then the customer data that they made is taken back, or the whole command is refused (REV-18).
    """
    order = existing(customer, command.order_id)
    if isinstance(order, Violation):
        return Refused((order,))
    if order.state is OrderState.CANCELLED:
        return ()
    locked = locked_violation(order)
    if locked is not None:
        return Refused((locked,))
    lines = customer.lines(order.order_id)
    billed = tuple(line.line_id for line in lines if line.state is LineState.BILLED)
    if billed and command.if_partly_billed is IfPartlyBilled.REFUSE:
        return Refused(
            (
                violation(
                    Code.ORDER_PARTLY_BILLED,
                    "ORD-28",
                    "if_partly_billed",
                    order_id=order.order_id,
                    billed_line_ids=billed,
                ),
            )
        )

    draft, events = customer.draft(), list[Event]()
    recorded(
        draft,
        events,
        OrderCancelled(order_id=order.order_id, reason=command.reason, at=context.at, billed_line_ids=billed),
    )
    live = [line for line in lines if line.state in LIVE]
    for line in live:
        recorded(draft, events, _cancelled(line))
    events += content_changed(draft, order.order_id, (line.group_id for line in live))
    for event in _freed(draft, order):
        recorded(draft, events, event)
    line_ids = [line.line_id for line in live]
    broken, taken_back = carrying.cancelled(draft, order.order_id, line_ids, command.on_superseded, context)
    if broken:
        return Refused(tuple(broken))
    return *events, *taken_back, *settle(draft, order.order_id, context)


def _cancelled(line: OrderLine) -> OrderLineCancelled:
    return OrderLineCancelled(
        order_id=line.order_id,
        line_id=line.line_id,
        because=LineCancellation.ORDER_CANCELLED,
        past_soft_point=is_past_soft_point(line),
    )


def _freed(draft: CustomerView, order: Order) -> Iterator[OrderLineCompensated]:
    """Lines of another order that this one will not undo after all: they may be compensated again (CPO-7)."""
    if order.compensates_order_id is None:
        return
    for original in draft.lines(order.compensates_order_id):
        by = original.compensated_by
        if by is None or by.order_id != order.order_id:
            continue
        line = draft.line(by.line_id)
        assert line is not None, "a line that undoes another one is there"
        if line.state is LineState.CANCELLED:
            yield OrderLineCompensated(order_id=original.order_id, line_id=original.line_id)
