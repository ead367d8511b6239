"""SynchronizeOrderBillingAccounts: which order, which revision, which lines; then carrying.py does the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from processors.context import Context
from processors.decision import Accepted, Decision, Refused
from processors.orders.states import settle
from processors.synchronization.brought import Brought
from processors.synchronization.carrying import carry_out
from processors.synchronization.demands import components_of
from processors.synchronization.finishing import answers, say_order
from processors.synchronization.planning import is_gone, to_undo
from processors.synchronization.work import BEFORE_ALL, Phase, Work
from processors.view.customer import CustomerView
from schemas.order_lines import OrderLine
from schemas.orders import Order, OrderState
from schemas.refusals import Code, Violation, violation
from schemas.remarks import Remarks
from schemas.synchronization import SynchronizeOrderBillingAccounts


def synchronize(customer: CustomerView, command: SynchronizeOrderBillingAccounts, context: Context) -> Decision:
    """Bring customer data in line with an order (SYN-1 .. SYN-10)."""
    order = _addressed(customer, command)
    if isinstance(order, Violation):
        return Refused((order,))
    work = Work(
        customer.draft(),
        order,
        context,
        on_superseded=command.on_superseded,
        implicit_moves=command.implicit_moves,
    )
    brought = Brought(work.view, context, command)
    lines = customer.lines(order.order_id)
    for found in (*_unknown_lines(order, command, lines), *brought.conflicts()):
        work.refuse(BEFORE_ALL, found)

    tasks = carry_out(work, brought, _selected(work, lines, command))
    say_order(work, tasks, command.payment_billing_profile)
    violations = work.violations()
    if violations:
        return Refused(violations)

    if work.has_events():
        work.taken_over(Phase.DONE, settle(work.view, order.order_id, context))
    remarks = Remarks(lines=answers(tasks), unused=brought.unused())
    return Accepted(events=work.events(), remarks=remarks)


def _addressed(customer: CustomerView, command: SynchronizeOrderBillingAccounts) -> Order | Violation:
    """The order, in its current revision (SYN-1 .. SYN-4)."""
    order = customer.order(command.order_id)
    if order is None:
        return violation(Code.ORDER_UNKNOWN, "SYN-1", "order_id", order_id=command.order_id)
    if order.state is OrderState.CANCELLED:
        return violation(Code.ORDER_NOT_INFLIGHT, "SYN-2", "order_id", order_id=order.order_id, state=order.state)
    given = order.revision if command.revision is None else command.revision
    if given == order.revision:
        return order
    code, rule = (Code.STALE_REVISION, "SYN-3") if given < order.revision else (Code.REVISION_UNKNOWN, "SYN-4")
    return violation(code, rule, "revision", order_id=order.order_id, given=given, current=order.revision)


def _unknown_lines(
    order: Order, command: SynchronizeOrderBillingAccounts, lines: Sequence[OrderLine]
) -> Iterator[Violation]:
    known = {line.line_id for line in lines}
    for place, line_id in enumerate(command.line_ids or ()):
        if line_id not in known:
            yield violation(Code.LINE_UNKNOWN, "SYN-5", f"line_ids.{place}", order_id=order.order_id, line_id=line_id)


def _selected(work: Work, lines: Sequence[OrderLine], command: SynchronizeOrderBillingAccounts) -> list[OrderLine]:
    """The lines of the revision in their order, then those that are gone from it and not taken back, by line_id."""
    here = [line for line in lines if not is_gone(line)]
    gone = sorted((line for line in lines if to_undo(line, strict=work.strict)), key=lambda line: line.line_id)
    found = [*here, *gone]
    if command.line_ids is not None:
        wanted = set(command.line_ids)
        found = [line for line in found if line.line_id in wanted]
    if command.billing_system is not None:
        default = work.context.catalog.switches.default_billing_system
        fanned = _promotions_for(lines, command.billing_system, default)
        found = [
            line
            for line in found
            if line.line_id in fanned or (line.billing_system or default) == command.billing_system
        ]
    return found


def _promotions_for(lines: Sequence[OrderLine], system: str, default: str | None) -> set[str]:
    """Promotions that fan out to a billing system: a component of theirs is for it (SYS-3)."""
    return {
        promotion
        for promotion, components in components_of(lines).items()
        if any((line.billing_system or default) == system for line in components)
    }
