"""The producer's door: a plain mapping becomes a sealed, partitioned command record, and its one answer is awaited."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from schemas import codec, headers, wire
from schemas.cards import first_card_path
from schemas.envelope import CommandOutcome, CommandRecord, Mode, Unparsed
from schemas.malformed import Misfit, read_body
from schemas.partition import partition_of
from schemas.words import COMMANDS
from streams.readers import assigned_reader
from streams.sealing import seal_command, seal_unparsed
from streams.vault import Vault

_json = msgspec.json.Encoder(decimal_format="number")


class ErasureRefused(Exception):
    """ERASURE_NOT_AVAILABLE at the door (ACC-53): nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            "ERASURE_NOT_AVAILABLE pii=plain: what was never sealed cannot be erased; set `pii = sealed` for new data"
        )


class CardNumberRefused(Exception):
    """PAN_NOT_ACCEPTED at the door: nothing was sent. Says where, never what."""

    def __init__(self, path: str) -> None:
        super().__init__(f"PAN_NOT_ACCEPTED: {path or 'the body'} holds a card number; only tokens are accepted")
        self.path = path


def command_record(  # noqa: PLR0913  # the envelope's fields, each by name
    customer_id: str,
    command_type: str,
    body: object,
    *,
    command_id: str,
    vault: Vault | None,
    source: str,
    performed_by: str,
    performed_at: datetime | None = None,
    mode: Mode = Mode.EXECUTE,
) -> CommandRecord:
    """Make a command record of a plain mapping.

    Personal data is sealed with the customer's key (`vault` None: left as it is). A body that does not fit its contract
    travels as `Unparsed` and gets its answer MALFORMED from the core.
    """
    envelope = {
        "customer_id": customer_id,
        "command_type": command_type,
        "command_id": command_id,
        "source": source,
        "performed_by": performed_by,
    }
    card_path = first_card_path(body)
    if card_path is None:
        card_path = first_card_path(envelope)
    if card_path is not None:
        raise CardNumberRefused(card_path)
    if vault is None and command_type == "EraseCustomerData":
        raise ErasureRefused
    parsed = read_body(command_type, body)
    if isinstance(parsed, Misfit):
        if vault is not None:
            body = seal_unparsed(body, COMMANDS.get(command_type), customer_id, vault)
        parsed = Unparsed(command_type=command_type, json=_json.encode(body).decode())
    elif vault is not None:
        parsed = seal_command(parsed, customer_id, vault)
    return CommandRecord(
        command_id=command_id,
        customer_id=customer_id,
        source=source,
        performed_by=performed_by,
        performed_at=performed_at,
        mode=mode,
        body=parsed,
    )


class Door:
    """Sends command records and answers with their outcomes. One thread at a time."""

    def __init__(self, kafka: Mapping[str, Any], commands: str, outcomes: str | None = None) -> None:
        self.commands, self.outcomes = commands, outcomes
        self._producer = Producer(
            {**kafka, "enable.idempotence": True, "acks": "all", "partitioner": "murmur2_random", "linger.ms": 2}
        )
        self._partitions = len(self._producer.list_topics(commands, timeout=10).topics[commands].partitions)
        self._schema_id = wire.current_id("Command")
        self._kafka = kafka
        self._consumer: Consumer | None = None
        self._waiting: dict[tuple[int, int, str], CommandOutcome] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.flush(10)
        self._producer.close()
        if self._consumer is not None:
            self._consumer.close()

    def post(self, record: CommandRecord, *, timestamp: datetime | None = None) -> list[tuple[int, int]]:
        """Send without waiting. The list is filled with (partition, offset) once the broker has the record."""
        if self.outcomes is not None and self._consumer is None:
            self._listen()
        place: list[tuple[int, int]] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                raise KafkaException(error)
            place.append((message.partition() or 0, message.offset() or 0))

        self._producer.produce(
            self.commands,
            key=record.customer_id.encode(),
            value=wire.frame(self._schema_id, codec.COMMAND.encode(record)),
            partition=partition_of(record.customer_id, self._partitions),
            headers=list(headers.for_command(record)),
            timestamp=0 if timestamp is None else round(timestamp.timestamp() * 1000),
            on_delivery=delivered,
        )
        self._producer.poll(0)
        return place

    def flush(self) -> None:
        """Wait until the broker has everything that was posted."""
        left = self._producer.flush(30)
        if left:
            raise TimeoutError(f"{left} commands were not taken by Kafka within 30 s")

    def ask(
        self, record: CommandRecord, *, timestamp: datetime | None = None, timeout_seconds: float = 30
    ) -> CommandOutcome:
        """Send and wait for the record's own outcome."""
        place = self.post(record, timestamp=timestamp)
        self.flush()
        return self.outcome(place[0], record.command_id, timeout_seconds=timeout_seconds)

    def outcome(self, place: tuple[int, int], command_id: str, *, timeout_seconds: float = 30) -> CommandOutcome:
        """The own outcome of the record at (partition, offset), not those of due work that it led to."""
        assert self._consumer is not None, "this door was opened without an outcomes topic"
        deadline = time.monotonic() + timeout_seconds
        while (*place, command_id) not in self._waiting:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no outcome for the command at {self.commands}{list(place)}: is a worker running?")
            message = self._consumer.poll(0.1)
            if message is None:
                continue
            if (error := message.error()) is not None:
                raise KafkaException(error)
            self._take(message)
        return self._waiting.pop((*place, command_id))

    def _take(self, message: Message) -> None:
        schema_id, payload = wire.unframe(message.value() or b"")
        outcome = codec.OUTCOME.decode(payload, schema_id)
        # By cause, because a command id may be answered many times; and by id, because due work has the same cause.
        self._waiting[outcome.cause.partition, outcome.cause.offset, outcome.command_id] = outcome

    def _listen(self) -> None:
        """Begin to read outcomes at their present end, before the first command is sent."""
        assert self.outcomes is not None
        self._consumer = assigned_reader(self._kafka, "door")
        partitions = self._consumer.list_topics(self.outcomes, timeout=10).topics[self.outcomes].partitions
        ends = [
            TopicPartition(
                self.outcomes, number, self._consumer.get_watermark_offsets(TopicPartition(self.outcomes, number))[1]
            )
            for number in partitions
        ]
        self._consumer.assign(ends)
