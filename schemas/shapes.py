"""What a contract is made of, read off the structs: one source for the Avro schemas and for the compiled codecs."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec

from schemas.envelope import Unparsed
from schemas.fields import Command, Entity, Event, Word
from schemas.words import COMMANDS, ENTITIES, EVENTS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = EPOCH.toordinal()
MICROSECOND = timedelta(microseconds=1)
HASH_BYTES = 32
MISSING = msgspec.NODEFAULT


class Kind(StrEnum):
    """A value without parts."""

    TEXT = "TEXT"
    WHOLE = "WHOLE"
    FLAG = "FLAG"
    DAY = "DAY"
    MOMENT = "MOMENT"
    AMOUNT = "AMOUNT"
    HASH = "HASH"


SCALARS: dict[type, Kind] = {
    str: Kind.TEXT,
    int: Kind.WHOLE,
    bool: Kind.FLAG,
    date: Kind.DAY,
    datetime: Kind.MOMENT,
    Decimal: Kind.AMOUNT,
}


@dataclass(frozen=True)
class Scalar:
    """One value without parts."""

    kind: Kind


@dataclass(frozen=True)
class Choice:
    """One symbol of an enum."""

    symbols: type[StrEnum]

    @property
    def name(self) -> str:
        """Name of the enum in the contracts."""
        return self.symbols.__name__


@dataclass(frozen=True)
class Listing:
    """A tuple of values of one shape."""

    item: Shape


@dataclass(frozen=True)
class Mapping:
    """Names and values of one shape."""

    value: Shape


@dataclass(frozen=True)
class Row:
    """A struct. Its fields are read when asked for, see `fields_of`."""

    struct: type[msgspec.Struct]

    @property
    def name(self) -> str:
        """Name of the record in the contracts."""
        return RENAMED.get(self.struct.__name__, self.struct.__name__)


@dataclass(frozen=True)
class OneOf:
    """Exactly one of several structs: a body, an event, an entity."""

    role: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Maybe:
    """A value or null; with `clearable` also "not given" (UNSET), which Avro writes as null, and null as Cleared."""

    inner: Shape
    clearable: bool = False


Shape = Scalar | Choice | Listing | Mapping | Row | OneOf | Maybe


@dataclass(frozen=True)
class Field:
    """One field of a struct, under its name in the contract and its name in Python."""

    name: str
    attribute: str
    shape: Shape
    doc: str
    pii: bool
    default: Any
    """As Avro writes it in JSON; MISSING where the field is required."""


RENAMED = {"CommandRecord": "Command", "Catalog": "CatalogVersion"}
"""Structs whose record has another name, because the contract is named so."""

UNIONS: dict[type, tuple[str, tuple[type[Word], ...]]] = {
    Command: ("body", (*COMMANDS.values(), Unparsed)),
    Event: ("event", tuple(EVENTS.values())),
    Entity: ("entity", tuple(ENTITIES.values())),
}


class Undescribed(TypeError):
    """A struct cannot become a contract: a field without a doc, or a type that the contracts do not have."""


@cache
def fields_of(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a struct in the order of the contract. Raises Undescribed."""
    return tuple(_field(struct, info) for info in msgspec.structs.fields(struct))


def _field(struct: type[msgspec.Struct], info: msgspec.structs.FieldInfo) -> Field:
    place, hint = f"{struct.__name__}.{info.name}", info.type
    shape = _shape(hint, place, fixed=_is_hash(hint))
    metas = list(_metas(hint))
    described = next((meta.description for meta in metas if meta.description), None) or _doc_of_row(shape)
    if not described:
        raise Undescribed(f"{place} has no doc: write Annotated[..., doc(...)]")
    return Field(
        name=info.encode_name,
        attribute=info.name,
        shape=shape,
        doc=described,
        pii=any((meta.extra or {}).get("pii") for meta in metas),
        default=_default(shape, info, place),
    )


def _metas(hint: Any) -> Iterator[msgspec.Meta]:
    """The annotations of a hint, outermost first; those of a list's items or a map's values are not its own."""
    if typing.get_origin(hint) is typing.Annotated:
        yield from (meta for meta in reversed(hint.__metadata__) if isinstance(meta, msgspec.Meta))
        hint = hint.__origin__
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        for branch in typing.get_args(hint):
            yield from _metas(branch)


def _is_hash(hint: Any) -> bool:
    return any(meta.min_length == meta.max_length == HASH_BYTES for meta in _metas(hint))


def _doc_of_row(shape: Shape) -> str | None:
    """A field without a doc of its own says what its struct says."""
    inner = shape.inner if isinstance(shape, Maybe) else shape
    return (inner.struct.__doc__ or "").splitlines()[0] if isinstance(inner, Row) else None


def _shape(hint: Any, place: str, *, fixed: bool = False) -> Shape:
    hint = hint.__origin__ if typing.get_origin(hint) is typing.Annotated else hint
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return _maybe(arguments, place, fixed=fixed)
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:  # noqa: PLR2004 - tuple[X, ...]
        return Listing(_shape(arguments[0], place))
    if origin is dict and arguments[0] is str:
        return Mapping(_shape(arguments[1], place))
    if hint is bytes and fixed:
        return Scalar(Kind.HASH)
    return _whole(hint, place)


def _maybe(branches: tuple[Any, ...], place: str, *, fixed: bool) -> Maybe:
    inner = [branch for branch in branches if branch not in {type(None), msgspec.UnsetType}]
    if len(inner) != 1:
        raise Undescribed(f"{place}: a union of several types needs a common base class of its own")
    shape, clearable = _shape(inner[0], place, fixed=fixed), msgspec.UnsetType in branches
    if isinstance(shape, Maybe):
        raise Undescribed(f"{place}: what is optional already cannot be made so again; write X | None | UnsetType")
    if clearable and isinstance(shape, OneOf):
        raise Undescribed(f"{place}: the {shape.role} may be missing, but not be cleared")
    return Maybe(shape, clearable=clearable)


def _whole(hint: Any, place: str) -> Shape:
    if isinstance(hint, type):
        if hint in SCALARS:
            return Scalar(SCALARS[hint])
        if hint in UNIONS:
            role, structs = UNIONS[hint]
            return OneOf(role, tuple(map(Row, structs)))
        if issubclass(hint, StrEnum):
            return Choice(hint)
        if issubclass(hint, msgspec.Struct):
            return Row(hint)
    raise Undescribed(f"{place}: the contracts have no type for {hint!r}")


def _default(shape: Shape, info: msgspec.structs.FieldInfo, place: str) -> Any:
    default = info.default_factory() if info.default_factory is not MISSING else info.default
    if isinstance(shape, Maybe):
        if default not in {MISSING, None, msgspec.UNSET}:
            raise Undescribed(f"{place}: an optional field's default is null, not {default!r}")
        return None
    if default is MISSING:
        return MISSING
    if isinstance(default, datetime):
        return (default - EPOCH) // MICROSECOND
    if isinstance(default, date):
        return default.toordinal() - EPOCH_ORDINAL
    if isinstance(shape, Scalar) and shape.kind in {Kind.AMOUNT, Kind.HASH}:
        raise Undescribed(f"{place}: a {shape.kind.lower()} has no default in the contracts")
    return msgspec.json.decode(msgspec.json.encode(default))
