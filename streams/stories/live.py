"""The live stage: the same commands through Kafka, one worker and the warehouse sink.

One set of topics, one worker and one sink serve a run. Customers of a story bear its prefix, `<story>~`, which names
the story's catalog too: with `clock = records` a worker decides each customer with the catalog named before the `~`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import msgspec
from confluent_kafka.admin import AdminClient

from schemas.catalog import Catalog
from schemas.customers import RegisterCustomer
from schemas.envelope import BusinessTransaction, CommandRecord, Mode
from state.warehouse.published_copy import copy_path
from streams import settings, topology
from streams.catalogs import CatalogRefused
from streams.catalogs import publish as publish_catalog
from streams.door import Door
from streams.stories.log import Answers, StateRows
from streams.stories.shelf import PREFIX_END
from streams.stories.stage import Came, NotPublished
from streams.stories.story import Story
from streams.vault import MemoryVault

ANSWER_SECONDS = 30.0
"""A worker starts in a few; an answer takes milliseconds."""
WAREHOUSE_SECONDS = 60.0
"""The sink publishes its file every few seconds."""
STOP_SECONDS = 10.0
PARTITIONS = 4
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No record is stamped earlier: moments lie within 2000 and 2100."""


class LiveRun:
    """A run of stories on a Kafka that is there: topics, worker and sink of its own, all gone afterwards."""

    def __init__(self, kafka: str | None) -> None:
        self._run = f"story-{uuid.uuid4().hex[:8]}"
        self._given: dict[str, str] = {} if kafka is None else {"bootstrap_servers": kafka}
        self._stack = ExitStack()
        self._stages: list[LiveStage] = []

    def __enter__(self) -> Self:
        """Make topics, start worker and sink."""
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="billfold-")))
            self._given |= {
                "topic_prefix": self._run,
                "group": self._run,
                "instance": self._run,
                "partitions": str(PARTITIONS),
                "clock": settings.Clock.RECORDS.value,
                "catalog": self._run,
                "data_directory": str(self.folder / "state"),
                "warehouse": str(self.folder / "warehouse.duckdb"),
            }
            self.settings = settings.load(**self._given)
            self.kafka = self.settings.consumer_properties()
            topology.create(self.settings.client_properties(), self.settings.topology)
            stack.callback(self._drop_topics)
            self.worker = self._start("worker")
            stack.callback(self._stop, self.worker)
            self.sink = self._start("sink")
            stack.callback(self._stop, self.sink)
            self.door = stack.enter_context(Door(self.settings.client_properties(), self.settings.topology.commands))
            self.answers = Answers(self.kafka, self.settings.topology)
            stack.callback(self.answers.close)
            self.rows = StateRows(self.kafka, self.settings.topology)
            stack.callback(self.rows.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the processes and drop the topics."""
        self._stack.__exit__(kind, value, trace)

    def stage(self, story: Story) -> LiveStage:
        """A stage of its own for a story."""
        stage = LiveStage(self, story, f"{self._run}-{len(self._stages) + 1}")
        self._stages.append(stage)
        return stage

    def disagreements(self) -> Iterator[str]:
        """One text per story whose transactions the warehouse tells otherwise, once it has had its time."""
        deadline = time.monotonic() + WAREHOUSE_SECONDS
        for stage in self._stages:
            expected = {(one.transaction_id, one.sequence, one.hash.hex()) for one in stage.transactions}
            found = self._warehouse_rows(stage.prefix)
            while found != expected and time.monotonic() < deadline and self.sink.poll() is None:
                time.sleep(0.5)
                found = self._warehouse_rows(stage.prefix)
            if found != expected:
                yield (
                    f"FAIL  {stage.story.path}  the warehouse holds {len(found & expected)} of its {len(expected)} "
                    f"transactions, and {len(found - expected)} others{self.last_words(self.sink, 'sink')}"
                )

    def _warehouse_rows(self, prefix: str) -> set[tuple[str, int, str]]:
        copy = copy_path(self.settings.warehouse)
        if not copy.exists():
            return set()
        with duckdb.connect(str(copy), read_only=True) as database:
            rows = database.execute(
                "SELECT transaction_id, sequence, hash FROM raw_transaction WHERE starts_with(customer_id, ?)", [prefix]
            ).fetchall()
        return {(str(one), int(sequence), str(digest)) for one, sequence, digest in rows}

    # -- processes and topics

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {f"BILLFOLD_{name.upper()}": value for name, value in self._given.items()}
        with (self.folder / f"{command}.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603  # our own command line
                [sys.executable, "-m", "streams.command_line", command],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def last_words(self, process: subprocess.Popen[bytes], command: str) -> str:
        """What a process that has ended said last; nothing of one that runs."""
        if process.poll() is None:
            return ""
        said = (self.folder / f"{command}.log").read_text(errors="replace").strip().splitlines()[-5:]
        return f"; the {command} ended with {process.returncode}: " + " / ".join(said)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _drop_topics(self) -> None:
        names = [topic.name for topic in self.settings.topology.topics()]
        for dropped in AdminClient(self.settings.client_properties()).delete_topics(names).values():
            dropped.exception(STOP_SECONDS)


class LiveStage:
    """One story on the run's topics: its customers bear its prefix, its catalog its name."""

    def __init__(self, run: LiveRun, story: Story, name: str) -> None:
        self._run, self._name = run, name
        self.story = story
        self.prefix = f"{name}{PREFIX_END}"
        self.vault = MemoryVault(name)
        self.transactions: list[BusinessTransaction] = []

    @property
    def rows(self) -> StateRows:
        """The state table, from its changelog."""
        return self._run.rows

    def send(self, record: CommandRecord, at: datetime) -> Sequence[Came]:
        """Send a command, stamped with a moment, and wait for its own answer."""
        place = self._posted(record, at)
        answers = self._run.answers
        answered = answers.wait(record, place, time.monotonic() + ANSWER_SECONDS)
        if answered and answers.is_dead(place):
            # Outcomes of one customer come in order: a preview's tells that those before it are all here.
            probe = self._probe(record.customer_id, record.command_id)
            answered = answers.wait(probe, self._posted(probe, at), time.monotonic() + ANSWER_SECONDS)
            answered = answered and answers.wait(record, place, time.monotonic() + ANSWER_SECONDS)
        if not answered:
            why = self._run.last_words(self._run.worker, "worker") or ": is the worker running?"
            return [Came(bug=f"no answer within {ANSWER_SECONDS:.0f} s{why}")]
        came = answers.came(place)
        for one in came:
            if one.transaction is not None:
                self.transactions.append(one.transaction)
                self.rows.expect(record.customer_id, one.transaction.sequence)
        return came

    def publish(self, catalog: Catalog) -> None:
        """Publish a version and wait until the worker decides with it: previews of nobody's customer tell."""
        named = msgspec.structs.replace(catalog, name=self._name)
        kafka: dict[str, Any] = self._run.kafka
        try:
            published = publish_catalog(kafka, self._run.settings.topology.catalog, named, any_moment=True)
        except CatalogRefused as refused:
            raise NotPublished(refused.violations) from refused
        deadline = time.monotonic() + ANSWER_SECONDS
        while self._version(published) < published.version and time.monotonic() < deadline:
            time.sleep(0.02)

    def _version(self, catalog: Catalog) -> int:
        """The version that the worker has for the moment at which this one begins."""
        probe = self._probe(f"{self.prefix}probe-{catalog.version}", str(catalog.version))
        outcome = self.send(probe, max(catalog.effective_from, EARLIEST))[-1].outcome
        return 0 if outcome is None else outcome.catalog_version

    def _posted(self, record: CommandRecord, at: datetime) -> tuple[int, int]:
        placed = self._run.door.post(record, timestamp=at)
        self._run.door.flush()
        return placed[0]

    def _probe(self, customer_id: str, name: str) -> CommandRecord:
        """A preview that changes nothing and is not remembered."""
        return CommandRecord(
            command_id=f"probe-{name}",
            customer_id=customer_id,
            source="story",
            performed_by="story",
            mode=Mode.PREVIEW,
            body=RegisterCustomer(),
        )
