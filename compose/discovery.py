"""Where Kafka and the registry come from: an address that was given, a Docker engine, local processes."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from compose import containers, processes
from compose.kafka import LocalKafka
from compose.processes import Say, silent
from compose.registry import LocalRegistry


class Startable(Protocol):
    """What `stopping_on_failure` starts."""

    def start(self) -> object:
        """Start, and return when it answers."""

    def stop(self) -> None:
        """End, started or not."""


class Origin(StrEnum):
    """In the order of precedence."""

    GIVEN = "given"
    DOCKER = "docker"
    PROCESSES = "processes"


@dataclass(frozen=True)
class Server:
    """A server that answers: its address as clients want it, where it comes from in a few words, how to end it."""

    address: str
    origin: Origin
    story: str
    stop: Callable[[], None]


def origin(given: str | None = None, wish: str | None = None) -> Origin:
    """Who provides a server: whoever was given, else as wished, else Docker when its engine answers, else processes.

    `wish` is `docker`, `processes` or None; by default the environment's `BILLFOLD_STACK`. ValueError for another.
    """
    wished = wish or os.environ.get("BILLFOLD_STACK") or None
    if given:
        return Origin.GIVEN
    if wished is None:
        return Origin.DOCKER if engine_answers() else Origin.PROCESSES
    if wished not in (Origin.DOCKER, Origin.PROCESSES):
        raise ValueError(f"BILLFOLD_STACK is {wished!r}; it may be docker or processes.")
    return Origin(wished)


def engine_answers() -> bool:
    """Whether a Docker engine is there, not only its command."""
    if not shutil.which("docker"):
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False).returncode == 0  # noqa: S607
    except subprocess.TimeoutExpired:
        return False


def start_kafka(
    folder: Path,
    *,
    given: str | None = None,
    port: int | None = None,
    settings: Mapping[str, object] | None = None,
    say: Say = silent,
) -> Server:
    """A Kafka that goes on until `stop`; one that was given is left as it is.

    A process keeps its data below `folder`; in a container the data end with it. `port` None takes a free one.
    RuntimeError or TimeoutError with a sentence when it does not start.
    """
    match origin(given):
        case Origin.GIVEN:
            assert given
            return Server(given, Origin.GIVEN, f"the address given, {given}", lambda: None)
        case Origin.DOCKER:
            address = containers.start_kafka(folder, port=port, settings=settings or {}, say=say)
            story = f"a container of {containers.KAFKA_IMAGE}, {address}"
            return Server(address, Origin.DOCKER, story, lambda: containers.remove_below(folder))
        case Origin.PROCESSES:
            local = LocalKafka(folder, port=port, settings=settings, say=say)
            stopping_on_failure(local)
            return Server(local.bootstrap, Origin.PROCESSES, f"a local process, {local.bootstrap}", local.stop)


def start_registry(folder: Path, *, given: str | None = None, port: int | None = None, say: Say = silent) -> Server:
    """A schema registry that goes on until `stop`, in memory unless it was given."""
    match origin(given):
        case Origin.GIVEN:
            assert given
            return Server(given, Origin.GIVEN, f"the address given, {given}", lambda: None)
        case Origin.DOCKER:
            address = containers.start_registry(folder, port=port, say=say)
            story = f"a container of {containers.REGISTRY_IMAGE}, {address}"
            return Server(address, Origin.DOCKER, story, lambda: containers.remove_below(folder))
        case Origin.PROCESSES:
            local = LocalRegistry(folder, port=port, say=say)
            stopping_on_failure(local)
            return Server(local.url, Origin.PROCESSES, f"a local process, {local.url}", local.stop)


def start_postgres(folder: Path, *, given: str | None = None, settings: Mapping[str, object] | None = None) -> Server:
    """A PostgreSQL that goes on until `stop`: the one that was given, else a process. `address` is a URL."""
    if given:
        return Server(given, Origin.GIVEN, "the PostgreSQL given", lambda: None)
    from compose.postgres import LocalPostgres  # noqa: PLC0415 - its programs are a dependency of development

    local = LocalPostgres(folder, settings=settings)
    stopping_on_failure(local)
    return Server(local.url, Origin.PROCESSES, f"a local process, {local.url}", local.stop)


def stopping_on_failure(server: Startable) -> None:
    """Start a server; when that fails or is interrupted, leave nothing of it behind."""
    try:
        server.start()
    except BaseException:
        server.stop()
        raise


@contextlib.contextmanager
def kafka(
    folder: Path,
    *,
    given: str | None = None,
    port: int | None = None,
    settings: Mapping[str, object] | None = None,
    say: Say = silent,
) -> Iterator[Server]:
    """`start_kafka` for as long as the block runs."""
    server = start_kafka(folder, given=given, port=port, settings=settings, say=say)
    try:
        yield server
    finally:
        server.stop()


def end_below(folder: Path) -> None:
    """End every server that was started with a folder in this one, whoever started it."""
    processes.end_leftovers_below(folder)
    containers.remove_below(folder)
