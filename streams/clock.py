"""The clock: between turns it looks at what is due, and wakes quiet customers with one ordinary record each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from confluent_kafka import Producer

from processors.clock import nudge
from schemas import codec, headers, wire
from schemas.rows import NEXT_DUE, Due, moment_from
from state.tables import Tables
from streams.settings import Settings

NUDGES_PER_LOOK = 2_000
"""At most so many at once: the look holds the loop up, and ordinary commands come between."""
AGAIN = timedelta(seconds=15)
"""A nudge that showed no effect after so long is sent again; a second one finds its answer given."""

_due = msgspec.msgpack.Decoder(Due)


class Clock:
    """Sends nudges with an idempotent producer of its own. Whatever it does late, early or twice changes no answer."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topology.commands
        self._producer = Producer(
            settings.client_properties()
            | {"enable.idempotence": True, "acks": "all", "linger.ms": 5, "queue.buffering.max.messages": 100_000}
        )
        self._schema_id = wire.current_id("Command")
        self._nudged: dict[bytes, datetime] = {}

    def look(self, owned: Mapping[int, Tables]) -> None:
        """Nudge every customer of these partitions whose next due moment has come."""
        self._producer.poll(0)
        now = datetime.now(UTC)
        for partition, tables in owned.items():
            self._look_at(partition, tables, now)
        if len(self._nudged) > NUDGES_PER_LOOK:
            self._nudged = {row: at for row, at in self._nudged.items() if now - at < AGAIN}

    def _look_at(self, partition: int, tables: Tables, now: datetime) -> None:
        for seen, (row_key, row) in enumerate(tables.state.scan(NEXT_DUE)):
            moment = row_key[len(NEXT_DUE) :]
            if seen >= NUDGES_PER_LOOK or moment_from(moment) > now:
                break
            nudged = self._nudged.get(row_key)
            if nudged is None or now - nudged > AGAIN:
                self._nudged[row_key] = now
                self._nudge(partition, moment[8:].decode(), _due.decode(row))

    def _nudge(self, partition: int, customer_id: str, due: Due) -> None:
        record = nudge(customer_id, due)
        self._producer.produce(
            self._topic,
            key=customer_id.encode(),
            value=wire.frame(self._schema_id, codec.COMMAND.encode(record)),
            partition=partition,
            headers=list(headers.for_command(record)),
        )

    def close(self) -> None:
        """Let go what was produced."""
        self._producer.flush(5)
