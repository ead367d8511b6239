"""Where Kafka and the registry come from: an address that was given, a Docker engine, local processes."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from compose import containers
from compose.kafka import LocalKafka
from compose.processes import Say, silent
from compose.registry import LocalRegistry


class Origin(StrEnum):
    """In the order of precedence."""

    GIVEN = "given"
    DOCKER = "docker"
    PROCESSES = "processes"


@dataclass(frozen=True)
class Server:
    """A server that answers: its address as clients want it, and where it comes from in a few words."""

    address: str
    origin: Origin
    story: str


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


@contextlib.contextmanager
def kafka(
    folder: Path,
    *,
    given: str | None = None,
    port: int | None = None,
    settings: Mapping[str, object] | None = None,
    say: Say = silent,
) -> Iterator[Server]:
    """A Kafka for as long as the block runs. One that was given is left as it is; ours is stopped, its data stay.

    In a container the data end with it. `port` None takes a free one.
    """
    match origin(given):
        case Origin.GIVEN:
            assert given
            yield Server(given, Origin.GIVEN, f"the address given, {given}")
        case Origin.DOCKER:
            with containers.kafka(folder, port=port, settings=settings or {}, say=say) as address:
                yield Server(address, Origin.DOCKER, f"a container of {containers.KAFKA_IMAGE}, {address}")
        case Origin.PROCESSES:
            with LocalKafka(folder, port=port, settings=settings, say=say) as local:
                yield Server(local.bootstrap, Origin.PROCESSES, f"a local process, {local.bootstrap}")


@contextlib.contextmanager
def registry(folder: Path, *, given: str | None = None, port: int | None = None, say: Say = silent) -> Iterator[Server]:
    """A schema registry for as long as the block runs, in memory unless it was given."""
    match origin(given):
        case Origin.GIVEN:
            assert given
            yield Server(given, Origin.GIVEN, f"the address given, {given}")
        case Origin.DOCKER:
            with containers.registry(folder, port=port, say=say) as address:
                yield Server(address, Origin.DOCKER, f"a container of {containers.REGISTRY_IMAGE}, {address}")
        case Origin.PROCESSES:
            with LocalRegistry(folder, port=port, say=say) as local:
                yield Server(local.url, Origin.PROCESSES, f"a local process, {local.url}")
