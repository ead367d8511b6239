"""The eraser: reads CustomerDataErased and destroys the customer's data key. Everything sealed with it is then gone."""

from __future__ import annotations

import os
import signal
import threading

import structlog
from confluent_kafka import Consumer, KafkaException

from schemas import codec, wire
from schemas.erasure import CustomerDataErased
from streams import logs, settings
from streams.registry import use_registry
from streams.vault import KeyVault, read_key_encryption_key

log = structlog.get_logger()


def run_eraser() -> None:
    """Erase until stopped.

    1. Read committed transactions with a group of its own. 2. Delete the key; a tombstone refuses new ones.
    3. Commit the offset. A crash between 2 and 3 erases again, which changes nothing.
    """
    configured = settings.load()
    logs.configure(configured.log_level)
    use_registry(configured)
    vault = KeyVault(configured.vault, read_key_encryption_key(os.environ))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
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
    while not stopping.is_set():
        message = consumer.poll(0.5)  # 1
        if message is None:
            continue
        if (error := message.error()) is not None:
            raise KafkaException(error)
        schema_id, payload = wire.unframe(message.value())
        transaction = codec.TRANSACTION.decode(payload, schema_id, unknown="skip")
        for change in transaction.changes:
            if isinstance(change.event, CustomerDataErased):
                vault.erase(transaction.customer_id)  # 2
                log.warning("erased", customer_id=transaction.customer_id)
        consumer.commit(message=message, asynchronous=False)  # 3
    consumer.close()
    vault.close()
