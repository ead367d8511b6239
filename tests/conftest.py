"""One real Kafka and at most one real registry for a whole test run, however many processes share it."""

import fcntl
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from compose import discovery
from compose.kafka import LocalKafka
from compose.processes import cache_folder

RUN = "BILLFOLD_TEST_RUN"
GIVEN_KAFKA = "BILLFOLD_TEST_KAFKA"
GIVEN_REGISTRY = "BILLFOLD_TEST_REGISTRY"
GIVEN_POSTGRES = "BILLFOLD_TEST_POSTGRES"
SLOW = "warehouse"
"""The folder whose tests open a database of some hundred tables and views each."""
NEEDS_SERVERS = {"kafka", "breakable_kafka", "registry", "postgres"}
ALIVE = pytest.StashKey[IO[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of this run, and end what runs before it left when they were killed."""
    if is_xdist_worker(config):
        return
    runs = cache_folder() / "tests"
    runs.mkdir(parents=True, exist_ok=True)
    for folder in runs.glob("run-*"):
        sweep(folder)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=runs))
    config.stash[ALIVE] = lock(folder)
    os.environ[RUN] = str(folder)  # inherited by the workers


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controller ends what any worker started: a worker that crashed cannot."""
    if ALIVE not in config.stash:
        return
    folder = Path(os.environ.pop(RUN))
    end(folder)
    config.stash[ALIVE].close()


def pytest_report_header() -> str:
    """Say where Kafka will come from, should a test ask for it."""
    source = os.environ.get(GIVEN_KAFKA) or discovery.origin().value
    return f"kafka: {source}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever asks for a server or opens a warehouse, so that nobody can forget it and slow `make check` down."""
    for item in items:
        if item.path.parent.name == SLOW:
            item.add_marker(pytest.mark.slow)
        if NEEDS_SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


def is_xdist_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def lock(folder: Path) -> IO[str]:
    """Held as long as the run lives; the system lets go of it when the process dies, however it dies."""
    file = (folder / "alive").open("w")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def sweep(folder: Path) -> None:
    try:
        with lock(folder):
            end(folder)
    except OSError:
        return  # its run still lives, or another one is sweeping


def end(folder: Path) -> None:
    discovery.end_below(folder)
    shutil.rmtree(folder, ignore_errors=True)


def shared(name: str, start: Callable[[Path], discovery.Server]) -> str:
    """The address of a server that the first process starts and the others, waiting at the lock, read."""
    folder = Path(os.environ[RUN])
    note = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if not note.exists():
            note.write_text(json.dumps(start(folder / name).address))
        return str(json.loads(note.read_text()))


@pytest.fixture(scope="session")
def kafka() -> str:
    """Bootstrap address of the run's Kafka. Share it: make topics below `topic_prefix`, do not break it."""
    return shared("kafka", lambda folder: discovery.start_kafka(folder, given=os.environ.get(GIVEN_KAFKA)))


@pytest.fixture(scope="session")
def registry() -> str:
    """URL of the run's schema registry (the Confluent API)."""
    return shared("registry", lambda folder: discovery.start_registry(folder, given=os.environ.get(GIVEN_REGISTRY)))


@pytest.fixture(scope="session")
def postgres() -> str:
    """URL of the run's PostgreSQL. Share it: make databases of your own."""
    return shared("postgres", lambda folder: discovery.start_postgres(folder, given=os.environ.get(GIVEN_POSTGRES)))


@pytest.fixture
def breakable_kafka(topic_prefix: str) -> Iterator[LocalKafka]:
    """A Kafka of its own that a test may kill, pause and restart. Always a local process: signals reach it."""
    if discovery.origin() is discovery.Origin.DOCKER and not shutil.which("mvn"):
        pytest.skip("a Kafka that can be broken is a local process; Maven is needed to fetch it")
    folder = Path(os.environ[RUN]) / topic_prefix
    with LocalKafka(folder, settings={"broker.session.timeout.ms": 1000}) as local:
        yield local
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def topic_prefix() -> str:
    """Begins the names of a test's topics, groups and transactional ids, so that tests may share a broker."""
    return f"test-{uuid.uuid4().hex[:10]}"
