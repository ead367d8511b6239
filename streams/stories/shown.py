"""Values as a story shows them: structs as maps under their contract names, personal data opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from schemas.accounts import DetailChange
from schemas.billing_profiles import Covers
from schemas.fields import Entity, Event
from schemas.refusals import Violation
from schemas.sealed import PREFIX


class Fields(dict[str, Any]):
    """The fields of one of our structs: all that are given are there."""

    kind: str = "this"
    """Name of the struct."""
    known: tuple[str, ...] = ()
    """Names of all its fields, of those that are not given too."""
    names: tuple[str, ...] = ()
    """Names by which the whole is known: of an event its own, of an entity its kind too."""


class Refused(dict[str, Any]):
    """A violation, flat. `carries` is there too, for those who write it as the events do."""


class CanonicalText(str):
    """A value that is kept as text whatever its type (a carried value, an old or a new detail)."""

    __slots__ = ()


class Glass:
    """How one customer's values look: sealed texts opened, the story's own prefix taken off.

    `open_text` opens one sealed text; `prefix` stands before every customer id where stories share a log.
    """

    def __init__(self, open_text: Callable[[str], str], prefix: str = "") -> None:
        self._open = open_text
        self._prefix = prefix

    def plain(self, value: Any) -> Any:
        """Bring a value to maps, lists, text, numbers and moments."""
        if isinstance(value, Violation):
            return self.violation(value)
        if isinstance(value, Covers):
            return "ALL" if value.all else [self._text(service) for service in value.services]
        if isinstance(value, msgspec.Struct):
            return self._fields(value)
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self._text(key): self.plain(inner) for key, inner in value.items()}
        if isinstance(value, tuple | list):
            return [self.plain(inner) for inner in value]
        return value

    def violation(self, found: Violation) -> Refused:
        """A violation, flat: code, rule, path, and what it carries beside them."""
        carried = {name: None if text is None else self._canonical(text) for name, text in found.carries.items()}
        return Refused({"code": found.code, "rule": found.rule, "path": found.path} | carried, carries=carried)

    def _fields(self, struct: msgspec.Struct) -> Fields:
        shown = Fields()
        shown.kind, shown.known = type(struct).__name__, struct.__struct_encode_fields__
        for name, attribute in zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True):
            value = getattr(struct, attribute)
            if value is msgspec.UNSET:
                continue
            if isinstance(struct, DetailChange) and attribute != "field" and value is not None:
                shown[name] = self._canonical(value)
            else:
                shown[name] = self.plain(value)
        if isinstance(struct, Event):
            shown.names = (type(struct).__name__,)
        elif isinstance(struct, Entity):
            shown.names = (type(struct).__name__, type(struct).identity[0])
        return shown

    def _text(self, text: str) -> str:
        if PREFIX in text:
            text = self._opened(text)
        return text.replace(self._prefix, "") if self._prefix else str(text)

    def _canonical(self, text: str) -> CanonicalText:
        return CanonicalText(self._text(text))

    def _opened(self, text: str) -> str:
        """Open a sealed text, or the sealed leaves of canonical JSON."""
        if text.startswith(PREFIX):
            return self._open(text)
        try:
            return json.dumps(self._opened_leaves(json.loads(text)), separators=(",", ":"), ensure_ascii=False)
        except ValueError:
            return text

    def _opened_leaves(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._open(value)
        if isinstance(value, dict):
            return {key: self._opened_leaves(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._opened_leaves(inner) for inner in value]
        return value


def printable(value: Any) -> Any:
    """Bring shown values to what YAML can write; bytes as hexadecimals, empty fields left out."""
    if isinstance(value, Fields):
        inner = {name: printable(field) for name, field in value.items() if field not in (None, [], {}, b"")}
        return {value.names[0]: inner} if value.names else inner
    if isinstance(value, Refused):
        return {name: printable(field) for name, field in value.items() if name != "carries" and field is not None}
    if isinstance(value, dict):
        return {str(name): printable(field) for name, field in value.items()}
    if isinstance(value, list | tuple):
        return [printable(inner) for inner in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str | Decimal) else value
