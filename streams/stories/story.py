"""What a story says, as values: the format of the files is read in `format.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from schemas.envelope import Mode, Status
from streams.stories.writing import Written

Body = dict[str, Any]


@dataclass(frozen=True)
class ExpectedEvent:
    """An event that is to come, with the fields that matter."""

    name: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a step asserts about its answer. None: nothing is said about it."""

    status: Status | None = None
    events: tuple[ExpectedEvent, ...] | None = None
    others_too: bool = False
    """`events_include`: these appear in this order, others may too."""
    refused: tuple[Mapping[str, Any], ...] | None = None
    changed: bool | None = None
    answer: Mapping[str, Any] | None = None
    """Fields of the answer, a preview's or another's."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A command with its envelope, as written: derived values are not filled in yet."""

    command: str
    command_id: str
    customer_id: str
    source: str
    performed_by: str
    performed_at: datetime | str | None = None
    mode: Mode = Mode.EXECUTE
    body: Any = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of any kind. Steps are counted from 1."""

    number: int
    line: int
    at: datetime
    written: Mapping[str, Any]
    expected: Expectation


@dataclass(frozen=True, kw_only=True)
class Do(Step):
    """Send a command."""

    asked: Asked


@dataclass(frozen=True, kw_only=True)
class Repeat(Step):
    """Send an earlier command again, byte for byte, or its id with another payload."""

    first: Do
    instead: Asked | None
    """The other payload; None: byte for byte."""


@dataclass(frozen=True, kw_only=True)
class Clock(Step):
    """Time passes."""


@dataclass(frozen=True, kw_only=True)
class NewCatalog(Step):
    """A new catalog version is published."""

    catalog: str | Body


@dataclass(frozen=True)
class Look:
    """The state of one entity. `path_values` None: there is no such entity."""

    kind: str
    entity_id: str
    path_values: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Check(Step):
    """Look at the state."""

    customer_id: str
    looks: tuple[Look, ...]


AnyStep = Do | Repeat | Clock | NewCatalog | Check


@dataclass(frozen=True, kw_only=True)
class Story:
    """A story: what is sent, in order, and what is to come of it."""

    path: Path
    title: str
    rules: tuple[str, ...]
    catalog: str | Body
    switches: Mapping[str, Any]
    customer_id: str
    steps: tuple[AnyStep, ...]
    written: Written


@dataclass(frozen=True)
class Mistake:
    """Something in a story file that does not follow the format."""

    path: Path
    line: int
    expected: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.expected}"


class StoryInvalid(Exception):
    """A file that is no story; its text has one line per mistake."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)
