"""The Faust app whose unit of work is the turn: a batch comes in as one event, and leaves as committed turns."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faust
from confluent_kafka import KafkaException
from mode.utils.queues import ThrowableQueue

from state.changelogs import KafkaLog
from state.faust_table import STORE_SCHEME, TurnTable, TurnTables
from state.partition import TABLES, Damaged, Directory, Held, Unfit
from state.restore import Memory, Names
from streams.engine.boundary import BetweenTurns, Handle, HandleBug, Hook
from streams.engine.consumer import SCHEME, Batch
from streams.engine.ending import OPERATOR, Watchdog, end
from streams.engine.engine import Engine
from streams.engine.session import Session, kafka_sender
from streams.engine.turn import Decider, Halted, Limits, TooManyBugs, Turn
from streams.settings import Settings

log = logging.getLogger(__name__)
AGAIN_SECONDS = 0.2
HELD_SECONDS = 30.0  # so long a killed worker may take to let go of its directory


class WholeBatch(faust.Schema):
    """The event's value is the batch as it is: decoding belongs to the decision of each command."""

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        """Return the batch."""
        del app, loads, serializer
        return message.value


class EngineApp(faust.App):
    """Wires Faust to the engine. Four threads: loop (decides), committer, consumer, state; each owns its client."""

    def __init__(
        self, settings: Settings, handle: Handle, handle_bug: HandleBug, between: BetweenTurns | None, hook: Hook
    ) -> None:
        topology = settings.topology
        self.settings, self.names, self._between, self._hook = (
            settings,
            Names(topology.commands, topology.changelogs),
            between,
            hook,
        )
        self.restored: tuple[int, dict[int, int]] = 0, {}
        self.consumer_settings = _consumer_settings(settings)
        self.watchdog = Watchdog()
        directory = Directory(settings.data_directory / settings.instance, log.warning)
        self.memory = Memory(directory, self.names, topology.tombstone_seconds, time.time, log.warning, hook)
        sender = kafka_sender(
            settings.client_properties(), settings.transactional_id, settings.transaction_timeout_seconds
        )
        self.session = Session(sender, self.names, settings.transaction_timeout_seconds, hook)
        limits = Limits(settings.turn_items, settings.turn_seconds, settings.turn_bytes, settings.bug_limit)
        self.engine = Engine(
            Decider(handle, handle_bug, limits, time.monotonic), self.session, self.memory, time.time, hook
        )
        super().__init__(
            settings.group,
            broker=f"{SCHEME}://{settings.bootstrap_servers.partition(',')[0]}",
            store=f"{STORE_SCHEME}://",
            datadir=str(settings.data_directory / settings.instance),
            Table=TurnTable,
            TableManager=TurnTables,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            stream_wait_empty=False,
            web_enabled=False,
        )
        commands = self.topic(self.names.source, schema=WholeBatch(key_type=bytes), allow_empty=True)
        for table in TABLES:
            self.Table(table, key_type=bytes, value_type=bytes)
        self.agent(commands)(self._turns)

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> ThrowableQueue[Any]:  # noqa: N802 - Faust's name
        """Make a queue that keeps what is in it when Faust opens the flow.

        Faust empties its queues then, against records of an earlier assignment. Ours can hold none: the consumer is not
        polled, so nothing is revoked, before the batch's last turn is over. What would be thrown away is the first
        batch after a restore, handed over while Faust is still on its way from the seek to opening the flow.
        """
        del clear_on_resume
        return super().FlowControlQueue(maxsize)

    async def on_first_start(self) -> None:
        """Fence an earlier self before anything is read."""
        await super().on_first_start()
        self.committer = ThreadPoolExecutor(1, "committer")
        self.keeper = ThreadPoolExecutor(1, "state")
        await self._fatal(asyncio.get_running_loop().run_in_executor(self.committer, self.session.open), "session")

    async def _turns(self, batches: Any) -> None:
        async for batch in batches:
            await self._fatal(self._batch(batch), "turn")

    async def _batch(self, batch: Batch) -> None:
        """All turns of a batch, one after the other. What one leaves over heads the next; nothing is fetched again."""
        halted: dict[int, Halted] = {}
        reached: dict[int, int] = {}
        while batch.waiting and not self.should_stop:
            turn = self.engine.decide(batch.waiting)
            await self._commit(turn, batch.group)
            halted |= turn.halted
            reached |= {number: entry.offset for number, entry in turn.source.items()}
            self.watchdog.expect("a turn", self.settings.turn_timeout_seconds)
            if batch.waiting:
                self.between_turns()
        self.consumer.line.advance(reached, halted)
        self.consumer.turned.set()  # only now is the next batch fetched: Faust's acknowledgements decide nothing

    async def _commit(self, turn: Turn, group: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self.committer, self.engine.commit, turn, group)

    def between_turns(self) -> None:
        """Give the clock its moment. Only while the partitions that we own are the ones that are restored."""
        if self._between and self.engine.tables and self.restored[0] == self.consumer_generation_id:
            try:
                self._between(self.engine.tables)
            except Exception as failure:
                log.exception("between turns")
                end(f"between turns: {failure!r}")

    async def restore(self, generation: int) -> None:
        """Bring the owned partitions up to date, once per generation; a newer generation stops an older restore."""
        if self.restored[0] < generation == self.consumer_generation_id:
            self.engine.serve(())
            loop = asyncio.get_running_loop()
            await self._fatal(loop.run_in_executor(self.keeper, self._restore, generation), "restore")

    def _restore(self, generation: int) -> None:
        def current() -> bool:
            return bool(generation == self.consumer_generation_id) and not self.should_stop

        began = time.monotonic()
        while current() and self.restored[0] < generation:
            owned = sorted(spot.partition for spot in self.consumer.assignment())
            kafka = KafkaLog(self.settings.consumer_properties(), self.settings.group, log.warning)
            try:
                offsets = self.memory.restore(kafka, owned, current)
                if offsets is not None and current():
                    self.engine.serve(owned)
                    self.restored = generation, offsets
                    log.warning("restored partitions %s in %.3f s", owned, time.monotonic() - began)
            except KafkaException as failure:  # a broker is coming back: nothing is lost by asking again
                log.warning("restore: %s, asking again", failure)
                time.sleep(AGAIN_SECONDS)
            except Held:
                if time.monotonic() - began > HELD_SECONDS:
                    raise
                time.sleep(AGAIN_SECONDS)
            finally:
                kafka.close()

    async def last_turn(self) -> None:
        """Wait until the turn that is being committed is over."""
        await asyncio.get_running_loop().run_in_executor(self.committer, _nothing)

    async def release(self) -> None:
        """Let go of all partitions."""
        await asyncio.get_running_loop().run_in_executor(self.keeper, self.memory.close)

    async def _fatal(self, work: Any, what: str) -> None:
        """A failure ends the process: Faust would restart the agent and go on with the next batch."""
        try:
            await work
        except Unfit as unfit:
            end(str(unfit), OPERATOR)
        except TooManyBugs as bugs:
            end(f"{bugs}. The worker stops before this turn is committed.", OPERATOR)
        except (Exception, Damaged) as failure:
            log.exception("%s failed", what)
            end(f"{what}: {failure!r}")


def _consumer_settings(settings: Settings) -> dict[str, Any]:
    timeout_ms = int(settings.session_timeout_seconds * 1000)
    return settings.consumer_properties() | {
        "group.id": settings.group,
        "group.instance.id": settings.instance,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",  # "earliest" would hide a lost offset
        "partition.assignment.strategy": "range",
        "session.timeout.ms": timeout_ms,
        "heartbeat.interval.ms": timeout_ms // 5,
        "fetch.queue.backoff.ms": 2,  # 1,000 by default: bursts would stall for a second
        "fetch.wait.max.ms": 100,
        "queued.min.messages": 20_000,
        "queued.max.messages.kbytes": 65_536,
    }


def _nothing() -> None: ...
