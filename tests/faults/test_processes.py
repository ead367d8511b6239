"""Workers are killed, stopped, joined and robbed under load; afterwards the auditor finds everything sound."""

from __future__ import annotations

import signal
import time

import pytest

from tests.faults.rig import RESTORED, Rig, wait_until

KILLS = 20
POINTS = ("begun", "produced", "offsets", "committed", "written", "restore.offsets", "restore.rolled")
OF_A_TURN = POINTS[:5]


def test_kill_at_random_moments_under_load(rig: Rig) -> None:
    """F1."""
    draw, moments = rig.load.random, []
    for _ in range(KILLS):
        rig.send(250)
        worker = rig.worker()
        worker.wait_for(RESTORED)
        moment = draw.uniform(0, 0.4)
        time.sleep(moment)  # not to wait for anything: it is the moment of the fault
        worker.kill()
        moments.append(round(moment, 2))
    last = rig.worker()
    rig.settled()

    last.stop()
    print(f"{KILLS} x kill -9, seconds after the restore: {moments}")
    rig.check()


def test_kill_between_the_steps_of_a_turn_and_of_a_restore(rig: Rig) -> None:
    """F2: before the commit the turn is decided again, after it the copy on disk is rolled forward."""
    for nth, point in enumerate(POINTS):
        rig.send(300)
        passing = 1 + nth % 3 if point in OF_A_TURN else 1
        assert rig.worker(FAULT=f"{point}:kill:{passing}").ended() == -signal.SIGKILL
        print(f"killed at {point}, passing {passing}")
    last = rig.worker()
    rig.settled()

    assert "changelog records forward" in (rig.folder / "a.log").read_text()
    last.stop()
    rig.check()


def test_workers_join_and_leave_under_load(rig: Rig) -> None:
    """F9, in small."""
    first = rig.worker("a")
    rig.send(500)
    second = rig.worker("b")
    second.wait_for(RESTORED)
    rig.send(500)
    rig.settled()
    second.kill()
    rig.send(500)
    rig.settled()  # the first one has all partitions again
    third = rig.worker("c")
    third.wait_for(RESTORED)
    rig.send(500)
    first.stop()
    rig.settled()

    third.stop()
    print("joined: b, c; killed: b; left: a")
    rig.check("a", "b", "c")


def test_a_worker_too_many_waits_until_one_is_gone(rig: Rig) -> None:
    """There are two partitions: one of three workers has none, and takes over from the one that is killed."""
    workers = [rig.worker(name) for name in "abc"]
    for each in workers:
        each.wait_for(RESTORED)
    rig.send(300)
    rig.settled()
    workers[0].kill()
    rig.send(300)
    rig.settled()

    for each in workers[1:]:
        each.stop()
    assert f"{RESTORED} []" in "".join(each.said() for each in workers)
    rig.check("b", "c")


@pytest.mark.parametrize("point", ["produced", "offsets"])
def test_a_zombie_is_fenced(rig: Rig, point: str) -> None:
    """F3: stopped inside a turn, past the timeouts; another worker has its partitions when it wakes up."""
    zombie = rig.worker("a", FAULT=f"{point}:stop:3")
    rig.send(600)
    zombie.wait_for("FAULT")
    rival = rig.worker("b")
    rival.wait_for(RESTORED)
    rig.send(300)
    rig.settled()
    zombie.process.send_signal(signal.SIGCONT)

    assert zombie.ended() == 70
    rig.send(100)
    rig.settled()
    rival.stop()
    print(f"stopped at {point}, woken when another worker had decided everything: exit code 70")
    rig.check("b")


def test_two_workers_of_one_name(rig: Rig) -> None:
    """F4: the older one is fenced."""
    older = rig.worker("a", BILLFOLD_DATA_DIRECTORY=str(rig.folder / "older"))
    rig.send(400)
    older.wait_for(RESTORED)
    newer = rig.worker("a")
    rig.send(400)

    assert older.ended() != 0
    rig.settled()
    newer.stop()
    rig.check("a")


def test_a_lost_disk_is_restored(rig: Rig) -> None:
    """F16, F17."""
    for _ in range(2):
        worker = rig.worker()
        rig.send(500)
        worker.wait_for(RESTORED)
        worker.kill()
        rig.lose_disk()
    last = rig.worker()
    rig.settled()

    wait_until("nothing is left to do", lambda: rig.lag() == 0)
    last.stop()
    rig.check()
