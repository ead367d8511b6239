"""A real schema registry with the Confluent API (Apicurio) as a local process."""

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from compose import java, processes
from compose.processes import Say, silent

PATH = "/apis/ccompat/v7"
START_PATIENCE_SECONDS = 90


class LocalRegistry:
    """Keeps its schemas in memory, or in a topic of the Kafka at `kafka` (bootstrap servers).

    In a topic, schema ids live exactly as long as the records that carry them; in memory they end with the process.
    A new registry accepts every change of a schema until `BACKWARD_TRANSITIVE` is set for its subject.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        kafka: str | None = None,
        heap: str = "256m",
        say: Say = silent,
    ) -> None:
        self.home = folder.resolve() / "registry"
        free, self.management_port = processes.free_ports(2)
        self.port = port or free
        self.kafka = kafka
        self.heap = heap
        self.say = say
        self.java = java.runtime(21)
        self.files = java.fetch("registry", say)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address that Confluent clients want."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def start(self) -> Self:
        """Start and wait until it answers. RuntimeError when it ends instead."""
        switches = [f"-D{name}={value}" for name, value in self._properties().items()]
        jar = str(self.files / "quarkus-run.jar")
        program = [self.java.program, *java.LEAN, f"-Xmx{self.heap}", *switches, "-jar", jar]
        self.process = processes.start(program, self.home)
        return self.wait_ready()

    def wait_ready(self, patience_seconds: float = START_PATIENCE_SECONDS) -> Self:
        """Wait until the list of subjects is answered."""
        began = spoken = time.monotonic()
        while time.monotonic() - began < patience_seconds:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"The schema registry ended; it said:\n{processes.last_words(self.home)}")
            if answers(self.url):
                return self
            if time.monotonic() - spoken >= 1:
                self.say(f"The schema registry is starting, {time.monotonic() - began:.0f} s")
                spoken = time.monotonic()
            time.sleep(0.05)
        raise TimeoutError(f"The registry was not ready in {patience_seconds} s:\n{processes.last_words(self.home)}")

    def stop(self) -> None:
        """Stop it; schemas in memory are gone."""
        if self.process is not None:
            processes.stop(self.process, self.home)
            self.process = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _properties(self) -> dict[str, object]:
        storage: dict[str, object] = {"apicurio.storage.kind": "sql", "apicurio.storage.sql.kind": "h2"}
        if self.kafka:
            storage = {
                "apicurio.storage.kind": "kafkasql",
                "apicurio.kafkasql.bootstrap.servers": self.kafka,
                "apicurio.kafkasql.consumer.poll.timeout": 300,  # three polls in a row at start, 5 s each by default
            }
        return {
            "billfold.folder": self.home,  # read by nobody: it tells our process from others
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": self.port,
            "quarkus.management.host": "127.0.0.1",  # else it listens on every address, port 9000
            "quarkus.management.port": self.management_port,
            "quarkus.log.level": "WARN",
            **storage,
        }


def answers(url: str) -> bool:
    """Whether a registry answers at this address."""
    try:
        with urllib.request.urlopen(f"{url}/subjects", timeout=2):  # noqa: S310 (an address of ours)
            return True
    except (OSError, urllib.error.URLError):
        return False
