"""An installation with worker, sink, eraser and key vault, each process with its log in the run's folder."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from schemas import codec, wire
from schemas.envelope import CommandOutcome, CommandRecord
from schemas.partition import partition_of
from streams.door import Door, command_record
from streams.settings import Settings
from streams.vault import KEY_BYTES, KeyVault
from tests.faults.rig import PARTITIONS, Rig

HOUSE = Path(__file__).parents[2]
KEY_ENCRYPTION_KEY = bytes(range(KEY_BYTES))
LOUD = {"BILLFOLD_LOG_LEVEL": "DEBUG"}
"""What a process says at its most talkative is searched too."""


class Installation(Rig):
    """A rig whose doors seal."""

    def __init__(self, kafka: str, folder: Path, name: str) -> None:
        super().__init__(kafka, folder, name, seed=1)
        vault = folder / "vault" / "keys"
        self.environment |= LOUD | {
            "BILLFOLD_VAULT": str(vault),
            "BILLFOLD_WAREHOUSE": str(folder / "warehouse.duckdb"),
            "BILLFOLD_KEY_ENCRYPTION_KEY": base64.b64encode(KEY_ENCRYPTION_KEY).decode(),
            "PYTHONPATH": str(HOUSE),
        }
        self.settings: Settings = self.settings.model_copy(
            update={"vault": vault, "warehouse": folder / "warehouse.duckdb"}
        )
        self.vault = KeyVault(vault, KEY_ENCRYPTION_KEY)
        squeezed = self.settings.client_properties() | {"compression.type": "zstd"}
        self.door = Door(squeezed, self.topology.commands, self.topology.outcomes)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.asked = 0

    def start(self, role: str) -> None:
        """`billfold <role>`, its log in `<role>.log`."""
        with (self.folder / f"{role}.log").open("ab") as out:
            self.processes[role] = subprocess.Popen(
                [sys.executable, "-m", "streams.command_line", role],
                env=os.environ | self.environment,
                cwd=self.folder,
                stdout=out,
                stderr=out,
            )

    def running(self) -> None:
        """See that nobody ended by itself, or tell its last words."""
        for role, process in self.processes.items():
            assert process.poll() is None, (self.folder / f"{role}.log").read_text()[-3000:]

    def stop(self, role: str) -> None:
        """Ask it to end, and see that it does."""
        process = self.processes.pop(role)
        process.terminate()
        assert process.wait(30) == 0, (self.folder / f"{role}.log").read_text()[-3000:]

    def record(self, customer: str, command: str, body: object, **more: Any) -> CommandRecord:
        """A command as a door makes it, with an id of its own."""
        self.asked += 1
        given = {"command_id": f"c-{self.asked}", "source": "crm", "performed_by": "ada"} | more
        return command_record(customer, command, body, vault=self.vault, **given)

    def ask(self, customer: str, command: str, body: object, **more: Any) -> CommandOutcome:
        """Send one command through the door; its answer."""
        return self.door.ask(self.record(customer, command, body, **more))

    def spoil(self, record: CommandRecord) -> None:
        """Send a sealed command that cannot be read to its end, and one that stands in another's partition."""
        value = wire.frame(wire.local_id("Command"), codec.COMMAND.encode(record))
        home = partition_of(record.customer_id, PARTITIONS)
        producer = Producer(self.settings.client_properties())
        producer.produce(self.topology.commands, value[:-1], record.customer_id, home)
        producer.produce(self.topology.commands, value, record.customer_id, (home + 1) % PARTITIONS)
        producer.flush()

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.door.__exit__(None, None, None)
        self.vault.close()
        super().close()
