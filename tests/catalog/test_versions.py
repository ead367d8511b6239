"""Versions of a catalog: the rules between them, the version in force, and cycles that are not offered any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from processors.catalog import chain, check_version, in_force, successor
from schemas.catalog import Catalog
from schemas.catalog_file import catalog_from_mapping

SERVICES = [
    {"product": "LINE", "classification": "TERMED", "composition": "FLAT", "product_type": "LINE", "family": "VOICE"},
    {"product": "PHONE", "classification": "PHYSICAL_GOOD", "composition": "FLAT", "product_type": "DEVICE"},
    {"product": "OFFER", "classification": "OTHER", "composition": "FLAT", "product_type": "PROMOTION", "family": "AD"},
]


def catalog(version: int = 1, effective_from: datetime | None = None, **mapping: Any) -> Catalog:
    moment = effective_from or datetime(2026, 1, 1, tzinfo=UTC)
    return catalog_from_mapping(mapping, version=version, name_default="test", effective_from_default=moment)


def with_bundle(
    composition: str, *rows: dict[str, object], classification: str = "TERMED", version: int = 1
) -> Catalog:
    bundle = {"product": "B", "classification": classification, "composition": composition, "rows": list(rows)}
    return catalog(version=version, products=[bundle, *SERVICES])


def said(previous: Catalog | None, new: Catalog) -> list[tuple[str, str, str | None]]:
    return [(str(v.code), v.rule, v.carries.get("field")) for v in check_version(previous, new)]


@pytest.mark.parametrize(
    ("composition", "classification", "refused"),
    [
        ("FLEXIBLE_BUNDLE", "TERMED", False),
        ("FLEXIBLE_BUNDLE", "PHYSICAL_GOOD", True),
        ("FLEXIBLE_BUNDLE", "OTHER", True),
        ("FIXED_BUNDLE", "TERMED", False),
        ("FIXED_BUNDLE", "PHYSICAL_GOOD", False),
        ("FIXED_BUNDLE", "OTHER", True),
        ("FLAT", "OTHER", False),
    ],
)
def test_composition_and_classification(composition: str, classification: str, *, refused: bool) -> None:
    found = said(None, with_bundle(composition, classification=classification))

    assert found == ([("COMPOSITION_NOT_ALLOWED", "PBD-1", "composition")] if refused else [])


FLEXIBLE, FIXED = "FLEXIBLE_BUNDLE", "FIXED_BUNDLE"


@pytest.mark.parametrize(
    ("composition", "row", "expected"),
    [
        (FLEXIBLE, {"product": "LINE"}, []),
        (FLEXIBLE, {"product_type": "LINE", "minimum_quantity": 1, "maximum_quantity": 1}, []),
        (FLEXIBLE, {"family": "VOICE", "is_mandatory": False, "maximum_quantity": 0}, []),
        (FLEXIBLE, {"product_type": "NOTHING_SOLD_YET"}, []),
        (FIXED, {"product": "LINE", "quantity": 3}, []),
        (FIXED, {"product": "PHONE"}, []),
        (FLEXIBLE, {}, [("COMPOSITION_ROW_SELECTOR", "PBD-2", None)]),
        (FLEXIBLE, {"product": "LINE", "family": "VOICE"}, [("COMPOSITION_ROW_SELECTOR", "PBD-2", None)]),
        (FLEXIBLE, {"product_type": "DEVICE"}, [("SELECTOR_NOT_APPLICABLE", "PBD-3", "product_type")]),
        (FLEXIBLE, {"family": "AD"}, [("SELECTOR_NOT_APPLICABLE", "PBD-3", "family")]),
        (FIXED, {"product_type": "LINE"}, [("SELECTOR_NOT_APPLICABLE", "PBD-3", "product_type")]),
        (FIXED, {"family": "VOICE"}, [("SELECTOR_NOT_APPLICABLE", "PBD-3", "family")]),
        (FLEXIBLE, {"product": "LINE", "quantity": 1}, [("FIELD_NOT_APPLICABLE", "PBD-4", "quantity")]),
        (FLEXIBLE, {"product": "LINE", "minimum_quantity": 1}, [("FIELD_NOT_APPLICABLE", "PBD-4", "minimum_quantity")]),
        (FIXED, {"product": "LINE", "maximum_quantity": 1}, [("FIELD_NOT_APPLICABLE", "PBD-4", "maximum_quantity")]),
        (FIXED, {"product": "LINE", "is_mandatory": True}, [("FIELD_NOT_APPLICABLE", "PBD-5", "is_mandatory")]),
        (FIXED, {"product": "LINE", "quantity": 0}, [("COMPOSITION_RANGE", "PBD-6", "quantity")]),
        (FLEXIBLE, {"family": "VOICE", "minimum_quantity": -1}, [("COMPOSITION_RANGE", "PBD-6", "minimum_quantity")]),
        (
            FLEXIBLE,
            {"family": "VOICE", "minimum_quantity": 3, "maximum_quantity": 2},
            [("COMPOSITION_RANGE", "PBD-6", "maximum_quantity")],
        ),
        (FLEXIBLE, {"family": "VOICE", "maximum_quantity": -1}, [("COMPOSITION_RANGE", "PBD-6", "maximum_quantity")]),
    ],
)
def test_rows(composition: str, row: dict[str, object], expected: list[tuple[str, str, str | None]]) -> None:
    assert said(None, with_bundle(composition, {"row_id": "r1"} | row)) == expected


def test_a_violation_names_its_row_its_numbers_and_its_place() -> None:
    row = {"row_id": "r1", "family": "VOICE", "minimum_quantity": 3, "maximum_quantity": 2}

    (found,) = check_version(None, with_bundle(FLEXIBLE, row))

    assert found.path == "products.0.rows.0.maximum_quantity"
    assert found.carries == {
        "product": "B",
        "row_id": "r1",
        "field": "maximum_quantity",
        "minimum": "3",
        "maximum": "2",
    }


def test_all_violations_are_listed_in_the_order_of_the_rules() -> None:
    rows: tuple[dict[str, object], ...] = (
        {"row_id": "r1", "family": "VOICE", "minimum_quantity": 3, "maximum_quantity": 2},
        {"row_id": "r2"},
        {"row_id": "r3", "product": "LINE", "quantity": 0},
    )

    assert [rule for _, rule, _ in said(None, with_bundle(FLEXIBLE, *rows, classification="OTHER"))] == [
        "PBD-1",
        "PBD-2",
        "PBD-4",
        "PBD-6",
        "PBD-6",
    ]


PUBLISHED = {"row_id": "r1", "product_type": "LINE", "minimum_quantity": 1}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([PUBLISHED], []),
        ([PUBLISHED | {"is_mandatory": True}], []),
        ([PUBLISHED | {"valid_to": "2026-06-01"}], []),
        ([PUBLISHED | {"valid_to": "2025-06-01"}], []),
        ([PUBLISHED, {"row_id": "r2", "product": "LINE"}], []),
        ([PUBLISHED, {"row_id": "r2", "product": "LINE", "valid_to": "2027-01-01"}], []),
        ([PUBLISHED | {"minimum_quantity": 2}], [("ROW_CHANGED_IN_PLACE", "PBD-7", "minimum_quantity")]),
        ([PUBLISHED | {"is_mandatory": False}], [("ROW_CHANGED_IN_PLACE", "PBD-7", "is_mandatory")]),
        ([PUBLISHED | {"valid_from": "2026-02-01"}], [("ROW_CHANGED_IN_PLACE", "PBD-7", "valid_from")]),
        (
            [{"row_id": "r1", "family": "VOICE", "minimum_quantity": 1}],
            [("ROW_CHANGED_IN_PLACE", "PBD-7", "product_type"), ("ROW_CHANGED_IN_PLACE", "PBD-7", "family")],
        ),
        ([], [("ROW_CHANGED_IN_PLACE", "PBD-7", None)]),
        (
            [PUBLISHED, {"row_id": "r9", "product": "LINE", "valid_to": "2025-06-01"}],
            [("ROW_NOT_FOUND", "PBD-7", "valid_to")],
        ),
    ],
)
def test_published_rows(rows: list[dict[str, object]], expected: list[tuple[str, str, str | None]]) -> None:
    previous = with_bundle(FLEXIBLE, PUBLISHED)

    assert said(previous, with_bundle(FLEXIBLE, *rows, version=2)) == expected


def test_a_product_may_be_left_out_and_come_with_rows_of_its_own() -> None:
    bundle, none = with_bundle(FLEXIBLE, PUBLISHED), catalog(version=2)

    assert check_version(bundle, none) == ()
    assert check_version(none, bundle) == ()


def definition(name: str, kind: str = "DEFAULT", begin: str | None = None, end: str | None = None) -> dict[str, object]:
    return {"definition": name, "subscription_type": kind, "valid_from": begin, "valid_to": end}


@pytest.mark.parametrize(
    ("one", "other", "strict", "overlap"),
    [
        (definition("a"), definition("b"), False, (None, None)),
        (definition("a"), definition("b", "TRIAL"), False, None),
        (definition("a"), definition("b", "TRIAL"), True, (None, None)),
        (definition("a", end="2026-06-01"), definition("b", begin="2026-06-01"), False, None),
        (definition("a", begin="2026-06-01"), definition("b", end="2026-06-01"), True, None),
        (
            definition("a", begin="2026-01-01", end="2026-07-01"),
            definition("b", begin="2026-06-01"),
            False,
            ("2026-06-01T00:00:00+00:00", "2026-07-01T00:00:00+00:00"),
        ),
    ],
)
def test_one_definition_at_a_time(
    one: dict[str, object], other: dict[str, object], *, strict: bool, overlap: tuple[str | None, str | None] | None
) -> None:
    new = catalog(subscription_definitions=[one, other], switches={"strict_vendor_behaviour": strict})

    found = check_version(None, new)

    if overlap is None:
        assert found == ()
        return
    assert [(str(v.code), v.rule) for v in found] == [("DEFINITION_ALREADY_ACTIVE", "DEF-1")]
    assert found[0].carries == {
        "subscription_type": str(other["subscription_type"]),
        "definition": "b",
        "other": "a",
        "from": overlap[0],
        "to": overlap[1],
    }


MONTHLY = {"code": "MONTHLY", "name": "Monthly", "period": "MONTH", "billing_day": 1}
DAILY = {"code": "DAILY", "period": "DAY"}


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, []),
        ({"every": 1, "individual": False}, []),
        ({"name": "Each month"}, ["name"]),
        ({"billing_day": 2}, ["billing_day"]),
        ({"every": 2, "anchor_date": "2026-01-01"}, ["every", "anchor_date"]),
        ({"period": "WEEK"}, ["period"]),
        ({"individual": True}, ["individual"]),
    ],
)
def test_a_published_bill_cycle_never_changes(change: dict[str, object], fields: list[str]) -> None:
    previous = catalog(bill_cycles=[DAILY, MONTHLY])

    found = check_version(previous, catalog(version=2, bill_cycles=[MONTHLY | change]))

    assert [(str(v.code), v.carries) for v in found] == [
        ("BILL_CYCLE_DEFINITION_CHANGED", {"bill_cycle": "MONTHLY", "field": field}) for field in fields
    ]


def test_a_bill_cycle_left_out_is_not_offered_but_keeps_its_definition() -> None:
    first = catalog(bill_cycles=[DAILY, MONTHLY])
    second = successor(first, catalog(version=2, bill_cycles=[DAILY]))
    third = successor(second, catalog(version=3))

    for version, retired in ((second, ("MONTHLY",)), (third, ("MONTHLY", "DAILY"))):
        assert tuple(cycle.code for cycle in version.retired_bill_cycles) == retired
        assert version.bill_cycle("MONTHLY") is None
        assert version.definition("MONTHLY") == first.bill_cycle("MONTHLY")
    assert third.definition("YEARLY") is None


def test_a_bill_cycle_that_comes_back_is_the_one_it_was() -> None:
    *_, second = chain([catalog(bill_cycles=[MONTHLY]), catalog(version=2)])

    assert check_version(second, catalog(version=3, bill_cycles=[MONTHLY])) == ()
    assert len(check_version(second, catalog(version=3, bill_cycles=[MONTHLY | {"billing_day": 9}]))) == 1
    back = successor(second, catalog(version=3, bill_cycles=[MONTHLY]))
    assert back.retired_bill_cycles == ()
    assert back.bill_cycle("MONTHLY") is not None


START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("at", "version"),
    [
        (START - timedelta(microseconds=1), None),
        (START, 1),
        (START + DAY - timedelta(microseconds=1), 1),
        (START + DAY, 3),  # 2 and 3 begin together
        (START + 2 * DAY, 3),
        (START + 3 * DAY, 4),
        (START + 999 * DAY, 4),
    ],
)
def test_version_in_force(at: datetime, version: int | None) -> None:
    begins = {4: START + 3 * DAY, 2: START + DAY, 1: START, 3: START + DAY}
    versions = chain([catalog(number, begin) for number, begin in begins.items()])

    found = in_force(versions, at)

    assert (found.version if found else None) == version


def test_no_version_is_in_force_where_there_is_none() -> None:
    assert in_force([], START) is None


def test_lookups_take_no_part_in_equality_and_contracts() -> None:
    one, other = catalog(bill_cycles=[DAILY]), catalog(bill_cycles=[DAILY])

    assert one.bill_cycle("DAILY") is not None

    assert one == other
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Catalog) == other


def test_lookups() -> None:
    found = catalog(
        currencies=[{"code": "EUR"}],
        account_profiles=[{"profile": "mobile"}],
        products=SERVICES,
        subscription_definitions=[definition("a", end="2026-06-01"), definition("b", begin="2026-06-01")],
    )

    currency, profile, product = found.currency("EUR"), found.profile("mobile"), found.product("LINE")
    assert currency is not None
    assert profile is not None
    assert product is not None
    assert (currency.scale, profile.profile, product.is_service) == (2, "mobile", True)
    assert (found.currency("X"), found.profile("X"), found.product("X"), found.bill_cycle("X")) == (None,) * 4
    assert [entry.is_service for entry in found.products] == [True, False, False]
    before = found.subscription_definition("DEFAULT", datetime(2026, 5, 31, 23, 59, tzinfo=UTC))
    after = found.subscription_definition("DEFAULT", datetime(2026, 6, 1, tzinfo=UTC))
    assert before is not None
    assert after is not None
    assert (before.definition, after.definition) == ("a", "b")
    assert found.subscription_definition("TRIAL", START) is None


def test_rows_in_force_keep_the_order_of_the_catalog() -> None:
    bundle = with_bundle(
        FLEXIBLE,
        {"row_id": "r1", "product": "LINE", "valid_to": "2026-03-01"},
        {"row_id": "r2", "product_type": "LINE"},
        {"row_id": "r3", "family": "VOICE", "valid_from": "2026-03-01"},
    ).product("B")

    assert bundle is not None
    assert [row.row_id for row in bundle.rows_in_force(START - DAY)] == ["r1", "r2"]
    assert [row.row_id for row in bundle.rows_in_force(START)] == ["r2", "r3"]
