"""Bodies that do not fit their contract: what is wrong, where, and what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Context, Decimal

import msgspec

from schemas.fields import LIST_ITEMS, Command, Word
from schemas.sealed import is_sealed, longest_sealed
from schemas.words import COMMANDS


class Misfit(msgspec.Struct, frozen=True):
    """Where a body leaves its contract. `path` is dotted, list elements by number; empty for the body itself."""

    path: str
    expected: str


def read_body(command_type: str, body: object) -> Command | Misfit:
    """Bring a plain mapping (from JSON or YAML) to its command, strictly: `"7"` is no int. Or say what does not fit."""
    word = COMMANDS.get(command_type)
    if word is None:
        return Misfit("command_type", "one of " + ", ".join(COMMANDS))
    try:
        command = msgspec.convert(body, word, strict=True)
    except msgspec.ValidationError as error:
        return _misfit(str(error))
    return _beyond_limits(command, "") or command


TEXT_BYTES = 1024
"""A name or a line of an address; of a sealed value what it was before."""
MAP_ENTRIES = 100
AMOUNT_DECIMALS = 9
AMOUNT_BOUND = Decimal(10) ** 29
WIDE = Context(prec=60)
FIRST_MOMENT, LAST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""What lies outside is a mistake, and would lie in the due index for ever."""


def _most(items: tuple[object, ...]) -> int:
    """How many of such items a list may hold."""
    return items[0].listed_up_to if items and isinstance(items[0], Word) else LIST_ITEMS


def _beyond_limits(value: object, path: str) -> Misfit | None:
    """The first value that is larger than anything sensible, or a moment without its offset."""
    inner: Iterable[tuple[object, object]]
    match value:
        case str():
            longest = longest_sealed(TEXT_BYTES) if is_sealed(value) else TEXT_BYTES
            return Misfit(path, f"at most {TEXT_BYTES} bytes") if len(value.encode()) > longest else None
        case Decimal():
            return None if is_amount(value) else Misfit(path, "decimal of at most 29 digits and 9 decimals")
        case datetime():
            if value.tzinfo is None:
                return Misfit(path, "timestamp with an offset from UTC")
            fits = FIRST_MOMENT <= value < LAST_MOMENT
            return None if fits else Misfit(path, "timestamp between 2000 and 2100")
        case tuple() if len(value) > (most := _most(value)):
            return Misfit(path, f"at most {most} elements")
        case dict() if len(value) > MAP_ENTRIES:
            return Misfit(path, f"at most {MAP_ENTRIES} entries")
        case tuple():
            inner = enumerate(value)
        case dict():
            inner = value.items()
        case msgspec.Struct():
            names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
            inner = ((shown, getattr(value, name)) for shown, name in names)
        case _:
            return None
    found = (_beyond_limits(member, f"{path}.{name}" if path else str(name)) for name, member in inner)
    return next((misfit for misfit in found if misfit is not None), None)


def is_amount(value: Decimal) -> bool:
    """Whether a decimal fits the contracts: finite, 38 digits, 9 of them decimals."""
    if not value.is_finite() or value.copy_abs() >= AMOUNT_BOUND:
        return False
    exponent = value.normalize(WIDE).as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -AMOUNT_DECIMALS


NAMES = {"str": "string", "array": "list", "object": "map", "datetime": "timestamp"}
"""Types by the names that the field tables of the rules use."""

INVALID = {
    "Invalid RFC3339 encoded datetime": "timestamp",
    "Invalid RFC3339 encoded date": "date",
    "Invalid decimal string": "decimal",
    "Invalid enum value": "one of the listed values",
}

_AT = re.compile(r" - at `(?P<path>[^`]*)`$")
_FIELD = re.compile(r"^Object (?P<how>missing required|contains unknown) field `(?P<field>[^`]*)`$")
_EXPECTED = re.compile(r"^Expected `(?P<type>[^`]*)`")


def _misfit(message: str) -> Misfit:
    found = _AT.search(message)
    path = _dotted(found["path"]) if found else ""
    said = message[: found.start()] if found else message
    if field := _FIELD.match(said):
        inner = f"{path}.{field['field']}" if path else field["field"]
        return Misfit(inner, "a value" if field["how"] == "missing required" else "no such field")
    if expected := _EXPECTED.match(said):
        kinds = [kind for kind in expected["type"].split(" | ") if kind != "null"]
        return Misfit(path, " or ".join(NAMES.get(kind, kind) for kind in kinds))
    for beginning, name in INVALID.items():
        if said.startswith(beginning):
            return Misfit(path, name)
    return Misfit(path, said.removeprefix("Expected "))


def _dotted(path: str) -> str:
    return re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path.removeprefix("$")).lstrip(".")
