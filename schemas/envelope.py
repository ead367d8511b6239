"""The records that cross the topics: a command, its outcome, and the business transaction of an accepted one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import tzdata

from schemas.fields import Command, CommandId, CustomerId, Entity, Event, Hash, Word, doc
from schemas.order_lines import AlreadyBilled
from schemas.previews import (
    Conflict,
    PreviewedCost,
    PreviewedDistributors,
    PreviewedRow,
    PreviewedService,
    PreviewedState,
    PreviewedWallet,
)
from schemas.refusals import Violation
from schemas.synchronization import SyncedLine, Unused

RULES_VERSION = f"2026.1+tzdata.{tzdata.IANA_VERSION}"
"""Which rules and time zone database decided. A changed rule stays reachable behind `Context.rules`.

The database is pinned: 2026f moves Havana's clocks, and with them instants that the rule book fixes.
"""


class Mode(StrEnum):
    """Whether a command is carried out or only tried."""

    EXECUTE = "EXECUTE"
    PREVIEW = "PREVIEW"


class Status(StrEnum):
    """The three answers."""

    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    PREVIEWED = "PREVIEWED"


class Unparsed(Command, frozen=True, kw_only=True):
    """A body that does not fit its contract: it still gets its answer, MALFORMED."""

    command_type: Annotated[str, doc("Name of the command that the caller meant")]
    json: Annotated[str, doc("The body as it came, as JSON")]


class Cause(Word, frozen=True, kw_only=True):
    """The record that led to an answer, and the answer's place among those of that record."""

    partition: Annotated[int, doc("Partition of the command topic")]
    offset: Annotated[int, doc("Offset in that partition")]
    position: Annotated[int, doc("0, 1, 2 ...: due work first, the record's own answer last")]


class CommandRecord(Word, frozen=True, kw_only=True):
    """Something asked of the core. In Avro this record is named Command."""

    command_id: CommandId
    customer_id: CustomerId
    source: Annotated[str, doc("System that asks, for instance crm; clock for the core's own clock")]
    performed_by: Annotated[str, doc("Who asks: a person or a service")]
    performed_at: Annotated[
        datetime | None, doc("When it happened outside, if that is not the moment of the record")
    ] = None
    mode: Annotated[Mode, doc("Carry out, or only try")] = Mode.EXECUTE
    body: Annotated[Command, doc("What is asked")]


class Change(Word, frozen=True, kw_only=True):
    """One fact of a transaction, and the entity after it."""

    event: Annotated[Event, doc("What happened")]
    entity: Annotated[Entity | None, doc("The entity after the transaction; null where a later change has it")] = None


class BusinessTransaction(Word, frozen=True, kw_only=True):
    """The record of one accepted command: all that it changed, or nothing."""

    transaction_id: Annotated[str, doc("Derived from customer, command and sequence")]
    customer_id: CustomerId
    sequence: Annotated[int, doc("1, 2, 3 ... per customer, without gaps")]
    previous_hash: Annotated[Hash, doc("Hash of the customer's transaction before this one; zeros for the first")]
    command_id: CommandId
    command_type: Annotated[str, doc("Name of the command")]
    source: Annotated[str, doc("System that asked")]
    performed_by: Annotated[str, doc("Who asked; the source where nobody was named")]
    performed_at: Annotated[datetime | None, doc("When it happened outside, as the command says")] = None
    occurred_at: Annotated[datetime, doc("When it counts: never before an earlier transaction of the customer")]
    recorded_at: Annotated[datetime, doc("Raw timestamp of the record that led to it")]
    catalog_version: Annotated[int, doc("Version of the catalog that decided")]
    rules_version: Annotated[str, doc("Version of the rules and the time zone database that decided")]
    cause: Annotated[Cause, doc("The record that led to it")]
    changes: Annotated[tuple[Change, ...], doc("Facts in the order in which they happened")]
    hash: Annotated[Hash, doc("SHA-256 of the Avro bytes before this field, without the wire format's prefix")]


class CommandOutcome(Word, frozen=True, kw_only=True):
    """The one answer to a command record."""

    command_id: CommandId
    customer_id: CustomerId
    command_type: Annotated[str, doc("Name of the command")]
    source: Annotated[str, doc("System that asked")]
    performed_by: Annotated[str, doc("Who asked; the source where nobody was named")]
    mode: Annotated[Mode, doc("Carried out, or only tried")]
    status: Annotated[Status, doc("The answer")]
    violations: Annotated[tuple[Violation, ...], doc("Every broken rule; empty unless REJECTED")] = ()
    changed: Annotated[bool, doc("False where all was already so, and where nothing was done")] = False
    repeated: Annotated[bool, doc("True where this id was answered before: the same answer again")] = False
    transaction_id: Annotated[str | None, doc("The transaction that the command led to")] = None
    sequence: Annotated[int | None, doc("That transaction's sequence")] = None
    decided_at: Annotated[datetime, doc("When it counts; for a repeat the moment of the first answer")]
    recorded_at: Annotated[datetime, doc("Raw timestamp of the record that led to it")]
    catalog_version: Annotated[int, doc("Version of the catalog that decided")]
    rules_version: Annotated[str, doc("Version of the rules and the time zone database that decided")]
    cause: Annotated[Cause, doc("The record that led to it")]
    events: Annotated[tuple[Event, ...], doc("Preview only: what would happen")] = ()
    entities: Annotated[tuple[Entity, ...], doc("The touched entities after the command; of a repeat: none")] = ()
    duplicate_of: Annotated[str | None, doc("Command that had the same reference and body first (ABS-12)")] = None
    conflicts: Annotated[tuple[Conflict, ...], doc("Scheduled actions that would now fail (SCH-13)")] = ()
    already_billed: Annotated[tuple[AlreadyBilled, ...], doc("Lines that an earlier update has billed (BSU-9)")] = ()
    lines: Annotated[tuple[SyncedLine, ...], doc("What became of each synchronized line (SYN-10)")] = ()
    unused: Annotated[tuple[Unused, ...], doc("Data of the command that no line needed (CRE-14)")] = ()
    effective_at: Annotated[datetime | None, doc("Preview of an action: from when it would hold")] = None
    added: Annotated[tuple[PreviewedService, ...], doc("Preview: services that would come")] = ()
    removed: Annotated[tuple[PreviewedService, ...], doc("Preview: services that would end")] = ()
    states: Annotated[tuple[PreviewedState, ...], doc("Preview: services that would change their state")] = ()
    composition: Annotated[tuple[PreviewedRow, ...], doc("Preview: rows of the touched bundles")] = ()
    cost: Annotated[PreviewedCost | None, doc("Preview: what it would cost")] = None
    recurring_change: Annotated[Decimal | None, doc("Preview: added less removed, per full billing period")] = None
    wallet: Annotated[PreviewedWallet | None, doc("Preview: what would be left in the wallet")] = None
    distributors: Annotated[PreviewedDistributors | None, doc("Preview: distributors that would come and go")] = None
    cancelled_actions: Annotated[tuple[str, ...], doc("Preview: scheduled actions that would be cancelled")] = ()
