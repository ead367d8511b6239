"""One batch of the sink in the making: records are read, turned into rows, and checked to go on without a gap."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from confluent_kafka import Message

from processors.analytics import TABLE_OF, Origin, Row, outcome_rows, transaction_rows
from processors.analytics.rows import RawTransaction
from schemas import codec, wire
from schemas.codec import Unreadable
from state.warehouse import Advance, Batch, Gap, Warehouse
from streams.topology import Topology

log = structlog.get_logger()

BATCH_ROWS = 50_000
BATCH_BYTES = 16 << 20  # of records; as rows they take some six times as much memory
REMEMBERED_CUSTOMERS = 200_000
"""Latest sequences kept in memory, some 30 MB; others are asked of the database, once a batch."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SinkStopped(Exception):
    """The sink cannot go on. The sentence says what to do; nothing of the batch was written."""


def rows_of(message: Message, topology: Topology) -> list[Any]:
    """All rows of one record. Raises SinkStopped for one that cannot be read."""
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    origin = Origin(partition, offset, _EPOCH + timedelta(milliseconds=message.timestamp()[1]))
    try:
        schema_id, payload = wire.unframe(message.value())
        if message.topic() == topology.transactions:
            return transaction_rows(codec.TRANSACTION.decode(payload, schema_id, unknown="skip"), origin)
        return outcome_rows(codec.OUTCOME.decode(payload, schema_id, unknown="skip"), origin)
    except wire.UnknownSchema as unknown:
        raise SinkStopped(
            f"{message.topic()}, partition {partition}, offset {offset}: {unknown}. Set `registry_url` to the registry "
            "that gave the id, or start a newer release of the sink."
        ) from unknown
    except wire.SchemaUnavailable as unavailable:
        raise SinkStopped(f"{message.topic()}, partition {partition}, offset {offset}: {unavailable}") from unavailable
    except Unreadable as unreadable:
        raise SinkStopped(
            f"{message.topic()}, partition {partition}, offset {offset}: {unreadable}. Only the core writes this "
            "topic: run `billfold audit`."
        ) from unreadable


class Gathering:
    """Gathers batch after batch for one warehouse."""

    def __init__(self, topology: Topology, warehouse: Warehouse) -> None:
        self.topology = topology
        self.warehouse = warehouse
        self.stored = warehouse.offsets()
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._begin()

    def _begin(self) -> None:
        self._rows: dict[type[Row], list[Row]] = {row: [] for row in TABLE_OF}
        self._next: dict[tuple[str, int], int] = {}
        self._row_count = self._bytes = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self._next

    @property
    def full(self) -> bool:
        """Whether it is time to write."""
        return self._row_count >= BATCH_ROWS or self._bytes >= BATCH_BYTES

    def take(self, message: Message) -> None:
        """Add the rows of one record. Raises SinkStopped."""
        rows = rows_of(message, self.topology)
        for row in rows:
            self._rows[type(row)].append(row)
        self._row_count += len(rows)
        self._bytes += len(message)
        self._next[_place(message)] = (message.offset() or 0) + 1

    def reached(self, end: Message) -> None:
        """Take note of a partition's end: what lies between the last record and it are marks of Kafka's own."""
        place, offset = _place(end), end.offset() or 0
        if offset > self._next.get(place, self.stored[place]):
            self._next[place] = offset

    def write(self) -> Batch:
        """Write what was gathered, with its offsets, and begin anew. Returns what was written."""
        raw = self._rows[RawTransaction]
        gaps = list(self._gaps(row for row in raw if isinstance(row, RawTransaction)))
        batch = Batch(
            rows={TABLE_OF[kind]: list(rows) for kind, rows in self._rows.items()},
            gaps=gaps,
            advances=[Advance(*place, self.stored[place], after) for place, after in self._next.items()],
        )
        self.warehouse.write(batch)
        for gap in gaps:
            log.error("a transaction does not continue its customer's sequence", **gap._asdict())
        self.stored.update(self._next)
        self._begin()
        return batch

    def _gaps(self, transactions: Iterable[RawTransaction]) -> list[Gap]:
        """The transactions that do not continue their customer's sequence."""
        met = list(transactions)
        unknown = {row.customer_id for row in met if row.customer_id not in self._sequences and row.sequence > 1}
        self._sequences.update(self.warehouse.sequences(unknown))
        gaps = []
        for row in met:
            expected = self._sequences.get(row.customer_id, 0) + 1
            if row.sequence != expected:
                place = (row.kafka_partition, row.kafka_offset, row.published_at)
                gaps.append(Gap(*place, row.customer_id, expected, row.sequence))
            self._sequences[row.customer_id] = row.sequence
            self._sequences.move_to_end(row.customer_id)
        while len(self._sequences) > REMEMBERED_CUSTOMERS:
            self._sequences.popitem(last=False)
        return gaps


def _place(message: Message) -> tuple[str, int]:
    topic, partition = message.topic(), message.partition()
    assert topic is not None
    assert partition is not None
    return topic, partition
