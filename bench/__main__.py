"""`python -m bench`: one table, this worker beside a plain loop on the same broker in the same run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.table import Table

from bench.decisions import figures as decision_costs
from bench.load import connected, fill, paced
from compose.kafka import LocalKafka
from schemas import codec, wire
from schemas.catalog_file import read_catalog
from streams import settings, topology
from streams.catalogs import publish

CATALOG = Path("compose/catalogs/nordlys.yaml")
PARTITIONS = 4
console = Console()


class Arena:
    """A broker, and topics of its own for every run."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.bootstrap, self.folder, self.runs = bootstrap, folder, 0

    def fresh(self) -> dict[str, str]:
        """Topics and a catalog; answers the environment of a contestant."""
        self.runs += 1
        environment = {
            "BILLFOLD_BOOTSTRAP_SERVERS": self.bootstrap,
            "BILLFOLD_TOPIC_PREFIX": f"bench{self.runs}",
            "BILLFOLD_GROUP": f"bench{self.runs}",
            "BILLFOLD_PARTITIONS": str(PARTITIONS),
            "BILLFOLD_INSTANCE": "bench",
            "BILLFOLD_CATALOG": "nordlys",
            "BILLFOLD_DATA_DIRECTORY": str(self.folder / f"data{self.runs}"),
        }
        os.environ.update(environment)
        configured = settings.load()
        topology.create(configured.client_properties(), configured.topology)
        publish(configured.client_properties(), configured.topology.catalog, read_catalog(CATALOG))
        return environment


def contest(who: str, count: int) -> dict[str, Any]:
    """One contestant through the whole topic."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.contestants", who, str(count)], capture_output=True, text=True, check=False
    )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            figures: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
            return figures
    raise SystemExit(f"{who} gave no figures:\n{done.stderr[-2000:]}")


def throughput(arena: Arena, count: int, customers: int, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Both contestants in turn, each on topics of its own that are filled before."""
    results: dict[str, list[dict[str, Any]]] = {"worker": [], "plain": []}
    for number in range(rounds):
        for who, runs in results.items():
            console.print(f"round {number + 1}: {who}, {count:,} commands", style="dim")
            arena.fresh()
            configured = settings.load()
            fill(configured.client_properties(), configured.topology.commands, PARTITIONS, count, customers)
            runs.append(contest(who, count))
    return results


def start_worker() -> subprocess.Popen[bytes]:
    """The worker as operators start it."""
    return subprocess.Popen([sys.executable, "-m", "streams.command_line", "worker"], stderr=subprocess.PIPE)


class Outcomes(threading.Thread):
    """Notes when each outcome became visible to a read_committed consumer."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        configured = settings.load()
        topic = configured.topology.outcomes
        self.seen: dict[str, float] = {}
        self.stopping = False
        self.consumer = Consumer(
            configured.client_properties()
            | {"group.id": "bench", "isolation.level": "read_committed", "auto.offset.reset": "earliest"}
        )
        self.consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])

    def run(self) -> None:
        """Until told to stop."""
        while not self.stopping:
            for message in self.consumer.consume(1000, 0.05):
                now = time.perf_counter()
                if message.error() is None:
                    schema_id, payload = wire.unframe(message.value())
                    self.seen.setdefault(codec.OUTCOME.decode(payload, schema_id).command_id, now)
        self.consumer.close()

    def wait_for(self, count: int, seconds: float) -> None:
        """Until so many ids were seen."""
        deadline = time.perf_counter() + seconds
        while len(self.seen) < count and time.perf_counter() < deadline:
            time.sleep(0.01)


def latency(arena: Arena, per_second: float, seconds: float) -> tuple[float, float]:
    """p50 and p99 in ms, from the producer's call to a read_committed consumer."""
    arena.fresh()
    configured = settings.load()
    worker, outcomes = start_worker(), Outcomes()
    outcomes.start()
    try:
        send = connected(configured.client_properties()), configured.topology.commands, PARTITIONS
        warm = paced(*send, 500, 2, 500)
        outcomes.wait_for(len(warm), 30)
        sent = paced(*send, per_second, seconds, 1000)
        outcomes.wait_for(len(warm) + len(sent), 30)
    finally:
        outcomes.stopping = True
        worker.terminate()
        worker.wait()
    took = sorted((outcomes.seen[name] - at) * 1000 for name, at in sent.items() if name in outcomes.seen)
    return statistics.median(took), took[int(len(took) * 0.99)]


def restarts(arena: Arena, count: int, customers: int) -> tuple[float, float]:
    """Keys/s of a restore from nothing, and seconds from kill -9 to the next process's first outcome."""
    environment = arena.fresh()
    configured = settings.load()
    fill(configured.client_properties(), configured.topology.commands, PARTITIONS, count, customers)
    contest("worker", count)
    shutil.rmtree(environment["BILLFOLD_DATA_DIRECTORY"])
    keys = _changelog_records(configured)
    outcomes = Outcomes()
    outcomes.start()
    worker = start_worker()
    try:
        told = _restored_seconds(worker)
        restored = keys / told
        send = connected(configured.client_properties()), configured.topology.commands, PARTITIONS
        sent = paced(*send, 200, 1, 100)
        outcomes.wait_for(count, 60)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        before = len(outcomes.seen)
        sent = paced(*send, 200, 1, 100)
        began = time.perf_counter()
        worker = start_worker()
        while not any(name in outcomes.seen for name in sent) and time.perf_counter() - began < 30:
            time.sleep(0.002)
        first = min((outcomes.seen[name] for name in sent if name in outcomes.seen), default=float("nan"))
        assert before, "no outcome was seen before the kill"
        return restored, first - began
    finally:
        outcomes.stopping = True
        worker.terminate()
        worker.wait()


def _changelog_records(configured: settings.Settings) -> int:
    consumer = Consumer(configured.client_properties() | {"group.id": "bench"})
    ends = (
        consumer.get_watermark_offsets(TopicPartition(topic, number))
        for topic in configured.topology.changelogs.values()
        for number in range(PARTITIONS)
    )
    records = sum(high - low for low, high in ends)
    consumer.close()
    return records


def _restored_seconds(worker: subprocess.Popen[bytes]) -> float:
    """What the worker says of its restore."""
    assert worker.stderr is not None
    for line in worker.stderr:
        text = line.decode()
        if " restored " in text:
            threading.Thread(target=worker.stderr.read, daemon=True).start()
            return float(text.rsplit(" in ", 1)[1].split(" s")[0])
    raise SystemExit("the worker did not restore")


def sink_rows() -> float:
    """Rows/s that the sink writes, offsets in the same commit (`python -m bench.sink` has the whole picture)."""
    command = [sys.executable, "-m", "bench.sink", "--customers", "2000", "--rate-only"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split("RESULT ")[1])


def main(
    count: Annotated[int, typer.Option(help="Commands of a throughput run")] = 60_000,
    customers: Annotated[int, typer.Option(help="Customers that they are spread over")] = 10_000,
    rounds: Annotated[int, typer.Option(help="Runs of each contestant")] = 2,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers; default: a broker of its own")] = None,
) -> None:
    """Measure the spine. Judge by the ratios: machines differ and are noisy."""
    with tempfile.TemporaryDirectory(prefix="billfold-bench-") as folder:
        if kafka is not None:
            _report(Arena(kafka, Path(folder)), count, customers, rounds)
        else:
            with LocalKafka(Path(folder) / "kafka") as broker:
                _report(Arena(broker.bootstrap, Path(folder)), count, customers, rounds)


def _report(arena: Arena, count: int, customers: int, rounds: int) -> None:
    results = throughput(arena, count, customers, rounds)
    ours, plain = (max(results[who], key=lambda run: run["per_second"]) for who in ("worker", "plain"))
    console.print("latency at half load", style="dim")
    half = ours["per_second"] / 2
    p50, p99 = latency(arena, half, 8)
    console.print("restore and restart", style="dim")
    restored, restart = restarts(arena, count, customers)
    table = Table("figure", "worker", "plain loop", "ratio", title="Billfold, exactly once, one worker")
    ratio = ours["per_second"] / plain["per_second"]
    table.add_row("commands/s", f"{ours['per_second']:,.0f}", f"{plain['per_second']:,.0f}", f"{ratio:.2f}")
    table.add_row("CPU per command, us", f"{ours['cpu_us']:.1f}", f"{plain['cpu_us']:.1f}", "")
    table.add_row("bytes written per command", f"{ours['bytes']:,.0f}", f"{plain['bytes']:,.0f}", "")
    table.add_row(f"end to end at {half:,.0f}/s, ms", f"p50 {p50:.0f}, p99 {p99:.0f}", "", "")
    table.add_row("restore, records/s", f"{restored:,.0f}", "", "")
    table.add_row("kill -9 to first outcome, s", f"{restart:.2f}", "", "")
    table.add_row("sink into DuckDB, rows/s", f"{sink_rows():,.0f}", "", "")
    table.add_row("resident memory by tenths, MB", " ".join(map(str, ours["resident_mb"])), "", "")
    for name, microseconds in decision_costs().items():
        table.add_row(f"decide {name}, us", f"{microseconds:.0f}", "", "")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
