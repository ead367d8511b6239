"""The form of sealed personal data, and where personal data stands in a word.

    sealed:v1:<key id>:<base64url without padding>

The key id (12 characters) names the customer's data key; it follows from the customer id, so that the core can say
which key an erasure destroys without seeing the vault. The last part is

    length of the kind (1 byte) | kind | nonce (12 bytes) | ciphertext and tag (16 bytes more than the plaintext)

The kind (`name`, `Contact.email`) travels inside, so that a value can be opened wherever it was copied to: an event's
list of changes, a warehouse column. The core copies sealed values and never opens one; `streams/sealing.py` does.
"""

from __future__ import annotations

import base64
import hashlib
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from schemas.fields import Command, Entity, Event

PREFIX = "sealed:v1:"
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_ID_CHARACTERS = 12
LONGEST_KIND_BYTES = 64
"""Longer ones (the keys of a caller's map) are shortened by a hash, to bound what sealing adds to a string."""

_SEALED = re.compile(rf"{PREFIX}([A-Za-z0-9_-]{{{KEY_ID_CHARACTERS}}}):([A-Za-z0-9_-]{{40,}})")

_ROOTS = (Command, Event, Entity)
_SEALABLE = (str, bool, type(None), msgspec.UnsetType, dict, list, tuple)

Body = TypeVar("Body", bound=msgspec.Struct)
Change = Callable[[str, str, str], str]
"""Given path, kind and text of a string that is personal data: the text to stand there instead."""


class SealedValue(NamedTuple):
    """The parts of a sealed value."""

    key_id: str
    kind: str
    nonce: bytes
    ciphertext: bytes


def is_sealed(text: str) -> bool:
    """Whether `text` has the form of a sealed value. Whether it opens, only the vault knows."""
    return text.startswith(PREFIX) and _SEALED.fullmatch(text) is not None


def key_id_of(customer_id: str) -> str:
    """Id of the customer's data key: 72 bits of a hash, the same in every room and in every replay."""
    digest = hashlib.sha256(b"billfold data key 1\x00" + customer_id.encode()).digest()
    return base64.urlsafe_b64encode(digest[:9]).decode()


def longest_sealed(plain_bytes: int) -> int:
    """Characters that a sealed value needs at most for so many bytes of UTF-8; the core's limit follows the doors'."""
    payload = 1 + LONGEST_KIND_BYTES + NONCE_BYTES + plain_bytes + TAG_BYTES
    return len(PREFIX) + KEY_ID_CHARACTERS + 1 + (payload * 4 + 2) // 3


def write_sealed(value: SealedValue) -> str:
    """Return the text of a sealed value."""
    kind = value.kind.encode()
    payload = bytes([len(kind)]) + kind + value.nonce + value.ciphertext
    return f"{PREFIX}{value.key_id}:{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}"


def read_sealed(text: str) -> SealedValue | None:
    """Return the parts of a sealed value, or None where `text` is none."""
    match = _SEALED.fullmatch(text)
    if match is None:
        return None
    key_id, encoded = match.groups()
    if len(encoded) % 4 == 1:
        return None

    payload = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    nonce_at = 1 + payload[0]
    if len(payload) < nonce_at + NONCE_BYTES + TAG_BYTES:
        return None
    try:
        kind = payload[1:nonce_at].decode()
    except UnicodeDecodeError:
        return None
    return SealedValue(key_id, kind, payload[nonce_at : nonce_at + NONCE_BYTES], payload[nonce_at + NONCE_BYTES :])


def first_unsealed_path(body: msgspec.Struct) -> str | None:
    """Return the dotted path of the first plain string in a field marked pii, or None (PII_NOT_SEALED); lists by index.

    A type that cannot hold personal data costs one dictionary lookup.
    """
    if not _fields(type(body)):
        return None

    plain: list[str] = []

    def note(path: str, _kind: str, text: str) -> str:
        if not is_sealed(text):
            plain.append(path)
        return text

    map_personal(body, note)
    return plain[0] if plain else None


def map_personal(body: Body, change: Change) -> Body:
    """Return `body` with `change` applied to every string in a field marked pii, in the order of the fields."""
    return _map_struct(body, "", change, marked=False) if _fields(type(body)) else body


def map_personal_json(value: object, of: type[msgspec.Struct] | None, change: Change) -> object:
    """Apply `change` to a JSON-like body that does not fit its contract `of` (None: no such contract).

    What the contract does not know may be anything, so it counts as personal too. A number in such a place becomes 0:
    it keeps its type, and with it the reason why the body does not fit.
    """
    return _map_json(value, "", "", None if of is None else _Known(of), change)


class _Field(NamedTuple):
    name: str
    shown: str
    kind: str
    marked: bool


class _Known(NamedTuple):
    """A place in a body whose contract is known to be this struct, or, with None, to hold nothing personal."""

    struct: type[msgspec.Struct] | None


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[_Field, ...]:
    """Return the fields of a type under which personal data may stand."""
    return tuple(
        _Field(field.name, field.encode_name, _kind(struct, field.name), marked)
        for field in msgspec.structs.fields(struct)
        if (marked := _is_marked(struct, field)) or _leads_on(field.type, frozenset({struct}))
    )


def _kind(struct: type[msgspec.Struct], name: str) -> str:
    """Name the kind without the command, so that what a create and an update seal compares equal."""
    return name if issubclass(struct, _ROOTS) else f"{struct.__name__}.{name}"


def _is_marked(struct: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> bool:
    metas = [part for part in _parts(field.type) if isinstance(part, msgspec.Meta)]
    if not any((meta.extra or {}).get("pii") for meta in metas):
        return False

    for part in _parts(field.type):
        if isinstance(part, type) and not issubclass(part, (*_SEALABLE, Enum, msgspec.Struct)):
            raise TypeError(f"{struct.__name__}.{field.name} is marked pii, but {part.__name__} cannot be sealed")
    return True


def _leads_on(annotation: object, above: frozenset[type[msgspec.Struct]]) -> bool:
    structs = [part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, msgspec.Struct)]
    return any(
        struct in _ROOTS
        or (
            struct not in above
            and any(
                _is_marked(struct, field) or _leads_on(field.type, above | {struct})
                for field in msgspec.structs.fields(struct)
            )
        )
        for struct in structs
    )


def _parts(annotation: object) -> Iterator[object]:
    """Every type and every note in an annotation, structs unopened."""
    if typing.get_origin(annotation) is Annotated:
        inner, *notes = typing.get_args(annotation)
        yield from notes
        yield from _parts(inner)
    elif arguments := typing.get_args(annotation):
        for argument in arguments:
            yield from _parts(argument)
    elif annotation is not Ellipsis:
        yield annotation


def _map_struct(struct: Body, path: str, change: Change, *, marked: bool) -> Body:
    fields = _all_fields(type(struct)) if marked else _fields(type(struct))
    changed = {}
    for field in fields:
        old = getattr(struct, field.name)
        shown = f"{path}.{field.shown}" if path else field.shown
        new = _map(old, shown, field.kind, change, marked=marked or field.marked)
        if new is not old:
            changed[field.name] = new
    return msgspec.structs.replace(struct, **changed) if changed else struct


@cache
def _all_fields(struct: type[msgspec.Struct]) -> tuple[_Field, ...]:
    return tuple(
        _Field(field.name, field.encode_name, _kind(struct, field.name), marked=True)
        for field in msgspec.structs.fields(struct)
    )


def _map(value: object, path: str, kind: str, change: Change, *, marked: bool) -> object:
    if type(value) is str:
        return change(path, kind, value) if marked else value
    if isinstance(value, msgspec.Struct):
        return _map_struct(value, path, change, marked=marked)
    if isinstance(value, Mapping):
        return {
            key: _map(member, f"{path}.{key}", f"{kind}.{key}", change, marked=marked) for key, member in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(_map(member, f"{path}.{at}", kind, change, marked=marked) for at, member in enumerate(value))
    return value


def _map_json(value: object, path: str, kind: str, known: _Known | None, change: Change) -> object:
    if known == _Known(None):
        return value
    if isinstance(value, Mapping):
        return {
            key: _map_json(member, f"{path}.{key}" if path else str(key), *_known_member(known, kind, str(key)), change)
            for key, member in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_map_json(member, f"{path}.{at}", kind, known, change) for at, member in enumerate(value)]
    if isinstance(value, str):
        return change(path, kind, value)
    return 0 if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _known_member(known: _Known | None, kind: str, key: str) -> tuple[str, _Known | None]:
    struct = known.struct if known else None
    if struct is None:
        return (f"{kind}.{key}" if kind else key), None
    for field in msgspec.structs.fields(struct):
        if field.encode_name != key:
            continue
        if _is_marked(struct, field):
            return _kind(struct, field.name), None
        inner = [part for part in _parts(field.type) if isinstance(part, type) and issubclass(part, msgspec.Struct)]
        return _kind(struct, field.name), _Known(inner[0]) if len(inner) == 1 else None if inner else _Known(None)
    return key, None
