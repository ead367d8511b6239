"""Catalog versions: what a new one may say beside the one before it, and which one is in force.

The catalog is no customer state: these rules make no events, a version that breaks one is not published.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import combinations
from operator import attrgetter

import msgspec

from schemas.catalog import (
    BillCycleDefinition,
    Catalog,
    Classification,
    Composition,
    CompositionRow,
    Dated,
    Product,
)
from schemas.refusals import Code, Violation, violation

DEFINITION_FIELDS = tuple(name for name in BillCycleDefinition.__struct_fields__ if name != "code")
SELECTOR_FIELDS = ("product", "product_type", "family")
NUMBER_FIELDS = ("minimum_quantity", "maximum_quantity")

Place = tuple[str, Product, CompositionRow]


def check_version(previous: Catalog | None, new: Catalog) -> tuple[Violation, ...]:
    """Every rule that a version breaks, alone and beside the version before it; empty: it may be published.

    `previous` is a version that `successor` made, so that it still knows the bill cycles of all versions before.
    Violations stand in the order of their codes, then of the catalog. `path` leads into the catalog's own mapping.
    """
    violations: list[Violation] = []
    if previous is not None:
        violations.extend(_changed_bill_cycles(previous, new))
    violations.extend(_compositions(new))
    violations.extend(_row_selectors(new))
    violations.extend(_selected_products(new))
    violations.extend(_applicable_fields(new))
    violations.extend(_ranges(new))
    if previous is not None:
        violations.extend(_edited_rows(previous, new))
        violations.extend(_removed_rows(previous, new))
    violations.extend(_overlapping_definitions(new))
    return tuple(violations)


def successor(previous: Catalog | None, new: Catalog) -> Catalog:
    """Make a version that carries on the bill cycles that it no longer offers: accounts on them go on by them."""
    if previous is None:
        return new
    offered = {cycle.code for cycle in new.bill_cycles}
    retired = tuple(
        cycle for cycle in (*previous.retired_bill_cycles, *previous.bill_cycles) if cycle.code not in offered
    )
    return msgspec.structs.replace(new, retired_bill_cycles=retired)


def chain(versions: Sequence[Catalog]) -> list[Catalog]:
    """All versions of one name, each made the successor of the one before it, in the order that `in_force` needs."""
    chained: list[Catalog] = []
    for version in sorted(versions, key=attrgetter("version")):
        chained.append(successor(chained[-1] if chained else None, version))
    return sorted(chained, key=attrgetter("effective_from", "version"))


def in_force(versions: Sequence[Catalog], at: datetime) -> Catalog | None:
    """Answer the version in force at a moment: the latest that has begun; if two begin together, the higher number.

    `versions` as `chain` orders them. None: the catalog had not begun.
    """
    begun = bisect_right(versions, at, key=attrgetter("effective_from"))
    return versions[begun - 1] if begun else None


def _changed_bill_cycles(previous: Catalog, new: Catalog) -> Iterator[Violation]:
    """A published definition never changes, nor does one that comes back after it was left out."""
    for index, cycle in enumerate(new.bill_cycles):
        published = previous.definition(cycle.code)
        if published is None:
            continue
        for field in DEFINITION_FIELDS:
            if getattr(published, field) != getattr(cycle, field):
                yield violation(
                    Code.BILL_CYCLE_DEFINITION_CHANGED,
                    "Words",
                    f"bill_cycles.{index}.{field}",
                    bill_cycle=cycle.code,
                    field=field,
                )


def _compositions(new: Catalog) -> Iterator[Violation]:
    """PBD-1."""
    for index, product in enumerate(new.products):
        flexible = product.composition is Composition.FLEXIBLE_BUNDLE
        fixed = product.composition is Composition.FIXED_BUNDLE
        termed = product.classification is Classification.TERMED
        if (flexible and not termed) or (fixed and product.classification is Classification.OTHER):
            path = f"products.{index}.composition"
            yield violation(
                Code.COMPOSITION_NOT_ALLOWED, "PBD-1", path, product=product.product, row_id=None, field="composition"
            )


def _row_selectors(new: Catalog) -> Iterator[Violation]:
    """PBD-2."""
    for path, product, row in _rows(new):
        if sum(getattr(row, field) is not None for field in SELECTOR_FIELDS) != 1:
            yield _of_row(Code.COMPOSITION_ROW_SELECTOR, "PBD-2", (path, product, row), None)


def _selected_products(new: Catalog) -> Iterator[Violation]:
    """PBD-3: types and families select services only, and only in flexible bundles."""
    for path, product, row in _rows(new):
        for field in ("product_type", "family"):
            wanted = getattr(row, field)
            if wanted is None:
                continue
            selected = (other for other in new.products if getattr(other, field) == wanted)
            if product.composition is Composition.FIXED_BUNDLE or not all(other.is_service for other in selected):
                yield _of_row(Code.SELECTOR_NOT_APPLICABLE, "PBD-3", (path, product, row), field)


def _applicable_fields(new: Catalog) -> Iterator[Violation]:
    """PBD-4 and PBD-5: a quantity belongs to fixed bundles, a range and a choice to flexible ones."""
    for path, product, row in _rows(new):
        fixed = product.composition is Composition.FIXED_BUNDLE
        flexible = product.composition is Composition.FLEXIBLE_BUNDLE
        several = row.product_type is not None or row.family is not None
        if row.quantity is not None and not (fixed and row.product is not None):
            yield _of_row(Code.FIELD_NOT_APPLICABLE, "PBD-4", (path, product, row), "quantity")
        for field in NUMBER_FIELDS:
            if getattr(row, field) is not None and not (flexible and several):
                yield _of_row(Code.FIELD_NOT_APPLICABLE, "PBD-4", (path, product, row), field)
        if row.is_mandatory is not None and fixed:
            yield _of_row(Code.FIELD_NOT_APPLICABLE, "PBD-5", (path, product, row), "is_mandatory")


def _ranges(new: Catalog) -> Iterator[Violation]:
    """PBD-6: `0 <= minimum <= maximum`, and a quantity of at least 1."""
    for path, product, row in _rows(new):
        maximum = row.maximum_quantity
        broken = {
            "quantity": row.fixed_quantity < 1,
            "minimum_quantity": row.minimum < 0,
            "maximum_quantity": maximum is not None and maximum < max(0, row.minimum),
        }
        for field in (name for name, is_broken in broken.items() if is_broken):
            yield violation(
                Code.COMPOSITION_RANGE,
                "PBD-6",
                f"{path}.{field}",
                product=product.product,
                row_id=row.row_id,
                field=field,
                minimum=row.minimum,
                maximum=maximum,
            )


def _edited_rows(previous: Catalog, new: Catalog) -> Iterator[Violation]:
    """PBD-7: a published row may get an end; it neither changes otherwise nor vanishes from its product.

    A product that is left out altogether takes its rows along: it is not offered any more.
    """
    for index, product in enumerate(new.products):
        rows = {row.row_id: (number, row) for number, row in enumerate(product.rows)}
        for published in _published_rows(previous, product):
            if published.row_id not in rows:
                yield _of_row(Code.ROW_CHANGED_IN_PLACE, "PBD-7", (f"products.{index}.rows", product, published), None)
                continue
            number, row = rows[published.row_id]
            for field in _changed_fields(published, row):
                place = (f"products.{index}.rows.{number}", product, row)
                yield _of_row(Code.ROW_CHANGED_IN_PLACE, "PBD-7", place, field)


def _removed_rows(previous: Catalog, new: Catalog) -> Iterator[Violation]:
    """PBD-7: a row that has ended when its version begins is a removal, and only published rows can be removed."""
    for path, product, row in _rows(new):
        ended = row.valid_to is not None and row.valid_to <= new.effective_from
        sold_before = previous.product(product.product) is not None
        if ended and sold_before and row.row_id not in {known.row_id for known in _published_rows(previous, product)}:
            yield _of_row(Code.ROW_NOT_FOUND, "PBD-7", (path, product, row), "valid_to")


def _overlapping_definitions(new: Catalog) -> Iterator[Violation]:
    """DEF-1: one definition at a time per subscription type; with strict vendor behaviour one at a time at all."""
    strict = new.switches.strict_vendor_behaviour
    for (_, other), (index, definition) in combinations(enumerate(new.subscription_definitions), 2):
        if (strict or other.subscription_type == definition.subscription_type) and _overlap(other, definition):
            begins = [entry.valid_from for entry in (other, definition) if entry.valid_from is not None]
            ends = [entry.valid_to for entry in (other, definition) if entry.valid_to is not None]
            overlap = {"from": max(begins, default=None), "to": min(ends, default=None)}
            yield violation(
                Code.DEFINITION_ALREADY_ACTIVE,
                "DEF-1",
                f"subscription_definitions.{index}",
                subscription_type=definition.subscription_type,
                definition=definition.definition,
                other=other.definition,
                **overlap,
            )


def _overlap(one: Dated, other: Dated) -> bool:
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _begins_before_end(one: Dated, other: Dated) -> bool:
    return one.valid_from is None or other.valid_to is None or one.valid_from < other.valid_to


def _rows(new: Catalog) -> Iterator[Place]:
    for index, product in enumerate(new.products):
        for number, row in enumerate(product.rows):
            yield f"products.{index}.rows.{number}", product, row


def _published_rows(previous: Catalog, product: Product) -> tuple[CompositionRow, ...]:
    published = previous.product(product.product)
    return () if published is None else published.rows


def _changed_fields(published: CompositionRow, row: CompositionRow) -> Iterator[str]:
    """Fields that mean something else now; writing a default out is no change."""
    resolved = {"is_mandatory": "mandatory", "quantity": "fixed_quantity", "minimum_quantity": "minimum"}
    for field in CompositionRow.__struct_fields__:
        meaning = resolved.get(field, field)
        if field != "valid_to" and getattr(published, meaning) != getattr(row, meaning):
            yield field


def _of_row(code: Code, rule: str, place: Place, field: str | None) -> Violation:
    path, product, row = place
    where = path if field is None else f"{path}.{field}"
    return violation(code, rule, where, product=product.product, row_id=row.row_id, field=field)
