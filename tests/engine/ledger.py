"""A ledger on topics of its own: send commands, run workers, read everything back and compare."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from state.partition import TABLES, Partition
from state.source import SOURCE_KEY
from streams import topology
from streams.settings import Settings, load

LOADING = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE}
)
"""What a broker says of a group until its coordinator is there: nothing is known yet."""
PARTITIONS = 2
WORKER = Path(__file__).with_name("ledger_worker.py")


def wait_until(what: str, condition: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return found


class Worker:
    """A worker process, and what it wrote."""

    def __init__(self, environment: dict[str, str], output: Path) -> None:
        self.output = output
        with output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER)], env=os.environ | environment, stdout=out, stderr=out
            )

    def said(self, text: str) -> int:
        return self.output.read_text().count(text)

    def wait_for(self, text: str, count: int = 1, seconds: float = 30) -> None:
        wait_until(f"{text!r} in {self.output.read_text()[-2000:]}", lambda: self.said(text) >= count, seconds)

    def ended(self, seconds: float = 30) -> int:
        return self.process.wait(seconds)

    def stop(self) -> int:
        self.process.terminate()
        return self.ended()


class Ledger:
    """One test's topics, commands and workers."""

    def __init__(self, kafka: str, folder: Path, name: str) -> None:
        self.folder = folder
        self.workers: list[Worker] = []
        self.asked: Counter[str] = Counter()
        self.environment = {
            "BILLFOLD_BOOTSTRAP_SERVERS": kafka,
            "BILLFOLD_TOPIC_PREFIX": name,
            "BILLFOLD_GROUP": name,
            "BILLFOLD_PARTITIONS": str(PARTITIONS),
            "BILLFOLD_DATA_DIRECTORY": str(folder / "data"),
            "BILLFOLD_SESSION_TIMEOUT_SECONDS": "2",
            "BILLFOLD_TRANSACTION_TIMEOUT_SECONDS": "5",
        }
        self.settings = self._settings()
        topology.create(self.settings.client_properties(), self.settings.topology)
        self._producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random", "linger.ms": 0})

    def _settings(self, **more: Any) -> Settings:
        names = {key.removeprefix("BILLFOLD_").lower(): value for key, value in self.environment.items()}
        return load(**names, **more)

    def send(self, count: int = 1, *, customers: int = 10, **command: Any) -> None:
        for number in range(len(self.asked), len(self.asked) + count):
            self.send_one(f"k{number}", b"c%d" % (number % customers), amount=number % 7 - 3, **command)
        self._producer.flush()

    def send_one(self, command_id: str, key: bytes, **command: Any) -> None:
        self.asked[command_id] += 1
        value = json.dumps({"id": command_id, **command}).encode()
        self._producer.produce(self.settings.topology.commands, value, key)
        self._producer.poll(0)

    def send_raw(self, key: bytes, value: bytes) -> None:
        self._producer.produce(self.settings.topology.commands, value, key)
        self._producer.flush()

    def worker(self, instance: str = "a", **environment: str) -> Worker:
        own = {"BILLFOLD_INSTANCE": instance} | environment
        worker = Worker(self.environment | own, self.folder / f"{instance}.log")
        self.workers.append(worker)
        return worker

    def settled(self, seconds: float = 30) -> None:
        """Until the group's offsets stand behind the last command."""
        self._producer.flush()
        wait_until("every command is committed", lambda: self.lag() == 0, seconds)

    def lag(self) -> int:
        client = self.environment["BILLFOLD_BOOTSTRAP_SERVERS"]
        reader = Consumer({"bootstrap.servers": client, "group.id": self.settings.group, "log_level": 0})
        spots = [TopicPartition(self.settings.topology.commands, number) for number in range(PARTITIONS)]
        behind = 0
        try:
            for found in reader.committed(spots, timeout=10):
                behind += reader.get_watermark_offsets(found, timeout=10)[1] - max(found.offset, 0)
        except KafkaException as failure:
            if failure.args[0].code() not in LOADING:
                raise
            return -1
        finally:
            reader.close()
        return behind

    def read(self, topic: str) -> Generator[Message, None, None]:
        """Every committed record up to the present end."""
        reader = Consumer(
            {
                "bootstrap.servers": self.environment["BILLFOLD_BOOTSTRAP_SERVERS"],
                "group.id": "reader",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.queue.backoff.ms": 2,
            }
        )
        unread = set(range(PARTITIONS))
        reader.assign([TopicPartition(topic, number, 0) for number in unread])
        try:
            while unread:
                for record in reader.consume(1000, 0.1):
                    error = record.error()
                    if error is None:
                        yield record
                    elif error.code() == KafkaError._PARTITION_EOF:
                        unread.discard(record.partition() or 0)
        finally:
            reader.close()

    def started(self) -> bool:
        """Whether anything is committed; reading it all while it grows would never end."""
        reading = self.read(self.settings.topology.transactions)
        found = next(reading, None)
        reading.close()
        return found is not None

    def transactions(self) -> list[list[Any]]:
        return [json.loads(record.value() or b"") for record in self.read(self.settings.topology.transactions)]

    def dead(self) -> list[bytes | None]:
        return [record.value() for record in self.read(self.settings.topology.dead_letters)]

    def stored(self, table: str) -> dict[bytes, bytes]:
        """What a changelog adds up to, without the engine's own entry."""
        rows: dict[bytes, bytes] = {}
        for record in self.read(self.settings.topology.changelogs[table]):
            key, value = bytes(record.key() or b""), record.value()
            if value is None:
                rows.pop(key, None)
            elif key != SOURCE_KEY:
                rows[key] = value
        return rows

    def check(self, *, answers: int | None = None, disk: str | None = "a") -> None:
        """One answer per command, gapless sequences, state == fold == changelog == disk."""
        folded: dict[str, tuple[int, int]] = {}
        answered: Counter[str] = Counter()
        per_customer: dict[bytes, list[list[Any]]] = {}
        for record in self.read(self.settings.topology.transactions):
            per_customer.setdefault(bytes(record.key() or b""), []).append(json.loads(record.value() or b""))
        for key, transactions in per_customer.items():
            for sequence, (command_id, position, stated, balance, _) in enumerate(transactions, 1):
                assert stated == sequence, f"customer {key!r}: {transactions}"
                answered[f"{command_id}/{position}"] += 1
                folded[key.decode()] = (balance, sequence)
        assert answers is None or sum(answered.values()) == answers
        assert set(answered.values()) <= {1}
        assert {name.partition("/")[0] for name in answered} == set(self.asked)
        state = {
            key.decode(): tuple(json.loads(value)) for key, value in self.stored("state").items() if b"#" not in key
        }
        assert state == folded
        if disk:
            assert self.on_disk(disk) == {table: self.stored(table) for table in TABLES}

    def on_disk(self, instance: str) -> dict[str, dict[bytes, bytes]]:
        rows: dict[str, dict[bytes, bytes]] = {table: {} for table in TABLES}
        for path in (self.folder / "data" / instance).glob("partition-?"):
            disk = Partition(path)
            for table in TABLES:
                rows[table] |= {key: value for key, value in disk.scan(table, b"") if key != SOURCE_KEY}
            disk.close()
        return rows

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
