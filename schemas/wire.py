"""What stands around an Avro payload on a topic: Confluent's magic byte and schema id, and which schema an id means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar

from schemas.contracts import CONTRACTS, FIRST_LOCAL_ID, committed_ids, versions_of

MAGIC = b"\x00"
PREFIX_BYTES = 5


class Unreadable(Exception):
    """Bytes that no version of a contract explains. `reason` is one sentence without the bytes themselves."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownSchema(Exception):
    """A well-formed value whose schema id nobody knows: perhaps a newer release writes already."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} is neither in the committed list nor in a registry that was asked")
        self.schema_id = schema_id


class RegistryProblem(Exception):
    """The registry is not as it has to be. The sentence says what to do."""


class SchemaUnavailable(Exception):
    """The registry cannot be asked. That says nothing about the record, which has to wait."""


Ask = Callable[[int], Any]


class _Registered:
    """What a registry adds to the committed list, once `use` named one."""

    ask: Ask | None = None
    current: Mapping[str, int] = MappingProxyType({})
    learnt: ClassVar[dict[int, Any]] = {}


def use(ask: Ask, current: Mapping[str, int]) -> None:
    """Take a registry into use: `ask` answers the schema of an id, `current` the ids to write with, by contract.

    `ask` raises UnknownSchema or SchemaUnavailable. What it answered is kept: an id never changes its meaning.
    """
    _Registered.ask = ask
    _Registered.current = current
    _Registered.learnt.clear()


def use_committed_list() -> None:
    """Go back to the committed list alone."""
    _Registered.ask = None
    _Registered.current = MappingProxyType({})


def frame(schema_id: int, payload: bytes) -> bytes:
    """A value for a topic: magic byte, schema id (four bytes, big-endian), payload."""
    return prefix(schema_id) + payload


@cache
def prefix(schema_id: int) -> bytes:
    """The five bytes before a payload."""
    return MAGIC + schema_id.to_bytes(4, "big")


def unframe(value: bytes | None) -> tuple[int, bytes]:
    """Schema id and payload of a topic's value. Raises Unreadable."""
    if value is None or len(value) < PREFIX_BYTES:
        raise Unreadable("the value is shorter than the prefix of the wire format")
    if value[:1] != MAGIC:
        raise Unreadable(f"the value begins with byte {value[0]}, not with the wire format's magic byte 0")
    return int.from_bytes(value[1:PREFIX_BYTES], "big"), value[PREFIX_BYTES:]


def writer_schema(schema_id: int) -> Any:
    """The Avro schema that an id stands for, as JSON values. Raises UnknownSchema and SchemaUnavailable."""
    if schema_id >= FIRST_LOCAL_ID:
        found = _committed().get(schema_id)
    else:
        found = _Registered.learnt.get(schema_id)
        if found is None and _Registered.ask is not None:
            found = _Registered.learnt[schema_id] = _Registered.ask(schema_id)
    if found is None:
        raise UnknownSchema(schema_id)
    return found


def current_id(contract: str) -> int:
    """The id to write a contract with: the registry's if one is in use, else the committed one."""
    return _Registered.current.get(contract) or local_id(contract)


@cache
def local_id(contract: str) -> int:
    """The committed id of a contract as it is now."""
    return max(committed_ids()[contract].items())[1]


@cache
def _committed() -> dict[int, Any]:
    ids = committed_ids()
    return {
        ids[contract][version]: schema for contract in CONTRACTS for version, schema in versions_of(contract).items()
    }
