"""From the answers to commands about orders to rows: which rules refused them, and updates that brought nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import msgspec

from processors.analytics.order_rows import BillingUpdateAnswer, OrderRefusal
from processors.analytics.rows import Origin
from schemas.envelope import CommandOutcome, Mode, Status
from schemas.orders import OrderCommand, UpdateBillingSystem
from schemas.payments import PaymentCommand
from schemas.synchronization import SynchronizeOrderBillingAccounts

_json = msgspec.json.Encoder(order="deterministic")

ABOUT_ORDERS = frozenset(
    word.__name__ for word in (*get_args(OrderCommand), SynchronizeOrderBillingAccounts, *get_args(PaymentCommand))
)
"""Commands whose refusals are counted by order and line."""


def order_rows(outcome: CommandOutcome, origin: Origin) -> Iterator[BillingUpdateAnswer | OrderRefusal]:
    """Give the rows of one answer: none for previews and repeats, and none for what the transaction tells."""
    if outcome.command_type not in ABOUT_ORDERS or outcome.mode is not Mode.EXECUTE or outcome.repeated:
        return
    for number, broken in enumerate(outcome.violations):
        yield OrderRefusal(
            origin.partition,
            origin.offset,
            number,
            outcome.customer_id,
            outcome.command_id,
            outcome.command_type,
            broken.code,
            broken.rule,
            broken.carries.get("order_id"),
            broken.carries.get("line_id"),
            outcome.decided_at,
            outcome.source,
            outcome.performed_by,
        )
    if outcome.command_type == UpdateBillingSystem.__name__ and not outcome.changed:
        yield _without_effect(outcome, origin)


def tells_more_behind(outcome: CommandOutcome) -> bool:
    """Whether rows need what stands behind an outcome's cause: the lines of an update that found all billed."""
    return (
        outcome.command_type == UpdateBillingSystem.__name__
        and outcome.status is Status.COMPLETED
        and not outcome.changed
        and not outcome.repeated
    )


def _without_effect(outcome: CommandOutcome, origin: Origin) -> BillingUpdateAnswer:
    """An update that was refused, or whose lines were all billed before (BSU-9): these lines name its order."""
    violations = outcome.violations
    if outcome.status is Status.COMPLETED:
        line_ids = [line.line_id for line in outcome.already_billed]
    else:
        line_ids = [line_id for broken in violations if (line_id := broken.carries.get("line_id")) is not None]
    return BillingUpdateAnswer(
        origin.partition,
        origin.offset,
        outcome.customer_id,
        outcome.command_id,
        outcome.status.value,
        next((broken.carries["order_id"] for broken in violations if "order_id" in broken.carries), None),
        next((broken.carries["group_id"] for broken in violations if "group_id" in broken.carries), None),
        line_ids[0] if line_ids else None,
        _text(list(dict.fromkeys(line_ids))),
        _text(list(dict.fromkeys(broken.code for broken in violations))),
        outcome.decided_at,
        outcome.source,
        outcome.performed_by,
    )


def _text(value: object) -> str:
    return _json.encode(value).decode()
