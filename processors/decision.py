"""What a decision is: events, or a refusal that lists every violation."""

from __future__ import annotations

import msgspec

from schemas.fields import Event
from schemas.refusals import Violation


class Refused(msgspec.Struct, frozen=True):
    """A refusal is a value. Exceptions mean a bug of ours."""

    violations: tuple[Violation, ...]


Decision = tuple[Event, ...] | Refused
"""No events: accepted, and nothing changed (`changed: false`)."""
