"""Bodies that do not fit their contract: what is wrong, where, and what was expected."""

from __future__ import annotations

import re

import msgspec

from schemas.fields import Command
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
        return msgspec.convert(body, word, strict=True)
    except msgspec.ValidationError as error:
        return _misfit(str(error))


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
        return Misfit(path, expected["type"])
    if said.startswith("Invalid enum value"):
        return Misfit(path, "one of the listed values")
    return Misfit(path, said.removeprefix("Expected "))


def _dotted(path: str) -> str:
    return re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path.removeprefix("$")).lstrip(".")
