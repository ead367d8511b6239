"""What stands around an Avro payload on a topic: Confluent's magic byte and schema id, and which schema an id means."""

from __future__ import annotations

from functools import cache
from typing import Any

from schemas.contracts import CONTRACTS, FIRST_LOCAL_ID, committed_ids, versions_of

MAGIC = b"\x00"
PREFIX_BYTES = 5


class Unreadable(Exception):
    """Bytes that no version of a contract explains. `reason` is one sentence without the bytes themselves."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownSchema(Exception):
    """A well-formed value whose schema id nobody here knows: perhaps of a newer release, or of a registry not asked."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} is neither in the committed list nor learnt from a registry")
        self.schema_id = schema_id


_learnt: dict[int, Any] = {}


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


def learn(schema_id: int, schema: Any) -> None:
    """Remember what a registry says about an id. A registry never changes what an id means."""
    assert schema_id < FIRST_LOCAL_ID, f"schema id {schema_id} belongs to the committed list, not to a registry"
    _learnt[schema_id] = schema


def writer_schema(schema_id: int) -> Any:
    """The Avro schema that an id stands for, as JSON values. Raises UnknownSchema."""
    found = _committed().get(schema_id) or _learnt.get(schema_id)
    if found is None:
        raise UnknownSchema(schema_id)
    return found


def local_id(contract: str) -> int:
    """The committed id of a contract as it is now."""
    return max(committed_ids()[contract].items())[1]


@cache
def _committed() -> dict[int, Any]:
    ids = committed_ids()
    return {
        ids[contract][version]: schema
        for contract in CONTRACTS
        for version, schema in versions_of(contract).items()
    }
