"""Everybody's plan is due at one moment: `python -m bench.midnight --count 100000`. Prints one table.

So many customers get an account and a state change planned for the same moment. When it comes, the clock wakes them
all, while somebody else goes on sending ordinary commands: how soon is everything through, and do those starve?
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psutil
import typer
from confluent_kafka import Consumer, Producer, TopicPartition
from rich.console import Console
from rich.table import Table

from bench.__main__ import PARTITIONS, Arena
from bench.load import commands
from compose.kafka import LocalKafka
from schemas import codec, headers, wire
from schemas.accounts import AccountState, ChangeAccountState, CreateAccount
from schemas.envelope import CommandRecord
from schemas.fields import Command
from schemas.partition import partition_of
from schemas.references import AccountRef
from streams import settings
from streams.topology import Topology

PATIENCE_SECONDS = 600
CALM_SECONDS = 10
console = Console()


class Progress(threading.Thread):
    """Notes when outcomes became visible: of the planned customers how many, of the ordinary ones when each."""

    def __init__(self, configured: settings.Settings) -> None:
        super().__init__(daemon=True)
        self.answered = 0
        """Outcomes of commands to the customers with a plan, the clock's included."""
        self.done = dict[bytes, float]()
        """Clock commands by their id, and when the first outcome of each was seen."""
        self.ordinary = dict[str, float]()
        self.stopping = False
        self._asked = b"asked"
        self._consumer = Consumer(
            configured.client_properties()
            | {"group.id": "midnight", "isolation.level": "read_committed", "fetch.queue.backoff.ms": 2}
        )
        topic = configured.topology.outcomes
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])

    def run(self) -> None:
        """Until told to stop."""
        while not self.stopping:
            messages = self._consumer.consume(1000, 0.02)
            now = time.perf_counter()
            for message in messages:
                if message.error() is None:
                    stamp: dict[str, Any] = dict(message.headers() or ())
                    self._note(message.key() or b"", stamp["correlation_id"], now)
        self._consumer.close()

    def _note(self, key: bytes, command_id: bytes, now: float) -> None:
        if not key.startswith(b"planned-"):
            self.ordinary.setdefault(command_id.decode(), now)
        elif command_id.startswith(self._asked):
            self.answered += 1
        else:
            self.done.setdefault(command_id, now)

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for a condition on what was seen."""
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while not condition():
            if time.perf_counter() > deadline:
                raise SystemExit(f"not within {PATIENCE_SECONDS} s: {what}")
            time.sleep(0.01)


def ask(kafka: dict[str, Any], topic: str, bodies: Iterator[tuple[str, str, Command]]) -> None:
    """Put commands on the topic as fast as it takes them: customer, command id, body."""
    producer = Producer({**kafka, "enable.idempotence": True, "linger.ms": 20, "queue.buffering.max.messages": 500_000})
    schema_id = wire.current_id("Command")
    for customer_id, command_id, body in bodies:
        record = CommandRecord(
            command_id=command_id, customer_id=customer_id, source="bench", performed_by="bench", body=body
        )
        value = wire.frame(schema_id, codec.COMMAND.encode(record))
        home = partition_of(customer_id, PARTITIONS)
        while True:
            try:
                producer.produce(topic, value, customer_id.encode(), home, headers=list(headers.for_command(record)))
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


def accounts(count: int) -> Iterator[tuple[str, str, Command]]:
    """An account for each customer."""
    for number in range(count):
        yield f"planned-{number}", f"asked-{number}-account", CreateAccount(account_id="a", account_profile="mobile")


def plans(count: int, midnight: datetime) -> Iterator[tuple[str, str, Command]]:
    """A plan for each account, all for one moment."""
    body = ChangeAccountState(
        account=AccountRef(account_id="a"), state=AccountState.SUSPENDED, reason="REQUESTED", valid_from=midnight
    )
    for number in range(count):
        yield f"planned-{number}", f"asked-{number}-plan", body


class Night:
    """One run, from the accounts to the last plan."""

    def __init__(self, count: int, per_second: float, worker: subprocess.Popen[bytes]) -> None:
        configured = settings.load()
        self.count, self.per_second = count, per_second
        self.kafka, self.topology = configured.client_properties(), configured.topology
        self.process = psutil.Process(worker.pid)
        self.producer = Producer(self.kafka | {"enable.idempotence": True, "linger.ms": 1})
        self.producer.list_topics(self.topology.commands)  # otherwise the first commands wait a second for a leader
        self.commands = (
            msgspec.structs.replace(record, command_id=f"ordinary-{number}")
            for number, record in enumerate(commands(1_000_000, 1_000))
        )
        self.progress = Progress(configured)
        self.progress.start()

    def prepare(self) -> tuple[datetime, float]:
        """Accounts, then plans; answers when they are due, and the commands/s that the worker took meanwhile."""
        console.print(f"{self.count:,} accounts", style="dim")
        began, done = time.perf_counter(), self.progress
        ask(self.kafka, self.topology.commands, accounts(self.count))
        done.until("accounts", lambda: done.answered >= self.count)
        took = time.perf_counter() - began
        midnight = datetime.now(UTC) + timedelta(seconds=1.5 * took + 5)
        console.print(f"{self.count:,} plans, due in {1.5 * took + 5:.0f} s", style="dim")
        began = time.perf_counter()
        ask(self.kafka, self.topology.commands, plans(self.count, midnight))
        done.until("plans", lambda: done.answered >= 2 * self.count)
        took = time.perf_counter() - began
        if datetime.now(UTC) >= midnight:
            raise SystemExit("The plans were due before all of them were made: the machine was busy; run it again.")
        return midnight, self.count / took

    def ordinary(self, name: str, condition: Callable[[], bool]) -> list[float]:
        """Latencies in ms of ordinary commands, sent at their rate for as long as the condition holds."""
        sent, began = dict[str, float](), time.perf_counter()
        while len(sent) < self.per_second or condition():
            due = began + len(sent) / self.per_second
            while (wait := due - time.perf_counter()) > 0:
                self.producer.poll(min(wait, 0.002))
            record = next(self.commands)
            value = wire.frame(wire.current_id("Command"), codec.COMMAND.encode(record))
            home = partition_of(record.customer_id, PARTITIONS)
            sent[record.command_id] = time.perf_counter()
            self.producer.produce(self.topology.commands, value, record.customer_id.encode(), home)
        self.producer.flush()
        seen = self.progress.ordinary
        self.progress.until(f"ordinary commands {name}", lambda: sent.keys() <= seen.keys())
        return sorted((seen[command_id] - at) * 1000 for command_id, at in sent.items())

    def run(self) -> Table:
        """The whole night, as a table."""
        midnight, commands_per_second = self.prepare()
        done, seconds = self.progress.done, {"before": 0.0, "at midnight": 0.0, "after": 0.0}

        def beside(name: str, condition: Callable[[], bool]) -> tuple[str, str]:
            cpu, began = self.cpu_seconds(), time.perf_counter()
            took = self.ordinary(name, condition)
            seconds[name] = self.cpu_seconds() - cpu
            share = seconds[name] / (time.perf_counter() - began)
            late = took[int(len(took) * 0.99)]
            figures = f"p50 {statistics.median(took):.0f}, p99 {late:.0f}, max {took[-1]:.0f}, of {len(took):,}"
            return f"{name}, ms", f"{figures}; worker's CPU {share:.0%}"

        before = beside("before", lambda: datetime.now(UTC) + timedelta(seconds=3) < midnight)
        assert not done, "a plan was executed before its moment"
        console.print("midnight", style="dim")
        began = time.perf_counter() + (midnight - datetime.now(UTC)).total_seconds()
        self.progress.until("midnight", lambda: time.perf_counter() >= began)
        during = beside("at midnight", lambda: len(done) < self.count)
        through = max(done.values()) - began
        calm = time.perf_counter() + CALM_SECONDS
        after = beside("after", lambda: time.perf_counter() < calm)
        self.progress.stopping = True
        self.progress.join()

        rate = self.count / through
        table = Table("figure", "value", title=f"{self.count:,} plans due at one moment, one worker")
        table.add_row("first plan executed after, s", f"{min(done.values()) - began:.2f}")
        table.add_row("all plans executed after, s", f"{through:.1f}")
        table.add_row("due items/s", f"{rate:,.0f}")
        table.add_row("commands/s while planning", f"{commands_per_second:,.0f}")
        table.add_row("due items per command", f"{rate / commands_per_second:.2f}")
        table.add_row("worker's CPU per due item, us", f"{seconds['at midnight'] / self.count * 1e6:.0f}")
        table.add_section()
        table.add_row(f"{self.per_second:.0f} ordinary commands/s", "")
        for row in (before, during, after):
            table.add_row(*row)
        table.add_section()
        table.add_row("dead letters: nudges that were early", str(self.dead_letters(self.topology)))
        return table

    def cpu_seconds(self) -> float:
        """Of the worker, all its threads, so far."""
        used = self.process.cpu_times()
        return used.user + used.system

    def dead_letters(self, topology: Topology) -> int:
        """How many there are. Nothing else here can lead to one."""
        consumer = Consumer(self.kafka | {"group.id": "midnight"})
        spots = [TopicPartition(topology.dead_letters, number) for number in range(PARTITIONS)]
        found = 0
        for spot in spots:
            low, high = consumer.get_watermark_offsets(spot, 10)
            found += high - low
        consumer.close()
        return found


def main(
    count: Annotated[int, typer.Option(help="Customers with a plan")] = 100_000,
    per_second: Annotated[float, typer.Option(help="Ordinary commands meanwhile")] = 100,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers; default: a broker of its own")] = None,
) -> None:
    """Measure the clock at its busiest."""
    with tempfile.TemporaryDirectory(prefix="billfold-bench-") as folder:
        if kafka is not None:
            _night(Arena(kafka, Path(folder)), count, per_second)
        else:
            with LocalKafka(Path(folder) / "kafka") as broker:
                _night(Arena(broker.bootstrap, Path(folder)), count, per_second)


def _night(arena: Arena, count: int, per_second: float) -> None:
    environment = arena.fresh()
    said = arena.folder / "worker.log"
    with said.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "streams.command_line", "worker"], env=os.environ | environment, stderr=output
        )
        try:
            console.print(Night(count, per_second, worker).run())
        finally:
            worker.terminate()
            worker.wait()
            console.print(said.read_text()[-2000:], style="dim")


if __name__ == "__main__":
    typer.run(main)
