"""UpdateBillingSystem: the lines of a scope become services and are locked, all or nothing (BSU-*, LCK-1)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from processors.context import Context
from processors.decision import Accepted, Decision, Refused
from processors.orders.billing import readiness
from processors.orders.billing.applying import Applied, Moment, apply, moment
from processors.orders.billing.scope import Chosen, chosen
from processors.orders.billing.targets import targets
from processors.orders.grouping import content_changed
from processors.orders.states import lock, recorded, settle
from processors.payments.awaiting import awaited
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.order_events import BillingSystemUpdated, OrderLineLocked
from schemas.order_lines import Billed, LockReason, OrderLine
from schemas.orders import UpdateBillingSystem
from schemas.previews import Preview
from schemas.refusals import Violation
from schemas.remarks import Remarks


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """What a Billing System Update does, or would do; and all that stands against it."""

    violations: tuple[Violation, ...]
    events: tuple[Event, ...]
    """Where something stands against it: none."""
    preview: Preview | None


def update(customer: CustomerView, command: UpdateBillingSystem, context: Context) -> Decision:
    """Bring lines of an order to the billing system."""
    found = chosen(customer, command, context)
    if isinstance(found, list):
        return Refused(tuple(found))
    remarks = Remarks(already_billed=found.already_billed)
    if not found.lines:
        return Accepted(events=(), remarks=remarks)

    billed = bill(customer.draft(), found, moment(command.effective_at, context), context)
    if billed.violations:
        return Refused(billed.violations, billed.preview)
    return Accepted(events=billed.events, remarks=remarks, preview=billed.preview)


def bill(draft: CustomerView, found: Chosen, since: Moment, context: Context) -> Update:
    """Judge the lines of an update, and where nothing stands against it record its events on the draft."""
    lines = found.lines
    unready = list(readiness.customer_data_violations(draft, lines))
    unfit = {broken.carries["line_id"] for broken in unready}
    ready = [line for line in lines if line.line_id not in unfit]
    misplaced, standing = targets(draft, ready, context)
    applied = apply(draft, lines, standing, since, context)
    violations = (
        *readiness.provisioning_violations(lines, context),
        *unready,
        *awaited(draft, found.order, context),
        *misplaced,
        *applied.violations,
    )
    if violations:
        return Update(violations=violations, events=(), preview=applied.preview)
    return Update(violations=(), events=tuple(_events(draft, found, applied, since, context)), preview=applied.preview)


def _events(draft: CustomerView, found: Chosen, applied: Applied, since: Moment, context: Context) -> Sequence[Event]:
    """The update itself, subscriptions one after another, lines, groups, and what becomes of the order."""
    order, lines = found.order, found.lines
    events: list[Event] = []
    updated = BillingSystemUpdated(
        order_id=order.order_id,
        scope=found.scope,
        group_id=found.group_id,
        filters=found.filters,
        line_ids=tuple(line.line_id for line in lines),
        already_billed=found.already_billed,
        effective_at=since.at,
        number=order.billing_updates + 1,
    )
    recorded(draft, events, updated)
    for event in applied.events:
        recorded(draft, events, event)
    for line in lines:
        recorded(draft, events, _locked(line, found, applied, since, context))
    events += content_changed(draft, order.order_id, [line.group_id for line in lines])
    events += settle(draft, order.order_id, context, closed_by_update=True)
    return events


def _locked(line: OrderLine, found: Chosen, applied: Applied, since: Moment, context: Context) -> OrderLineLocked:
    return OrderLineLocked(
        order_id=line.order_id,
        line_id=line.line_id,
        lock=lock(context, LockReason.BILLING_SYSTEM_UPDATE, found.scope),
        billed=Billed(
            at=context.at,
            command_id=context.command_id,
            effective_at=since.at,
            version=line.version,
            services=applied.services.get(line.line_id, ()),
        ),
    )
