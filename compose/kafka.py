"""A real Apache Kafka (KRaft) as local processes, one or more brokers: `python -m compose.kafka --help`."""

import argparse
import base64
import contextlib
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from compose import java, processes
from compose.processes import Say, silent

DEFAULT_PORT = 29092
REPLICATED = 3  # from three brokers on, every topic has three copies and one broker may die
START_PATIENCE_SECONDS = 60
ONE_STEP_RECORDING = 25  # the first Java that records an archive in one run


class LocalKafka:
    """Brokers that keep their data below `folder`; a second start with the same folder finds it all again.

    `port` is the first broker's; the others and the controllers take the ports after it. Without it, free ones.
    `settings` are broker properties that win over ours. `heap` is the heap of each broker, as Java writes sizes.
    As a context manager it starts on entry, and stops however the block ends.
    """

    def __init__(
        self,
        folder: Path,
        *,
        brokers: int = 1,
        port: int | None = None,
        heap: str = "512m",
        settings: Mapping[str, object] | None = None,
        say: Say = silent,
    ) -> None:
        self.folder = folder.resolve()
        self.heap = heap
        self.settings = dict(settings or {})
        self.say = say
        self.nodes = range(1, brokers + 1)
        self.voters = self.nodes if brokers >= REPLICATED else range(1, 2)
        ports = list(range(port, port + 2 * brokers)) if port else processes.free_ports(2 * brokers)
        self.ports = dict(zip(self.nodes, ports[:brokers], strict=True))
        self.votes = dict(zip(self.nodes, ports[brokers:], strict=True))
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.java = java.runtime(17)
        self.jars = java.fetch("kafka", say)

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers, as clients want them in `bootstrap.servers`."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports.values())

    def start(self) -> Self:
        """Start all brokers and wait until they take requests. RuntimeError when a port is taken or a broker ends."""
        train(self.jars, self.java, self.say)
        for node in self.nodes:
            processes.end_leftover(self.home(node))
        taken = [port for port in (*self.ports.values(), *self.votes.values()) if not processes.is_free(port)]
        if taken:
            raise RuntimeError(f"Port {taken[0]} is taken by another program; stop that one or choose another port.")
        cluster = cluster_id()
        for node in self.nodes:
            if not (self.home(node) / "data" / "meta.properties").exists():
                self.format(node, cluster)
        for node in self.nodes:
            self.start_node(node)
        return self.wait_ready()

    def start_node(self, node: int = 1) -> None:
        """Start one broker, after `kill` too; follow with `wait_ready`."""
        archive = archive_path(self.jars, self.java)
        useful = archive.exists() and archive.stat().st_size
        # What the archive cannot serve is loaded as usual; Java would warn about each piece.
        self.launch(node, [f"-XX:AOTCache={archive}", "-Xlog:aot*=off"] if useful else [])

    def wait_ready(self, patience_seconds: float = START_PATIENCE_SECONDS) -> Self:
        """Wait until every started broker is registered and a controller is elected: an open port is not yet that."""
        impatient = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 50, "log_level": 0}
        admin = AdminClient({"bootstrap.servers": self.bootstrap, **impatient})
        began = spoken = time.monotonic()
        while time.monotonic() - began < patience_seconds:
            for node, process in self.running.items():
                if process.poll() is not None:
                    raise RuntimeError(f"Kafka broker {node} ended; it said:\n{processes.last_words(self.home(node))}")
            with contextlib.suppress(KafkaException):
                seen = admin.list_topics(timeout=0.5)
                if seen.controller_id >= 0 and len(seen.brokers) == len(self.running):
                    return self
            if time.monotonic() - spoken >= 1:
                self.say(f"Kafka is starting, {time.monotonic() - began:.0f} s")
                spoken = time.monotonic()
            time.sleep(0.02)
        raise TimeoutError(f"Kafka was not ready in {patience_seconds} s:\n{processes.last_words(self.home(1))}")

    def stop(self) -> None:
        """Stop all brokers at the same time, each with a clean shutdown."""
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for node, process in self.running.items():
            processes.stop(process, self.home(node))
        self.running.clear()

    def kill(self, node: int = 1) -> None:
        """SIGKILL one broker. What it had written survives in the system's page cache: this is not a power cut.

        Killed within milliseconds of a commit and restarted at once, a single broker may leave that transaction hanging
        (README): use three brokers to kill under load.
        """
        process = self.running.pop(node)
        process.kill()
        process.wait()

    def restart(self, node: int = 1) -> Self:
        """Start a killed broker again and wait for it."""
        self.start_node(node)
        return self.wait_ready()

    def pause(self, node: int = 1) -> None:
        """SIGSTOP: the broker hangs, its connections stay open."""
        self.running[node].send_signal(signal.SIGSTOP)

    def resume(self, node: int = 1) -> None:
        """SIGCONT after `pause`."""
        self.running[node].send_signal(signal.SIGCONT)

    def log(self, node: int = 1) -> str:
        """What a broker wrote so far: warnings and errors."""
        return (self.home(node) / "log.txt").read_text(errors="replace")

    def home(self, node: int) -> Path:
        """The folder of one broker: properties, log, process id, data."""
        return self.folder / f"broker-{node}"

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def launch(self, node: int, options: list[str]) -> None:
        """Start one broker with further options of Java, whatever archive there is."""
        self._write_properties(node)
        command = self._command("kafka.Kafka", str(self._properties(node)), options=[f"-Xmx{self.heap}", *options])
        self.running[node] = processes.start(command, self.home(node))

    def format(self, node: int, cluster: str) -> None:
        """Prepare the empty folder of one broker for the cluster with this id (22 characters of base64)."""
        self._write_properties(node)
        arguments = ["format", f"--cluster-id={cluster}", "-c", str(self._properties(node))]  # an id may begin with -
        done = subprocess.run(
            self._command("kafka.tools.StorageTool", *arguments), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"The folder {self.home(node)} could not be prepared for Kafka:\n{done.stderr[-2000:]}")

    def _command(self, main: str, *arguments: str, options: list[str] | None = None) -> list[str]:
        logging = f"-Dlog4j.configurationFile={java.ARTIFACTS / 'kafka' / 'log4j2.properties'}"
        class_path = f"{self.jars}/*"
        return [self.java.program, *java.LEAN, *(options or []), logging, "-cp", class_path, main, *arguments]

    def _properties(self, node: int) -> Path:
        return self.home(node) / "server.properties"

    def _write_properties(self, node: int) -> None:
        self.home(node).mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}\n" for name, value in {**self._addresses(node), **self._tuning()}.items()]
        self._properties(node).write_text("".join(lines))

    def _addresses(self, node: int) -> dict[str, object]:
        votes = node in self.voters
        clients = f"PLAINTEXT://127.0.0.1:{self.ports[node]}"
        controllers = f",CONTROLLER://127.0.0.1:{self.votes[node]}" if votes else ""
        return {
            "process.roles": "broker,controller" if votes else "broker",
            "node.id": node,
            "controller.quorum.voters": ",".join(f"{voter}@127.0.0.1:{self.votes[voter]}" for voter in self.voters),
            "controller.listener.names": "CONTROLLER",
            "listeners": clients + controllers,
            "advertised.listeners": clients,
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": self.home(node) / "data",
        }

    def _tuning(self) -> dict[str, object]:
        copies = min(REPLICATED, len(self.nodes))
        in_sync = 2 if copies == REPLICATED else 1
        return {
            # A typing error in a topic's name must be an error, not a topic with one partition.
            "auto.create.topics.enable": "false",
            # The command log is the audit log: nothing is forgotten because nobody configured it.
            "log.retention.ms": -1,
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            # The internal topics of one cluster for one application; fifty partitions each would only cost start time.
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
            # One worker is the usual group here; waiting three seconds for a second one helps nobody.
            "group.initial.rebalance.delay.ms": 0,
            # Fault tests wait for sessions to end, and must not wait six seconds each.
            "group.min.session.timeout.ms": 1000,
            # A broker killed hard may register again only after its old session ended: 9 s by default.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "log.cleaner.dedupe.buffer.size": 4 << 20,
            "num.network.threads": 2,
            "num.io.threads": 4,
            # transaction.abort.timed.out.transaction.cleanup.interval.ms stays at its 10 s: lowered, brokers that are
            # killed often leave transactions hanging that only an operator can end.
            **self.settings,
        }


def archive_path(jars: Path, runtime: java.Runtime) -> Path:
    """Where the archive for fast starts lies; it fits one Java and one set of jars only, so both are in its name."""
    return jars.with_name(f"{jars.name}-java{runtime.version}.aot")


def train(jars: Path, runtime: java.Runtime, say: Say = silent) -> None:
    """Record, once a machine, what a broker loads when it starts: ready in 1.3 s from then on instead of 2.8 s.

    Eight seconds on a throw-away broker. An empty archive notes that this Java recorded nothing.
    """
    archive = archive_path(jars, runtime)
    if archive.exists() or runtime.version < ONE_STEP_RECORDING:
        return
    say("Recording a faster start of Kafka, once")
    scratch = archive.with_name(f"{archive.name}-{uuid.uuid4().hex}")
    with tempfile.TemporaryDirectory(prefix="billfold-kafka-") as folder:
        kafka = LocalKafka(Path(folder))
        kafka.format(1, cluster_id())
        kafka.launch(1, [f"-XX:AOTCacheOutput={scratch}"])
        try:
            kafka.wait_ready()
        finally:
            kafka.stop()
    scratch.touch()
    scratch.rename(archive)


def cluster_id() -> str:
    """A new one, as Kafka writes them: 16 bytes in base64 without padding."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


def main() -> None:
    """Run brokers until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m compose.kafka", description=main.__doc__)
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the first broker")
    parser.add_argument("--folder", type=Path, help="kept between runs; without it everything is thrown away")
    parser.add_argument("--heap", default="512m")
    options = parser.parse_args()
    began = time.monotonic()
    with (
        processes.sigterm_as_interrupt(),
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(prefix="billfold-kafka-") as thrown_away,
    ):
        folder = options.folder or Path(thrown_away)
        with LocalKafka(folder, brokers=options.brokers, port=options.port, heap=options.heap, say=print) as kafka:
            print(f"Kafka {kafka.bootstrap} ready in {time.monotonic() - began:.1f} s; Ctrl-C stops it", flush=True)
            signal.pause()


if __name__ == "__main__":
    main()
