"""Servers as local processes: ports, starting, stopping, and cleaning up behind a run that was killed."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

Say = Callable[[str], None]

# Below what Linux and macOS hand out for outgoing connections (32768 and 49152 upwards). A client that keeps trying a
# dead broker's port from that range can connect to itself, and the broker never gets its port back.
PORTS = range(15_000, 32_000)
PATIENCE_SECONDS = 15


def silent(_: str) -> None:
    """Say nothing."""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on, all different."""
    found: list[int] = []
    while len(found) < count:
        port = PORTS[secrets.randbelow(len(PORTS))]
        if port not in found and is_free(port):
            found.append(port)
    return found


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def start(
    arguments: list[str], folder: Path, *, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that logs into `folder/log.txt`; its process id stands in `folder/pid`.

    `arguments` must name the folder: by that a process left over from a killed run is told from a stranger that was
    given the same process id since. A leftover is ended first, because it holds the ports and the data.
    The server gets a session of its own, so that Ctrl-C reaches only us and we stop servers in order.
    """
    assert any(str(folder) in argument for argument in arguments), "the arguments must name the folder"
    folder.mkdir(parents=True, exist_ok=True)
    end_leftover(folder)

    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, env=environment
        )
    (folder / "pid").write_text(str(process.pid))
    return process


def end_leftover(folder: Path) -> None:
    """Kill the server that an earlier run left in this folder, if it still runs."""
    note = folder / "pid"
    if not note.exists():
        return
    with contextlib.suppress(psutil.Error, ValueError):
        process = psutil.Process(int(note.read_text()))
        if any(str(folder) in argument for argument in process.cmdline()):
            process.kill()
            process.wait(PATIENCE_SECONDS)
    note.unlink(missing_ok=True)


def end_leftovers_below(folder: Path) -> None:
    """Kill every server whose folder lies below this one."""
    for note in folder.rglob("pid"):
        end_leftover(note.parent)


def stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Ask the server to end, insist after 15 seconds, and forget its process id."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)  # a stopped process would not hear the next one
        process.terminate()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    (folder / "pid").unlink(missing_ok=True)


def last_words(folder: Path) -> str:
    """The end of a server's log, for an error that has to explain itself."""
    log = folder / "log.txt"
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM unwind `with` blocks as Ctrl-C does; without this Python dies and leaves its servers behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def cache_folder() -> Path:
    """What is fetched once and kept: `BILLFOLD_CACHE`, else `.cache` beside the packages."""
    given = os.environ.get("BILLFOLD_CACHE")
    return Path(given).resolve() if given else Path(__file__).resolve().parents[1] / ".cache"
