"""The committing half of a turn: one transactional producer, one transaction a turn."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from state.restore import Names
from streams.engine.boundary import Hook, Outgoing
from streams.engine.turn import Turn
from streams.topology import RECORD_BYTES

log = logging.getLogger(__name__)
ASK_SECONDS = 5.0
FULL_SECONDS = 0.05
Positions = dict[int, dict[str, int]]
"""Partition -> table -> the changelog offset behind this turn's last record."""
LOST = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
    }
)
"""Our membership is over: somebody else has our partitions, or will have them."""


class Sender(Protocol):
    """What is used of a transactional producer, as confluent-kafka has it. The simulation's keeps its log in memory."""

    # ruff: noqa: D102 - the calls are confluent-kafka's

    def init_transactions(self, timeout: float) -> None: ...
    def begin_transaction(self) -> None: ...
    def produce(self, *arguments: Any, **headers: Any) -> None: ...  # topic, value, key, partition, on_delivery
    def poll(self, timeout: float) -> int: ...
    def send_offsets_to_transaction(self, positions: list[TopicPartition], group: Any, timeout: float) -> None: ...
    def commit_transaction(self, timeout: float) -> None: ...
    def abort_transaction(self, timeout: float) -> None: ...


NewSender = Callable[[Callable[[Any], None]], Sender]
"""Makes a producer; is given what to call when its connection is disturbed."""


def kafka_sender(properties: Mapping[str, Any], transactional_id: str, timeout_seconds: float) -> NewSender:
    """Return the maker of real producers."""
    timeout_ms = int(timeout_seconds * 1000)
    settings = {
        **properties,
        "transactional.id": transactional_id,
        "transaction.timeout.ms": timeout_ms,
        # A message that waited in a stopped process must not outlive its transaction.
        "message.timeout.ms": timeout_ms,
        "message.max.bytes": RECORD_BYTES,
        "linger.ms": 5,
        # A broker that still writes the last turn's markers answers CONCURRENT_TRANSACTIONS; the default waits 100 ms.
        "retry.backoff.ms": 5,
        "retry.backoff.max.ms": 100,
        "queue.buffering.max.messages": 1_000_000,
        "partitioner": "murmur2_random",
        "compression.type": "zstd",
        "compression.level": 1,
    }

    def new(disturbed: Callable[[Any], None]) -> Sender:
        producer = Producer(settings | {"error_cb": disturbed})
        with suppress(KafkaException):  # connected first: a session that is asked for at once is asked for again
            producer.list_topics(timeout=ASK_SECONDS)  # half a second later
        sender: Sender = producer
        return sender

    return new


class Session:
    """Owns the producer. Only the committer's thread touches it."""

    def __init__(self, new_sender: NewSender, names: Names, patience_seconds: float, hook: Hook) -> None:
        self._new_sender, self._names, self._hook = new_sender, names, hook
        self._patience_seconds = patience_seconds
        self._disturbed = False
        self._sender: Sender

    def open(self) -> None:
        """Begin a producer session, which fences an earlier self.

        Also after any disturbance of the connection: librdkafka does not know KIP-890, so a request of the old session
        that is still on its way could end a later transaction. A new epoch makes the broker refuse it.
        """
        self._sender = self._new_sender(self._disturb)
        self._definite(self._sender.init_transactions)
        self._disturbed = False

    def commit(self, turn: Turn, group: object) -> Positions:
        """Commit a turn, in one transaction or, after an abort under the same membership, in the next.

        Raises when the turn cannot be committed by this process any more; then only a restart knows more: `open` ends
        the old transaction, and the restore reads what became of it.
        """
        while True:
            self._sender.poll(0)  # a disturbance while idle is reported here
            if self._disturbed:
                self.open()
            try:
                return self._transact(turn, group)
            except KafkaException as failure:
                error = failure.args[0]
                log.warning("turn failed: %s fatal=%s abort=%s", error, error.fatal(), error.txn_requires_abort())
                if error.fatal() or not error.txn_requires_abort():
                    raise
                self._definite(self._sender.abort_transaction)
                if error.code() in LOST:
                    raise
                log.warning("the turn is tried again")

    def _transact(self, turn: Turn, group: object) -> Positions:
        """One transaction.

        1. Begin. 2. Produce the changelogs, last value per key, then what the handler sends. 3. Send the offsets, under
        the membership that the records were fetched with: a zombie ends here. 4. Commit: **the commit point**.
        A crash before 4 leaves a transaction that the next session or its timeout aborts: the turn is decided again.
        """
        sender = self._sender
        sender.begin_transaction()  # 1
        self._hook("begun")
        positions = {number: self._produce_changes(number, turn) for number in turn.tables}  # 2
        self._produce_records(turn.records)
        self._hook("produced")
        offsets = [TopicPartition(self._names.source, number, turn.source[number].offset) for number in turn.tables]
        self._definite(sender.send_offsets_to_transaction, offsets, group)  # 3
        self._hook("offsets")
        self._definite(sender.commit_transaction)  # 4
        return positions

    def _produce_changes(self, number: int, turn: Turn) -> dict[str, int]:
        """Produce a partition's changes; the returned positions are filled in when the broker has them."""
        reached: dict[str, int] = {}
        produce = self._sender.produce
        for table, rows in turn.tables[number].changes().items():
            topic = self._names.changelogs[table]
            last = next(reversed(rows))
            for key, value in rows.items():
                told = _reaching(reached, table) if key == last else None
                try:
                    produce(topic, value, key, number, told)
                except BufferError:
                    self._produce_when_room(topic, value, key, number, told)
        return reached

    def _produce_records(self, records: Sequence[Outgoing]) -> None:
        produce = self._sender.produce
        for record in records:
            try:
                produce(record.topic, record.value, record.key, headers=list(record.headers))
            except BufferError:
                self._produce_when_room(record.topic, record.value, record.key, headers=list(record.headers))

    def _produce_when_room(self, *arguments: Any, **headers: Any) -> None:
        """The local queue is full: let it send first."""
        deadline = time.monotonic() + self._patience_seconds
        while True:
            self._sender.poll(FULL_SECONDS)
            try:
                return self._sender.produce(*arguments, **headers)
            except BufferError:
                if time.monotonic() > deadline:
                    raise

    def _disturb(self, error: object) -> None:
        log.warning("producer: %s", error)
        self._disturbed = True

    def _definite(self, call: Callable[..., None], *arguments: object) -> None:
        """Repeat a call whose outcome is unknown, for as long as its transaction can live."""
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                return call(*arguments, ASK_SECONDS)
            except KafkaException as failure:
                if not failure.args[0].retriable() or time.monotonic() > deadline:
                    raise
                self._disturbed = True
                log.warning("%s: %s, asking again", call.__name__, failure.args[0])


def _reaching(reached: dict[str, int], table: str) -> Callable[[KafkaError | None, Message], None]:
    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is None:
            reached[table] = (message.offset() or 0) + 1

    return delivered
