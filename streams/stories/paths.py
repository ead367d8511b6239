"""Dotted paths: `bill_cycle.code`, `history.0.state`, `services.product=LINE_A.state`, `line_ids[]`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from streams.stories.shown import CanonicalText, Fields, Refused

COUNT = "[]"


class Nothing:
    """Nothing stands at a path. Not null, which is a value."""

    def __repr__(self) -> str:
        return "nothing there"


NOTHING = Nothing()


def is_path(key: str) -> bool:
    """Whether a key leads deeper than one field."""
    return "." in key or key.endswith(COUNT)


def at_path(value: Any, path: str) -> Any:
    """What stands at a path, or NOTHING. Elements of lists by index from 0 or by `key=value`; `[]` counts them."""
    counted = path.endswith(COUNT)
    parts = path.removesuffix(COUNT).split(".")
    found = _walk(value, parts if parts != [""] else [])
    if not counted:
        return found
    found = opened(found)
    return len(found) if isinstance(found, list | Mapping) else NOTHING


def _walk(value: Any, parts: list[str]) -> Any:
    if not parts:
        return value
    for step, rest in _steps(opened(value), parts):
        found = _walk(step, rest)
        if found is not NOTHING:
            return found
    return NOTHING


def _steps(value: Any, parts: list[str]) -> Iterator[tuple[Any, list[str]]]:
    """One step into a value, shortest first: names and values may hold dots themselves."""
    for length in range(1, len(parts) + 1):
        name, rest = ".".join(parts[:length]), parts[length:]
        if isinstance(value, Mapping):
            if name in value:
                yield value[name], rest
        elif isinstance(value, list):
            key, equals, wanted = name.partition("=")
            if equals:
                yield from ((entry, rest) for entry in value if _has(entry, key, wanted))
            elif name.isdecimal() and int(name) < len(value):
                yield value[int(name)], rest


def _has(entry: Any, key: str, wanted: str) -> bool:
    return isinstance(entry, Mapping) and key in entry and _written(entry[key]) == wanted


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def opened(value: Any) -> Any:
    """Read the list or map that a canonical text holds; its own texts are canonical again."""
    if isinstance(value, CanonicalText) and value[:1] in "[{":
        try:
            return _canonical(json.loads(value))
        except ValueError:
            return value
    return value


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    if isinstance(value, str):
        return CanonicalText(value)
    return value


NAMED_MOST = 12
"""Names that a sentence tells; a person reads no more."""


def stopped(value: Any, path: str) -> str:
    """Where a path that leads to nothing stopped, and what there is instead: one sentence."""
    parts = path.removesuffix(COUNT).split(".")
    longest = len(parts) if path.endswith(COUNT) else len(parts) - 1
    length = next(length for length in range(longest, -1, -1) if _walk(value, parts[:length]) is not NOTHING)
    reached, rest = opened(_walk(value, parts[:length])), ".".join(parts[length:])
    where = f"`{'.'.join(parts[:length])}`" if length else "it"
    match reached:
        case Fields() if parts[length:] and parts[length] in (*reached.known, *reached):
            return f"{reached.kind} has a field `{parts[length]}`, which is not given here"
        case Fields():
            known = [*reached.known, *reached]
            return f"no such field of {reached.kind}: `{parts[length]}`; {_nearest(parts[length], known)}"
        case Refused():
            carried = [name for name, held in reached.items() if name != "carries" and held is not None]
            return f"{reached['code']} carries no `{rest}`; {_nearest(parts[length], carried)}"
        case Mapping():
            return f"{where} has no `{rest}`; {_nearest(parts[length], list(map(str, reached)))}"
        case list():
            key, equals, _ = rest.partition("=")
            if not equals:
                return f"{where} has no element `{rest}`; it has {len(reached)}, counted from 0"
            there = [_written(entry[key]) for entry in reached if isinstance(entry, Mapping) and key in entry]
            return f"{where} has no element with `{rest}`; its {key}: {_listed(there)}"
        case None:
            return f"{where} is null"
        case _:
            return f"{where} is a single value, `{reached}`"


def _nearest(name: str, known: Collection[str]) -> str:
    known = list(dict.fromkeys(known))
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean `{near[0]}`?" if near else f"there is {_listed(known)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_MOST} more" if len(names) > NAMED_MOST else ""
    return (", ".join(names[:NAMED_MOST]) or "none") + more
