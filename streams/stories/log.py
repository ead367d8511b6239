"""Reading the topics for stories: what came of a command, what the state is now, what happened to a customer."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.view.customer import Stored
from schemas import codec, wire
from schemas.catalog import Catalog
from schemas.envelope import BusinessTransaction, CommandOutcome, CommandRecord
from schemas.partition import partition_of
from streams.catalogs import read_versions
from streams.readers import assigned_reader
from streams.settings import Settings
from streams.stories.pure import KeptRows
from streams.stories.recording import Logged, written_story
from streams.stories.stage import Came
from streams.topology import Topology

POLL_SECONDS = 0.02
Place = tuple[int, int]
"""Partition and offset of a command."""


class NothingRecorded(Exception):
    """A customer of whom the log knows nothing, in one sentence."""


def story_reader(kafka: Mapping[str, Any]) -> Consumer:
    """A consumer that is assigned its partitions, says when it reached their ends, and commits nothing."""
    return assigned_reader(
        kafka, "story", enable_partition_eof=True, auto_offset_reset="earliest", fetch_wait_max_ms=10
    )


def to_the_end(consumer: Consumer, starts: Sequence[TopicPartition]) -> Iterator[Message]:
    """All records from these positions to the ends that there are now."""
    consumer.assign(list(starts))
    left = {(start.topic, start.partition) for start in starts}
    while left:
        message = consumer.poll(POLL_SECONDS)
        if message is None:
            continue
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # librdkafka's own name
            left.discard((message.topic() or "", message.partition() or 0))
        else:
            raise KafkaException(error)


class Answers:
    """What came of the commands of a run: outcomes, transactions and dead letters, by the command's place."""

    def __init__(self, kafka: Mapping[str, Any], topology: Topology) -> None:
        self._topology = topology
        self._consumer = story_reader(kafka)
        topics = (topology.outcomes, topology.transactions, topology.dead_letters)
        self._consumer.assign(
            [TopicPartition(topic, at, OFFSET_BEGINNING) for topic in topics for at in range(topology.partitions)]
        )
        self._outcomes: defaultdict[Place, list[CommandOutcome]] = defaultdict(list)
        self._transactions: dict[str, BusinessTransaction] = {}
        self._dead: dict[Place, str] = {}

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def wait(self, record: CommandRecord, place: Place, deadline: float) -> bool:
        """Wait for a command's own answer, and for the transactions of all that came before it. False: not in time."""
        while not self._complete(record, place):
            if time.monotonic() > deadline:
                return False
            message = self._consumer.poll(POLL_SECONDS)
            if message is not None:
                self._take(message)
        return True

    def came(self, place: Place) -> list[Came]:
        """What came of the command at a place: due work first, its own answer last."""
        came = [
            Came(outcome=one, transaction=None if one.repeated else self._transactions.get(one.transaction_id or ""))
            for one in sorted(self._outcomes[place], key=lambda outcome: outcome.cause.position)
        ]
        reason = self._dead.get(place)
        if reason is not None:
            came.append(Came(dead_letter=reason, bug=reason if reason.startswith("BUG") else None))
        return came

    def is_dead(self, place: Place) -> bool:
        """Whether the command became a dead letter. Outcomes of due work before it may still be on their way."""
        return place in self._dead

    def _complete(self, record: CommandRecord, place: Place) -> bool:
        outcomes = self._outcomes[place]
        missing = (one for one in outcomes if not one.repeated and (one.transaction_id or "") not in self._transactions)
        if any(one.transaction_id is not None for one in missing):
            return False
        return place in self._dead or any(_is_own(one, record) for one in outcomes)

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # librdkafka's own name
                return
            raise KafkaException(error)
        if message.topic() == self._topology.dead_letters:
            headers = _texts(message.headers())
            place = int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"])
            self._dead[place] = " ".join((headers["billfold.reason"], headers["__connect.errors.exception.message"]))
            return
        schema_id, payload = wire.unframe(message.value())
        if message.topic() == self._topology.transactions:
            transaction = codec.TRANSACTION.decode(payload, schema_id)
            self._transactions[transaction.transaction_id] = transaction
        else:
            outcome = codec.OUTCOME.decode(payload, schema_id)
            self._outcomes[outcome.cause.partition, outcome.cause.offset].append(outcome)


def _is_own(outcome: CommandOutcome, record: CommandRecord) -> bool:
    """Whether an outcome answers the record itself. Due work that a nudge led to has the nudge's own id."""
    return outcome.command_id == record.command_id and (outcome.repeated or record.source != "clock")


class StateRows:
    """The state table, read from its changelog whenever it is asked for and something was decided since."""

    def __init__(self, kafka: Mapping[str, Any], topology: Topology) -> None:
        self._topic = topology.changelogs["state"]
        self._consumer = story_reader(kafka)
        self._rows = KeptRows()
        self._positions = dict.fromkeys(range(topology.partitions), 0)
        self._wanted: dict[str, int] = {}

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def expect(self, customer_id: str, sequence: int) -> None:
        """Note that a customer's history has come so far: no older state is shown."""
        self._wanted[customer_id] = max(sequence, self._wanted.get(customer_id, 0))

    def get(self, row_key: bytes, /) -> bytes | None:
        """The row under this key."""
        self._catch_up()
        return self._rows.get(row_key)

    def scan(self, start: bytes, /) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key begins so, in key order."""
        self._catch_up()
        return self._rows.scan(start)

    def _catch_up(self) -> None:
        """Read until every customer's head is as far as its last answer: the markers of a commit come one by one."""
        while self._wanted:
            starts = [TopicPartition(self._topic, at, offset) for at, offset in self._positions.items()]
            for message in to_the_end(self._consumer, starts):
                self._rows.apply({bytes(message.key() or b""): _bytes(message.value())})
                self._positions[message.partition() or 0] = (message.offset() or 0) + 1
            self._wanted = {of: sequence for of, sequence in self._wanted.items() if self._sequence(of) < sequence}

    def _sequence(self, customer_id: str) -> int:
        head = Stored(customer_id, self._rows).head()
        return 0 if head is None else head.sequence


def _texts(headers: Any) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in headers or ()}


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def record_customer(settings: Settings, customer_id: str) -> str:
    """Write a story of everything that the log holds of a customer. Raises NothingRecorded."""
    topology, kafka = settings.topology, settings.consumer_properties()
    partition = partition_of(customer_id, topology.partitions)
    topics = (topology.commands, topology.outcomes, topology.transactions)
    consumer = story_reader(kafka)
    commands: dict[int, tuple[CommandRecord, datetime]] = {}
    outcomes: defaultdict[int, list[CommandOutcome]] = defaultdict(list)
    transactions: defaultdict[int, list[BusinessTransaction]] = defaultdict(list)
    try:
        starts = [TopicPartition(topic, partition, OFFSET_BEGINNING) for topic in topics]
        for message in to_the_end(consumer, starts):
            if message.key() != customer_id.encode():
                continue
            schema_id, payload = wire.unframe(message.value())
            if message.topic() == topology.commands:
                at = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
                commands[message.offset() or 0] = codec.COMMAND.decode(payload, schema_id), at
            elif message.topic() == topology.outcomes:
                outcome = codec.OUTCOME.decode(payload, schema_id)
                outcomes[outcome.cause.offset].append(outcome)
            else:
                transaction = codec.TRANSACTION.decode(payload, schema_id)
                transactions[transaction.cause.offset].append(transaction)
    finally:
        consumer.close()
    if not commands:
        raise NothingRecorded(f"{topology.commands} holds no command of customer {customer_id}.")
    logged = [
        Logged(command=command, timestamp=at, outcomes=outcomes[offset], transactions=transactions[offset])
        for offset, (command, at) in sorted(commands.items())
    ]
    return written_story(customer_id, logged, _versions(settings, kafka))


def _versions(settings: Settings, kafka: Mapping[str, Any]) -> list[Catalog]:
    versions = read_versions(kafka, settings.topology.catalog, settings.catalog)
    return sorted(versions, key=lambda version: version.version)
