"""An example of a provider's own system: a consumer that keeps what its network is to be in SQLite.

It knows nothing of ours but the topic and the committed contract. Its bad days are part of it: it drops messages,
takes some twice, and some later than they came.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import fastavro
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

CONTRACT = Path(__file__).parents[2] / "schemas" / "avro" / "ProvisioningRequest.avsc"
PREFIX_BYTES = 5  # the magic byte and the schema id before the payload
STATE = """
    CREATE TABLE service (
        customer_id TEXT, service_id TEXT, state TEXT, version INTEGER, PRIMARY KEY (customer_id, service_id)
    )
"""
# Not older instead of newer: the same version says the same again, and that puts right what somebody broke by hand.
APPLY = """
    INSERT INTO service VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET state = excluded.state, version = excluded.version
    WHERE excluded.version >= service.version
"""


class Asked(NamedTuple):
    """What a message asks for."""

    customer_id: str
    service_id: str
    state: str
    version: int


class Provider:
    """The network of one provider."""

    def __init__(self, kafka: str, topic: str, name: str, database: Path, seed: int, drops: float = 0.1) -> None:
        self.name, self.drops = name, drops
        self.dropped: list[Asked] = []
        self.received: list[Asked] = []
        self._random = Random(seed)
        self._schema = fastavro.parse_schema(json.loads(CONTRACT.read_text()))
        self.database = sqlite3.connect(database, isolation_level=None)
        self.database.execute(STATE)
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": f"{topic}-{name}",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
            }
        )
        self._positions = dict.fromkeys(self._consumer.list_topics(topic, 10).topics[topic].partitions, 0)
        self._topic = topic

    def catch_up(self) -> None:
        """Read on to the end that the topic has now. What is late comes behind everything else, in any order."""
        late: list[Asked] = []
        for asked in self._messages():
            draw = self._random.random()
            if draw < self.drops:
                self.dropped.append(asked)
            elif draw > 0.9:
                late.append(asked)
            else:
                self.apply(asked)
                if draw > 0.8:
                    self.apply(asked)
        self._random.shuffle(late)
        for asked in late:
            self.apply(asked)

    def services(self) -> dict[tuple[str, str], tuple[str, int]]:
        """State and version of every service, by customer and service."""
        rows = self.database.execute("SELECT * FROM service ORDER BY customer_id, service_id")
        return {(customer_id, service_id): (state, version) for customer_id, service_id, state, version in rows}

    def export(self, path: Path) -> Path:
        """Write what the network is, for whoever wants to compare it."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("customer_id", "service_id", "state", "version"))
            writer.writerows((*service, *held) for service, held in self.services().items())
        return path

    def close(self) -> None:
        """Leave."""
        self._consumer.close()
        self.database.close()

    def apply(self, asked: Asked) -> None:
        """Do what is asked, unless something newer was done already."""
        self.received.append(asked)
        self.database.execute(APPLY, asked)

    def _messages(self) -> list[Asked]:
        self._consumer.assign([TopicPartition(self._topic, *position) for position in self._positions.items()])
        asked, reading = list[Asked](), set(self._positions)
        while reading:
            message = self._consumer.poll(10)
            assert message is not None, "Kafka is silent"
            error, number = message.error(), message.partition() or 0
            if error is not None:
                if error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                reading.discard(number)
                continue
            self._positions[number] = (message.offset() or 0) + 1
            value = message.value()
            assert isinstance(value, bytes)
            request = fastavro.schemaless_reader(io.BytesIO(value[PREFIX_BYTES:]), self._schema, None)
            assert isinstance(request, dict)
            assert isinstance(request["requested_at"], datetime)
            if request["provider"] == self.name:
                asked.append(
                    Asked(*(request[name] for name in ("customer_id", "service_id", "desired_state", "version")))
                )
        return asked
