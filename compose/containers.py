"""Kafka and the registry in containers, through testcontainers; each noted in a folder, to be removed later."""

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from docker.errors import DockerException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from compose.processes import Say, free_ports
from compose.registry import PATH, answers

KAFKA_IMAGE = "apache/kafka:4.3.1"
REGISTRY_IMAGE = "apicurio/apicurio-registry:3.3.3"
START_PATIENCE_SECONDS = 90

# Its reaper would take the containers away with the process that started them; a note outlives it, and names them.
testcontainers_config.ryuk_disabled = True


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


def kafka_container(port: int, settings: Mapping[str, object]) -> DockerContainer:
    """A broker of one node on this port of the loopback address."""
    container = DockerContainer(KAFKA_IMAGE).with_envs(**kafka_environment(port, settings))
    return container.with_bind_ports(9092, ("127.0.0.1", port))


def registry_container(port: int) -> DockerContainer:
    """A registry in memory on this port of the loopback address."""
    return DockerContainer(REGISTRY_IMAGE).with_bind_ports(8080, ("127.0.0.1", port))


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

    start(kafka_container(port, settings), folder / "kafka.container", KAFKA_IMAGE, ready, say)
    return address


def start_registry(folder: Path, *, port: int | None, say: Say) -> str:
    """A registry's address."""
    port = port or free_ports(1)[0]
    url = f"http://127.0.0.1:{port}{PATH}"
    start(registry_container(port), folder / "registry.container", REGISTRY_IMAGE, lambda: answers(url), say)
    return url


def start(container: DockerContainer, note: Path, image: str, ready: Callable[[], bool], say: Say) -> None:
    """Run a container until it is removed. Its id stands in the note, so that a leftover can be found and removed."""
    remove(note)
    note.parent.mkdir(parents=True, exist_ok=True)
    say(f"Starting a container of {image}; the first time its image is fetched")
    try:
        container.with_kwargs(auto_remove=True).start()
    except DockerException as refused:
        raise RuntimeError(f"Docker could not run {image}: {refused}") from refused
    note.write_text(container.get_wrapped_container().id)
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
