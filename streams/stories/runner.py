"""Playing a story: what is sent, what came, and whether it is what was expected.

Pure and live runs share all of this; they differ in their stage: how a command is sent and what comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, assert_never

import msgspec

from processors.assembling import looked_at, parts
from processors.view.customer import Stored
from processors.view.draft import Draft
from schemas.envelope import BusinessTransaction, CommandOutcome, CommandRecord, Status, Unparsed
from schemas.malformed import Misfit, read_body
from schemas.refusals import Code
from schemas.rows import Due
from schemas.words import COMMANDS
from streams.sealing import SealBrokenError, seal_command, seal_unparsed, unseal_text
from streams.stories import hints
from streams.stories.derived import Happened, NotDerived, filled, filled_key
from streams.stories.matching import Difference, differences, event_differences, included_differences
from streams.stories.paths import NOTHING
from streams.stories.reference import CatalogNotRead, read_first, read_next
from streams.stories.shown import Fields, Glass
from streams.stories.stage import Came, NotPublished, Stage, first_due, nudge, to_milliseconds
from streams.stories.story import AnyStep, Asked, Check, Clock, Do, Expectation, NewCatalog, Repeat, Story
from streams.vault import CustomerErasedError

CODES_MOST = 6
"""Codes that the first line about a refusal tells; all of them follow."""

_json = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a story failed: where, what differs, and everything that came."""

    line: int
    step: AnyStep | None = None
    differences: tuple[Difference, ...] = ()
    sentence: str = ""
    hints: tuple[str, ...] = ()
    """What may have been meant."""
    came: Any = None
    """What is to be printed: the answer, the transactions, the entity."""


class _Failed(Exception):
    def __init__(self, sentence: str = "", found: Sequence[Difference] = (), came: Any = None) -> None:
        super().__init__(sentence)
        self.sentence, self.differences, self.came = sentence, tuple(found), came


def play(story: Story, stage: Stage) -> Failure | None:
    """Play a story to its end or to the first step that fails. None: all went as expected."""
    try:
        stage.publish(read_first(story))
    except CatalogNotRead as mistake:
        return Failure(line=mistake.line, sentence=str(mistake))
    except NotPublished as refused:
        return Failure(line=story.written.line(("catalog",)), sentence=str(refused), came=_shown_violations(refused))

    run = _Run(story, stage)
    for step in story.steps:
        try:
            run.step(step)
        except _Failed as failed:
            return Failure(
                line=step.line,
                step=step,
                differences=failed.differences,
                sentence=failed.sentence,
                hints=tuple(run.hints(step, failed)),
                came=failed.came,
            )
        except NotDerived as missing:
            return Failure(line=step.line, step=step, sentence=str(missing))
    return None


class _Run:
    """One story under way."""

    def __init__(self, story: Story, stage: Stage) -> None:
        self.story, self.stage = story, stage
        self.versions = 1
        self.happened: dict[int, Happened] = {}
        self.records: dict[int, CommandRecord] = {}
        self.outcomes: dict[int, CommandOutcome] = {}
        self.customers: list[str] = []
        """Everyone who was sent a command, in the order of their first one."""

    def step(self, step: AnyStep) -> None:
        match step:
            case Do():
                record = self.records[step.number] = self.record(step.asked)
                outcome, _ = self.send(step, record)
                self.outcomes[step.number] = outcome
            case Repeat():
                self.repeat(step)
            case Clock():
                self.pass_time(step)
            case NewCatalog():
                self.publish(step)
            case Check():
                self.check(step)
            case _:
                assert_never(step)

    # -- commands

    def send(self, step: Do | Repeat, record: CommandRecord) -> tuple[CommandOutcome, BusinessTransaction | None]:
        """Send a command and compare its own answer with what the step expects."""
        if record.customer_id not in self.customers:
            self.customers.append(record.customer_id)
        *_, own = came = self.stage.send(record, to_milliseconds(step.at))
        glass = self.glass(record.customer_id)
        shown = _shown(own, glass)
        _refuse_bugs(came, shown)
        if own.outcome is None:
            raise _Failed(f"expected an outcome, the record became a dead letter: {own.dead_letter}", came=shown)
        events = self.happened[step.number] = events_of(own.transaction, own.outcome, glass)
        # What a preview would do is no transaction: `events: []` asserts that none came of it.
        if own.outcome.status is Status.PREVIEWED and step.expected.events == ():
            events = ()
        try:
            expected = self.filled(step.expected)
        except NotDerived as missing:
            raise _Failed(str(missing), came=shown) from None
        found = [*_answer_differences(expected, own.outcome, glass), *_events_differences(expected, events)]
        if found:
            raise _Failed(found=found, came=shown)
        return own.outcome, own.transaction

    def repeat(self, step: Repeat) -> None:
        record = self.records[step.first.number] if step.instead is None else self.record(step.instead)
        outcome, transaction = self.send(step, record)
        if step.expected.status is not None:
            return
        glass = self.glass(record.customer_id)
        first = self.outcomes[step.first.number]
        found = []
        if first.status is not outcome.status:
            found.append(Difference("expect", first.status.value, outcome.status.value, why=_refused_by(outcome)))
        if first.violations != outcome.violations:
            found.append(Difference("refused", glass.plain(first.violations), glass.plain(outcome.violations)))
        if transaction is not None:
            found.append(Difference("events", [], [name for name, _ in self.happened[step.number]]))
        if found:
            sentence = f"expected the answer of step {step.first.number} again, and nothing new"
            raise _Failed(sentence, found, _shown(Came(outcome=outcome, transaction=transaction), glass))

    def record(self, asked: Asked) -> CommandRecord:
        """The command record as the doors would write it: derived values filled in, personal data sealed."""
        customer_id = self.stage.prefix + asked.customer_id
        body = filled(asked.body, self.happened)
        command_type = filled(asked.command, self.happened)
        parsed = read_body(command_type, body)
        if isinstance(parsed, Misfit):
            sealed = seal_unparsed(body, COMMANDS.get(command_type), customer_id, self.stage.vault)
            try:
                parsed = Unparsed(command_type=command_type, json=_json.encode(sealed).decode())
            except (TypeError, ValueError) as mistake:
                raise _Failed(f"expected a body that JSON can hold: {mistake}") from None
        else:
            parsed = seal_command(parsed, customer_id, self.stage.vault)
        return CommandRecord(
            command_id=asked.command_id,
            customer_id=customer_id,
            source=asked.source,
            performed_by=asked.performed_by,
            performed_at=filled(asked.performed_at, self.happened),
            mode=asked.mode,
            body=parsed,
        )

    # -- time and reference data

    def pass_time(self, step: Clock) -> None:
        """Run everything that falls due up to the moment, customer by customer as it falls due."""
        at = to_milliseconds(step.at)
        answers: list[Came] = []
        while (next_due := min(self.due(at), key=itemgetter(0), default=None)) is not None:
            _, customer_id, due = next_due
            came = self.stage.send(nudge(customer_id, due), at)
            _refuse_bugs(came, [_shown(one, self.glass(customer_id)) for one in came])
            answers += came
            if any(entry.command_id == due.command_id for _, _, entry in self.due(at)):
                moment = due.due_at.isoformat()
                raise _Failed(f"expected {due.command_type} to run at its moment {moment}, it still waits")
        transactions = sorted(
            (came.transaction for came in answers if came.transaction is not None), key=attrgetter("occurred_at")
        )
        events: list[tuple[str, Fields]] = []
        for transaction in transactions:
            events += events_of(transaction, None, self.glass(transaction.customer_id))
        self.happened[step.number] = tuple(events)
        found = list(_events_differences(self.filled(step.expected), events))
        if found:
            raise _Failed(found=found, came=[_transaction(one, self.glass(one.customer_id)) for one in transactions])

    def due(self, at: datetime) -> Iterator[tuple[datetime, str, Due]]:
        """Every customer's first due work, if its moment has come."""
        for customer_id in self.customers:
            due = first_due(Stored(customer_id, self.stage.rows))
            if due is not None and due.due_at <= at:
                yield due.due_at, customer_id, due

    def publish(self, step: NewCatalog) -> None:
        self.versions += 1
        self.nothing_happens(step)
        try:
            self.stage.publish(read_next(self.story, step, self.versions))
        except CatalogNotRead as mistake:
            raise _Failed(str(mistake)) from None
        except NotPublished as refused:
            raise _Failed(str(refused), came=_shown_violations(refused)) from None

    def nothing_happens(self, step: NewCatalog | Check) -> None:
        """A step that is no command has no events."""
        self.happened[step.number] = ()
        found = list(_events_differences(self.filled(step.expected), ()))
        if found:
            raise _Failed(found=found)

    # -- looking

    def check(self, step: Check) -> None:
        self.nothing_happens(step)
        for look in step.looks:
            entity_id = filled_key(look.entity_id, self.happened)
            of_customer = look.kind == "customer"
            customer_id = self.stage.prefix + (entity_id if of_customer else step.customer_id)
            stored = Stored(customer_id, self.stage.rows)
            view = Draft(stored)
            entity = looked_at(view, look.kind, customer_id if of_customer else entity_id)
            name = f"{look.kind} {entity_id}"
            if entity is None:
                if look.path_values is not None:
                    raise _Failed(f"expected {name}, there is none", came={name: NOTHING})
                continue
            glass = self.glass(customer_id)
            shown = glass.plain(entity)
            shown |= {part: glass.plain(held) for part, held in parts(view, entity).items()}
            if of_customer and (head := stored.head()) is not None:
                shown |= {"sequence": head.sequence, "hash": head.hash}
            if look.path_values is None:
                raise _Failed(f"expected no {name}, there is one", came={name: shown})
            found = list(differences(filled(look.path_values, self.happened), shown, name))
            if found:
                raise _Failed(found=found, came={name: shown})

    # -- shared

    def hints(self, step: AnyStep, failed: _Failed) -> Iterator[str]:
        """What may have been meant by a step that failed."""
        written = self.story.written
        asked = step.asked if isinstance(step, Do) else step.instead if isinstance(step, Repeat) else None
        if asked is not None:
            body = filled(asked.body, self.happened)
            misfit = read_body(filled(asked.command, self.happened), body)
            if isinstance(misfit, Misfit):
                yield from hints.of_body(written, step, misfit, body)
        if isinstance(step, Check):
            others = {look.entity_id for look in step.looks if look.kind == "customer"}
            looked_at = {self.stage.prefix + one for one in {step.customer_id, *others}}
            waiting = (due for _, customer_id, due in self.due(step.at) if customer_id in looked_at)
            yield from hints.of_waiting(min(waiting, key=attrgetter("due_at"), default=None), step.at)
        yield from hints.of_expectations(written, step, failed.differences)

    def glass(self, customer_id: str) -> Glass:
        def opened(text: str) -> str:
            try:
                return unseal_text(text, customer_id, self.stage.vault)
            except (SealBrokenError, CustomerErasedError):
                return text

        return Glass(opened, self.stage.prefix)

    def filled(self, expected: Expectation) -> Expectation:
        values: dict[str, Any] = {
            "refused": None if expected.refused is None else [filled(one, self.happened) for one in expected.refused],
            "answer": filled(expected.answer, self.happened),
            "events": None
            if expected.events is None
            else [type(one)(one.name, filled(one.fields, self.happened)) for one in expected.events],
        }
        return type(expected)(**{**vars(expected), **values})


def _refuse_bugs(came: Sequence[Came], shown: Any) -> None:
    for one in came:
        if one.bug is not None:
            raise _Failed(f"a bug of ours: {one.bug}", came=shown)
        if one.outcome is not None and any(found.code == Code.INTERNAL_ERROR for found in one.outcome.violations):
            raise _Failed("a bug of ours: the worker's log says which", came=shown)


def events_of(
    transaction: BusinessTransaction | None, outcome: CommandOutcome | None, glass: Glass
) -> tuple[tuple[str, Fields], ...]:
    """The events of an answer's own transaction, name and fields; of a preview what would happen."""
    if transaction is not None:
        events = tuple(change.event for change in transaction.changes)
    else:
        events = outcome.events if outcome is not None else ()
    return tuple((type(event).__name__, glass.plain(event)) for event in events)


def _answer_differences(expected: Expectation, outcome: CommandOutcome, glass: Glass) -> Iterator[Difference]:
    if expected.status is not None and expected.status is not outcome.status:
        yield Difference("expect", expected.status.value, outcome.status.value, why=_refused_by(outcome))
    if expected.refused is not None:
        came = glass.plain(outcome.violations)
        codes, came_codes = [one.get("code", "any code") for one in expected.refused], [one["code"] for one in came]
        if len(codes) != len(came_codes):
            yield Difference("refused", codes, came_codes)
        for at, (wanted, found) in enumerate(zip(expected.refused, came, strict=False)):
            yield from differences(wanted, found, f"refused.{at}")
    if expected.changed is not None and expected.changed is not outcome.changed:
        yield Difference("changed", expected.changed, outcome.changed)
    if expected.answer is not None:
        yield from differences(expected.answer, glass.plain(outcome), "answer")


def _refused_by(outcome: CommandOutcome) -> str:
    """The codes of a refusal, each with its row."""
    codes = [f"{found.code} ({found.rule})" for found in outcome.violations[:CODES_MOST]]
    more = len(outcome.violations) - len(codes)
    return ", ".join(codes) + (f" and {more} more" if more else "")


def _events_differences(expected: Expectation, came: Sequence[tuple[str, Fields]]) -> Iterator[Difference]:
    if expected.events is None:
        return
    wanted = [(event.name, event.fields) for event in expected.events]
    yield from (included_differences if expected.others_too else event_differences)(wanted, came)


def _shown_violations(refused: NotPublished) -> Any:
    glass = Glass(lambda text: text)
    return {"violations": [glass.violation(found) for found in refused.violations]}


def _shown(came: Came, glass: Glass) -> Any:
    """All of an answer: the transaction, or the outcome where there is none."""
    if came.transaction is not None:
        return _transaction(came.transaction, glass)
    if came.outcome is None:
        return {"dead_letter": came.dead_letter}
    return {"outcome": glass.plain(came.outcome)}


def _transaction(transaction: BusinessTransaction, glass: Glass) -> Any:
    shown: Mapping[str, Any] = glass.plain(transaction)
    return {"transaction": shown}
