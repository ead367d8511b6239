"""Kafka and the registry in containers, through the `docker` command; each noted in a folder, to be removed later."""

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from compose.processes import Say, free_ports
from compose.registry import PATH, answers

KAFKA_IMAGE = "apache/kafka:4.3.1"
REGISTRY_IMAGE = "apicurio/apicurio-registry:3.3.3"
START_PATIENCE_SECONDS = 90


def kafka_environment(port: int, settings: Mapping[str, object]) -> dict[str, str]:
    """The variables that the image turns into broker properties; `settings` are properties and win."""
    properties: dict[str, object] = {
        "node.id": 1,
        "process.roles": "broker,controller",
        "controller.quorum.voters": "1@127.0.0.1:9093",
        "controller.listener.names": "CONTROLLER",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "auto.create.topics.enable": "false",
        "log.retention.ms": -1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        **settings,
    }
    return {f"KAFKA_{name.upper().replace('.', '_')}": str(value) for name, value in properties.items()}


def kafka_command(port: int, settings: Mapping[str, object]) -> list[str]:
    """`docker run` for a broker of one node on this port of the loopback address."""
    variables = [f"--env={name}={value}" for name, value in kafka_environment(port, settings).items()]
    return ["docker", "run", "--detach", "--rm", f"--publish=127.0.0.1:{port}:9092", *variables, KAFKA_IMAGE]


def registry_command(port: int) -> list[str]:
    """`docker run` for a registry in memory on this port of the loopback address."""
    return ["docker", "run", "--detach", "--rm", f"--publish=127.0.0.1:{port}:8080", REGISTRY_IMAGE]


def start_kafka(folder: Path, *, port: int | None, settings: Mapping[str, object], say: Say) -> str:
    """A broker's bootstrap address. The host's port is chosen first, because the broker has to advertise it."""
    port = port or free_ports(1)[0]
    address = f"127.0.0.1:{port}"
    admin = AdminClient({"bootstrap.servers": address, "reconnect.backoff.max.ms": 200, "log_level": 0})

    def ready() -> bool:
        try:
            return bool(admin.list_topics(timeout=1).controller_id >= 0)
        except KafkaException:
            return False

    start(kafka_command(port, settings), folder / "kafka.container", KAFKA_IMAGE, ready, say)
    return address


def start_registry(folder: Path, *, port: int | None, say: Say) -> str:
    """A registry's address."""
    port = port or free_ports(1)[0]
    url = f"http://127.0.0.1:{port}{PATH}"
    start(registry_command(port), folder / "registry.container", REGISTRY_IMAGE, lambda: answers(url), say)
    return url


def start(command: list[str], note: Path, image: str, ready: Callable[[], bool], say: Say) -> None:
    """Run a container until it is removed. Its id stands in the note, so that a leftover can be found and removed."""
    remove(note)
    note.parent.mkdir(parents=True, exist_ok=True)
    say(f"Starting a container of {image}; the first time its image is fetched")
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    if started.returncode:
        raise RuntimeError(f"Docker could not run {image}: {started.stderr.strip()[-1000:]}")
    note.write_text(started.stdout.strip())
    try:
        wait_ready(image, ready, say)
    except BaseException:
        remove(note)
        raise


def wait_ready(image: str, ready: Callable[[], bool], say: Say) -> None:
    """Ask until the server answers, telling once a second that it does not yet."""
    began = time.monotonic()
    while not ready():
        waited = time.monotonic() - began
        if waited > START_PATIENCE_SECONDS:
            raise TimeoutError(f"The container of {image} did not answer in {START_PATIENCE_SECONDS} s.")
        say(f"Waiting for {image}, {waited:.0f} s")
        time.sleep(1)


def remove(note: Path) -> None:
    """Remove the container that a note names, if there is one, with its volumes."""
    if note.exists():
        subprocess.run(["docker", "rm", "--force", "--volumes", note.read_text()], capture_output=True, check=False)  # noqa: S607
        note.unlink()


def remove_below(folder: Path) -> None:
    """Remove every container that is noted below a folder."""
    for note in folder.rglob("*.container"):
        remove(note)
