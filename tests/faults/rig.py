"""An installation of its own on the shared broker: topics, load, worker processes, and the auditor."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from schemas import codec, wire
from schemas.catalog_file import read_catalog
from schemas.envelope import CommandOutcome
from schemas.partition import partition_of
from streams import catalogs, topology
from streams.audit.reading import Source
from streams.audit.running import audit
from streams.engine.boundary import SourceRecord
from streams.settings import Settings
from tests.engine.ledger import LOADING
from tests.faults.load import Load, Sent

PARTITIONS = 2
NORDLYS = Path(__file__).parents[2] / "compose" / "catalogs" / "nordlys.yaml"
WORKER = Path(__file__).with_name("faulty_worker.py")
RESTORED = "restored partitions"
SESSION_SECONDS, TRANSACTION_SECONDS = 2, 5
ABORT_SECONDS = 10
"""So often the broker looks for transactions that are past their timeout."""
TAKEOVER_SECONDS = SESSION_SECONDS + TRANSACTION_SECONDS + ABORT_SECONDS
"""So long a worker that was killed inside a transaction may hold its successor up: the longest rightful wait."""
MACHINE_SECONDS = 23
"""For all else; a start alone took nine seconds on two cores with three busy loops."""
PATIENCE_SECONDS = TAKEOVER_SECONDS + MACHINE_SECONDS
UNDECIDED = LOADING | {KafkaError._TIMED_OUT}
"""What is said of the group's offsets while a coordinator loads, or a dead worker's transaction is still open."""
LAST_WORDS = 1000


def wait_until(what: str, condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return found


class WorkerProcess:
    """A worker, and what it said since it was started."""

    def __init__(self, environment: dict[str, str], output: Path) -> None:
        self._output = output
        self._begin = output.stat().st_size if output.exists() else 0
        with output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER)], env=os.environ | environment, stdout=out, stderr=out
            )

    def said(self) -> str:
        return self._output.read_bytes()[self._begin :].decode(errors="replace")

    def wait_for(self, text: str) -> None:
        wait_until(f"{text!r} from a worker", lambda: text in self.said() or self.process.poll() is not None)
        assert text in self.said(), self.said()[-3000:]

    def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        assert self.ended() == -signal.SIGKILL, self.said()[-3000:]

    def stop(self) -> None:
        self.process.terminate()
        assert self.ended() == 0, self.said()[-3000:]


class Rig:
    """One test's installation."""

    def __init__(self, kafka: str, folder: Path, name: str, seed: int) -> None:
        self.folder, self.workers = folder, list[WorkerProcess]()
        self.environment = {
            "BILLFOLD_BOOTSTRAP_SERVERS": kafka,
            "BILLFOLD_TOPIC_PREFIX": name,
            "BILLFOLD_GROUP": name,
            "BILLFOLD_PARTITIONS": str(PARTITIONS),
            "BILLFOLD_DATA_DIRECTORY": str(folder / "data"),
            "BILLFOLD_CATALOG": "nordlys",
            "BILLFOLD_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "BILLFOLD_TRANSACTION_TIMEOUT_SECONDS": str(TRANSACTION_SECONDS),
            "BILLFOLD_TURN_ITEMS": "60",  # many turns, so that a fault meets one
        }
        given: dict[str, Any] = {
            variable.removeprefix("BILLFOLD_").lower(): value for variable, value in self.environment.items()
        }
        self.settings = Settings(**given)
        self.topology = self.settings.topology
        topology.create(self.settings.client_properties(), self.topology)
        catalogs.publish(self.settings.client_properties(), self.topology.catalog, read_catalog(NORDLYS))
        self.load = Load(seed)
        self.group = Consumer(self.settings.client_properties() | {"group.id": name, "log_level": 0})
        self.spots = [TopicPartition(self.topology.commands, number) for number in range(PARTITIONS)]
        self.producer = self.new_producer()
        print(f"\nseed {seed}")

    def new_producer(self) -> Producer:
        return Producer(self.settings.client_properties() | {"enable.idempotence": True, "linger.ms": 1})

    def send(self, count: int) -> None:
        """So many commands of the load."""
        for sent in self.load.commands(count, datetime.now(UTC)):
            self.put(sent)
        self.producer.flush()

    def put(self, sent: Sent, producer: Producer | None = None, partition: int | None = None) -> None:
        home = partition_of(sent.customer_id, PARTITIONS) if partition is None else partition
        key = sent.customer_id.encode() or None
        (producer or self.producer).produce(self.topology.commands, sent.value, key, home)

    def worker(self, instance: str = "a", **environment: str) -> WorkerProcess:
        own = {"BILLFOLD_INSTANCE": instance} | environment
        worker = WorkerProcess(self.environment | own, self.folder / f"{instance}.log")
        self.workers.append(worker)
        return worker

    def lose_disk(self, instance: str = "a") -> None:
        shutil.rmtree(self.folder / "data" / instance)

    def lag(self) -> int:
        """Commands behind the group's committed offsets; -1 while these are not decided."""
        try:
            committed = self.committed()
        except KafkaException as failure:
            if failure.args[0].code() not in UNDECIDED:
                raise
            return -1
        ends = [self.group.get_watermark_offsets(spot, timeout=10)[1] for spot in self.spots]
        return sum(end - max(found.offset, 0) for end, found in zip(ends, committed, strict=True))

    def committed(self) -> list[TopicPartition]:
        return self.group.committed(self.spots, timeout=10)

    def settled(self) -> None:
        wait_until("every command is decided", lambda: self.lag() == 0)

    def records(self, topic: str) -> Iterator[SourceRecord]:
        """Committed records up to the present end."""
        source = Source(self.settings.consumer_properties(), self.topology)
        try:
            for (_, number), span in source.spans(topic).items():
                yield from source.records(topic, number, span)
        finally:
            source.close()

    def outcomes(self) -> list[CommandOutcome]:
        return [codec.OUTCOME.decode(wire.unframe(record.value)[1]) for record in self.records(self.topology.outcomes)]

    def check(self, *instances: str) -> None:
        """The auditor finds everything sound, the disks of stopped workers too."""
        folders = [self.folder / "data" / instance for instance in instances or ("a",)]
        tallies = audit(self.settings, directories=folders).values()
        assert [finding.sentence() for tally in tallies for finding in tally.findings] == []
        totals = {
            name: sum(getattr(tally, name) for tally in tallies)
            for name in ("commands", "outcomes", "transactions", "dead_letters", "rows", "waiting")
        }
        print("audit:", totals)
        assert totals["waiting"] == self.nudges_behind()

    def nudges_behind(self) -> int:
        """Commands of the worker's own clock that came between its last turn and its end."""
        committed = {spot.partition: max(spot.offset, 0) for spot in self.committed()}
        behind = [
            record for record in self.records(self.topology.commands) if record.offset >= committed[record.partition]
        ]
        assert {dict(record.headers).get("ce_source") for record in behind} <= {b"clock"}
        return len(behind)

    def close(self) -> None:
        """End everything. What the workers said is shown when the test has failed."""
        for worker in self.workers:
            print(f"exit code {worker.process.poll()}, last words:\n{worker.said()[-LAST_WORDS:]}")
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
        self.group.close()
