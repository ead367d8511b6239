"""The published transactions, folded: what their events add up to must be what they say about entities."""

from __future__ import annotations

import msgspec

from processors.fold import evolve
from processors.view.customer import identity_of
from schemas.envelope import BusinessTransaction
from schemas.fields import Entity
from schemas.rows import key
from schemas.words import ENTITIES
from streams.audit.findings import first_difference, wrong
from streams.audit.scratch import Scratch
from streams.engine.boundary import SourceRecord

_encode = msgspec.msgpack.Encoder().encode
_decoders = {kind: msgspec.msgpack.Decoder(word) for kind, word in ENTITIES.items()}


class Fold:
    """Entities by key, from events alone."""

    def __init__(self, rows: Scratch) -> None:
        self._rows = rows

    def take(self, transaction: BusinessTransaction, record: SourceRecord) -> None:
        """Fold one transaction; at its last change an entity stands in it in full. Raises Unsound (I3)."""
        touched: dict[bytes, Entity] = {}
        for place, change in enumerate(transaction.changes):
            kind, entity_id = identity_of(change.event)
            row_key = key(transaction.customer_id, kind, entity_id)
            before = touched.get(row_key) or self._stored(kind, row_key)
            try:
                after = touched[row_key] = evolve(before, change.event)
            except Exception as misfit:  # noqa: BLE001  # an event that does not fit what the events before it made
                wrong("I3", record, f"an event {place} that fits its {kind}", f"{change.event!r}: {misfit!r}")
            if change.entity is not None and (
                different := first_difference(after, change.entity, f"changes.{place}.entity")
            ):
                path, expected, found = different
                wrong("I3", record, f"{path} = {expected!r}, as the events say", f"{path} = {found!r}")
        self._rows.apply({row_key: _encode(entity) for row_key, entity in touched.items()})

    def _stored(self, kind: str, row_key: bytes) -> Entity | None:
        raw = self._rows.state.get(row_key)
        return None if raw is None else _decoders[kind].decode(raw)
