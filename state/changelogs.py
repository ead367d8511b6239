"""What a restore asks of Kafka: identities, stable offsets, the ends of the changelogs, and their records."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from state.offsets import Offsets, Spot

ASK_SECONDS = 5.0
LOOK_SECONDS = 0.5  # so long a newer assignment may wait behind the question of an older one
LOOKS_SAID = 10  # every so many of these questions an operator hears of it
POLL_SECONDS = 0.1
READ_RECORDS = 20_000  # one write to RocksDB each
Current = Callable[[], bool]


class Span(NamedTuple):
    """What of a topic's partition is in the log: first offset and high watermark."""

    low: int
    end: int


class Piece(NamedTuple):
    """What was read of one changelog partition: last value per key, and how far the log is read now."""

    rows: dict[bytes, bytes | None]
    position: int
    records: int


class Log(Protocol):
    """Kafka, as a restore sees it. The simulation has one of its own."""

    def identity(self, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Return the cluster's id, and each topic's id."""

    def committed(self, topic: str, partitions: Sequence[int], current: Current) -> dict[int, int]:
        """Return the group's offsets, once no transaction is deciding them any more; negative where there is none."""

    def spans(self, spots: Sequence[Spot]) -> dict[Spot, Span]:
        """Return the spans of partitions, uncommitted records included."""

    def read(
        self, starts: Mapping[Spot, int], ends: Mapping[Spot, int], current: Current
    ) -> Iterator[dict[Spot, Piece]]:
        """Committed records from each start until each end is passed."""


class KafkaLog:
    """`Log` on a real Kafka. Lives for one restore; close it."""

    def __init__(self, properties: Mapping[str, Any], group: str, say: Callable[[str], None]) -> None:
        self._say = say
        self._admin = AdminClient(dict(properties))
        self._reader = Consumer(
            {
                **properties,
                "group.id": group,
                # The broker answers `committed` only when no transaction is still deciding the offsets.
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
                "fetch.queue.backoff.ms": 2,
                "queued.min.messages": 200_000,
            }
        )
        self._offsets = Offsets(properties, "read_uncommitted")

    def identity(self, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Return the cluster's id, and each topic's id."""
        cluster = self._admin.describe_cluster(request_timeout=ASK_SECONDS).result()
        described = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=ASK_SECONDS)
        return str(cluster.cluster_id), {name: str(found.result().topic_id) for name, found in described.items()}

    def committed(self, topic: str, partitions: Sequence[int], current: Current) -> dict[int, int]:
        """Return the group's offsets; asks again while a transaction is still deciding them."""
        asked = [TopicPartition(topic, number) for number in partitions]
        unanswered = 0
        while current() and asked:
            try:
                found = self._reader.committed(asked, timeout=LOOK_SECONDS)
            except KafkaException as failure:
                unanswered += 1
                if unanswered % LOOKS_SAID == 0:
                    self._say(f"the group's offsets are not stable yet: {failure}")
                continue
            if not any(answer.error for answer in found):
                return {answer.partition: answer.offset for answer in found}
        return {}

    def spans(self, spots: Sequence[Spot]) -> dict[Spot, Span]:
        """First offset and high watermark.

        Read uncommitted: a commit writes its markers partition by partition, and the last stable offset of a changelog
        may stop short of a transaction whose offsets are committed already.
        """
        lows, ends = self._offsets.first(spots), self._offsets.ends(spots)
        return {spot: Span(lows[spot], ends[spot]) for spot in spots}

    def read(
        self, starts: Mapping[Spot, int], ends: Mapping[Spot, int], current: Current
    ) -> Iterator[dict[Spot, Piece]]:
        """Committed records; PARTITION_EOF says how far a log is read, commit markers included."""
        open_ends = dict(ends)
        for topic in {topic for topic, _ in starts}:
            # So that `assign` knows the leaders: librdkafka looks for unknown ones only once a second.
            self._reader.list_topics(topic, timeout=ASK_SECONDS)
        self._reader.assign([TopicPartition(topic, number, start) for (topic, number), start in starts.items()])
        while open_ends and current():
            first = self._reader.poll(POLL_SECONDS)  # consume(n, t) would wait for n records
            if first is None:
                continue
            pieces: dict[Spot, Piece] = {}
            for message in [first, *self._reader.consume(READ_RECORDS, 0)]:
                spot, offset = (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)
                piece = pieces.get(spot) or Piece({}, 0, 0)
                error = message.error()
                if error is None:
                    piece.rows[bytes(message.key() or b"")] = message.value()
                    pieces[spot] = Piece(piece.rows, offset + 1, piece.records + 1)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's name for it
                    pieces[spot] = Piece(piece.rows, offset, piece.records)
                    if offset >= open_ends.get(spot, 0):
                        open_ends.pop(spot, None)
                else:
                    raise KafkaException(error)
            yield pieces

    def close(self) -> None:
        """Leave; the group never knew this reader."""
        for client in (self._reader, self._offsets):
            with contextlib.suppress(KafkaException):
                client.close()
