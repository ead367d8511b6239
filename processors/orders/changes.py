"""What differs between two versions of a line, as an event says it: canonical text, and back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from processors.orders.lines import Altered
from schemas.accounts import DetailChange
from schemas.lineage import LineAction
from schemas.order_events import LineChangeCause, OrderLineChanged
from schemas.order_lines import Feature, LineProvisioning, LineServiceAction, OrderLine, PriorValues
from schemas.references import AccountRef
from schemas.refusals import as_text
from schemas.subscriptions import SubscriptionKind


def _json(shape: Any) -> Callable[[str], Any]:
    return msgspec.json.Decoder(shape).decode


_READ: dict[str, Callable[[str], Any]] = {
    "action": LineAction,
    "service_action": LineServiceAction,
    "features": _json(tuple[Feature, ...]),
    "subscription_kind": SubscriptionKind,
    "service_account": _json(AccountRef),
    "billing_account": _json(AccountRef),
    "customer_account": _json(AccountRef),
    "owner_account": _json(AccountRef),
    "prior_values": _json(PriorValues),
    "amount": Decimal,
    "attributes": _json(dict[str, str]),
}
"""How the text of a field is read; all others are text."""


def line_changed(altered: Altered, cause: LineChangeCause, custom_state: str | None = None) -> OrderLineChanged:
    """The event of a line that says something else. `custom_state` is given where it changes too (ORD-11)."""
    before, after = altered.before, altered.after
    changes = [_change(before, field, getattr(after, field)) for field in altered.fields]
    if custom_state is not None:
        changes.append(_change(before, "custom_state", custom_state))
    return OrderLineChanged(
        order_id=before.order_id,
        line_id=before.line_id,
        version=after.version,
        cause=cause,
        past_soft_point=bool(altered.fields) and is_past_soft_point(before),
        changes=tuple(changes),
        provisioning=after.provisioning,
        customer_data_revision=after.customer_data_revision,
        editable_fields=after.editable_fields,
    )


def is_past_soft_point(line: OrderLine) -> bool:
    """Whether provisioning has implemented the line already: to change it costs whoever charges a penalty (RVN-13)."""
    return line.provisioning is LineProvisioning.CONFIRMED


def applied(line: OrderLine, event: OrderLineChanged) -> OrderLine:
    """The line after the event."""
    values = {change.field: _value(change.field, change.new) for change in event.changes}
    return msgspec.structs.replace(
        line,
        **values,
        version=event.version,
        provisioning=event.provisioning,
        customer_data_revision=event.customer_data_revision,
        editable_fields=event.editable_fields,
    )


def _change(before: OrderLine, field: str, new: Any) -> DetailChange:
    return DetailChange(field=field, old=_text(getattr(before, field)), new=_text(new))


def _value(field: str, text: str | None) -> Any:
    return text if text is None or field not in _READ else _READ[field](text)


def _text(value: Any) -> str | None:
    """Canonical text; of accounts and features only what is there."""
    return as_text(_plain(value))


def _plain(value: Any) -> Any:
    match value:
        case AccountRef() | Feature():
            return {name: part for name, part in msgspec.to_builtins(value).items() if part is not None}
        case PriorValues():
            given = msgspec.structs.asdict(value)
            return {name: _plain(part) for name, part in given.items() if part is not msgspec.UNSET}
        case tuple():
            return [_plain(part) for part in value]
        case _:
            return value
