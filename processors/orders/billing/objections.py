"""What stands against an update as a whole: each violation once, with the lines that are its cause (BSU-22)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from schemas.order_lines import OrderLine
from schemas.refusals import Code, Violation, as_text

_OF_ONE_SERVICE = (
    *("SUB-4", "SUB-5", "ABS-13"),
    *("SVC-1", "SVC-2", "SWP-1", "SWP-2", "SWP-3", "ABS-2", "ABS-3", "ABS-11", "ABS-4", "ABS-8"),
)
"""Rows about one service, and so about one line: what two lines break alike is wrong twice."""

_ROWS = (
    *("SUB-2", "CLS-4", "SCH-9", "ABS-9", "ABS-10", "SST-1", "ABS-1", "DEF-2", "SUB-3"),
    *_OF_ONE_SERVICE,
    *("ABS-6", "PRV-8", "PRV-9", "WAL-3", "WAL-2", "SCH-7", "SCH-17"),
)
"""Rows of the subscriptions part that an update may break, in the order in which they are judged."""

_COMPOSITION = "CMP-"
_CODES = {code.value: place for place, code in enumerate(Code)}


class Objection(NamedTuple):
    """A violation, and the lines that are its cause."""

    violation: Violation
    line_ids: tuple[str, ...]
    row: str


def objection(broken: Violation, line_ids: Iterable[str], *, amends: bool = False) -> Objection:
    """Lay a violation at the door of lines. The composition check is one row for new bundles, another for amended."""
    row = broken.rule
    if row.startswith(_COMPOSITION):
        row = "ABS-4" if amends else "ABS-13"
    return Objection(broken, tuple(line_ids), row)


def violations(objections: Iterable[Objection], lines: Sequence[OrderLine]) -> list[Violation]:
    """Row by row, each for all lines; what several lines break together is said once, and names them all."""
    places = {line.line_id: place for place, line in enumerate(lines)}
    merged: dict[tuple[object, ...], Objection] = {}
    for broken, line_ids, row in objections:
        own = line_ids if row in _OF_ONE_SERVICE else None
        same = (broken.code, broken.rule, tuple(sorted(broken.carries.items())), own)
        known = merged.get(same)
        merged[same] = Objection(broken, line_ids if known is None else (*known.line_ids, *line_ids), row)
    in_order = [
        one._replace(line_ids=tuple(sorted(set(one.line_ids), key=places.__getitem__))) for one in merged.values()
    ]
    in_order.sort(key=lambda one: _rank(one, places))
    return [_with_lines(one, lines[0].order_id) for one in in_order]


def _rank(one: Objection, places: dict[str, int]) -> tuple[int, int, int]:
    """Row, code, line. What is wrong with one bundle stays together, as its check says it."""
    code = 0 if one.violation.rule.startswith(_COMPOSITION) else _CODES[one.violation.code]
    return _ROWS.index(one.row), code, min(places[line_id] for line_id in one.line_ids)


def _with_lines(one: Objection, order_id: str) -> Violation:
    """Who reads it knows lines."""
    broken, line_ids, _ = one
    of = {"line_id": line_ids[0]} if len(line_ids) == 1 else {"line_ids": as_text(line_ids)}
    return replace(broken, carries={**broken.carries, "order_id": order_id, **of})
