"""What a billed line did to services, and whether it still stands as the line left it (CPO-4)."""

from __future__ import annotations

from processors.acting import LIVE
from processors.view.customer import CustomerView
from schemas.order_lines import BilledService, BilledState, LineServiceAction, OrderLine
from schemas.refusals import Code, Violation, violation


def billed_state(view: CustomerView, service_id: str) -> BilledState | None:
    """A service as an update leaves or finds it; None where it is not live."""
    service = view.service(service_id)
    if service is None or service.state not in LIVE:
        return None
    components = tuple(member.product for member in view.components(service_id))
    return BilledState(state=service.state, product=service.product, components=components)


def left_by(line: OrderLine) -> BilledService | None:
    """The service that is live after a billed line; None where it ended one, or is about none."""
    assert line.billed is not None, "only a billed line has done anything"
    return next((entry for entry in line.billed.services if entry.after is not None), None)


def found_by(line: OrderLine) -> BilledService | None:
    """The service that was live before a billed line; None where it added one, or is about none."""
    assert line.billed is not None, "only a billed line has done anything"
    return next((entry for entry in line.billed.services if entry.before is not None), None)


def originals(view: CustomerView, order_id: str) -> dict[str, OrderLine]:
    """The billed lines that an order was generated to undo, by the lines that undo them; of any other order none."""
    order = view.order(order_id)
    assert order is not None, "a line belongs to an order"
    if order.compensates_order_id is None:
        return {}
    return {
        line.compensated_by.line_id: line
        for line in view.lines(order.compensates_order_id)
        if line.compensated_by is not None and line.compensated_by.order_id == order_id
    }


def superseded(view: CustomerView, original: OrderLine) -> Violation | None:
    """That something else was done to the service since, which undoing the line would clobber (CPO-4)."""
    left = left_by(original)
    if left is None or left.after is None:
        return None
    now = billed_state(view, left.service_id)
    if original.service_action is LineServiceAction.ADD and now is not None:
        return None
    if now is not None and _alike(now, left.after):
        return None
    expected, actual = _difference(view, left.service_id, left.after, now)
    return violation(
        Code.COMPENSATION_SUPERSEDED,
        "CPO-4",
        order_id=original.order_id,
        line_id=original.line_id,
        service_id=left.service_id,
        expected=expected,
        actual=actual,
    )


def _alike(now: BilledState, after: BilledState) -> bool:
    """The same state, product and components; in which order these came makes no difference."""
    same = (now.state, now.product) == (after.state, after.product)
    return same and sorted(now.components) == sorted(after.components)


def _difference(
    view: CustomerView, service_id: str, after: BilledState, now: BilledState | None
) -> tuple[object, object]:
    """The first thing that differs: the state, else the product, else the components."""
    if now is None:
        service = view.service(service_id)
        return after.state, None if service is None else service.state
    if now.state is not after.state:
        return after.state, now.state
    if now.product != after.product:
        return after.product, now.product
    return after.components, now.components
