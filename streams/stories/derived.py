"""Derived values: `$4.groups.1.group_id` takes what the events of step 4 hold, for the steps after it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streams.stories.paths import NOTHING, at_path
from streams.stories.shown import Fields

Happened = Sequence[tuple[str, Fields]]
"""The events of a step: name and fields."""

_WHOLE = re.compile(r"\$(?P<step>\d+)\.(?P<path>[A-Za-z_].*)")
_WITHIN = re.compile(r"\$(?P<step>\d+)\.(?P<path>[A-Za-z_][\w.=\[\]-]*)")
_NAMED = re.compile(r"(?P<name>[A-Z]\w*)(?:\[(?P<nth>\d+)\])?\.(?P<path>.+)")


class NotDerived(Exception):
    """A derived value that the step did not lead to, in one sentence."""


def references(value: Any) -> Iterator[int]:
    """Numbers of the steps that a written value derives from, keys included."""
    if isinstance(value, str):
        yield from (int(found["step"]) for found in _WITHIN.finditer(value))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from references(key)
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def filled(value: Any, happened: Mapping[int, Happened]) -> Any:
    """Put derived values in their places. Raises NotDerived."""
    if isinstance(value, str):
        whole = _WHOLE.fullmatch(value)
        return value if whole is None else _derived(int(whole["step"]), whole["path"], happened)
    if isinstance(value, Mapping):
        return {filled_key(key, happened): filled(inner, happened) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, happened) for inner in value]
    return value


def filled_key(key: Any, happened: Mapping[int, Happened]) -> Any:
    """Put derived values into a key, where more of the path may follow: the longest that is there counts."""
    return _WITHIN.sub(lambda found: _longest(found, happened), key) if isinstance(key, str) else key


def _longest(found: re.Match[str], happened: Mapping[int, Happened]) -> str:
    step, parts = int(found["step"]), found["path"].split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = _derived(step, ".".join(parts[:length]), happened)
        except NotDerived:
            continue
        return ".".join((str(value), *parts[length:]))
    raise _missing(step, found["path"], happened)


def _derived(step: int, path: str, happened: Mapping[int, Happened]) -> Any:
    events = happened.get(step, ())
    named = _NAMED.fullmatch(path)
    if named is not None:
        of_name = [fields for name, fields in events if name == named["name"]]
        place = int(named["nth"] or 1) - 1
        candidates, wanted = of_name[max(place, 0) : place + 1], named["path"]
    else:
        candidates, wanted = [fields for _, fields in events], path
    for fields in candidates:
        value = at_path(fields, wanted)
        if value is not NOTHING and value is not None:
            return value
    raise _missing(step, path, happened)


def _missing(step: int, path: str, happened: Mapping[int, Happened]) -> NotDerived:
    names = ", ".join(name for name, _ in happened.get(step, ())) or "none"
    return NotDerived(f"expected ${step}.{path} in an event of step {step}; its events: {names}")
