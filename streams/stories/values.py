"""Reading single values of a story file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from streams.stories.derived import references
from streams.stories.story import Mistake
from streams.stories.writing import Place, Written

Choice = TypeVar("Choice", bound=StrEnum)

MOMENT_EXPECTED = "expected a moment with its offset, for instance 2026-03-02T09:00:00+01:00"


class Values:
    """Reads values, notes every mistake, and goes on with something that fits, so that all are told at once."""

    def __init__(self, path: Path, written: Written) -> None:
        self.path, self.written = path, written
        self.mistakes: list[Mistake] = []

    def mistake(self, place: Place, expected: str) -> None:
        """Note what was expected at a place."""
        self.mistake_in(self.written.line(place), expected)

    def mistake_in(self, line: int, expected: str) -> None:
        """Note what was expected in a line, once: defaults are read with every step."""
        mistake = Mistake(self.path, line, expected)
        if mistake not in self.mistakes:
            self.mistakes.append(mistake)

    def keys(self, place: Place, mapping: Mapping[str, Any], known: Collection[str]) -> None:
        """Note the keys that nobody knows."""
        for key in mapping:
            if key not in known:
                self.mistake((*place, key), f"unknown key `{key}`; expected one of {', '.join(known)}")

    def text(self, place: Place, value: Any) -> str:
        """A text that says something."""
        if isinstance(value, str) and value:
            return value
        found = "found nothing" if _nothing(value) else self.written.unquoted(place, value)
        self.mistake(place, f"expected text, {found}")
        return str(value)

    def author(self, place: Place, value: Any) -> str:
        """Who asks. Nobody is an answer too: the core then takes the source (CLS-2)."""
        return "" if _nothing(value) else self.text(place, value)

    def flag(self, place: Place, value: Any) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self.mistake(place, f"expected true or false, found `{value}`")
        return bool(value)

    def mapping(self, place: Place, value: Any, expected: str = "a map") -> dict[str, Any]:
        """A map."""
        if isinstance(value, dict):
            return value
        self.mistake(place, f"expected {expected}, {_found(value)}")
        return {}

    def body(self, place: Place, value: Any) -> Any:
        """A body is a map; whether it fits its contract the core judges, so that a story can show that it does not."""
        return {} if value is None else self.mapping(place, value)

    def listed(self, place: Place, value: Any, *, empty_is_mistake: bool = False) -> Iterator[tuple[int, Any]]:
        """The elements of a list, numbered from 0."""
        if isinstance(value, list):
            yield from enumerate(value)
        elif value is not None or empty_is_mistake:
            self.mistake(place, f"expected a list, {_found(value)}")

    def one_of(self, place: Place, value: Any, choices: type[Choice]) -> Choice | None:
        """One of these words."""
        try:
            return choices(value)
        except ValueError:
            self.mistake(place, f"expected one of {', '.join(choices)}, found `{value}`")
            return None

    def optional_moment(self, place: Place, value: Any) -> datetime | str | None:
        """A moment, a derived value, or nothing."""
        if value is None or (isinstance(value, str) and list(references(value))):
            return value
        return self.moment(place, value)

    def moment(self, place: Place, value: Any) -> datetime | None:
        """A moment; without an offset it is UTC, in quotes and without, as YAML has it."""
        if isinstance(value, str):
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                value = None
            else:
                value = found if found.tzinfo is not None or ":" not in value else found.replace(tzinfo=UTC)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        self.mistake(place, MOMENT_EXPECTED)
        return None


def _nothing(value: Any) -> bool:
    return value is None or value == ""


def _found(value: Any) -> str:
    return "found nothing" if _nothing(value) else f"found `{value}`"
