"""The committed contracts are what the structs say, every version stays readable, and ids stay what they were."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import fastavro
import msgspec
import pytest

from schemas import contracts
from schemas.compatibility import broken_promises, check_contracts
from schemas.contracts import CONTRACTS, FIRST_LOCAL_ID, committed_ids, release_contracts, schema_of, write_contracts
from schemas.envelope import Cause
from schemas.fields import Command, Word, doc
from schemas.shapes import Undescribed, fields_of


@pytest.mark.parametrize("contract", CONTRACTS)
def test_committed_contracts_are_what_the_structs_say(contract: str) -> None:
    committed = json.loads((contracts.AVRO / f"{contract}.avsc").read_text())
    assert committed == schema_of(contract), "run `make contracts` and review the change"
    fastavro.parse_schema(committed)


def test_contracts_keep_their_promises() -> None:
    assert check_contracts() == []


def test_ids_are_local_unique_and_grow() -> None:
    numbers = [number for versions in committed_ids().values() for number in versions.values()]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) >= FIRST_LOCAL_ID > 2**30
    assert max(numbers) < 2**31
    assert all(max(versions.items())[1] == max(versions.values()) for versions in committed_ids().values())


def everything_in(schema: Any) -> list[dict[str, Any]]:
    """All records and fields of a schema."""
    found: list[dict[str, Any]] = []
    if isinstance(schema, list):
        found = [inner for branch in schema for inner in everything_in(branch)]
    elif isinstance(schema, dict):
        found = [schema] if "name" in schema else []
        for part in ("type", "items", "values", "fields"):
            found += everything_in(schema.get(part, []))
    return found


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_field_and_type_says_what_it_is(contract: str) -> None:
    nameless = [part["name"] for part in everything_in(schema_of(contract)) if not part.get("doc")]
    assert nameless in ([], ["Hash"])


def test_personal_data_is_marked() -> None:
    fields = {part["name"]: part for part in everything_in(schema_of("Command"))}
    assert all(fields[name]["pii"] is True for name in ("first_name", "last_name", "email", "street", "city"))
    assert "pii" not in fields["bill_cycle"]


def test_a_field_without_a_doc_is_refused() -> None:
    class Silent(Word, frozen=True, kw_only=True):
        """Says nothing of its field."""

        amount: int

    with pytest.raises(Undescribed, match=r"Silent\.amount has no doc"):
        fields_of(Silent)


def test_a_type_that_contracts_do_not_have_is_refused() -> None:
    class Floating(Word, frozen=True, kw_only=True):
        """Has a float."""

        amount: Annotated[float, doc("Imprecise")]

    with pytest.raises(Undescribed, match="no type for"):
        fields_of(Floating)


def test_a_value_that_could_be_missing_in_two_ways_is_refused() -> None:
    class Twice(Word, frozen=True, kw_only=True):
        """Has an alias that is optional, made optional again."""

        name: Annotated[str | None, doc("A name")] | msgspec.UnsetType = msgspec.UNSET

    class Bodiless(Word, frozen=True, kw_only=True):
        """Has a union of records that can be cleared."""

        body: Annotated[Command | msgspec.UnsetType | None, doc("A body")] = msgspec.UNSET

    with pytest.raises(Undescribed, match=r"Twice\.name: what is optional already"):
        fields_of(Twice)
    with pytest.raises(Undescribed, match=r"Bodiless\.body: the body may be missing, but not be cleared"):
        fields_of(Bodiless)


def test_versions_get_ids_once_and_released_ones_never_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_contracts(tmp_path)
    first = committed_ids(tmp_path)
    assert write_contracts(tmp_path) == []

    changed = copy.deepcopy(schema_of("Command"))
    changed["doc"] = "Other words."
    monkeypatch.setattr(contracts, "schema_of", lambda name: changed if name == "Command" else schema_of(name))
    write_contracts(tmp_path)
    assert committed_ids(tmp_path) == first, "what is not released is rewritten in place"

    release_contracts(tmp_path)
    released = (tmp_path / "released" / "Command" / "1.avsc").read_text()
    assert release_contracts(tmp_path) == []

    changed = copy.deepcopy(changed)
    changed["doc"] = "Yet other words."
    assert write_contracts(tmp_path) == [
        f"Command version 2 has id {FIRST_LOCAL_ID + len(CONTRACTS)}",
        "Command.avsc written",
    ]
    assert committed_ids(tmp_path)["Command"] == {1: first["Command"][1], 2: FIRST_LOCAL_ID + len(CONTRACTS)}
    assert (tmp_path / "released" / "Command" / "1.avsc").read_text() == released
    assert committed_ids(tmp_path)["CommandOutcome"] == first["CommandOutcome"]


# -- the compatibility checker

OLD: dict[str, Any] = {
    "type": "record",
    "name": "Kept",
    "namespace": "billfold.v1",
    "doc": "A record.",
    "fields": [
        {"name": "whole", "type": "int", "doc": "d"},
        {"name": "name", "type": "string", "doc": "d", "pii": True},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}, "doc": "d"},
        {
            "name": "amount",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9},
            "doc": "d",
        },
        {
            "name": "colour",
            "type": {"type": "enum", "name": "Colour", "doc": "d", "symbols": ["RED", "BLUE"], "default": "RED"},
            "doc": "d",
        },
        {"name": "note", "type": ["null", "string"], "doc": "d", "default": None},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 32}, "doc": "d"},
        {"name": "items", "type": {"type": "array", "items": "Colour"}, "doc": "d"},
        {"name": "pairs", "type": {"type": "map", "values": ["null", "string"]}, "doc": "d"},
    ],
}


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return next(part for part in schema["fields"] if part["name"] == name)


Change = Callable[[dict[str, Any]], Any]
FINE: dict[str, Change] = {
    "nothing": lambda _: None,
    "int becomes long": lambda s: field(s, "whole").update(type="long"),
    "a field with a default is new": lambda s: s["fields"].append(
        {"name": "new", "type": "long", "doc": "d", "default": 0}
    ),
    "a field is gone": lambda s: s["fields"].remove(field(s, "note")),
    "a symbol is new": lambda s: field(s, "colour")["type"]["symbols"].append("GREEN"),
    "a branch is new": lambda s: field(s, "note")["type"].append("long"),
    "a field becomes optional": lambda s: field(s, "at").update(type=["null", field(s, "at")["type"]]),
    "another doc": lambda s: field(s, "at").update(doc="other"),
}
BROKEN: dict[str, tuple[Change, str]] = {
    "a new field has no default": (
        lambda s: s["fields"].append({"name": "new", "type": "long", "doc": "d"}),
        "Kept.new is new and has no default",
    ),
    "another type": (lambda s: field(s, "whole").update(type="string"), "Kept.whole was int and is string"),
    "another logical type": (
        lambda s: field(s, "at")["type"].update(logicalType="timestamp-millis"),
        "Kept.at had logicalType timestamp-micros and has timestamp-millis",
    ),
    "no logical type": (
        lambda s: field(s, "at").update(type="long"),
        "Kept.at had logicalType timestamp-micros and has None",
    ),
    "another precision": (
        lambda s: field(s, "amount")["type"].update(precision=20),
        "Kept.amount had precision 38 and has 20",
    ),
    "another scale": (lambda s: field(s, "amount")["type"].update(scale=2), "Kept.amount had scale 9 and has 2"),
    "no doc": (lambda s: field(s, "at").pop("doc"), "Kept.at has no doc"),
    "a record without doc": (lambda s: s.pop("doc"), "Kept lost its doc"),
    "no pii mark": (lambda s: field(s, "name").pop("pii"), "Kept.name lost its pii mark"),
    "a personal field is gone": (
        lambda s: s["fields"].remove(field(s, "name")),
        "Kept.name lost its pii mark with the field",
    ),
    "a symbol is gone": (
        lambda s: field(s, "colour")["type"]["symbols"].remove("BLUE"),
        "Colour lost the symbol BLUE",
    ),
    "another default symbol": (
        lambda s: field(s, "colour")["type"].update(default="BLUE"),
        "Colour had the default RED and has BLUE",
    ),
    "another enum": (
        lambda s: field(s, "colour")["type"].update(name="Tint"),
        "Kept.colour was a Colour and is a Tint",
    ),
    "no longer optional": (lambda s: field(s, "note").update(type="string"), "Kept.note lost the branch null"),
    "a shorter hash": (lambda s: field(s, "hash")["type"].update(size=16), "Kept.hash had size 32 and has 16"),
    "other items": (lambda s: field(s, "items")["type"].update(items="long"), "Kept.items[] was enum and is long"),
    "other values": (
        lambda s: field(s, "pairs")["type"].update(values="string"),
        "Kept.pairs{} lost the branch null",
    ),
}


@pytest.mark.parametrize("change", FINE.values(), ids=FINE.keys())
def test_what_old_records_survive_is_allowed(change: Change) -> None:
    new = copy.deepcopy(OLD)
    change(new)
    assert broken_promises(new, OLD) == []


@pytest.mark.parametrize(("change", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_what_breaks_a_promise_is_said(change: Change, said: str) -> None:
    new = copy.deepcopy(OLD)
    change(new)
    assert said in broken_promises(new, OLD)


def test_a_lost_event_type_is_said() -> None:
    new = copy.deepcopy(schema_of("BusinessTransaction"))
    event = new["fields"][-2]["type"]["items"]["fields"][0]
    lost = next(branch for branch in event["type"] if isinstance(branch, dict) and branch["name"] == "DueWorkParked")
    event["type"].remove(lost)
    assert "Change.event lost the branch DueWorkParked" in broken_promises(new, schema_of("BusinessTransaction"))


def test_amounts_keep_nine_digits_and_refuse_a_tenth() -> None:
    from schemas.codec.reading import amount_at  # noqa: PLC0415 - beside its judge
    from schemas.codec.writing import amount  # noqa: PLC0415

    widest = Decimal("99999999999999999999999999999.999999999")
    assert amount_at(amount(widest), 0) == (widest, len(amount(widest)))
    for refused in (Decimal("0.0000000001"), Decimal(10) ** 29, Decimal("Infinity"), Decimal("NaN")):
        with pytest.raises((OverflowError, ValueError)):
            amount(refused)


def test_structs_without_a_contract_of_their_own_are_described_too() -> None:
    assert [part.name for part in fields_of(Cause)] == [info.encode_name for info in msgspec.structs.fields(Cause)]
