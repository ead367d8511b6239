"""`billfold dlq`: look at dead letters, and send one again after the fix."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from rich.console import Console
from rich.table import Table

from streams import settings
from streams.readers import assigned_reader
from streams.settings import Settings

ENOUGH_SECONDS = 5.0


def show(limit: int) -> None:
    """Print where each dead letter stood and why it is one, oldest first."""
    table = Table("letter", "was at", "reason", "message", "key", "bytes")
    for letter in read(settings.load(), limit):
        about = described(letter)
        table.add_row(
            f"{letter.partition()} {letter.offset()}",
            f"{about.get('__connect.errors.partition')}@{about.get('__connect.errors.offset')}",
            about.get("billfold.reason", ""),
            about.get("__connect.errors.exception.message", ""),
            (letter.key() or b"").decode(errors="replace"),
            str(len(letter.value() or b"")),
        )
    Console().print(table)


def resend(partition: int, offset: int) -> None:
    """Send the untouched bytes of one dead letter to the command topic; it is a new record with a new answer."""
    configured = settings.load()
    letter = _at(configured, partition, offset)
    producer = Producer(configured.client_properties() | {"enable.idempotence": True, "acks": "all"})
    about = described(letter)
    origin = int(about["__connect.errors.partition"])
    producer.produce(configured.topology.commands, letter.value(), letter.key(), partition=origin)
    if producer.flush(30):
        raise TimeoutError("Kafka did not take the command within 30 s")
    Console().print(f"Sent again to {configured.topology.commands}, partition {origin}.")


def described(letter: Message) -> dict[str, str]:
    """What the headers of a dead letter say."""
    return {str(name): as_text(value) for name, value in letter.headers() or ()}  # type: ignore[str-unpack]


def as_text(value: str | bytes | None) -> str:
    """A header's value."""
    return value if isinstance(value, str) else (value or b"").decode(errors="replace")


def read(configured: Settings, limit: int) -> list[Message]:
    """The first dead letters of every partition, at most `limit`."""
    consumer = _reader(configured)
    topic = configured.topology.dead_letters
    letters: list[Message] = []
    try:
        for number in range(configured.topology.partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            consumer.assign([TopicPartition(topic, number, low)])
            while low < high and len(letters) < limit:
                message = consumer.poll(ENOUGH_SECONDS)
                if message is None:
                    break
                if message.error() is None:
                    letters.append(message)
                low = (message.offset() or 0) + 1
    finally:
        consumer.close()
    return letters


def _at(configured: Settings, partition: int, offset: int) -> Message:
    consumer = _reader(configured)
    try:
        consumer.assign([TopicPartition(configured.topology.dead_letters, partition, offset)])
        message = consumer.poll(ENOUGH_SECONDS)
    finally:
        consumer.close()
    if message is None or message.error() is not None or message.offset() != offset:
        raise KafkaException(f"no dead letter {partition} {offset}: `billfold dlq list` shows what there is")
    return message


def _reader(configured: Settings) -> Consumer:
    return assigned_reader(configured.consumer_properties(), "dead-letters", auto_offset_reset="earliest")
