"""What synchronization does to an order and to its lines. All other fields of both are the orders' own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from processors.synchronization.matrix import WHO_PAYS
from schemas.lineage import ImplicitMove, LineStep, LineSync, SyncState, ValueSet
from schemas.order_lines import OrderLine
from schemas.orders import Order
from schemas.references import AccountRef
from schemas.synchronization import (
    LineSyncEvent,
    OrderAccountsSynchronized,
    OrderAccountSyncCompleted,
    OrderLineRebased,
    OrderLineSkipped,
    OrderLineSynchronized,
    OrderObjectKept,
    OrderPaymentAwaited,
    OrderSyncEvent,
)


def evolve_order(order: Order | None, event: OrderSyncEvent) -> Order:
    """The order after the event."""
    assert order is not None, "only OrderSubmitted makes an order"
    match event:
        case OrderObjectKept():
            return order
        case OrderAccountsSynchronized():
            return replace(
                order, account_sync=event.account_sync, payment_billing_profile=event.payment_billing_profile
            )
        case OrderAccountSyncCompleted():
            return replace(order, account_sync=event.account_sync)
        case OrderPaymentAwaited():
            return replace(order, account_sync=event.account_sync, payment_billing_profile=event.billing_profile_id)
        case _:
            assert_never(event)


def evolve_line(line: OrderLine | None, event: LineSyncEvent) -> OrderLine:
    """The order line after the event."""
    assert line is not None, "only OrderLineAdded makes an order line"
    match event:
        case OrderLineSynchronized():
            return _synchronized(line, event)
        case OrderLineRebased():
            assert line.sync is not None, "only a synchronized line goes back to something"
            return replace(line, sync=_rebased(line.sync, event))
        case OrderLineSkipped():
            return replace(line, synchronized_revision=event.revision)
        case _:
            assert_never(event)


def _rebased(sync: LineSync, event: OrderLineRebased) -> LineSync:
    before, implicit = rebased_values(sync.before, sync.implicit, event)
    return replace(sync, before=before, implicit=tuple(implicit), steps=_inherited(sync, event))


def _inherited(sync: LineSync, event: OrderLineRebased) -> tuple[LineStep, ...]:
    """A value that the line has never set, and takes over from one that is gone: it said so from its first step on."""
    service_id = event.service_id or sync.service_id
    places = [place for place, step in enumerate(sync.steps) if step.service_id == service_id]
    if event.attribute not in WHO_PAYS or not places or _has_said(sync.steps, service_id, event.attribute):
        return sync.steps
    steps, first = list(sync.steps), places[0]
    steps[first] = replace(steps[first], values=steps[first].values | {event.attribute: event.old_before.value})
    return tuple(steps)


def _has_said(steps: Iterable[LineStep], service_id: str | None, attribute: str) -> bool:
    return any(step.service_id == service_id and attribute in (step.values | (step.begun or {})) for step in steps)


def rebased_values(
    before: dict[str, ValueSet], implicit: Iterable[ImplicitMove], event: OrderLineRebased
) -> tuple[dict[str, ValueSet], list[ImplicitMove]]:
    """What a line gives back now: of its own service, or of one that it moved along (HIE-9)."""
    if event.service_id is None:
        return {**before, event.attribute: event.new_before}, list(implicit)
    known = (event.service_id, event.attribute)
    moved = [
        replace(move, before=event.new_before) if (move.service_id, move.attribute) == known else move
        for move in implicit
    ]
    return before, moved


def _synchronized(line: OrderLine, event: OrderLineSynchronized) -> OrderLine:
    known = line.sync.steps if line.sync is not None and line.sync.state is SyncState.APPLIED else ()
    sync = LineSync(
        state=event.sync_state,
        revision=event.revision,
        action=event.original_action,
        row=event.row,
        service_id=event.service_id,
        billing_type=event.billing_type,
        product_type=event.product_type,
        applied=event.applied,
        before=event.before,
        customer_account=event.customer_account,
        owner_account=event.owner_account,
        uses=event.uses,
        implicit=event.implicit,
        steps=(*known, *event.steps),
    )
    return replace(
        line,
        sync=sync,
        synchronized_revision=event.revision,
        service_id=event.service_id or line.service_id,
        **({} if event.ignored else _accounts(event.applied)),
    )


def _accounts(applied: dict[str, str | None]) -> dict[str, AccountRef]:
    """The accounts under their own ids, now that they exist; a line that was cancelled keeps what it asked for."""
    return {
        field: AccountRef(account_id=value)
        for field, value in applied.items()
        if value is not None and field != "billing_profile"
    }
