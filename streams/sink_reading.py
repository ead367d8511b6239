"""Reading what was committed: the sink from where it stands, receipts and rebuilds from the first record."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.readers import assigned_reader
from streams.settings import Settings
from streams.sink_records import Record, SinkStopped, record
from streams.sink_sources import GONE

log = structlog.get_logger()

FETCH_RECORDS = 2_000
FETCH_SECONDS = 0.1
SILENCE_SECONDS = 30.0
FETCH_WAIT_MS = 500  # a sink reads much at a time: no need to ask twenty times a second
PREFETCH_KILOBYTES = 16 << 10  # what librdkafka holds ready for us, all partitions together
FETCH_BYTES = 256 << 10  # of a partition at once, compressed: unpacked it is ten times as much; longer records come too

Place = tuple[str, int]
"""Topic and partition."""


@dataclass
class Polled:
    """What one poll brought."""

    records: list[Record] = field(default_factory=list)
    ends: dict[Place, int] = field(default_factory=dict)
    """Partitions whose end was met, and where: behind the records, in this poll or an earlier one."""

    @property
    def empty(self) -> bool:
        """Whether nothing came."""
        return not self.records and not self.ends


class Reading:
    """Reads partitions from given offsets. Nothing is ever committed to Kafka."""

    def __init__(self, settings: Settings, who: str, offsets: Mapping[Place, int]) -> None:
        self.consumer = assigned_reader(
            settings.consumer_properties(),
            f"{settings.group}-{who}",
            enable_auto_offset_store=False,
            enable_partition_eof=True,
            fetch_wait_max_ms=FETCH_WAIT_MS,
            fetch_message_max_bytes=FETCH_BYTES,
            queued_max_messages_kbytes=PREFETCH_KILOBYTES,
        )
        self.consumer.assign([TopicPartition(*place, offset) for place, offset in offsets.items()])

    def poll(self, seconds: float) -> Polled:
        """What comes within so many seconds, at most FETCH_RECORDS. Raises SinkStopped where records are gone."""
        polled = Polled()
        for message in self.consumer.consume(FETCH_RECORDS, seconds):
            error = message.error()
            if error is None:
                polled.records.append(record(message))
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
                polled.ends[message.topic() or "", message.partition() or 0] = message.offset() or 0
            elif error.code() in GONE:
                raise SinkStopped(
                    f"{message.topic()}, partition {message.partition()}: {error.str()}. What the warehouse has still "
                    "to read is not there any more. Was retention changed? `billfold topics check` tells."
                )
            else:
                log.warning("reading", topic=message.topic(), partition=message.partition(), error=error.str())
                if error.fatal():
                    raise KafkaException(error)
        return polled

    def close(self) -> None:
        """Stop reading."""
        self.consumer.close()


def read_below(
    settings: Settings, who: str, ends: Mapping[Place, int], begins: Mapping[Place, int] | None = None
) -> Iterator[list[Record]]:
    """The committed records below each partition's end, from its beginning or a given offset on."""
    starts = begins or {}
    waiting = {place: end for place, end in ends.items() if end > starts.get(place, 0)}
    reading = Reading(settings, who, {place: starts.get(place, 0) for place in waiting})
    try:
        heard = time.monotonic()
        while waiting:
            polled = reading.poll(FETCH_SECONDS)
            wanted = [each for each in polled.records if each.offset < waiting.get(each[:2], 0)]
            if wanted:
                yield wanted
            done = {each[:2] for each in polled.records if each.offset + 1 >= waiting.get(each[:2], 0)}
            for place in waiting.keys() & (done | polled.ends.keys()):
                reading.consumer.incremental_unassign([TopicPartition(*place)])
                del waiting[place]
            if not polled.empty:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_SECONDS:
                raise SinkStopped(f"Kafka is silent for {SILENCE_SECONDS:.0f} s: is it running?")
    finally:
        reading.close()
