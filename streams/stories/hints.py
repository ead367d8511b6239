"""What may have been meant: sentences beside a failure, for mistakes that a file can hold and still be a story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from schemas.malformed import Misfit
from schemas.rows import Due
from streams.stories.matching import Difference
from streams.stories.shown import CanonicalText
from streams.stories.story import AnyStep, Check
from streams.stories.writing import Place, Written

ANY_ELEMENT = "*"


def of_body(written: Written, step: AnyStep, misfit: Misfit, body: Any) -> Iterator[str]:
    """Text that YAML read as something else, where a body does not fit its contract."""
    if "string" not in misfit.expected:
        return
    # Where elements of a list do not fit, the path does not say which one.
    parts = misfit.path.replace("....", f".{ANY_ELEMENT}").split(".")
    found = next(((place, value) for place, value in _at(body, parts) if _is_no_text(value)), None)
    if found is not None:
        inner, value = found
        yield _told(written, (*_step(step), "body", *inner), value)


def of_expectations(written: Written, step: AnyStep, differences: Sequence[Difference]) -> Iterator[str]:
    """Text that YAML read as something else, where text came."""
    for found in differences:
        if not isinstance(found.came, str) or isinstance(found.came, CanonicalText) or not _is_no_text(found.expected):
            continue
        root: Place = (*_step(step), "check") if isinstance(step, Check) else _step(step)
        place = (*root, *_place(step.written["check"] if isinstance(step, Check) else step.written, found.path))
        if isinstance(found.expected, bool) or written.text(place) == found.came:
            yield _told(written, place, found.expected)


def of_waiting(due: Due | None, at: datetime) -> Iterator[str]:
    """Due work that time has passed without running it; None: there is none."""
    if due is not None:
        yield (
            f"{due.command_type}, due at {due.due_at.isoformat()}, has not run: `at` moves time, "
            f"and a step `clock: {at.isoformat()}` also runs what falls due on the way"
        )


def _step(step: AnyStep) -> Place:
    return ("steps", step.number - 1)


def _told(written: Written, place: Place, value: Any) -> str:
    return f"line {written.line(place)}: expected text, {written.unquoted(place, value)}"


def _is_no_text(value: Any) -> bool:
    return value is not None and not isinstance(value, str | Mapping | list)


def _at(value: Any, parts: Sequence[str]) -> Iterator[tuple[Place, Any]]:
    """What stands at a path of a body, with its place; keys may hold dots."""
    if not parts:
        yield (), value
    elif isinstance(value, list):
        for number, element in enumerate(value):
            if parts[0] in (ANY_ELEMENT, str(number)):
                yield from (((number, *place), found) for place, found in _at(element, parts[1:]))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            length = str(key).count(".") + 1
            if parts[0] == ANY_ELEMENT or ".".join(parts[:length]) == key:
                rest = parts[1:] if parts[0] == ANY_ELEMENT else parts[length:]
                yield from (((key, *place), found) for place, found in _at(inner, rest))


def _place(value: Any, path: str) -> Place:
    """The place of a dotted path in what was written, whose keys may be paths themselves; as far as it is there."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if path == str(key) or path.startswith(f"{key}."):
                return (key, *_place(inner, path[len(str(key)) + 1 :]))
    if isinstance(value, list):
        number, _, rest = path.partition(".")
        if number.isdecimal() and int(number) < len(value):
            return (int(number), *_place(value[int(number)], rest))
    return ()
