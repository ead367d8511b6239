"""Whether a flexible bundle holds what it may and must hold: all broken rows at once (CMP-1 to CMP-6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.catalog import Catalog, Classification, Composition, CompositionRow, Product
from schemas.previews import PreviewedRow
from schemas.refusals import Code, Violation, violation
from schemas.rosters import Member


class Piece(NamedTuple):
    """A component as the check sees it."""

    product: str
    product_type: str | None
    family: str | None
    fits: bool
    """A FLAT product of classification TERMED: bundles do not nest (CMP-1)."""
    service_id: str | None
    existing: bool
    """It was there before."""


def new_piece(product: Product, service_id: str | None) -> Piece:
    """A component that is to come."""
    return Piece(product.product, product.product_type, product.family, _fits(product), service_id, existing=False)


def existing_piece(member: Member, catalog: Catalog) -> Piece:
    """A component that is there, by what the catalog says of its product now."""
    product = catalog.product(member.product)
    if product is None:
        flat = member.composition is Composition.FLAT
        return Piece(member.product, member.product_type, member.family, flat, member.service_id, existing=True)
    return Piece(
        product.product, product.product_type, product.family, _fits(product), member.service_id, existing=True
    )


def _fits(product: Product) -> bool:
    return product.composition is Composition.FLAT and product.classification is Classification.TERMED


class Counted:
    """Components counted once, so that each row is answered without looking at them again (CMP-6)."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self.products = Counter(piece[0] for piece in pieces)
        self.types = Counter(piece[1] for piece in pieces)
        self.families = Counter(piece[2] for piece in pieces)

    def found(self, row: CompositionRow) -> int:
        """How many components match a row."""
        if row.product is not None:
            return self.products[row.product]
        if row.product_type is not None:
            return self.types[row.product_type]
        return self.families[row.family]

    def matching(self, row: CompositionRow) -> list[str]:
        """Their products, in order."""
        return sorted(
            piece.product
            for piece in self.pieces
            if (row.product == piece.product if row.product is not None else False)
            or (row.product is None and row.product_type is not None and row.product_type == piece.product_type)
            or (row.product is None and row.product_type is None and row.family == piece.family)
        )


def check(rows: Sequence[CompositionRow], pieces: Sequence[Piece], *, doubles: str | None) -> list[Violation]:
    """Every way in which components break the rows in force, in the order of the rule book.

    `doubles`: the id of the bundle where a product that is there twice is to be told (CMP-5); None where an amendment
    has told it already (ABS-11).
    """
    counted = Counted(pieces)
    violations = list(_strangers(rows, pieces))
    for row in rows:
        found, least, most = counted.found(row), required_min(row), required_max(row)
        broken = found < least if row.product is not None else _outside(row, found, least, most)
        if broken:
            violations.append(
                violation(
                    Code.COMPOSITION_VIOLATED,
                    "CMP-2" if row.product is not None else "CMP-3" if row.mandatory else "CMP-4",
                    row_id=row.row_id,
                    selector=selector_of(row),
                    required_min=least,
                    required_max=most,
                    found=found,
                    products=counted.matching(row),
                )
            )
    if doubles is not None:
        violations += (
            violation(Code.COMPONENT_ALREADY_PRESENT, "CMP-5", bundle_service_id=doubles, product=product)
            for product in sorted(product for product, count in counted.products.items() if count > 1)
        )
    return violations


def _strangers(rows: Sequence[CompositionRow], pieces: Sequence[Piece]) -> Iterable[Violation]:
    """Components that match no row, or are no flat service, by product code (CMP-1)."""
    products = {row.product for row in rows if row.product is not None}
    types = {row.product_type for row in rows if row.product_type is not None}
    families = {row.family for row in rows if row.family is not None}
    strangers = [
        piece
        for piece in pieces
        if not piece[3] or not (piece[0] in products or piece[1] in types or piece[2] in families)
    ]
    for piece in sorted(strangers, key=lambda piece: piece.product):
        yield violation(
            Code.COMPONENT_NOT_ALLOWED,
            "CMP-1",
            product=piece.product,
            service_id=piece.service_id,
            existing=piece.existing,
        )


def _outside(row: CompositionRow, found: int, least: int, most: int | None) -> bool:
    """CMP-3 for a mandatory row; of an optional one none at all is as good as enough (CMP-4)."""
    if not row.mandatory and found == 0:
        return False
    return found < least or (most is not None and found > most)


def required_min(row: CompositionRow) -> int:
    """Least number of a row: of a mandatory one at least 1."""
    if row.product is not None:
        return int(row.mandatory)
    return max(1, row.minimum) if row.mandatory else row.minimum


def required_max(row: CompositionRow) -> int | None:
    """Greatest number of a row; null is unlimited, and of a product row always so."""
    return None if row.product is not None else row.maximum_quantity


def selector_of(row: CompositionRow) -> dict[str, str]:
    """What a row selects, under the one name that it does it by."""
    named = {"product": row.product, "product_type": row.product_type, "family": row.family}
    return {name: value for name, value in named.items() if value is not None}


def previewed(
    rows: Sequence[CompositionRow], before: Sequence[Piece], after: Sequence[Piece]
) -> tuple[PreviewedRow, ...]:
    """Every row with what it asks for, and what it finds before and after (ABS-30)."""
    counted_before, counted_after = Counted(before), Counted(after)
    return tuple(
        PreviewedRow(
            row_id=row.row_id,
            required_min=required_min(row),
            required_max=required_max(row),
            found_before=counted_before.found(row),
            found_after=counted_after.found(row),
        )
        for row in rows
    )
