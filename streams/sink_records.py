"""From records to rows of the warehouse: what costs the sink the most, so it may be done by processes of its own.

Decoding knows nothing but the record: whoever decodes, the rows are the same, and batches are put together in the order
in which the records were read.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, NamedTuple, cast

import pyarrow as pa
from confluent_kafka import Message

from processors.analytics import TABLE_OF, Origin, outcome_rows, tells_more_behind, transaction_rows
from schemas import codec, wire
from schemas.codec import Unreadable
from schemas.codec.decoder import Decoding, Options
from schemas.codec.reading import ANSWER_LIMITS
from schemas.envelope import CommandOutcome
from schemas.shapes import Row as Shape
from state.warehouse.catalog import TABLES
from state.warehouse.columns import arranged, packed, unpacked

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_READ = "cause"
"""The last field of an outcome that most rows need. The entities behind it are six parts in seven of the work."""


class SinkStopped(Exception):
    """The sink cannot go on. The sentence says what to do; nothing behind the place that it names was written."""


class Record(NamedTuple):
    """A record as it is handed to another process."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    value: bytes | None


@dataclass
class Decoded:
    """The rows of some records, up to the first that cannot be read."""

    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    """Table -> rows, in the order of the records."""
    after: dict[tuple[str, int], int] = field(default_factory=dict)
    """(topic, partition) -> the offset behind the last record of it."""
    bytes: int = 0
    failure: str | None = None
    """Why the record behind them cannot be read."""


@dataclass
class Columns:
    """The same as columns, which other processes hand over as they are in memory."""

    tables: dict[str, pa.RecordBatch]
    """Table -> its columns, rows in the order of the records."""
    decoded: Decoded
    """All of it but the rows."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _handed_over, ({table: packed(batch) for table, batch in self.tables.items()}, self.decoded)


def _handed_over(tables: dict[str, pa.Buffer], decoded: Decoded) -> Columns:
    return Columns({table: unpacked(TABLES[table], content) for table, content in tables.items()}, decoded)


def record(message: Message) -> Record:
    """A record without what belongs to the library."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Record(sys.intern(topic), partition, offset, message.timestamp()[1], message.value())


def decode(records: list[Record], transactions: str) -> Decoded:
    """All rows of these records; those of the topic `transactions` are transactions, the others outcomes."""
    decoded = Decoded()
    kinds: dict[type, list[tuple[Any, ...]]] = {kind: decoded.rows.setdefault(TABLE_OF[kind], []) for kind in TABLE_OF}
    for each in records:
        try:
            for row in rows_of(each, transactions):
                kinds[type(row)].append(row)
        except SinkStopped as stopped:
            decoded.failure = str(stopped)
            break
        decoded.after[each.topic, each.partition] = each.offset + 1
        decoded.bytes += len(each.value or b"")
    decoded.rows = {table: rows for table, rows in decoded.rows.items() if rows}
    return decoded


def decode_to_columns(records: list[Record], transactions: str, only: Collection[str] = TABLES) -> Columns:
    """Columns of all rows of these records, of these tables only."""
    decoded = decode(records, transactions)
    tables = {table: arranged(TABLES[table], rows) for table, rows in decoded.rows.items() if table in only}
    decoded.rows = {}
    return Columns(tables, decoded)


def rows_of(each: Record, transactions: str) -> list[Any]:
    """All rows of one record. Raises SinkStopped for one that cannot be read."""
    origin = Origin(each.partition, each.offset, _moment(each.timestamp_ms))
    try:
        schema_id, payload = wire.unframe(each.value)
        if each.topic == transactions:
            return transaction_rows(codec.TRANSACTION.decode(payload, schema_id, unknown="skip"), origin)
        return outcome_rows(_outcome(payload, schema_id), origin)
    except wire.UnknownSchema as unknown:
        raise SinkStopped(
            f"{each.topic}, partition {each.partition}, offset {each.offset}: {unknown}. Set `registry_url` to the "
            "registry that gave the id, or start a newer release of the sink."
        ) from unknown
    except wire.SchemaUnavailable as unavailable:
        raise SinkStopped(f"{each.topic}, partition {each.partition}, offset {each.offset}: {unavailable}") from None
    except Unreadable as unreadable:
        raise SinkStopped(
            f"{each.topic}, partition {each.partition}, offset {each.offset}: {unreadable}. Only the core writes this "
            "topic: run `billfold audit`."
        ) from unreadable


@lru_cache(10_000)  # records of a moment come together
def _moment(timestamp_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=timestamp_ms)


def _outcome(payload: bytes, schema_id: int) -> CommandOutcome:
    """An outcome up to its cause; what follows has its defaults, where it is not needed."""
    try:
        outcome = cast("CommandOutcome", _beginning(schema_id)(payload, 0)[0])
    except (LookupError, ValueError, RecursionError):
        return codec.OUTCOME.decode(payload, schema_id, unknown="skip")  # says what is wrong
    if tells_more_behind(outcome):
        return codec.OUTCOME.decode(payload, schema_id, unknown="skip")
    return outcome


@cache
def _beginning(schema_id: int) -> Any:
    """The reader of an outcome's first fields, for one writer's schema. A field that is not there has its default."""
    schema = wire.writer_schema(schema_id)
    places = {written["name"]: place for place, written in enumerate(schema["fields"])}
    first = {**schema, "fields": schema["fields"][: places[_LAST_READ] + 1]}
    return Decoding(Shape(CommandOutcome), first, Options(limits=ANSWER_LIMITS, unknown="skip")).compile()
