"""Where Kafka comes from, what is fetched, and what is refused."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from compose import discovery, java, processes
from compose.discovery import Origin


def test_an_address_given_wins() -> None:
    server = discovery.start_kafka(Path("unused"), given="kafka.example:9092")
    assert (server.address, server.origin) == ("kafka.example:9092", Origin.GIVEN)
    server.stop()


@pytest.mark.parametrize("wish", ["docker", "processes"])
def test_a_wish_is_granted(monkeypatch: pytest.MonkeyPatch, wish: str) -> None:
    monkeypatch.setenv("BILLFOLD_STACK", wish)
    assert discovery.origin() == wish


def test_an_unknown_wish_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLFOLD_STACK", "podman")
    with pytest.raises(ValueError, match="BILLFOLD_STACK is 'podman'; it may be docker or processes"):
        discovery.origin()


def test_processes_are_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BILLFOLD_STACK", raising=False)
    monkeypatch.setenv("PATH", "")
    assert discovery.origin() is Origin.PROCESSES


@pytest.mark.parametrize("change", ["altered", "missing", "added"])
def test_other_files_than_the_pinned_ones_are_refused(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.jar").write_bytes(b"a")
    pins = tmp_path / "sha256.txt"
    pins.write_text("".join(f"{digest}  {name}\n" for name, digest in java.digests(folder).items()))
    java.check_digests(folder, pins)

    if change == "missing":
        (folder / "a.jar").unlink()
    else:
        (folder / ("a.jar" if change == "altered" else "b.jar")).write_bytes(b"b")
    with pytest.raises(RuntimeError, match=r"[ab]\.jar"):
        java.check_digests(folder, pins)


def test_without_maven_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BILLFOLD_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"Apache Kafka .* install Maven, or start a Docker engine"):
        java.fetch("kafka")


def test_a_leftover_is_ended_and_a_stranger_is_not(tmp_path: Path) -> None:
    wait = [sys.executable, "-c", "import time; time.sleep(60)"]
    leftover = processes.start([*wait, str(tmp_path / "ours")], tmp_path / "ours")
    stranger = subprocess.Popen(wait)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "pid").write_text(str(stranger.pid))

    processes.end_leftovers_below(tmp_path)
    assert not psutil.pid_exists(leftover.pid)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


@pytest.mark.kafka
def test_sigterm_leaves_no_broker_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "compose.kafka", "--folder", str(tmp_path), "--port"]
    port = processes.free_ports(1)[0]
    with subprocess.Popen([*command, str(port)], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any("ready in" in line for line in running.stdout)
        broker = int((tmp_path / "broker-1" / "pid").read_text())
        began = time.monotonic()
        running.terminate()
        assert running.wait(20) == 0
    print(f"stopped in {time.monotonic() - began:.1f} s")
    assert not psutil.pid_exists(broker)
