"""From one command record to its answers: due work first, then repeats, then the decision, then the customer's chain.

The worker, the story runner and every replay walk through `answer`; none of them decides anything itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

import msgspec

from processors import clock, remembering
from processors.context import Context, derive
from processors.decision import Accepted, Refused, conflicts, shown
from processors.decisions import decide
from processors.preconditions import first_objection
from processors.view.customer import Rows, Stored, identity_of
from processors.view.draft import Draft
from schemas import codec
from schemas.catalog import Catalog
from schemas.customers import CustomerRegistered, RegisterCustomer
from schemas.envelope import (
    RULES_VERSION,
    BusinessTransaction,
    Cause,
    Change,
    CommandOutcome,
    CommandRecord,
    Mode,
    Status,
)
from schemas.fields import Event
from schemas.previews import Preview
from schemas.refusals import Code, Violation, violation
from schemas.rows import Answer, Due, Head, key
from schemas.schedule import DueWorkParked
from schemas.words import CLOCK_COMMANDS, AskedCommand, ClockCommand

RECORD_BYTES_MAX = 16 * 1024 * 1024 - 64 * 1024
"""Largest transaction or outcome: the topics take 16 MiB, headers and framing included."""

Writes = dict[bytes, bytes | None]
"""Rows to store; None deletes."""

_encode = msgspec.msgpack.Encoder().encode
_by_name = msgspec.json.Encoder(order="deterministic")


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A command record with its coordinates."""

    command: CommandRecord
    timestamp: datetime
    """The record's Kafka timestamp, UTC."""
    partition: int
    offset: int
    answered: int = 0
    """How many answers of this record earlier turns gave."""
    may_hold_card: bool = True
    """False where a look at the raw bytes has shown that no card number can be inside."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, with all that it writes: an outcome or, for clock records that match nothing, a dead letter."""

    outcome: CommandOutcome | None = None
    outcome_payload: bytes = b""
    transaction: BusinessTransaction | None = None
    transaction_payload: bytes = b""
    dead_letter: str | None = None
    """Why the record itself (or, with a `bug`, the due work) goes to the dead letter topic."""
    bug: Exception | None = None
    state: Writes = msgspec.field(default_factory=dict)
    answers: Writes = msgspec.field(default_factory=dict)


class Memory(msgspec.Struct, frozen=True):
    """The two tables of a partition, and the catalog in force at a moment."""

    state: Rows
    answers: Rows
    catalog_at: Callable[[datetime], Catalog]


def answer(received: Received, memory: Memory) -> Iterator[Answered]:
    """Give the answers that one record leads to, one by one; each is to be stored before the next is asked for.

    1. Due work: everything of the customer that is due up to the record's moment, in due order (BCX-9).
    2. Repeat: an id that was answered gets its answer again, or IDEMPOTENCY_CONFLICT.
    3. Decision: events or a refusal. A preview ends here and is not remembered.
    4. Chain: the events become the customer's next transaction.
    """
    desk = _Desk(received, memory, received.answered)
    while (due := desk.next_due()) is not None:
        yield desk.decide_due(due)
        desk = _Desk(received, memory, desk.cause.position + 1)
    yield desk.decide_record()


def bug_answer(received: Received, memory: Memory, position: int) -> Answered:
    """The answer to a command whose decision met a bug of ours. Not remembered: it can be sent again after the fix."""
    desk = _Desk(received, memory, position)
    return desk.refuse(received.command, (violation(Code.INTERNAL_ERROR, "ENGINE"),), remember=False)


def park_answer(received: Received, memory: Memory, position: int, bug: Exception) -> Answered | None:
    """Set the first due work of a record's customer aside, as a recorded history says; None where nothing is due."""
    desk = _Desk(received, memory, position)
    due = desk.next_due()
    if due is None:
        return None
    desk.at = max(due.due_at, desk.head.at)
    return desk.park(clock.nudge(desk.customer_id, due), due, bug)


class _Desk:
    """One decision on one customer."""

    def __init__(self, received: Received, memory: Memory, position: int) -> None:
        self.received, self.memory = received, memory
        self.cause = Cause(partition=received.partition, offset=received.offset, position=position)
        self.customer_id = received.command.customer_id
        self.view = Draft(Stored(self.customer_id, memory.state))
        self.head = self.view.head() or Head()
        self.at = max(received.timestamp, self.head.at)

    # -- 1. due work

    def next_due(self) -> Due | None:
        """The first entry of the due index whose moment has come."""
        if self.head.next_due is None or self.head.next_due > self.at:
            return None
        return next(self.view.due())[1]

    def decide_due(self, due: Due) -> Answered:
        """Decide due work at its own moment. A bug parks it, so that it holds up nothing."""
        self.at = max(due.due_at, self.head.at)  # a backdated activation may leave work due before the last decision
        record = clock.nudge(self.customer_id, due)
        context = self.context(record)
        try:
            decision = decide(self.view, cast("ClockCommand", record.body), context)
            assert not isinstance(decision, Refused), f"due work answers with events: {decision}"
            answered = self.accept(record, decision, context)
            self.assert_done(due, answered)
            return answered
        except Exception as bug:  # noqa: BLE001  # the one place where a bug of a rule is met; the engine meets the others
            return self.park(record, due, bug)

    def assert_done(self, due: Due, answered: Answered) -> None:
        """Due work that is answered without leaving the index would be decided for ever."""
        assert answered.outcome is not None
        assert answered.outcome.status is Status.COMPLETED, f"due work was refused: {answered.outcome.violations}"
        first = next(self.view.due(), None)
        assert first is None or first[1].command_id != due.command_id, "due work is still due after it was done"

    def park(self, record: CommandRecord, due: Due, bug: Exception) -> Answered:
        """Set due work aside, by an event, until an operator sends it again."""
        self.view = Draft(Stored(self.customer_id, self.memory.state))
        event = DueWorkParked(
            customer_id=self.customer_id,
            command_id=due.command_id,
            command_type=due.command_type,
            body=_by_name.encode(due.body).decode(),
            due_at=due.due_at,
        )
        parked = self.accept(record, (event,), self.context(record), remember=False, parked=due)
        return msgspec.structs.replace(parked, dead_letter="BUG", bug=bug)

    # -- 2. repeats

    def decide_record(self) -> Answered:
        """Answer the record itself."""
        record = self.received.command
        is_clock = type(record.body).__name__ in CLOCK_COMMANDS
        if is_clock and (record.source != clock.SOURCE or record.mode is not Mode.EXECUTE):
            return Answered(dead_letter=clock.UNMATCHED)
        known = remembering.known(self.memory.answers, self.customer_id, record.command_id, self.at)
        if record.mode is Mode.EXECUTE and known is not None:
            if known.digest != remembering.digest(record):
                if is_clock:
                    return Answered(dead_letter=clock.UNMATCHED)
                conflict = violation(Code.IDEMPOTENCY_CONFLICT, "ENVELOPE", command_id=record.command_id)
                return self.refuse(record, (conflict,), remember=False)
            return self.repeat(record, known)
        if is_clock:
            return self.decide_clock(record)

        context = self.context(record)
        objection = first_objection(self.view, record.body, may_hold_card=self.received.may_hold_card)
        if objection is not None:
            return self.refuse(record, (objection,), context=context)
        decision = decide(self.view, cast("AskedCommand", record.body), context)
        if isinstance(decision, Refused):
            return self.refuse(record, decision.violations, context=context, preview=decision.preview)
        return self.accept(record, decision, context)

    def decide_clock(self, record: CommandRecord) -> Answered:
        """A clock record that finds no answer given: late for a plan that is gone, sent again, or forged."""
        due = self.view.parked(record.command_id)
        if due is not None:
            self.at = max(due.due_at, self.head.at)
            context = self.context(record)
            decision = decide(self.view, cast("ClockCommand", record.body), context)
            assert not isinstance(decision, Refused), f"due work answers with events: {decision}"
            return self.accept(record, decision, context, unparked=True)
        if clock.was_planned(self.view, record, self.at):
            return self.accept(record, (), self.context(record), remember=False)
        return Answered(dead_letter=clock.UNMATCHED)

    def repeat(self, record: CommandRecord, known: Answer) -> Answered:
        """The same answer again."""
        return self._answered(
            self._outcome(
                record,
                status=Status(known.status),
                violations=known.violations,
                changed=known.changed,
                repeated=True,
                transaction_id=known.transaction_id,
                sequence=known.sequence,
                decided_at=known.at,
                catalog_version=known.catalog_version,
                rules_version=known.rules_version,
                **shown(known.remarks),
            )
        )

    # -- 3. the decision

    def context(self, record: CommandRecord) -> Context:
        """What the decision may know."""
        catalog = self.memory.catalog_at(self.at)
        customer = self.view.customer()
        return Context(
            at=self.at,
            command_id=record.command_id,
            customer_id=self.customer_id,
            catalog=catalog,
            zone=ZoneInfo(customer.time_zone if customer else catalog.time_zone),
            source=record.source,
            performed_by=record.performed_by,
            performed_at=record.performed_at,
            preview=record.mode is Mode.PREVIEW,
            rules=RULES_VERSION,
        )

    def refuse(
        self,
        record: CommandRecord,
        violations: tuple[Violation, ...],
        *,
        context: Context | None = None,
        preview: Preview | None = None,
        remember: bool = True,
    ) -> Answered:
        """Answer REJECTED with every violation. A preview is not remembered; it says what it can of the difference."""
        version = (context or self.context(record)).catalog.version
        said = shown(preview) if record.mode is Mode.PREVIEW else {}
        outcome = self._outcome(record, status=Status.REJECTED, violations=violations, catalog_version=version, **said)
        if not remember or record.mode is Mode.PREVIEW:
            return self._answered(outcome)
        return self._answered(outcome, state=self._moved(), answers=remembering.row(record, outcome))

    # -- 4. the chain

    def accept(
        self,
        record: CommandRecord,
        decision: tuple[Event, ...] | Accepted,
        context: Context,
        *,
        remember: bool = True,
        parked: Due | None = None,
        unparked: bool = False,
    ) -> Answered:
        """Evolve, and append the customer's next transaction, unless nothing changed or it is only a preview."""
        accepted = decision if isinstance(decision, Accepted) else Accepted(events=decision)
        events = accepted.events
        if events and self.view.customer() is None and not isinstance(record.body, RegisterCustomer):
            born = CustomerRegistered(customer_id=self.customer_id, time_zone=context.catalog.time_zone)
            events = (born, *events)
        for event in events:
            self.view.record(event)
        entities = tuple(self.view.touched.values())
        version = context.catalog.version
        if record.mode is Mode.PREVIEW:
            return self._answered(
                self._outcome(
                    record,
                    status=Status.PREVIEWED,
                    changed=bool(events),
                    catalog_version=version,
                    events=events,
                    entities=entities,
                    conflicts=conflicts(events),
                    **shown(accepted.remarks),
                    **shown(accepted.preview),
                )
            )
        if not events:
            outcome = self._outcome(record, status=Status.COMPLETED, catalog_version=version, **shown(accepted.remarks))
            answers = remembering.row(record, outcome) if remember else {}
            return self._answered(outcome, state=self._moved() if remember else {}, answers=answers)

        transaction = self._transaction(record, events, version)
        outcome = self._outcome(
            record,
            status=Status.COMPLETED,
            changed=True,
            transaction_id=transaction.transaction_id,
            sequence=transaction.sequence,
            catalog_version=version,
            entities=entities,
            conflicts=conflicts(events),
            **shown(accepted.remarks),
        )
        transaction_payload, transaction_hash, outcome_payload = codec.encode_answer(transaction, outcome)
        size = max(len(transaction_payload), len(outcome_payload))
        if size > RECORD_BYTES_MAX:
            excess = violation(
                Code.LIMIT_EXCEEDED, "RECORD_BYTES", limit_rule="RECORD_BYTES", limit=RECORD_BYTES_MAX, found=size
            )
            return self.refuse(record, (excess,), context=context)

        if parked is not None:
            self.view.set_aside(parked)
        if unparked:
            self.view.take_up(record.command_id)
        head = self.view.head() or self.head
        after = msgspec.structs.replace(head, sequence=transaction.sequence, hash=transaction_hash, at=self.at)
        return Answered(
            outcome=outcome,
            outcome_payload=outcome_payload,
            transaction=msgspec.structs.replace(transaction, hash=transaction_hash),
            transaction_payload=transaction_payload,
            state=self.view.writes(after),
            answers=remembering.row(record, outcome) if remember else {},
        )

    def _transaction(
        self, record: CommandRecord, events: tuple[Event, ...], catalog_version: int
    ) -> BusinessTransaction:
        left = dict(self.view.touched)  # an entity stands in full only at its last change
        changes = [Change(event=event, entity=left.pop(identity_of(event), None)) for event in reversed(events)]
        return BusinessTransaction(
            transaction_id=derive("transaction", self.customer_id, self.head.sequence + 1, record.command_id),
            customer_id=self.customer_id,
            sequence=self.head.sequence + 1,
            previous_hash=self.head.hash,
            command_id=record.command_id,
            command_type=type(record.body).__name__,
            source=record.source,
            performed_by=record.performed_by or record.source,  # CLS-2
            performed_at=record.performed_at,
            occurred_at=self.at,
            recorded_at=self.received.timestamp,
            catalog_version=catalog_version,
            rules_version=RULES_VERSION,
            cause=self.cause,
            changes=tuple(reversed(changes)),
            hash=bytes(32),
        )

    def _outcome(
        self, record: CommandRecord, *, status: Status, catalog_version: int, **answer: object
    ) -> CommandOutcome:
        return CommandOutcome(
            command_id=record.command_id,
            customer_id=self.customer_id,
            command_type=remembering.command_type(record.body),
            source=record.source,
            performed_by=record.performed_by or record.source,
            mode=record.mode,
            status=status,
            recorded_at=self.received.timestamp,
            catalog_version=catalog_version,
            cause=self.cause,
            **({"decided_at": self.at, "rules_version": RULES_VERSION} | answer),  # type: ignore[arg-type]
        )

    def _answered(
        self, outcome: CommandOutcome, state: Writes | None = None, answers: Writes | None = None
    ) -> Answered:
        return Answered(
            outcome=outcome, outcome_payload=codec.OUTCOME.encode(outcome), state=state or {}, answers=answers or {}
        )

    def _moved(self) -> Writes:
        """The head with this moment, so that time never goes back for the customer."""
        if self.head.at == self.at:
            return {}
        return {key(self.customer_id, "head", ""): _encode(msgspec.structs.replace(self.head, at=self.at))}
