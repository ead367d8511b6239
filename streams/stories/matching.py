"""Comparing what was expected with what came.

A map is matched as a subset at every depth, a list is exact in length and order. Decimals compare by value, moments by
instant, dates by day, everything else exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from streams.stories.paths import NOTHING, at_path, is_path, opened, stopped
from streams.stories.shown import CanonicalText, Fields

ABSENT = "absent"

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT.+")


@dataclass(frozen=True)
class Difference:
    """One thing that came otherwise. `path` is dotted; empty for the whole."""

    path: str
    expected: Any
    came: Any
    why: str = ""
    """Where the path stopped, if it leads to nothing; of an answer what it was refused by."""


def differences(expected: Any, came: Any, path: str = "") -> Iterator[Difference]:
    """Every difference, the first one first; none: it matches."""
    if isinstance(expected, Mapping):
        yield from _map_differences(expected, opened(came), path)
    elif isinstance(expected, list):
        yield from _list_differences(expected, opened(came), path)
    elif not same(expected, came):
        yield Difference(path, expected, came)


def _map_differences(expected: Mapping[str, Any], came: Any, path: str) -> Iterator[Difference]:
    if not isinstance(came, Mapping):
        yield Difference(path, expected, came)
        return
    if isinstance(came, Fields) and len(expected) == 1:
        ((name, inner),) = expected.items()
        if name in came.names:  # `- AccountCreated: {...}`, an element by its name
            yield from differences({} if inner is None else inner, came, _joined(path, name))
            return
    for key, inner in expected.items():
        value = came.get(key, NOTHING)
        if value is NOTHING and is_path(str(key)):
            value = at_path(came, key)
        if value is NOTHING and inner is None and not isinstance(came, Fields):
            continue  # a map that does not carry a value carries null
        for found in differences(inner, value, _joined(path, key)):
            yield replace(found, why=stopped(came, str(key))) if value is NOTHING else found


def _list_differences(expected: list[Any], came: Any, path: str) -> Iterator[Difference]:
    if not isinstance(came, list):
        yield Difference(path, expected, came)
        return
    if len(expected) != len(came):
        yield Difference(_joined(path, "length"), len(expected), len(came))
    for at, (wanted, found) in enumerate(zip(expected, came, strict=False)):
        yield from differences(wanted, found, _joined(path, at))


def _joined(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def same(expected: Any, came: Any) -> bool:
    """Whether two single values are the same; the expected one decides how a canonical text is read."""
    if came is NOTHING or came is None:
        return expected is None if came is None and expected != ABSENT else expected == ABSENT
    match expected:
        case bool():
            return came is expected or (isinstance(came, CanonicalText) and came == str(expected).lower())
        case int() | float() | Decimal():
            return not isinstance(came, bool) and _equal_numbers(expected, came)
        case datetime():
            return _moment(came) == expected
        case date():
            return not isinstance(came, datetime) and _day(came) == expected
        case str():
            return _same_text(expected, came)
        case _:
            return bool(expected == came)


def _same_text(expected: str, came: Any) -> bool:
    """Text is exact, unless what came is no text, or is a value that is kept as text."""
    if isinstance(came, str):
        if expected == came or not isinstance(came, CanonicalText):
            return expected == came
        if "." in f"{expected}{came}" and _NUMBER.fullmatch(expected) and _NUMBER.fullmatch(came):
            return Decimal(expected) == Decimal(came)
        moment = _moment(expected) if _MOMENT.fullmatch(expected) else None
        return moment is not None and moment == _moment(came)
    if isinstance(came, datetime):
        return _moment(CanonicalText(expected)) == came
    if isinstance(came, date):
        return expected == came.isoformat()
    if isinstance(came, bytes):
        return expected == came.hex()
    return isinstance(came, Decimal) and _equal_numbers(came, CanonicalText(expected))


def _equal_numbers(expected: float | Decimal, came: Any) -> bool:
    if isinstance(came, str) and not isinstance(came, CanonicalText):
        return False
    if isinstance(came, bool) or not isinstance(came, int | float | Decimal | str):
        return False
    try:
        return Decimal(str(expected)) == Decimal(str(came))
    except InvalidOperation:
        return False


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo is not None else None


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, CanonicalText) else None
    except ValueError:
        return None


def event_differences(
    expected: Sequence[tuple[str, Mapping[str, Any]]], came: Sequence[tuple[str, Fields]]
) -> Iterator[Difference]:
    """Exactly these events, in this order."""
    names, found = [name for name, _ in expected], [name for name, _ in came]
    if names != found:
        yield Difference("events", names, found)
    for at, ((name, fields), (came_name, came_fields)) in enumerate(zip(expected, came, strict=False)):
        if name == came_name:
            yield from differences(fields, came_fields, f"events.{at}.{name}")


def included_differences(
    expected: Sequence[tuple[str, Mapping[str, Any]]], came: Sequence[tuple[str, Fields]]
) -> Iterator[Difference]:
    """These events in this order; others may stand before, between and after them."""
    place = 0
    for at, (name, fields) in enumerate(expected):
        nearest: list[Difference] | None = None
        while place < len(came):
            came_name, came_fields = came[place]
            place += 1
            if came_name != name:
                continue
            found = list(differences(fields, came_fields, f"events_include.{at}.{name}"))
            if not found:
                nearest = []
                break
            nearest = nearest or found
        if nearest is None:
            yield Difference(f"events_include.{at}", {name: dict(fields)}, [found_name for found_name, _ in came])
            return
        if nearest:
            yield from nearest
            return
