"""The star as a picture: the dimensions in their colours, then each fact with those that it joins. Plain SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from xml.sax.saxutils import escape

from state.warehouse.star import CUSTOMER_ID, Dimension, Star

COLOURS = (
    *("#1f6fb2", "#2e7d32", "#8e44ad", "#b36b00", "#00838f", "#c2185b", "#5d4037", "#558b2f", "#283593", "#d84315"),
    *("#455a64", "#6a1b9a", "#00695c", "#9e6a03"),
)
"""Of the dimensions in their order, the customer's aside; begins anew where there are more."""
GREY, INK, SOFT, LINE, PAPER, WHITE = "#7b8794", "#1c2833", "#5b6875", "#cfd6dd", "#f5f7f9", "#ffffff"
"""Every fact has a customer: grey stays in the background."""

WIDTH, MARGIN, BETWEEN = 1240, 28, 24
CARDS_A_ROW, CARD_HEIGHT = 4, 80
FACT, FAN = 242, 54
"""How wide a fact is, and the lines from it to its dimensions."""
CHIP, STEP = 20, 25
"""How high a dimension's chip is, and from one to the next."""
LETTER = 6.2
"""How wide a letter is, at most, of the size that chips have."""


@dataclass(frozen=True)
class Chip:
    """A dimension as a fact sees it, with the roles in which it is joined."""

    dimension: str
    label: str

    @property
    def width(self) -> float:
        """As wide as its text needs."""
        return len(self.label) * LETTER + 18


def picture(star: Star, groups: Mapping[str, Sequence[str]]) -> str:
    """Return the SVG document; `groups` has the names of facts under the titles that they stand below."""
    colours = dict(_colours(star))
    cards, below = _cards(star, colours)
    stars, height = _stars(star, groups, colours, below)
    return "\n".join((*_frame(height + MARGIN), *cards, *stars, "</svg>", ""))


def _colours(star: Star) -> Iterator[tuple[str, str]]:
    others = [name for name, each in star.dimensions.items() if each.key != (CUSTOMER_ID,)]
    yield from ((name, GREY) for name in star.dimensions if name not in others)
    yield from ((name, COLOURS[place % len(COLOURS)]) for place, name in enumerate(others))


def _frame(height: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
        'font-family="DejaVu Sans, Verdana, sans-serif" font-size="11">'
    )
    yield "<title>The warehouse: which facts join which dimensions</title>"
    yield f'<rect width="{WIDTH}" height="{height:g}" fill="{WHITE}"/>'
    yield _text("The warehouse: facts and their dimensions", MARGIN, 40, f'font-size="20" fill="{INK}"')
    yield _text(
        "A fact joins a dimension by customer_id and the column under the dimension's name. After a dot stands its "
        "role: account · billing joins billing_account_id.",
        MARGIN,
        62,
        f'fill="{SOFT}"',
    )


def _cards(star: Star, colours: Mapping[str, str]) -> tuple[list[str], float]:
    """The dimensions, a card each, row by row; and where they end."""
    wide = (WIDTH - 2 * MARGIN - (CARDS_A_ROW - 1) * BETWEEN) / CARDS_A_ROW
    parts, top = [_heading("Dimensions", MARGIN, 100)], 112
    for place, dimension in enumerate(star.dimensions.values()):
        row, column = divmod(place, CARDS_A_ROW)
        left = MARGIN + column * (wide + BETWEEN)
        parts += _card(star, dimension, colours, left, top + row * (CARD_HEIGHT + 14), wide)
    rows = -(-len(star.dimensions) // CARDS_A_ROW)
    return parts, top + rows * (CARD_HEIGHT + 14)


def _card(
    star: Star, dimension: Dimension, colours: Mapping[str, str], left: float, top: float, wide: float
) -> Iterator[str]:
    colour = colours[dimension.name]
    yield _box(left, top, wide, CARD_HEIGHT, f'fill="{PAPER}" stroke="{LINE}"')
    yield _box(left, top, 6, CARD_HEIGHT, f'fill="{colour}"')
    yield _text(dimension.name, left + 16, top + 19, f'font-size="12" font-weight="bold" fill="{colour}"')
    yield _text(", ".join(dimension.key[1:] or dimension.key), left + 16, top + 37, f'fill="{INK}"')
    beside = f'text-anchor="end" font-size="9.5" fill="{SOFT}"'
    yield _text(f"{dimension.attributes} columns", left + wide - 10, top + 18, beside)
    leads = dict.fromkeys(join.dimension for join in star.joins_of(dimension.name) if colours[join.dimension] != GREY)
    x, y = left + 16, top + 54
    for name in leads:
        entity = f"→ {star.dimensions[name].entity}"
        needed = len(entity) * LETTER
        if x > left + 16 and x + needed > left + wide - 10:
            x, y = left + 16, y + 15
        yield _text(entity, x, y, f'font-size="10" fill="{colours[name]}"')
        x += needed + 6


def _stars(
    star: Star, groups: Mapping[str, Sequence[str]], colours: Mapping[str, str], top: float
) -> tuple[list[str], float]:
    """The facts in two columns, the second begun at the group where they come out most alike; and where they end."""
    parts = [_heading("Facts", MARGIN, top + 30)]
    drawn = {title: _heights(star, names) for title, names in groups.items() if names}
    titles = list(drawn)
    cut = min(
        range(1, len(titles) + 1),
        key=lambda at: max(sum(drawn[title] for title in titles[:at]), sum(drawn[title] for title in titles[at:])),
    )
    bottom = top
    for column, begin, end in ((0, 0, cut), (1, cut, len(titles))):
        left, y = MARGIN + column * (WIDTH + BETWEEN - MARGIN) / 2, top + 42
        for title in islice(titles, begin, end):
            parts.append(_text(title, left, y + 16, f'font-size="11" fill="{SOFT}"'))
            y += 24
            for name in groups[title]:
                parts += _star(star, name, colours, left, y)
                y += _height(star, name) + 12
            y += 6
        bottom = max(bottom, y)
    return parts, bottom


def _heights(star: Star, names: Iterable[str]) -> float:
    return 30 + sum(_height(star, name) + 12 for name in names)


def _height(star: Star, fact: str) -> float:
    return max(STEP * len(_chips(star, fact)) - STEP + CHIP, 44 if star.facts[fact] else 28)


def _chips(star: Star, fact: str) -> list[Chip]:
    roles: dict[str, list[str]] = {}
    for join in star.joins_of(fact):
        roles.setdefault(join.dimension, []).append(join.role(star.dimensions[join.dimension]))
    return [Chip(name, _label(star.dimensions[name].entity, each)) for name, each in roles.items()]


def _label(entity: str, roles: Sequence[str]) -> str:
    """`account`; in roles `account · billing, owner`, and `itself` for the plain one beside others."""
    told = ", ".join(role or "itself" for role in sorted(roles, key=bool))
    return entity if told == "itself" else f"{entity} · {told}"


def _star(star: Star, fact: str, colours: Mapping[str, str], left: float, top: float) -> Iterator[str]:
    """A fact, and a line to each of its dimensions."""
    high, chips = _height(star, fact), _chips(star, fact)
    from_x, from_y = left + FACT, top + high / 2
    first = from_y - (STEP * (len(chips) - 1)) / 2
    for place, chip in enumerate(chips):
        x, y, colour = from_x + FAN, first + STEP * place, colours[chip.dimension]
        bend = f"C{from_x + FAN / 2:g},{from_y:g} {from_x + FAN / 2:g},{y:g} {x:g},{y:g}"
        yield f'<path d="M{from_x:g},{from_y:g} {bend}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        yield _box(x, y - CHIP / 2, chip.width, CHIP, f'rx="{CHIP / 2:g}" fill="{colour}"')
        yield _text(chip.label, x + 9, y + 4, f'fill="{WHITE}"')
    middle = from_y + 4 if not star.facts[fact] else from_y - 5
    box = 44 if star.facts[fact] else 28
    yield _box(left, from_y - box / 2, FACT, box, f'rx="5" fill="{WHITE}" stroke="{INK}"')
    yield _text(fact, left + 12, middle, f'font-size="12" font-weight="bold" fill="{INK}"')
    if star.facts[fact]:
        yield _text(", ".join(star.facts[fact]), left + 12, middle + 17, f'font-size="10" fill="{SOFT}"')


def _heading(text: str, x: float, y: float) -> str:
    return _text(text, x, y, f'font-size="14" font-weight="bold" fill="{INK}"')


def _box(left: float, top: float, wide: float, high: float, how: str) -> str:
    return f'<rect x="{left:g}" y="{top:g}" width="{wide:g}" height="{high:g}" {how}/>'


def _text(text: str, x: float, y: float, how: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {how}>{escape(text)}</text>'
