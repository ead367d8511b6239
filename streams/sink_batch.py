"""One batch of the sink in the making: decoded records are put together, and checked to go on without a gap."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog

from processors.analytics import TABLE_OF
from processors.analytics.rows import RawTransaction
from state.warehouse import Advance, Batch, Gap, Warehouse
from streams.sink_records import Decoded, SinkStopped

log = structlog.get_logger()

BATCH_ROWS = 50_000
BATCH_BYTES = 16 << 20  # of records; as rows they take some six times as much memory
REMEMBERED_CUSTOMERS = 200_000
"""Latest sequences kept in memory, some 30 MB; others are asked of the database, once a batch."""

_RAW = TABLE_OF[RawTransaction]
_PARTITION, _OFFSET, _PUBLISHED_AT, _CUSTOMER, _SEQUENCE = (
    RawTransaction._fields.index(name)
    for name in ("kafka_partition", "kafka_offset", "published_at", "customer_id", "sequence")
)


class Gathering:
    """Gathers batch after batch for one warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.stored = warehouse.offsets()
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._failure: str | None = None
        self._begin()

    def _begin(self) -> None:
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._next: dict[tuple[str, int], int] = {}
        self._row_count = self._bytes = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self._next

    @property
    def full(self) -> bool:
        """Whether it is time to write."""
        return self._row_count >= BATCH_ROWS or self._bytes >= BATCH_BYTES or self._failure is not None

    def take(self, decoded: Decoded, ends: Mapping[tuple[str, int], int]) -> None:
        """Add the rows of records, and the ends of partitions that were met behind them.

        What lies between a partition's last record and its end are marks of Kafka's own.
        """
        for table, rows in decoded.rows.items():
            self._rows.setdefault(table, []).extend(rows)
            self._row_count += len(rows)
        self._bytes += decoded.bytes
        self._next |= decoded.after
        self._failure = decoded.failure
        if self._failure is not None:
            return
        for place, offset in ends.items():
            if offset > self._next.get(place, self.stored[place]):
                self._next[place] = offset

    def write(self) -> Batch:
        """Write what was gathered, with its offsets, and begin anew. Returns what was written."""
        gaps = self._gaps(self._rows.get(_RAW, []))
        batch = Batch(
            rows=self._rows,
            gaps=gaps,
            advances=[Advance(*place, self.stored[place], after) for place, after in self._next.items()],
        )
        self.warehouse.write(batch)
        for gap in gaps:
            log.error("a transaction does not continue its customer's sequence", **gap._asdict())
        self.stored.update(self._next)
        self._begin()
        return batch

    def stop_at_failure(self) -> None:
        """Raise SinkStopped if a record could not be read. What came before it was gathered, and may be written."""
        if self._failure is not None:
            raise SinkStopped(self._failure)

    def _gaps(self, transactions: Iterable[Sequence[Any]]) -> list[Gap]:
        """The transactions that do not continue their customer's sequence."""
        met = list(transactions)
        unknown = {row[_CUSTOMER] for row in met if row[_CUSTOMER] not in self._sequences and row[_SEQUENCE] > 1}
        self._sequences.update(self.warehouse.sequences(unknown))
        gaps = []
        for row in met:
            customer, sequence = row[_CUSTOMER], row[_SEQUENCE]
            expected = self._sequences.get(customer, 0) + 1
            if sequence != expected:
                gaps.append(Gap(row[_PARTITION], row[_OFFSET], row[_PUBLISHED_AT], customer, expected, sequence))
            self._sequences[customer] = sequence
            self._sequences.move_to_end(customer)
        while len(self._sequences) > REMEMBERED_CUSTOMERS:
            self._sequences.popitem(last=False)
        return gaps
