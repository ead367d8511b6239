"""The clock: between turns it looks at what is due, and wakes quiet customers with one ordinary record each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import msgspec
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException, Message, Producer

from processors.clock import nudge
from schemas import codec, headers, wire
from schemas.rows import EPOCH, NEXT_DUE, Due, moment_bytes, moment_from
from state.source import SOURCE_KEY
from state.tables import Tables
from streams.settings import Settings

UNDER_WAY = 500
"""At most so many nudges wait on the topic, all partitions together: an ordinary command waits behind no more of them.
They lead to 1,000 answers. Turns twice and four times as large made due work no faster (bench.midnight)."""
AGAIN = timedelta(seconds=15)
"""A nudge that showed no effect after so long is sent again; a second one finds its answer given."""
LATELY = timedelta(seconds=2)
"""Every look reads what was due so lately: a plan for the next moment is due before its turn is committed."""
FROM_THE_FRONT = timedelta(seconds=3)
"""So often older moments are read again while turns go on: a worker that lags plans for moments that are long gone."""
MILLISECOND = timedelta(milliseconds=1)
"""A record's stamp is cut to it, a due moment is not."""
LEADERS_SECONDS = 5.0

_due = msgspec.msgpack.Decoder(Due)
Rows = list[tuple[bytes, bytes]]


class Front(NamedTuple):
    """Where a partition's due index is read from: rows deleted before it are not walked over again and again."""

    key: bytes
    source: bytes | None
    """The `source` entry when the index was read from its beginning: while it is the same, nothing was planned."""
    since: datetime


class Clock:
    """Sends nudges with an idempotent producer of its own. Whatever it does late, early or twice changes no answer."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._topic = settings.topology.commands
        self._now = now
        self._producer = Producer(
            settings.client_properties()
            | {"enable.idempotence": True, "acks": "all", "linger.ms": 5, "queue.buffering.max.messages": 100_000}
        )
        with contextlib.suppress(KafkaException):  # else the first nudge waits a second for its leader
            self._producer.list_topics(self._topic, LEADERS_SECONDS)
        self._schema_id = wire.current_id("Command")
        self._nudged: dict[bytes, datetime] = {}
        self._fronts: dict[int, Front] = {}
        self._ahead: dict[int, timedelta] = {}
        """Partition -> how far our time is ahead of its broker's, as the last stamp showed."""

    def look(self, owned: Mapping[int, Tables]) -> None:
        """Nudge every customer of these partitions whose next due moment has come, a limited number at once."""
        self._producer.poll(0)
        now = self._now()
        due = {number: rows for number, tables in owned.items() if (rows := self._due_rows(number, tables, now))}
        # What is gone from the front is done, so its note can go as well.
        self._nudged = {key: self._nudged[key] for rows in due.values() for key, _ in rows if key in self._nudged}
        for number, rows in due.items():
            for key, row in rows[: -(-UNDER_WAY // len(due))]:
                nudged = self._nudged.get(key)
                if nudged is None or now - nudged > AGAIN:
                    self._nudged[key] = now
                    self._nudge(number, key, _due.decode(row), now)

    def _due_rows(self, number: int, tables: Tables, now: datetime) -> Rows:
        """The first rows of a partition's due index whose moment has come by the broker's time."""
        front = self._front(number, tables, now)
        there = now - self._ahead.get(number, MILLISECOND)
        reached = NEXT_DUE + moment_bytes(there)
        rows, start = Rows(), NEXT_DUE + moment_bytes(there - LATELY)
        for key, row in tables.state.scan(NEXT_DUE, front.key):
            start = min(start, key)
            if key >= reached or len(rows) == UNDER_WAY:
                break
            rows.append((key, row))
        self._fronts[number] = front._replace(key=start)
        return rows

    def _front(self, number: int, tables: Tables, now: datetime) -> Front:
        front = self._fronts.get(number)
        source = tables.state.get(SOURCE_KEY)
        if front is None or (source != front.source and now - front.since >= FROM_THE_FRONT):
            return Front(NEXT_DUE, source, now)
        return front

    def _nudge(self, number: int, key: bytes, due: Due, now: datetime) -> None:
        customer_id = key[len(NEXT_DUE) + 8 :].decode()
        record = nudge(customer_id, due)
        self._producer.produce(
            self._topic,
            key=customer_id.encode(),
            value=wire.frame(self._schema_id, codec.COMMAND.encode(record)),
            partition=number,
            headers=list(headers.for_command(record)),
            on_delivery=partial(self._stamped, key, now),
        )

    def _stamped(self, key: bytes, sent: datetime, error: KafkaError | None, message: Message) -> None:
        """A nudge that was lost, or that the broker stamped before its moment, is sent again at the next look."""
        kind, milliseconds = message.timestamp()
        if error is None and kind == TIMESTAMP_LOG_APPEND_TIME:
            stamped = EPOCH + milliseconds * MILLISECOND
            self._ahead[message.partition() or 0] = max(sent - stamped, timedelta()) + MILLISECOND
            if stamped >= moment_from(key[len(NEXT_DUE) :]):
                return
        elif error is None:
            return
        self._nudged.pop(key, None)

    def close(self) -> None:
        """Let go what was produced."""
        self._producer.flush(5)
