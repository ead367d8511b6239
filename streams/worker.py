"""The worker: reads a command's bytes, has it answered, and turns the answers into what the engine commits."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import structlog

from processors.answering import Answered, Memory, Received, answer, bug_answer
from processors.clock import nudge
from schemas import codec, headers, wire
from schemas.cards import may_hold_card_number
from schemas.codec import Unreadable
from schemas.envelope import BusinessTransaction, CommandRecord
from schemas.partition import partition_of
from schemas.provisioning_requests import requests_in
from schemas.rows import Due
from schemas.schedule import DueWorkParked
from state.tables import Tables
from streams.catalogs import CatalogUnavailable, Shelf
from streams.engine.boundary import Decided, Halt, Outgoing, SourceRecord
from streams.settings import Settings

log = structlog.get_logger()


class DeadLetter(Exception):
    """A record that no command can be read from; the reason is one of a few words."""


class Worker:
    """Everything between the engine's bytes and the pure answers."""

    def __init__(self, settings: Settings, shelf: Shelf) -> None:
        self.topology = settings.topology
        self.shelf = shelf
        self._upgrade_seconds = settings.upgrade_seconds
        written = "BusinessTransaction", "Command", "CommandOutcome", "ProvisioningRequest"
        self._ids = {name: wire.current_id(name) for name in written}

    def handle(self, tables: Tables, record: SourceRecord) -> Iterator[Decided]:
        """Decide one record, item by item: what is unreadable becomes a dead letter, the rest is answered."""
        try:
            received = self.read(record)
        except DeadLetter as reason:
            yield self.dead_letter(record, str(reason))
            return
        try:
            memory = self._memory(tables, received)
            for answered in answer(received, memory):
                yield self.decided(record, answered)
        except CatalogUnavailable as reason:
            raise Halt(str(reason)) from reason

    def handle_bug(self, tables: Tables, record: SourceRecord, bug: Exception) -> Decided:
        """A decision raised: the command gets its outcome and its dead letter, and the line goes on."""
        log.error("bug in a decision", partition=record.partition, offset=record.offset, exc_info=bug)
        letter = self.dead_letter(record, "BUG", bug)
        try:
            received = self.read(record)
        except Halt:
            raise
        except Exception:  # noqa: BLE001  # the bug is in the reading itself: no command, so no outcome either
            return letter
        answered = bug_answer(received, self._memory(tables, received), record.answered)
        return Decided(records=(*self.decided(record, answered).records, *letter.records))

    def _memory(self, tables: Tables, received: Received) -> Memory:
        return Memory(tables.state, tables.answers, self.shelf.of(received.command.customer_id))

    # -- in

    def read(self, record: SourceRecord) -> Received:
        """The command in a record. Raises DeadLetter, or Halt while its schema is not known yet."""
        if record.value is None or record.key is None:
            raise DeadLetter("NO_KEY" if record.key is None else "NO_VALUE")
        try:
            schema_id, payload = wire.unframe(record.value)
            command = codec.COMMAND.decode(payload, schema_id)
        except wire.UnknownSchema as unknown:
            if record.waited_seconds < self._upgrade_seconds:
                raise Halt(f"schema id {unknown} is not known yet") from unknown
            raise DeadLetter("UNKNOWN_SCHEMA") from unknown
        except wire.SchemaUnavailable as silence:
            raise Halt(str(silence)) from silence
        except Unreadable as unreadable:
            raise DeadLetter(f"UNREADABLE {unreadable}") from unreadable
        assert isinstance(command, CommandRecord)
        if (
            record.key != command.customer_id.encode()
            or partition_of(command.customer_id, self.topology.partitions) != record.partition
        ):
            raise DeadLetter("WRONG_PARTITION")
        return Received(
            command=command,
            timestamp=record.timestamp,
            partition=record.partition,
            offset=record.offset,
            answered=record.answered,
            may_hold_card=may_hold_card_number(payload),
        )

    # -- out

    def decided(self, record: SourceRecord, answered: Answered) -> Decided:
        """What one answer writes and sends."""
        if answered.dead_letter is not None and answered.outcome is None:
            return self.dead_letter(record, answered.dead_letter)
        records = []
        trace = headers.passed_on_from(record.headers)
        if (done := answered.transaction) is not None:
            payload = wire.frame(self._ids["BusinessTransaction"], answered.transaction_payload)
            stamp = headers.for_transaction(done, trace)
            records.append(Outgoing(self.topology.transactions, record.key, payload, stamp))
            for request in requests_in(done):
                payload = wire.frame(self._ids["ProvisioningRequest"], codec.PROVISIONING.encode(request))
                stamp = headers.for_provisioning(request, trace)
                records.append(Outgoing(self.topology.provisioning, record.key, payload, stamp))
        if (told := answered.outcome) is not None:
            payload = wire.frame(self._ids["CommandOutcome"], answered.outcome_payload)
            records.append(Outgoing(self.topology.outcomes, record.key, payload, headers.for_outcome(told, trace)))
        if answered.bug is not None and done is not None:
            log.error("bug in due work", partition=record.partition, offset=record.offset, exc_info=answered.bug)
            records.append(self.parked(record, done, answered.bug))
        return Decided(state=answered.state, answers=answered.answers, records=records)

    def parked(self, record: SourceRecord, transaction: BusinessTransaction, bug: Exception) -> Outgoing:
        """Due work that met a bug, as the clock's own command: sent again after the fix, it is done."""
        event = transaction.changes[-1].event
        assert isinstance(event, DueWorkParked)
        due = Due(
            command_type=event.command_type,
            body=msgspec.json.decode(event.body),
            command_id=event.command_id,
            due_at=event.due_at,
        )
        value = wire.frame(self._ids["Command"], codec.COMMAND.encode(nudge(transaction.customer_id, due)))
        letter = self.dead_letter(msgspec.structs.replace(record, value=value, headers=()), "BUG_IN_DUE_WORK", bug)
        return letter.records[0]

    def dead_letter(self, record: SourceRecord, reason: str, bug: Exception | None = None) -> Decided:
        """The record's bytes, untouched, with where they stood and why they are here."""
        about = {
            "__connect.errors.topic": record.topic,
            "__connect.errors.partition": str(record.partition),
            "__connect.errors.offset": str(record.offset),
            "__connect.errors.exception.class.name": type(bug).__name__ if bug else reason.partition(" ")[0],
            "__connect.errors.exception.message": str(bug) if bug else reason,
            "billfold.reason": reason,
            "billfold.timestamp": record.timestamp.isoformat(),
        }
        named = [(name, value.encode()) for name, value in about.items()]
        return Decided(
            records=(Outgoing(self.topology.dead_letters, record.key, record.value, (*record.headers, *named)),)
        )
