"""The eraser: reads CustomerDataErased and destroys the customer's data key. Everything sealed with it is then gone."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from schemas import codec, wire
from schemas.erasure import CustomerDataErased
from streams import logs, settings
from streams.reaching import reach_kafka
from streams.schema_ids import use_registry
from streams.settings import Settings
from streams.sink_sources import GONE
from streams.vault import KeyVault, Vault, read_key_encryption_key

log = structlog.get_logger()

READ_RECORDS = 500
READ_SECONDS = 0.5
"""A key is destroyed within so long, and the time of one batch."""


class EraserStopped(Exception):
    """The eraser cannot go on without passing over a record, and it passes over none. The sentence says where."""


def run_eraser() -> None:
    """Erase until stopped.

    1. Read committed transactions with a group of its own. 2. Delete the key; a tombstone refuses new ones.
    3. Commit the offsets of the batch. A crash between 2 and 3 erases again, which changes nothing.
    """
    configured = settings.load()
    use_registry(configured)
    stopping = threading.Event()
    with ExitStack() as leaving:
        vault = KeyVault(configured.vault, read_key_encryption_key(os.environ))
        leaving.callback(vault.close)
        consumer = _consumer(configured)
        leaving.callback(consumer.close)
        logs.configure(configured.log_level)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        while not stopping.is_set():
            messages = consumer.consume(READ_RECORDS, READ_SECONDS)  # 1
            for message in messages:
                _take(message, vault)  # 2
            if messages:
                _commit(consumer)  # 3


def _consumer(configured: Settings) -> Consumer:
    reach_kafka(configured, configured.topology.transactions)
    consumer = Consumer(
        configured.consumer_properties()
        | {
            "group.id": f"{configured.group}-eraser",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([configured.topology.transactions])
    return consumer


def _take(message: Message, vault: Vault) -> None:
    """Destroy the key that a transaction tells of. Trouble that passes is logged: the library goes on by itself."""
    error = message.error()
    if error is not None:
        if error.fatal() or error.code() in GONE:
            raise KafkaException(error)
        log.warning("reading", failure=error.str())
        return
    try:
        schema_id, payload = wire.unframe(message.value())
        transaction = codec.TRANSACTION.decode(payload, schema_id, unknown="skip")
    except (wire.UnknownSchema, wire.SchemaUnavailable, codec.Unreadable) as unread:
        raise EraserStopped(
            f"{message.topic()}, partition {message.partition()}, offset {message.offset()} cannot be read "
            f"({type(unread).__name__} {unread}): it may tell of an erasure, so nothing behind it is done. "
            "Was it written by a newer release? Then upgrade the eraser."
        ) from unread
    for change in transaction.changes:
        if isinstance(change.event, CustomerDataErased) and vault.erase(transaction.customer_id):
            log.warning("erased", customer_id=transaction.customer_id)


def _commit(consumer: Consumer) -> None:
    """Commit what was read. Refused while partitions move: whoever reads it again erases again."""
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as failure:
        if failure.args[0].code() != KafkaError._NO_OFFSET:  # noqa: SLF001 - librdkafka's name for it
            log.warning("offsets are not committed", failure=str(failure))
