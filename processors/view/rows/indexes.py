"""What an index is: rows that follow from entities and events as they are recorded, so that nothing is searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from schemas.fields import Entity, Event
from schemas.rows import Family

IndexRows = dict[tuple[Family, bytes], bytes | None]
"""Rows to write, each by its family and its place there; None deletes."""


NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Reading(Protocol):
    """The customer as rows that follow from a change need it. An index reads no rows but its own."""

    customer_id: str

    def index(self, family: Family, member: bytes, /) -> bytes | None:
        """The value of one row, as it is now."""

    def zone(self) -> ZoneInfo:
        """The customer's time zone."""


class Index:
    """Kinds of rows, and the functions that write them: (before, after, reading) or (event, reading) to rows."""

    def __init__(
        self,
        *kinds: str,
        of_entities: Mapping[type[Entity], Callable[[Any, Any, Reading], IndexRows]] = NOTHING,
        of_events: Mapping[type[Event], Callable[[Any, Reading], IndexRows]] = NOTHING,
    ) -> None:
        self.kinds, self.of_entities, self.of_events = kinds, of_entities, of_events
