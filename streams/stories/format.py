"""Reading a story file. The format is a contract: unknown keys are refused, with file, line and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from processors.assembling import KINDS
from schemas.envelope import Mode, Status
from schemas.refusals import Code
from schemas.words import COMMANDS, EVENTS
from streams.stories.derived import references
from streams.stories.story import (
    AnyStep,
    Asked,
    Body,
    Check,
    Clock,
    Do,
    Expectation,
    ExpectedEvent,
    Look,
    Mistake,
    NewCatalog,
    Repeat,
    Step,
    Story,
    StoryInvalid,
)
from streams.stories.values import Values
from streams.stories.writing import NotYaml, Place, Written, read_yaml

DEFAULT_CATALOG = "nordlys"
DEFAULT_CUSTOMER = "nordlys"
DEFAULT_SOURCE = "story"
BEGINNING = datetime.min.replace(tzinfo=UTC)

STORY_KEYS = ("story", "rules", "catalog", "switches", "customer", "defaults", "steps")
CUSTOMER_KEYS = ("customer", "customer_id")
ENVELOPE_KEYS = ("source", "performed_by", "performed_at", "mode", *CUSTOMER_KEYS)
EVENT_KEYS = ("events", "events_include")
ANSWER_KEYS = ("expect", "refused", "changed", "preview", "answer", *EVENT_KEYS)
STEP_KEYS = {
    "do": ("at", "do", "id", *ENVELOPE_KEYS, "body", *ANSWER_KEYS),
    "repeat": ("at", "repeat", "with", *ANSWER_KEYS),
    "clock": ("at", "clock", *EVENT_KEYS),
    "catalog": ("at", "catalog", *EVENT_KEYS),
    "check": ("at", "check", *CUSTOMER_KEYS, *EVENT_KEYS),
}
WITH_KEYS = ("do", "body", *ENVELOPE_KEYS)


def read_story(path: Path) -> Story:
    """Read one story. Raises StoryInvalid with every mistake."""
    try:
        written = read_yaml(path)
    except NotYaml as mistake:
        raise StoryInvalid([Mistake(path, mistake.line, str(mistake))]) from None

    reader = _Reader(path, written)
    story = reader.story()
    if story is None or reader.mistakes:
        raise StoryInvalid(sorted(reader.mistakes, key=lambda mistake: mistake.line))
    return story


def merged(first: Any, over: Any) -> Any:
    """Lay one plain value over another: maps are merged at every depth, anything else is replaced."""
    if isinstance(first, Mapping) and isinstance(over, Mapping):
        return {**first, **{key: merged(first.get(key), value) for key, value in over.items()}}
    return over


class _Reader(Values):
    """Reads one file."""

    def __init__(self, path: Path, written: Written) -> None:
        super().__init__(path, written)
        self.customer_id = DEFAULT_CUSTOMER
        self.defaults: Mapping[str, Any] = {}
        self.now: datetime | None = None
        self.sent: dict[str, Do] = {}

    # -- the whole

    def story(self) -> Story | None:
        content = self.written.content
        for line, key in self.written.repeated:
            self.mistake_in(line, f"the key `{key}` stands twice; keep one")
        if not isinstance(content, dict):
            self.mistake((), "expected a story: a map with the keys " + ", ".join(STORY_KEYS))
            return None
        self.keys((), content, STORY_KEYS)
        for needed in ("story", "steps"):
            if needed not in content:
                self.mistake((), f"the key `{needed}` is required")
        self.customer_id = self.text(("customer",), content.get("customer", DEFAULT_CUSTOMER))
        self.defaults = self.mapping(("defaults",), content.get("defaults", {}))
        self.keys(("defaults",), self.defaults, ENVELOPE_KEYS)
        return Story(
            path=self.path,
            title=self.text(("story",), content.get("story", "?")),
            rules=tuple(self.text(("rules", at), rule) for at, rule in self.listed(("rules",), content.get("rules"))),
            catalog=self.catalog(("catalog",), content.get("catalog", DEFAULT_CATALOG)),
            switches=self.mapping(("switches",), content.get("switches", {})),
            customer_id=self.customer_id,
            steps=tuple(self.steps(content.get("steps"))),
            written=self.written,
        )

    def steps(self, steps: Any) -> Iterator[AnyStep]:
        if "steps" in self.written.content and not (isinstance(steps, list) and steps):
            self.mistake(("steps",), "expected a list of steps")
        for at, step in self.listed(("steps",), steps):
            place: Place = ("steps", at)
            if not isinstance(step, dict):
                self.mistake(place, "expected a step: a map with one of " + ", ".join(STEP_KEYS))
                continue
            kinds = [kind for kind in STEP_KEYS if kind in step]
            if len(kinds) != 1:
                found = " and ".join(kinds) or ", ".join(map(str, step)) or "nothing"
                self.mistake(place, f"expected exactly one of {', '.join(STEP_KEYS)} in a step, found {found}")
                continue
            self.keys(place, step, STEP_KEYS[kinds[0]])
            yield from self.step(kinds[0], at + 1, place, step)

    def step(self, kind: str, number: int, place: Place, step: Body) -> Iterator[AnyStep]:
        self.derived(number, place, step)
        if "at" in step:
            self.move((*place, "at"), step["at"])
        if kind == "clock":
            self.move((*place, "clock"), step["clock"])
        if self.now is None:
            self.mistake(place, "the first step needs `at`: the moment that the broker would stamp")
            self.now = BEGINNING
        common = Step(
            number=number,
            line=self.written.line(place),
            at=self.now,
            written=step,
            expected=self.expectation(kind, place, step),
        )
        match kind:
            case "do":
                yield self.do(common, place, step)
            case "repeat":
                yield from self.repeat(common, place, step)
            case "clock":
                yield Clock(**vars(common))
            case "catalog":
                yield NewCatalog(**vars(common), catalog=self.catalog((*place, "catalog"), step["catalog"]))
            case _:
                looks = tuple(self.looks((*place, "check"), step["check"]))
                yield Check(**vars(common), customer_id=self.customer(place, step), looks=looks)

    def derived(self, number: int, place: Place, step: Body) -> None:
        """What is sent derives from earlier steps; what is expected may also derive from the step's own events."""
        for key, value in step.items():
            last = number if key in ANSWER_KEYS else number - 1
            for of_step in references(value):
                if not 1 <= of_step <= last:
                    self.mistake((*place, key), f"expected a derived value of a step up to {last}, found ${of_step}")

    def move(self, place: Place, value: Any) -> None:
        """Bring the story's time to a moment, which never lies before the one before."""
        moment = self.moment(place, value)
        if moment is None:
            return
        if self.now is not None and moment < self.now:
            self.mistake(place, f"time never goes back: expected {self.now.isoformat()} or later")
            return
        self.now = moment

    # -- the kinds of steps

    def do(self, common: Step, place: Place, step: Body) -> Do:
        hidden = CUSTOMER_KEYS if any(key in step for key in CUSTOMER_KEYS) else ()
        defaults = {key: value for key, value in self.defaults.items() if key not in (*step, *hidden)}
        envelope = {**defaults, **step}

        def given(key: str) -> Place:
            return ("defaults", key) if key in defaults else (*place, key)

        asked = Asked(
            command=self.command((*place, "do"), step),
            command_id=self.text((*place, "id"), step.get("id", f"step-{common.number}")),
            customer_id=self.customer(("defaults",) if {*CUSTOMER_KEYS} & {*defaults} else place, envelope),
            source=self.text(given("source"), envelope.get("source", DEFAULT_SOURCE)),
            performed_by=self.author(given("performed_by"), envelope.get("performed_by")),
            performed_at=self.optional_moment(given("performed_at"), envelope.get("performed_at")),
            mode=self.one_of(given("mode"), envelope.get("mode", Mode.EXECUTE), Mode) or Mode.EXECUTE,
            body=self.body((*place, "body"), step.get("body", {})),
        )
        expected = common.expected
        if expected.status is None:
            expected = replace(expected, status=_usual_status(asked.mode, expected))
        done = Do(**{**vars(common), "expected": expected}, asked=asked)
        self.sent[asked.command_id] = done
        return done

    def repeat(self, common: Step, place: Place, step: Body) -> Iterator[Repeat]:
        command_id = self.text((*place, "repeat"), step["repeat"])
        first = self.sent.get(command_id)
        if first is None:
            known = ", ".join(self.sent) or "none yet"
            self.mistake((*place, "repeat"), f"expected the id of an earlier command (known: {known})")
            return
        instead = None
        if "with" in step:
            over = self.mapping((*place, "with"), step["with"])
            self.keys((*place, "with"), over, WITH_KEYS)
            asked = first.asked
            instead = replace(
                asked,
                command=self.text((*place, "with", "do"), over.get("do", asked.command)),
                customer_id=self.customer((*place, "with"), over, asked.customer_id),
                source=self.text((*place, "with", "source"), over.get("source", asked.source)),
                performed_by=self.author(
                    (*place, "with", "performed_by"), over.get("performed_by", asked.performed_by)
                ),
                performed_at=self.optional_moment(
                    (*place, "with", "performed_at"), over.get("performed_at", asked.performed_at)
                ),
                mode=self.one_of((*place, "with", "mode"), over.get("mode", asked.mode), Mode) or Mode.EXECUTE,
                body=merged(asked.body, over.get("body", {})),
            )
        expected = common.expected
        if expected.status is None and expected.refused is not None:
            expected = replace(expected, status=Status.REJECTED)
        yield Repeat(**{**vars(common), "expected": expected}, first=first, instead=instead)

    def command(self, place: Place, step: Body) -> str:
        """A command's name. One that is none is a mistake, unless the step can only mean to be refused for it."""
        name = self.text(place, step["do"])
        if name in COMMANDS or list(references(name)):
            return name
        near = difflib.get_close_matches(name, COMMANDS, 3)
        if not _expects_no_command(step, near):
            meant = f"one of {', '.join(near)}" if near else "a command of the rule book"
            unless = "; a story that shows its refusal says so: `refused: [{code: MALFORMED}]`"
            self.mistake(place, f"no command is named {name}; expected {meant}{unless}")
        return name

    def looks(self, place: Place, check: Any) -> Iterator[Look]:
        for key, wanted in self.mapping(place, check).items():
            kind, _, entity_id = str(key).partition(" ")
            if kind not in KINDS:
                self.mistake((*place, key), f"expected `<kind> <id>`, kind one of {', '.join(KINDS)}; found `{key}`")
            elif not entity_id.strip():
                self.mistake((*place, key), f"expected an id after `{kind}`, as in `{kind} x-1`")
            elif wanted == "absent":
                yield Look(kind, entity_id.strip(), None)
            else:
                yield Look(kind, entity_id.strip(), self.mapping((*place, key), wanted, "a map of fields, or absent"))

    def catalog(self, place: Place, value: Any) -> str | Body:
        if isinstance(value, str | dict):
            return value
        self.mistake(place, "expected the name of a catalog in compose/catalogs/, or a whole catalog")
        return DEFAULT_CATALOG

    def customer(self, place: Place, envelope: Mapping[str, Any], default: str | None = None) -> str:
        key = "customer" if "customer" in envelope else "customer_id"
        return self.text((*place, key), envelope.get(key, default or self.customer_id))

    # -- what is to come

    def expectation(self, kind: str, place: Place, step: Body) -> Expectation:
        if all(key in step for key in EVENT_KEYS):
            self.mistake((*place, "events_include"), "expected either `events` or `events_include`, not both")
        if "preview" in step and "answer" in step:
            self.mistake((*place, "answer"), "expected either `preview` or `answer`, not both")
        others_too = "events_include" in step
        events_key = "events_include" if others_too else "events"
        answer_key = "preview" if "preview" in step else "answer"
        events = tuple(self.events((*place, events_key), step[events_key])) if events_key in step else None
        status = self.one_of((*place, "expect"), step["expect"], Status) if "expect" in step else None
        refused = tuple(self.refused((*place, "refused"), step["refused"])) if "refused" in step else None
        if refused and status not in (None, Status.REJECTED):
            self.mistake((*place, "refused"), f"`expect: {status}` and `refused` contradict; keep one")
        elif events and (refused or status is Status.REJECTED):
            because = "`refused`" if refused else "`expect: REJECTED`"
            self.mistake(
                (*place, events_key), f"`{events_key}` and {because} contradict: what is refused has no events"
            )
        changed = self.flag((*place, "changed"), step["changed"]) if "changed" in step else None
        if changed is False and events is None and kind in ("do", "repeat"):
            events = ()
        return Expectation(
            status=status,
            events=events,
            others_too=others_too,
            refused=refused,
            changed=changed,
            answer=self.mapping((*place, answer_key), step[answer_key]) if answer_key in step else None,
        )

    def events(self, place: Place, events: Any) -> Iterator[ExpectedEvent]:
        for at, event in self.listed(place, events, empty_is_mistake=True):
            named = {event: {}} if isinstance(event, str) else event
            if not isinstance(named, dict) or len(named) != 1:
                self.mistake((*place, at), "expected one event: its name, with a map of the fields that matter")
                continue
            ((name, fields),) = named.items()
            if name not in EVENTS:
                near = difflib.get_close_matches(str(name), EVENTS, 3) or list(EVENTS)
                self.mistake((*place, at), f"no event is named {name}; expected one of {', '.join(near)}")
                continue
            yield ExpectedEvent(name, self.mapping((*place, at, name), {} if fields is None else fields))

    def refused(self, place: Place, violations: Any) -> Iterator[Mapping[str, Any]]:
        for at, violation in self.listed(place, violations, empty_is_mistake=True):
            yield self.mapping((*place, at), violation, "a violation: a map of `code` and what it carries")


def _usual_status(mode: Mode, expected: Expectation) -> Status:
    """What a step without `expect` expects: COMPLETED, unless what it says elsewhere allows only another answer."""
    if expected.refused:
        return Status.REJECTED
    return Status.PREVIEWED if mode is Mode.PREVIEW else Status.COMPLETED


def _expects_no_command(step: Body, near: Collection[str]) -> bool:
    """Whether a step shows what becomes of a command that is none; `near`: names that it may be a slip for."""
    match step.get("refused"):
        case [{"code": Code.MALFORMED}] | [{"path": "command_type"}]:
            return True
        case None | []:
            return step.get("expect") == Status.REJECTED and not near
        case _:
            return False
