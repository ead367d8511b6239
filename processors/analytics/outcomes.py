"""From a command's outcome to its rows."""

from __future__ import annotations

import msgspec

from processors.analytics.order_outcomes import order_rows
from processors.analytics.rows import CommandOutcomeFact, Origin, Row
from schemas.envelope import CommandOutcome

_json = msgspec.json.Encoder(order="deterministic")


def outcome_rows(outcome: CommandOutcome, origin: Origin) -> list[Row]:
    """Return the row of an outcome, and those of refusals about orders. Entities and previews stay in the topic."""
    violations = outcome.violations
    return [
        CommandOutcomeFact(
            *origin,
            outcome.customer_id,
            outcome.command_id,
            outcome.command_type,
            outcome.source,
            outcome.performed_by,
            outcome.mode.value,
            outcome.status.value,
            outcome.changed,
            outcome.repeated,
            outcome.transaction_id,
            outcome.sequence,
            outcome.decided_at,
            outcome.recorded_at,
            outcome.catalog_version,
            outcome.rules_version,
            outcome.cause.partition,
            outcome.cause.offset,
            outcome.cause.position,
            len(violations),
            violations[0].code if violations else None,
            _json.encode(violations).decode() if violations else "[]",
        ),
        *order_rows(outcome, origin),
    ]
