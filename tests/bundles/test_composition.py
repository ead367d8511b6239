"""The composition check against one that says it plainly: row by row, component by component (CMP-1 to CMP-6)."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from processors.bundles.composition import Piece, check
from schemas.catalog import CompositionRow

kinds = st.sampled_from([("A", "T1", "F1"), ("B", "T1", None), ("C", "T2", "F1"), ("D", "T2", "F2"), ("E", "T3", None)])
pieces = st.lists(
    st.builds(
        lambda kind, fits, existing: Piece(kind[0], kind[1], kind[2], fits, None, existing),
        kinds,
        st.sampled_from([True, True, True, False]),
        st.booleans(),
    ),
    max_size=7,
)
numbers = st.none() | st.integers(0, 3)
selectors = st.sampled_from(
    [{"product": "A"}, {"product": "B"}, {"product_type": "T1"}, {"product_type": "T2"}, {"family": "F1"}]
)
rows = st.lists(
    st.builds(
        lambda selector, mandatory, least, most: (
            {**selector, "is_mandatory": mandatory}
            | ({} if "product" in selector else {"minimum_quantity": least, "maximum_quantity": most})
        ),
        selectors,
        st.sampled_from([True, False, None]),
        numbers,
        numbers,
    ),
    max_size=4,
)


@given(rows, pieces)
def test_every_broken_row_is_told_once(described: list[dict[str, str]], found: list[Piece]) -> None:
    asked = [CompositionRow(row_id=f"r{at}", **row) for at, row in enumerate(described)]  # type: ignore[arg-type]
    violations = check(asked, found, doubles="b-1")

    told = [(str(one.code), one.carries.get("row_id") or one.carries["product"]) for one in violations]
    assert told == [*_strangers(asked, found), *_broken(asked, found), *_doubled(found)]


def _matches(row: CompositionRow, piece: Piece) -> bool:
    if row.product is not None:
        return piece.product == row.product
    if row.product_type is not None:
        return piece.product_type == row.product_type
    return piece.family == row.family


def _strangers(asked: list[CompositionRow], found: list[Piece]) -> Iterator[tuple[str, str]]:
    for piece in sorted(found, key=lambda piece: piece.product):
        if not piece.fits or not any(_matches(row, piece) for row in asked):
            yield "COMPONENT_NOT_ALLOWED", piece.product


def _broken(asked: list[CompositionRow], found: list[Piece]) -> Iterator[tuple[str, str]]:
    for row in asked:
        count = sum(_matches(row, piece) for piece in found)
        mandatory = row.is_mandatory is not False
        if row.product is not None:
            broken = mandatory and count == 0
        else:
            most = 10**9 if row.maximum_quantity is None else row.maximum_quantity
            least = row.minimum_quantity or 0
            broken = not max(1, least) <= count <= most if mandatory else count != 0 and not least <= count <= most
        if broken:
            yield "COMPOSITION_VIOLATED", row.row_id


def _doubled(found: list[Piece]) -> Iterator[tuple[str, str]]:
    products = [piece.product for piece in found]
    yield from (("COMPONENT_ALREADY_PRESENT", code) for code in sorted(set(products)) if products.count(code) > 1)
