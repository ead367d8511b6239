"""A worker is killed, stopped or robbed of its disk; nothing is lost and nothing doubled."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.engine.ledger import Ledger, Worker, wait_until

RESTORED = "restored partitions"
POINTS = ("begun", "produced", "offsets", "committed", "written")
RESTORE_POINTS = ("restore.offsets", "restore.watermarks", "restore.rolled")


def test_kill_between_any_two_steps_of_a_turn(ledger: Ledger) -> None:
    for nth, point in enumerate(POINTS, 1):
        worker = ledger.worker(FAULT=f"{point}:kill:{nth % 2 + 1}")
        while worker.process.poll() is None:
            ledger.send(20)
            time.sleep(0.05)  # a steady load
        assert worker.ended() == -signal.SIGKILL
    worker = ledger.worker()
    ledger.settled()

    assert worker.stop() == 0
    ledger.check(answers=len(ledger.asked))


def test_kill_during_a_restore_from_nothing(ledger: Ledger) -> None:
    ledger.send(300)
    ledger.worker(FAULT="written:kill:1").ended()
    for point in RESTORE_POINTS:
        shutil.rmtree(ledger.folder / "data")
        assert ledger.worker(FAULT=f"{point}:kill:1").ended() == -signal.SIGKILL
    ledger.send(10)
    worker = ledger.worker()
    ledger.settled()

    assert worker.stop() == 0
    assert worker.said("changelog records forward")
    ledger.check(answers=310)


def ended_before_it_finished(ledger: Ledger, worker: Worker) -> bool:
    wait_until("it ends or finishes", lambda: worker.process.poll() is not None or ledger.lag() == 0)
    return worker.process.poll() is not None


def flip(file: Path) -> None:
    """Invert the middle half of a file."""
    content = bytearray(file.read_bytes())
    quarter = len(content) // 4
    content[quarter : 3 * quarter] = bytes(byte ^ 0xFF for byte in content[quarter : 3 * quarter])
    file.write_bytes(content)


@pytest.mark.parametrize("file", [pytest.param("MANIFEST-*", marks=pytest.mark.slow), "CURRENT", "*.sst"])
def test_a_damaged_copy_is_set_aside_and_restored(ledger: Ledger, file: str) -> None:
    ledger.send(200)
    for count in range(2):  # each start flushes what the log of the one before holds into files
        worker = ledger.worker()
        worker.wait_for(RESTORED, count + 1)
        ledger.settled()
        assert worker.stop() == 0
    for damaged in (ledger.folder / "data" / "a").glob(f"partition-?/{file}"):
        flip(damaged)
    ledger.send(200)
    worker = ledger.worker()
    while ended_before_it_finished(ledger, worker):
        assert worker.ended() == 70
        worker = ledger.worker()

    assert worker.stop() == 0
    assert worker.said("was set aside")
    assert list((ledger.folder / "data" / "a").glob("*.damaged"))
    ledger.check(answers=400)


def test_two_workers_share_the_partitions_and_one_takes_over_when_the_other_is_killed(ledger: Ledger) -> None:
    first = ledger.worker("a")
    first.wait_for(f"{RESTORED} [0, 1]")
    ledger.send(100)
    second = ledger.worker("b")
    second.wait_for(RESTORED)
    wait_until("they share", lambda: first.said(f"{RESTORED} [0] ") + first.said(f"{RESTORED} [1] "))
    ledger.send(100)
    ledger.settled()
    first.process.kill()
    ledger.send(100)
    second.wait_for(f"{RESTORED} [0, 1]")
    ledger.settled()

    assert second.stop() == 0
    ledger.check(answers=300, disk="b")


@pytest.mark.parametrize("point", ["produced", pytest.param("offsets", marks=pytest.mark.slow)])
def test_a_zombie_is_fenced_and_ends(ledger: Ledger, point: str) -> None:
    ledger.send(50)
    zombie = ledger.worker("z", FAULT=f"{point}:stop:1")
    zombie.wait_for("FAULT")
    heir = ledger.worker("a")
    heir.wait_for(f"{RESTORED} [0, 1]")
    ledger.send(50)
    ledger.settled()
    os.kill(zombie.process.pid, signal.SIGCONT)

    assert zombie.ended() == 70, zombie.output.read_text()
    assert heir.stop() == 0
    ledger.check(answers=100)


def test_a_second_worker_of_the_same_name_ends_the_first(ledger: Ledger) -> None:
    ledger.send(20)
    first = ledger.worker("a")
    ledger.settled()
    second = ledger.worker("a")
    ledger.send(20)

    assert first.ended() == 70
    ledger.settled()
    assert second.stop() == 0
    ledger.check(answers=40)
