"""The stage: where a story is played, how a command is sent and what comes back. One is pure, one is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from processors import clock
from processors.view.customer import Rows, Stored
from processors.view.draft import Draft
from schemas.catalog import Catalog
from schemas.envelope import BusinessTransaction, CommandOutcome, CommandRecord
from schemas.refusals import Violation
from schemas.rows import Due
from schemas.words import COMMANDS
from streams.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Came:
    """One answer that came back: an outcome, with its transaction if it changed anything; or a dead letter."""

    outcome: CommandOutcome | None = None
    transaction: BusinessTransaction | None = None
    dead_letter: str | None = None
    bug: str | None = None
    """What a bug of ours said of itself."""


class NotPublished(Exception):
    """A catalog version that breaks rules."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("the catalog version breaks rules and is not published")
        self.violations = tuple(violations)


class Stage(Protocol):
    """Where a story is played. A stage is the story's own: nothing of other stories is seen."""

    @property
    def rows(self) -> Rows:
        """The state table as it is after the last answer."""

    @property
    def vault(self) -> Vault:
        """Where the story's keys come from."""

    @property
    def prefix(self) -> str:
        """What stands before every customer id where stories share a log."""

    def send(self, record: CommandRecord, at: datetime) -> Sequence[Came]:
        """Send a command, stamped with a moment. Answers: due work that ran before it, then its own."""

    def publish(self, catalog: Catalog) -> None:
        """Publish a catalog version, and come back when decisions use it. Raises NotPublished."""


def nudge(customer_id: str, due: Due) -> CommandRecord:
    """The clock's own record for due work: whatever is due up to its moment runs before it is answered."""
    return CommandRecord(
        command_id=due.command_id,
        customer_id=customer_id,
        source=clock.SOURCE,
        performed_by=clock.SOURCE,
        body=msgspec.convert(due.body, COMMANDS[due.command_type]),
    )


def first_due(stored: Stored) -> Due | None:
    """A customer's earliest due work."""
    head = stored.head()
    if head is None or head.next_due is None:
        return None
    return next((due for _, due in Draft(stored).due()), None)


def to_milliseconds(moment: datetime) -> datetime:
    """The moment as Kafka keeps it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
