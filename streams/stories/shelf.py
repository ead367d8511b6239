"""The worker's side of live stories: every story's own catalog, told by the name before the `~` of a customer id."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from processors.catalog import in_force
from schemas import codec, wire
from schemas.catalog import Catalog
from streams.catalogs import CatalogUnavailable, Shelf

PREFIX_END = "~"
PATIENCE_SECONDS = 10.0
"""A story publishes its catalog before its first command; the topic is read a few times a second."""


class StoryShelf(Shelf):
    """A shelf of all catalogs on the topic, for workers whose clock is the records'."""

    def __init__(self, kafka: Mapping[str, Any], topic: str) -> None:
        super().__init__(kafka, topic, "stories")
        self._named: dict[str, list[Catalog]] = {}

    def of(self, customer_id: str) -> Callable[[datetime], Catalog]:
        """What answers the version in force for a customer. Raises CatalogUnavailable where there is none."""
        name = customer_id.partition(PREFIX_END)[0]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while name not in self._named:
            if time.monotonic() > deadline:
                raise CatalogUnavailable(f"{self.topic} holds no version of catalog {name}")
            time.sleep(0.01)
        versions = self._named[name]
        return lambda moment: in_force(versions, moment) or versions[0]

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        if key is None or value is None:
            return
        schema_id, payload = wire.unframe(value)
        catalog = codec.CATALOG.decode(payload, schema_id)
        known = self._named.get(catalog.name, [])
        if all(version.version != catalog.version for version in known):
            # A list of its own, so that a decision under way reads one state of the shelf.
            self._named[catalog.name] = sorted([*known, catalog], key=attrgetter("effective_from", "version"))
