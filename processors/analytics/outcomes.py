"""From a command's outcome to its row."""

from __future__ import annotations

import msgspec

from processors.analytics.rows import CommandOutcomeFact, Origin
from schemas.envelope import CommandOutcome

_json = msgspec.json.Encoder(order="deterministic")


def outcome_rows(outcome: CommandOutcome, origin: Origin) -> list[CommandOutcomeFact]:
    """Return the one row of an outcome. Entities and previewed events stay in the topic."""
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
        )
    ]
