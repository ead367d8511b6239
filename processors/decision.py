"""What a decision is: events, or a refusal that lists every violation; some have more to say."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from schemas.fields import Event
from schemas.previews import Conflict, Preview
from schemas.refusals import Violation
from schemas.remarks import NONE, Remarks
from schemas.schedule import ScheduledActionConflictDetected


class Refused(msgspec.Struct, frozen=True):
    """A refusal is a value. Exceptions mean a bug of ours."""

    violations: tuple[Violation, ...]
    preview: Preview | None = None
    """As much of the difference as can be computed (ABS-30)."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Events, and what the answer says beside them."""

    events: tuple[Event, ...]
    remarks: Remarks = NONE
    """What the answer names, now and when it is repeated."""
    preview: Preview | None = None


def conflicts(events: Iterable[Event]) -> tuple[Conflict, ...]:
    """Scheduled actions that events mark because they would now fail, as the outcome names them (SCH-13)."""
    return tuple(
        Conflict(action_id=event.action_id, due=event.due, violations=event.violations)
        for event in events
        if isinstance(event, ScheduledActionConflictDetected)
    )


def shown(said: Preview | Remarks | None) -> dict[str, object]:
    """What a preview says, or an answer names, as fields of the outcome."""
    return {} if said is None else msgspec.structs.asdict(said)


Decision = tuple[Event, ...] | Accepted | Refused
"""No events: accepted, and nothing changed (`changed: false`)."""
