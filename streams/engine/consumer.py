"""A confluent consumer behind Faust's interface. It is polled only between turns, so no rebalance ever meets a turn."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from faust.transport.base import Transport
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.drivers import TRANSPORTS
from faust.types import TP, ConsumerMessage
from mode import Service

from streams.engine.boundary import SourceRecord
from streams.engine.ending import end
from streams.engine.turn import Halted

log = logging.getLogger(__name__)
SCHEME = "turn"
TRANSPORTS.aliases[SCHEME] = "streams.engine.consumer:TurnTransport"
POLL_SECONDS = 0.1
REVOKE_SECONDS = 30
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ENDINGS = frozenset(
    {
        KafkaError._FATAL,  # noqa: SLF001 - librdkafka's names; this one does not call itself fatal: a second worker has our name
        KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - the next command is not in the log any more
        KafkaError.FENCED_INSTANCE_ID,
    }
)
MILLISECOND = timedelta(milliseconds=1)


class Batch:
    """What one poll brought, over all partitions, with the membership that it was fetched under."""

    def __init__(self, records: Iterable[SourceRecord], generation: int, group: object) -> None:
        self.waiting = deque(records)
        self.generation, self.group = generation, group


class Line:
    """Where each owned partition goes on, and which ones wait. Never touched while the consumer is polled."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._halted: dict[int, tuple[int, float, float]] = {}  # partition -> offset, halted since, until
        self._fetched: set[int] | None = None  # None: whatever is fetched now, it is not what should be

    def begin(self, offsets: Mapping[int, int]) -> None:
        """Take over what a restore found. Nothing is fetched yet."""
        self._next, self._halted, self._fetched = dict(offsets), {}, None

    def advance(self, reached: Mapping[int, int], halted: Mapping[int, Halted]) -> None:
        """Move on to where a batch ended, and leave partitions out until their wait is over."""
        self._next |= reached
        now = time.monotonic()
        for number, halt in halted.items():
            offset, since, _ = self._halted.get(number, (-1, now, now))
            self._halted[number] = halt.offset, since if offset == halt.offset else now, now + halt.seconds
            self._next[number] = halt.offset
            self._fetched = None  # what was fetched behind the record must be forgotten, it comes again

    def change(self) -> dict[int, int] | None:
        """Return from where to fetch, None when that goes on as it is."""
        if not self._next:
            return None  # nothing is owned, or not restored yet: the callbacks have emptied the assignment
        now = time.monotonic()
        moving = {
            number: offset
            for number, offset in self._next.items()
            if number not in self._halted or self._halted[number][2] <= now
        }
        if moving.keys() == self._fetched:
            return None
        self._fetched = set(moving)
        return moving

    def waited(self, number: int, offset: int) -> float:
        """How long a record has been halted."""
        at, since, _ = self._halted.get(number, (-1, 0.0, 0.0))
        return time.monotonic() - since if at == offset else 0.0


class TurnConsumer(FaustConsumer):
    """Fetches, and owns the membership. One thread touches the client."""

    app: Any
    owned: frozenset[TP] = frozenset()
    client: Consumer
    subscribed = False
    group: object = None

    async def on_start(self) -> None:
        """Connect. Nothing is subscribed yet."""
        self.thread = ThreadPoolExecutor(1, "consumer")
        self.client = Consumer(self.app.consumer_settings)
        self.turned = asyncio.Event()
        self.line = Line()

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.thread, function, *arguments)

    # -- fetching

    @Service.task
    async def _poll(self) -> None:
        """1. Fetch. 2. Hand the batch to Faust as one event. 3. Wait until its turns are over. 4. Between turns."""
        while not self.should_stop:
            if not self.subscribed:
                await self.sleep(0.01)
                continue
            batch = await self._in_thread(self._fetch)  # 1
            if batch and batch.generation == self.app.consumer_generation_id:
                await self._deliver(batch)
            if not self.should_stop:
                self.app.between_turns()  # 4

    async def _deliver(self, batch: Batch) -> None:
        first = batch.waiting[0]
        spot = TP(first.topic, first.partition)
        self.turned.clear()
        self.app.watchdog.expect("a turn", self.app.settings.turn_timeout_seconds)
        await self.callback(
            ConsumerMessage(
                *spot, first.offset, 0.0, 0, (), None, batch, None, 0, 0, spot, generation_id=batch.generation
            )
        )  # 2
        await self.wait(self.turned)  # 3
        if self.turned.is_set():
            self.app.watchdog.done()

    def _fetch(self) -> Batch | None:
        """Poll for the first record, then take what is there: consume(n, t) would wait for n records."""
        generation = self.app.consumer_generation_id
        if (change := self.line.change()) is not None:
            self._fetch_from(change)
        first = self.client.poll(POLL_SECONDS)
        if first is None:
            return None
        messages = [first, *self.client.consume(self.app.settings.turn_items - 1, 0)]
        if generation != self.app.consumer_generation_id:
            return None  # a rebalance came in the middle: all of it is read again from the committed offset
        records = [self._record(message) for message in messages if self._readable(message)]
        return Batch(records, generation, self.group) if records else None

    def _fetch_from(self, positions: Mapping[int, int]) -> None:
        source = self.app.names.source
        self.client.assign([TopicPartition(source, number, offset) for number, offset in positions.items()])

    def _readable(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.fatal() or error.code() in ENDINGS:
            end(f"consumer: {error}")
        log.warning("consumer: %s", error)
        return False

    def _record(self, message: Message) -> SourceRecord:
        number, offset = message.partition(), message.offset()
        assert number is not None
        assert offset is not None
        return SourceRecord(
            message.topic() or "",
            number,
            offset,
            EPOCH + message.timestamp()[1] * MILLISECOND,
            message.key(),
            message.value(),
            message.headers() or (),  # type: ignore[arg-type]
            0,
            self.line.waited(number, offset),
        )

    # -- membership: called by librdkafka inside poll, in the consumer's thread

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group for the source topic. Partition n of each changelog follows partition n of the source."""
        assert self.app.names.source in set(topics)
        if not self.subscribed:
            source = [self.app.names.source]
            await self._in_thread(
                lambda: self.client.subscribe(
                    source, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
                )
            )
            self.subscribed = True

    def _assigned(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        """Nothing is fetched until it is restored. The membership is captured here: at commit it might be another."""
        client.assign([])
        self.line.begin({})
        self.group = client.consumer_group_metadata()
        self.owned = frozenset(TP(spot.topic, spot.partition) for spot in partitions)
        self.app.consumer_generation_id += 1
        generation = self.app.consumer_generation_id

        async def tell() -> None:
            if not self.app.rebalancing:  # a static member comes back without a revocation before
                self.app.on_rebalance_start()
            await self.on_partitions_assigned(set(self.owned), generation)

        asyncio.run_coroutine_threadsafe(tell(), self.loop).add_done_callback(_end_if_failed)

    def _revoked(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        """No turn is open: we are inside a poll. The new generation stops a running restore."""
        del partitions
        client.unassign()
        self.line.begin({})
        revoked, self.owned = set(self.owned), frozenset()
        self.app.consumer_generation_id += 1

        async def tell() -> None:
            self.app.on_rebalance_start()
            await self.on_partitions_revoked(revoked)

        asyncio.run_coroutine_threadsafe(tell(), self.loop).result(REVOKE_SECONDS)

    async def seek_to_committed(self) -> dict[TP, int]:
        """Faust's recovery is over: fetch from where the restored state ends."""
        generation, offsets = self.app.restored

        def begin() -> None:
            if generation == self.app.consumer_generation_id:
                self.line.begin(offsets)

        await self._in_thread(begin)
        return {}

    async def on_stop(self) -> None:
        """The turn that is being committed ends first; then leave."""
        if not hasattr(self, "client"):
            return
        await self.app.last_turn()
        await self._in_thread(self.client.close)
        await self.app.release()

    # -- what else Faust asks of a consumer: offsets live in the transaction, positions in the state

    def assignment(self) -> set[TP]:
        """Return the owned partitions of the source."""
        return set(self.owned)

    async def _drain_messages(self, fetcher: Any) -> None:
        # A stop during a rebalance cancels the fetcher; let through, that ends the worker with a crash.
        with contextlib.suppress(asyncio.CancelledError):
            await fetcher.wait_until_stopped()

    async def _nothing(self, *_: Any, **__: Any) -> dict[Any, Any]:
        return {}

    def _unknown(self, *_: Any, **__: Any) -> None:
        return None

    commit = force_commit = _commit = wait_empty = highwaters = earliest_offsets = _nothing
    create_topic = position = seek_wait = _seek = _getmany = _nothing
    topic_partitions = highwater = key_partition = _new_topicpartition = _to_message = _unknown


class TurnTransport(Transport):
    """Ours for reading. The producer stays Faust's base class, whose `send` raises: nothing leaves outside a turn."""

    Consumer = TurnConsumer
    driver_version = "confluent-kafka"
    default_port = 9092


def _end_if_failed(done: "Future[Any]") -> None:
    if failure := done.exception():
        end(f"the assignment failed: {failure!r}")
