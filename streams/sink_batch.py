"""One batch of the sink in the making: decoded records are put together, and checked to go on without a gap."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

import pyarrow as pa
import structlog

from processors.analytics import TABLE_OF
from processors.analytics.rows import RawTransaction
from state.warehouse import Advance, Batch, Gap, Warehouse
from state.warehouse.catalog import TABLES
from state.warehouse.columns import together
from streams.sink_records import Columns, SinkStopped

log = structlog.get_logger()

BATCH_ROWS = 50_000
BATCH_BYTES = 16 << 20  # of records; as columns they take some two and a half times as much memory
REMEMBERED_CUSTOMERS = 200_000
"""Latest sequences kept in memory, some 30 MB; others are asked of the database, once a batch."""

_RAW = TABLE_OF[RawTransaction]
_ORIGIN = "kafka_partition", "kafka_offset", "published_at"


class Gathering:
    """Gathers batch after batch for one warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.stored = warehouse.offsets()
        self._sequences: OrderedDict[str, int] = OrderedDict()
        self._failure: str | None = None
        self._begin()

    def _begin(self) -> None:
        self._columns: dict[str, list[pa.RecordBatch]] = {}
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

    def take(self, columns: Columns, ends: Mapping[tuple[str, int], int]) -> None:
        """Add the rows of records, and the ends of partitions that were met behind them.

        What lies between a partition's last record and its end are marks of Kafka's own.
        """
        for table, batch in columns.tables.items():
            self._columns.setdefault(table, []).append(batch)
            self._row_count += batch.num_rows
        decoded = columns.decoded
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
        gaps = self._gaps(self._columns.get(_RAW, []))
        batch = Batch(
            rows={table: together(TABLES[table], batches) for table, batches in self._columns.items()},
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

    def _gaps(self, transactions: Iterable[pa.RecordBatch]) -> list[Gap]:
        """The transactions that do not continue their customer's sequence."""
        met = [
            (batch, place, customer, sequence)
            for batch in transactions
            for place, (customer, sequence) in enumerate(
                zip(batch["customer_id"].to_pylist(), batch["sequence"].to_pylist(), strict=True)
            )
        ]
        unknown = {customer for *_, customer, sequence in met if customer not in self._sequences and sequence > 1}
        self._sequences.update(self.warehouse.sequences(unknown))
        gaps = []
        for batch, place, customer, sequence in met:
            expected = self._sequences.get(customer, 0) + 1
            if sequence != expected:
                partition, offset, published_at = (batch[name][place].as_py() for name in _ORIGIN)
                gaps.append(Gap(partition, offset, published_at, customer, expected, sequence))
            self._sequences[customer] = sequence
            self._sequences.move_to_end(customer)
        while len(self._sequences) > REMEMBERED_CUSTOMERS:
            self._sequences.popitem(last=False)
        return gaps
