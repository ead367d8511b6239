"""A DuckDB file without room, or in other hands: nothing is lost, nothing is written twice (F15, F23)."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from state.warehouse import Advance, Batch, Warehouse, WarehouseAway, copy_path, publish
from streams import sink
from streams.settings import Settings
from streams.sink import fill
from tests.warehouse.household import firm_and_household
from tests.warehouse.places import installation
from tests.warehouse.played import SOURCES, Played
from tests.warehouse.sending import Complete, Sender, whole

HOLDING = "import duckdb, sys, time; held = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(60)"


@pytest.fixture(scope="module")
def played() -> Played:
    return firm_and_household()


@contextlib.contextmanager
def room(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: the disk is full there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("publishing", [False, True])
@pytest.mark.parametrize("more", [-1_500_000, 100_000, 1_000_000])
def test_a_full_disk_costs_nothing(tmp_path: Path, played: Played, more: int, publishing: bool) -> None:
    """The log finds no room, or the checkpoint does: what was committed stands, and the rest can be tried again."""
    file, rows = tmp_path / "w.duckdb", {table: each * 20 for table, each in played.rows().items()}
    with contextlib.closing(Warehouse.open(file, SOURCES)) as warehouse:
        warehouse.checkpoint()
    written = 0
    warehouse = Warehouse.open(file, SOURCES)
    with room(file.stat().st_size + more):
        with pytest.raises(WarehouseAway, match="cannot be written or read now"):  # noqa: PT012 - it takes several
            for _ in range(20):
                warehouse.write(Batch(rows=rows, advances=[Advance("transactions", 0, written, written + 1)]))
                written += 1
                if publishing:
                    publish(warehouse, datetime.now(UTC))
        warehouse.close()
        with contextlib.closing(Warehouse.open(file, SOURCES)) as again:  # it can be looked at all the same
            assert again.offsets()["transactions", 0] == written

    with contextlib.closing(Warehouse.open(file, SOURCES)) as warehouse:
        warehouse.write(Batch(rows=rows, advances=[Advance("transactions", 0, written, written + 1)]))
        assert warehouse.rows("SELECT count(*) FROM raw_transaction") == [
            ((written + 1) * len(rows["raw_transaction"]),)
        ]


def test_a_copy_that_finds_no_room_leaves_the_one_before(tmp_path: Path, played: Played) -> None:
    warehouse = played.into(tmp_path / "w.duckdb")
    before = publish(warehouse, datetime.now(UTC))
    assert before is not None
    content = before.read_bytes()
    with room(100_000), pytest.raises((OSError, WarehouseAway)):
        publish(warehouse, datetime.now(UTC))
    assert before.read_bytes() == content
    warehouse.close()


@contextlib.contextmanager
def sinking(settings: Settings) -> Iterator[threading.Thread]:
    """A sink that goes on until the end."""
    stopping = threading.Event()
    thread = threading.Thread(target=fill, args=(settings, stopping.is_set))
    thread.start()
    try:
        yield thread
    finally:
        stopping.set()
        thread.join()


@pytest.mark.kafka
def test_a_sink_waits_for_room(
    kafka: str, topic_prefix: str, tmp_path: Path, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "WAIT_SECONDS", 0.1)
    settings = installation(kafka, topic_prefix, tmp_path / "w.duckdb")
    sender = Sender(settings)
    sender.send(played)
    fill(settings, complete := Complete(settings), complete.wrote)
    with capture_logs() as said, sinking(settings) as thread, room(settings.warehouse.stat().st_size - 500_000):
        for _ in range(10):
            sender.send(played)  # the core goes on
        deadline = time.monotonic() + 30
        while not [each for each in said if each["event"] == "waiting for the warehouse"]:
            assert time.monotonic() < deadline
            assert thread.is_alive()
            time.sleep(0.05)
        time.sleep(1)
        assert thread.is_alive()
    fill(settings, complete := Complete(settings), complete.wrote)
    assert whole(settings)
    structlog.reset_defaults()


@pytest.mark.kafka
def test_a_file_in_other_hands_is_waited_for_and_caught_up_with(
    kafka: str, topic_prefix: str, tmp_path: Path, played: Played
) -> None:
    """What came meanwhile is there a moment later: reading on costs no more than reading at once."""
    settings = installation(kafka, topic_prefix, tmp_path / "w.duckdb")
    sender = Sender(settings)
    sender.send(played)
    fill(settings, complete := Complete(settings), complete.wrote)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, settings.warehouse], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with capture_logs() as said, sinking(settings) as thread:
            for _ in range(20):
                sender.send(played)
            time.sleep(2)
            assert thread.is_alive()
            age = copy_path(settings.warehouse).stat().st_mtime
            holder.kill()
            deadline = time.monotonic() + 30
            while copy_path(settings.warehouse).stat().st_mtime == age:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    assert next(each["held_by"] for each in said if "held_by" in each).endswith(f"(process {holder.pid})")
    fill(settings, complete := Complete(settings), complete.wrote)
    assert whole(settings)
    structlog.reset_defaults()
