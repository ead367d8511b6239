"""`billfold send`: one command from the command line, and its one answer."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path

import typer
import yaml

from schemas.envelope import Mode, Status
from streams import settings
from streams.answers import print_outcome
from streams.door import Door, command_record
from streams.reaching import reach_kafka
from streams.schema_ids import use_registry
from streams.settings import Pii, Settings
from streams.vault import KeyVault, Vault, read_key_encryption_key

REFUSED = 2


def send_command(
    customer: str, command: str, body: str, command_id: str | None, performed_by: str, timeout: float, *, preview: bool
) -> int:
    """Send, wait, print. Answers the exit code: 0, or 2 for a refusal."""
    configured = settings.load()
    use_registry(configured)
    record = command_record(
        customer,
        command,
        read_text(body),
        command_id=command_id or str(uuid.uuid4()),
        vault=open_vault(configured),
        source="cli",
        performed_by=performed_by,
        mode=Mode.PREVIEW if preview else Mode.EXECUTE,
    )
    topology = configured.topology
    reach_kafka(configured, topology.commands, topology.outcomes)
    with Door(configured.client_properties(), topology.commands, topology.outcomes) as door:
        outcome = door.ask(record, timeout_seconds=timeout)
    print_outcome(outcome)
    return REFUSED if outcome.status is Status.REJECTED else 0


def open_vault(configured: Settings) -> Vault | None:
    """The key vault of the settings; None where personal data is left plain."""
    if configured.pii is Pii.PLAIN:
        return None
    return KeyVault(configured.vault, read_key_encryption_key(os.environ))


def read_text(body: str) -> object:
    """A body given as JSON, as @FILE, or as - for standard input. YAML is read too: JSON is a part of it."""
    try:
        if body == "-":
            return yaml.safe_load(sys.stdin.read())
        return yaml.safe_load(Path(body[1:]).read_text() if body.startswith("@") else body)
    except (OSError, UnicodeDecodeError) as failure:
        raise typer.BadParameter(f"the body cannot be read: {failure}") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)  # the message itself would show the text, which may be personal
        where = f", see line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise typer.BadParameter(f"the body is neither JSON nor YAML{where}") from None
