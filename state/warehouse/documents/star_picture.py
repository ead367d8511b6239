"""The star as a picture: facts left and right, dimensions between them, one colour for each dimension. Plain SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from xml.sax.saxutils import escape

from state.warehouse.star import CUSTOMER_ID, Dimension, Join, Star

COLOURS = (
    *("#1b6ca8", "#c0392b", "#2e7d32", "#8e44ad", "#b9770e", "#00838f", "#ad1457", "#4e342e"),
    *("#558b2f", "#283593", "#ef6c00", "#37474f", "#6a1b9a", "#00695c"),
)
"""Of the dimensions in their order; begins anew where there are more."""
CUSTOMERS = "#9aa4ad"
"""Every fact has a customer: these lines stay in the background."""

WIDTH, MARGIN = 1340, 24
BOX, GAP, LINE, HEAD = 330, 14, 15, 26
TOP = 84
NAMES_A_LINE = 3
APART = 13
"""Between two lines of a fact: as much as the text of a role needs."""


@dataclass(frozen=True)
class Box:
    """A table in the picture; places in pixels."""

    name: str
    left: float
    top: float
    lines: tuple[str, ...]
    joins: int = 0

    @property
    def height(self) -> float:
        """Title, lines and a little air, or what its joins need."""
        return max(HEAD + LINE * len(self.lines) + (6 if self.lines else 0), APART * (self.joins + 1))


def picture(star: Star) -> str:
    """Return the SVG document."""
    colours = dict(zip(star.dimensions, COLOURS * (1 + len(star.dimensions) // len(COLOURS)), strict=False))
    colours |= {name: CUSTOMERS for name, each in star.dimensions.items() if each.key == (CUSTOMER_ID,)}
    facts = [
        Box(name, 0, 0, tuple(_wrapped("", measures)), len(star.joins_of(name)))
        for name, measures in star.facts.items()
    ]
    half = (len(facts) + 1) // 2
    left = _column(facts[:half], MARGIN)
    right = _column(facts[half:], WIDTH - MARGIN - BOX)
    described = [Box(each.name, 0, 0, tuple(_dimension_lines(star, each))) for each in star.dimensions.values()]
    middle = _column(described, (WIDTH - BOX) / 2)
    tall = max(_bottom(column) for column in (left, middle, right))
    left, middle, right = (_spread(column, tall) for column in (left, middle, right))
    height = tall + MARGIN
    boxes = {box.name: box for box in middle}

    inner = [*((box, box.left + BOX) for box in left), *((box, box.left) for box in right)]
    parts = chain(
        _frame(height),
        (part for box, x in inner for part in _edges(star, box, boxes, colours, x)),
        (part for box, x in inner for part in _roles(star, box, colours, x)),
        (part for box in (*left, *right) for part in _drawn(box, "#f7f9fb", "#51606d", "#1c2833")),
        (part for box in middle for part in _drawn(box, colours[box.name], colours[box.name], "#ffffff")),
        ("</svg>", ""),
    )
    return "\n".join(parts)


def _frame(height: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
        'font-family="DejaVu Sans, Verdana, sans-serif" font-size="11">'
    )
    yield "<title>The warehouse: which facts join which dimensions</title>"
    yield f'<rect width="{WIDTH}" height="{height:g}" fill="#ffffff"/>'
    yield _text("Facts and their dimensions", MARGIN, 32, 'font-size="19" fill="#1c2833"')
    legend = (
        "A line is a join by customer_id and the dimension's own column; grey ones are by customer_id alone. "
        "Under a fact stand its measures, on a line its role."
    )
    yield _text(legend, MARGIN, 54, 'fill="#51606d"')


def _wrapped(begin: str, names: tuple[str, ...]) -> Iterator[str]:
    for place in range(0, len(names), NAMES_A_LINE):
        yield begin * (place == 0) + ", ".join(names[place : place + NAMES_A_LINE])


def _dimension_lines(star: Star, dimension: Dimension) -> Iterator[str]:
    yield f"by {', '.join(dimension.key[1:] or dimension.key)}"
    yield f"and {dimension.attributes} columns"
    further = dict.fromkeys(
        star.dimensions[join.dimension].entity
        for join in star.joins_of(dimension.name)
        if star.dimensions[join.dimension].key != (CUSTOMER_ID,)
    )
    yield from _wrapped("leads on to ", tuple(further))


def _column(boxes: list[Box], left: float) -> list[Box]:
    placed: list[Box] = []
    for box in boxes:
        placed.append(replace(box, left=left, top=_bottom(placed) + (GAP if placed else 0)))
    return placed


def _bottom(boxes: list[Box]) -> float:
    return boxes[-1].top + boxes[-1].height if boxes else TOP


def _spread(boxes: list[Box], bottom: float) -> list[Box]:
    """Divide what room is left below a column between its boxes."""
    room = max(0.0, bottom - _bottom(boxes)) / max(1, len(boxes) - 1)
    return [replace(box, top=box.top + room * place) for place, box in enumerate(boxes)]


def _places(star: Star, fact: Box) -> Iterator[tuple[Join, float]]:
    """The joins of a fact, down its inner side."""
    joins = star.joins_of(fact.name)
    for place, join in enumerate(joins, 1):
        yield join, fact.top + fact.height * place / (len(joins) + 1)


def _edges(star: Star, fact: Box, dimensions: dict[str, Box], colours: dict[str, str], x: float) -> Iterator[str]:
    """The lines of a fact, each to the near side of its dimension."""
    outward = 1 if x < WIDTH / 2 else -1
    for join, y in _places(star, fact):
        to = dimensions[join.dimension]
        end_x = to.left if outward > 0 else to.left + BOX
        end_y = to.top + to.height / 2
        bend = abs(end_x - x) * 0.55 * outward
        colour = colours[join.dimension]
        faint = ' stroke-opacity="0.35"' if colour == CUSTOMERS else ""
        yield (
            f'<path d="M{x:g},{y:.1f} C{x + bend:.1f},{y:.1f} {end_x - bend:.1f},{end_y:.1f} {end_x:g},{end_y:.1f}" '
            f'fill="none" stroke="{colour}" stroke-width="1.4"{faint}/>'
        )
        yield f'<circle cx="{x:g}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def _roles(star: Star, fact: Box, colours: dict[str, str], x: float) -> Iterator[str]:
    """The roles of a fact's joins, written over the lines with a white edge."""
    anchor, beside = ("start", 7) if x < WIDTH / 2 else ("end", -7)
    for join, y in _places(star, fact):
        if role := join.role(star.dimensions[join.dimension]):
            small = f'font-size="9" text-anchor="{anchor}"'
            yield _text(role, x + beside, y + 3, f'{small} stroke="#ffffff" stroke-width="3"')
            yield _text(role, x + beside, y + 3, f'{small} fill="{colours[join.dimension]}"')


def _text(text: str, x: float, y: float, how: str) -> str:
    return f'<text x="{x:g}" y="{y:.1f}" {how}>{escape(text)}</text>'


def _drawn(box: Box, fill: str, stroke: str, ink: str) -> Iterator[str]:
    yield (
        f'<rect x="{box.left:g}" y="{box.top:.1f}" width="{BOX}" height="{box.height:g}" rx="5" fill="{fill}" '
        f'stroke="{stroke}"/>'
    )
    yield _text(box.name, box.left + 10, box.top + 17, f'font-size="12" font-weight="bold" fill="{ink}"')
    for place, line in enumerate(box.lines):
        yield _text(line, box.left + 10, box.top + HEAD + 9 + LINE * place, f'fill="{ink}"')
