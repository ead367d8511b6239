"""The sink: transactions and outcomes become rows of the warehouse, each exactly once.

It reads in a group of its own making: which records are done is written in the database, with their rows, and nowhere
else. Kafka's group offsets are never committed, so the two can not disagree.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from state.warehouse import Batch, Source, Warehouse, WarehouseAway, WarehouseLocked, WarehouseUnreachable, publish
from streams import logs
from streams.schema_ids import use_registry
from streams.settings import Settings, load
from streams.sink_batch import Gathering
from streams.sink_decoding import Decoders, decoders
from streams.sink_place import place_of
from streams.sink_reading import FETCH_SECONDS, Polled, Reading
from streams.sink_records import Columns, decode_to_columns
from streams.sink_sources import sources

log = structlog.get_logger()

FLUSH_SECONDS = 1.0
"""No row waits longer for its commit than this, and the time of one batch."""
PUBLISH_SECONDS = 3.0
"""A changed warehouse is published at most so often, and at once when nothing more comes."""
IDLE_PUBLISH_SECONDS = 60.0
"""An unchanged one so often, so that an old copy means a dead sink."""
PUBLISH_SHARE = 20
"""Publishing takes at most one part in so many of the sink's time, however large the file."""
WAIT_SECONDS = 1.0
WAIT_SAYS_SECONDS = 30.0

Stopping = Callable[[], bool]


def run_sink(settings: Settings | None = None) -> None:
    """Fill the warehouse until SIGTERM or SIGINT; finishes the batch at hand first.

    Raises SinkStopped, WarehouseUnfit and TopologyUnfit, each with a sentence that says what to do.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    configured = settings or load()
    logs.configure(configured.log_level)
    use_registry(configured)
    fill(configured, stopping.is_set)


def fill(settings: Settings, stopping: Stopping, wrote: Callable[[Batch], None] = lambda _: None) -> None:
    """Fill the warehouse until told to stop; `wrote` is told of each batch after its commit.

    1. Ask Kafka which cluster and topics these are.
    2. Open the database; wait while another sink has it. It must come from the same cluster and topics.
    3. Read on from the offsets in the database.
    4. Gather records into a batch: bounded in rows, in bytes, in time. Nothing is written, a crash costs the reading.
    5. Write rows and offsets in one database transaction. A crash before its commit: the same records are read again
       and give the same rows. A crash after it: reading goes on behind them. Either way each row is there once.
    6. Publish a copy for readers, now and then. A crash leaves the copy before.

    A database that goes away is waited for, and then all begins again with 2: whether a batch whose commit was under
    way is there, its offsets tell.
    """
    topics = sources(settings)  # 1
    with contextlib.ExitStack() as leaving:
        # Tens of thousands of rows, none in a cycle: looking for cycles among them takes a third of the time.
        gc.disable()
        leaving.callback(gc.enable)
        decoding = leaving.enter_context(decoders(settings))
        waiting, reached = Waiting(), False
        while not stopping():
            try:
                warehouse = _opened(settings, topics, stopping)  # 2
                if warehouse is None:
                    return
                reached = True
                with contextlib.closing(warehouse):
                    _fill(settings, warehouse, decoding, stopping, wrote)
                return
            except WarehouseAway as away:
                if isinstance(away, WarehouseUnreachable) and not reached:  # a wrong address is not waited for
                    raise
                reached = True
                waiting.say("waiting for the warehouse", reason=str(away))
                time.sleep(WAIT_SECONDS)


def _fill(
    settings: Settings, warehouse: Warehouse, decoding: Decoders, stopping: Stopping, wrote: Callable[[Batch], None]
) -> None:
    """Steps 3 to 6, until told to stop. Raises WarehouseAway."""
    if warehouse.outgrown:
        mend = f"billfold warehouse rebuild {' '.join(warehouse.outgrown)}"
        log.warning("tables lack what was read before this release", mend=mend)
    gathering = Gathering(warehouse)
    ours = {settings.topology.transactions, settings.topology.outcomes}
    mine = {place: offset for place, offset in gathering.stored.items() if place[0] in ours}
    with contextlib.closing(Reading(settings, "sink", mine)) as reading:  # 3
        publisher = Publisher(warehouse)
        under_way: UnderWay = deque()
        while not stopping():
            idle = _gather(reading, decoding, under_way, gathering, stopping)  # 4
            if not gathering.empty:
                wrote(gathering.write())  # 5
                publisher.changed = True
            publisher.publish_if_due(idle=idle)  # 6
            gathering.stop_at_failure()
            if idle:
                decoding.rest()
        publisher.publish_if_due(idle=True, leaving=True)


UnderWay = deque[tuple[Polled, Callable[[], Columns]]]
"""What was read and is being decoded, in the order of reading."""


def _gather(
    reading: Reading, decoding: Decoders, under_way: UnderWay, gathering: Gathering, stopping: Stopping
) -> bool:
    """Fill a batch until it is full, its time is over, or nothing more comes; True in the last case."""
    deadline = time.monotonic() + FLUSH_SECONDS
    while not gathering.full and time.monotonic() < deadline and not stopping():
        while len(under_way) < decoding.at_once:
            polled = reading.poll(0 if under_way else FETCH_SECONDS)
            if polled.empty:
                break
            under_way.append((polled, decoding.ask(decode_to_columns, polled.records)))
        if not under_way:
            return True
        polled, decoded = under_way.popleft()
        gathering.take(decoded(), polled.ends)
    return False


def _opened(settings: Settings, topics: Sequence[Source], stopping: Stopping) -> Warehouse | None:
    """Open the warehouse; None if told to stop while another process has it."""
    waiting = Waiting()
    while not stopping():
        try:
            return Warehouse.open(place_of(settings), topics)
        except WarehouseLocked as locked:
            waiting.say("waiting for the warehouse", place=str(place_of(settings)), held_by=locked.holder)
            time.sleep(WAIT_SECONDS)
    return None


class Waiting:
    """Says what is waited for, now and then."""

    def __init__(self) -> None:
        self._said = -WAIT_SAYS_SECONDS

    def say(self, what: str, **more: str) -> None:
        """Log it, unless that was done within the last WAIT_SAYS_SECONDS."""
        if time.monotonic() - self._said >= WAIT_SAYS_SECONDS:
            log.warning(what, **more)
            self._said = time.monotonic()


class Publisher:
    """Decides when the copy for readers is made anew."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.changed = True
        self._not_before = 0.0
        self._published = -IDLE_PUBLISH_SECONDS

    def publish_if_due(self, *, idle: bool, leaving: bool = False) -> None:
        """Publish what changed: when nothing more comes, or PUBLISH_SECONDS after the last copy."""
        now = time.monotonic()
        wanted = self.changed or (idle and now - self._published >= IDLE_PUBLISH_SECONDS)
        patient = idle or now - self._published >= PUBLISH_SECONDS
        if not wanted or not (leaving or (patient and now >= self._not_before)):
            return
        try:
            publish(self.warehouse, datetime.now(UTC))
        except OSError as failure:
            log.warning("the copy for readers was not made", failure=str(failure))
        else:
            self.changed = False
        gc.collect()  # what libraries leave in cycles; the heap is small between two batches
        self._published = time.monotonic()
        self._not_before = self._published + PUBLISH_SHARE * (self._published - now)
