"""Rows of order lines: what happened to each, step by step, and each as transactions left it."""

from __future__ import annotations

from typing import assert_never

import msgspec

from processors.analytics.order_rows import OrderLineStep, OrderLineVersion
from processors.analytics.rows import Origin, place
from schemas.envelope import BusinessTransaction
from schemas.order_events import (
    OrderLineAdded,
    OrderLineCancelled,
    OrderLineChanged,
    OrderLineCompensated,
    OrderLineGrouped,
    OrderLineLocked,
    OrderLineProvisioningConfirmed,
)
from schemas.order_lines import OrderLine
from schemas.references import AccountRef

_json = msgspec.json.Encoder(order="deterministic")

LineEvent = (
    OrderLineAdded
    | OrderLineChanged
    | OrderLineGrouped
    | OrderLineProvisioningConfirmed
    | OrderLineLocked
    | OrderLineCancelled
    | OrderLineCompensated
)


def step(transaction: BusinessTransaction, origin: Origin, position: int, event: LineEvent) -> OrderLineStep:
    """Return the step that an event is in the life of a line."""
    begun = OrderLineStep(
        *place(transaction, origin, position),
        event.order_id,
        event.line_id,
        "",
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )
    match event:
        case OrderLineAdded():
            return begun._replace(step="ADDED", version=event.line.version, to_group_id=event.line.group_id)
        case OrderLineChanged():
            return begun._replace(
                step="CHANGED",
                past_soft_point=event.past_soft_point,
                version=event.version,
                cause=event.cause.value,
                changed_fields=_text([change.field for change in event.changes]),
            )
        case OrderLineGrouped():
            return begun._replace(step="GROUPED", from_group_id=event.from_group_id, to_group_id=event.to_group_id)
        case OrderLineProvisioningConfirmed():
            return begun._replace(step=event.new.value, version=event.line_version, reference=event.reference)
        case OrderLineLocked():
            return begun._replace(step="LOCKED", version=event.billed.version)
        case OrderLineCancelled():
            return begun._replace(
                step="CANCELLED",
                past_soft_point=event.past_soft_point,
                cause=event.because.value,
                replaced_by_line_id=event.replaced_by,
            )
        case OrderLineCompensated():
            return begun._replace(step="COMPENSATED" if event.compensated_by else "COMPENSATION_DROPPED")
        case _:
            assert_never(event)


def line_version(transaction: BusinessTransaction, origin: Origin, line: OrderLine) -> OrderLineVersion:
    """Return a line as the transaction left it. An account that does not exist yet has no id, only an external one."""
    accounts = {
        "service_account": line.service_account,
        "billing_account": line.billing_account,
        "customer_account": line.customer_account,
        "owner_account": line.owner_account,
    }
    lock, billed, undone = line.locked, line.billed, line.compensated_by
    return OrderLineVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        line.order_id,
        line.line_id,
        transaction.occurred_at,
        line.action.value,
        line.service_action.value,
        line.service_catalog,
        line.service_item,
        line.product_id,
        line.product_type,
        _text(line.features),
        line.service_id,
        line.subscription_id,
        line.subscription_kind.value if line.subscription_kind else None,
        _account_id(line.service_account),
        _account_id(line.billing_account),
        _account_id(line.customer_account),
        _account_id(line.owner_account),
        _text({role: ref.external_id for role, ref in accounts.items() if ref is not None and ref.external_id}),
        line.billing_type,
        line.billing_profile,
        line.billing_system,
        line.amount,
        _text(line.attributes),
        line.state.value,
        line.custom_state,
        line.group_id,
        line.version,
        line.editable,
        line.provisioning.value,
        line.customer_data_revision,
        line.synchronized_revision,
        lock.at if lock else None,
        lock.by if lock else None,
        lock.scope.value if lock else None,
        billed.effective_at if billed else None,
        billed.version if billed else None,
        line.restores_service_id,
        undone.order_id if undone else None,
        undone.line_id if undone else None,
        line.replaces_line_id,
        line.added_in_revision,
        line.cancelled_because.value if line.cancelled_because else None,
    )


def _account_id(ref: AccountRef | None) -> str | None:
    return None if ref is None else ref.account_id


def _text(value: object) -> str:
    return _json.encode(value).decode()
