"""The door between bytes and words: `COMMAND.decode(payload)`, `TRANSACTION.seal(transaction)`, and nothing else.

Behind it stand encoders and decoders compiled from the contracts; tests hold them equal to fastavro, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec

from schemas.catalog import Catalog
from schemas.codec.decoder import Decoding, Options, UnknownEntity, UnknownEvent
from schemas.codec.encoder import Encoding
from schemas.codec.reading import ANSWER_LIMITS, COMMAND_LIMITS, Limits
from schemas.contracts import AVRO, schema_of, versions_of
from schemas.envelope import BusinessTransaction, CommandOutcome, CommandRecord
from schemas.provisioning_requests import ProvisioningRequest
from schemas.shapes import Row
from schemas.wire import Unreadable, current_id, writer_schema

__all__ = [
    "CATALOG",
    "COMMAND",
    "OUTCOME",
    "PROVISIONING",
    "TRANSACTION",
    "Codec",
    "UnknownEntity",
    "UnknownEvent",
    "Unreadable",
    "encode_answer",
    "warm",
]

Contract = TypeVar("Contract", bound=msgspec.Struct)
Reader = Callable[[bytes, int], tuple[Any, int]]
Unknown = Literal["refuse", "skip"]


class Codec(Generic[Contract]):
    """One contract's way to bytes and back. Compiles itself at first use; a body, an event, an entity at its own."""

    def __init__(self, struct: type[Contract], limits: Limits) -> None:
        self._row = Row(struct)
        self._limits = limits
        self._readers: dict[tuple[int | None, str], Reader] = {}

    @property
    def contract(self) -> str:
        """Name of the contract."""
        return self._row.name

    def encode(self, value: Contract) -> bytes:
        """The Avro payload, without the wire format's prefix, by the contract as it is now."""
        return cast("bytes", self._encoders["encode"](b"", value, {}))

    def decode(self, payload: bytes, writer_schema_id: int | None = None, *, unknown: Unknown = "refuse") -> Contract:
        """Read a payload, written with the contract as it is now or with the schema of an id.

        `unknown="skip"` puts UnknownEvent and UnknownEntity in the place of what only a newer writer knows.
        A command whose body breaks a rule of its struct comes back with an Unparsed body, to be answered MALFORMED.
        Raises Unreadable for bytes that the schema does not explain or that exceed a limit, and UnknownSchema.
        """
        reader = self._readers.get((writer_schema_id, unknown)) or self._reader(writer_schema_id, unknown)
        try:
            return cast("Contract", self._read(reader, payload))
        except _Misfit:
            return cast("Contract", self._read(self._reader(writer_schema_id, "unparsed"), payload))

    def _read(self, reader: Reader, payload: bytes) -> Any:
        if len(payload) > self._limits.record_bytes:
            raise Unreadable(f"the record is longer than {self._limits.record_bytes} bytes")
        try:
            value, end = reader(payload, 0)
        except IndexError:
            raise Unreadable("the bytes end before the record does") from None
        except KeyError:
            raise Unreadable("an enum or a union has no such symbol or branch") from None
        except UnicodeDecodeError:
            raise Unreadable("a text is not UTF-8") from None
        except RecursionError:
            raise Unreadable("the record is nested too deeply") from None
        except ValueError as problem:
            if self._row.struct is CommandRecord:
                raise _Misfit from None
            raise Unreadable(f"a struct refuses its values: {problem}") from None
        if end != len(payload):
            follows = end < len(payload)
            raise Unreadable("bytes follow the record" if follows else "the bytes end before the record does")
        return value

    def _reader(self, writer_schema_id: int | None, mode: str) -> Reader:
        known = self._readers.get((writer_schema_id, mode))
        if known is None:
            schema = self._own_schema if writer_schema_id is None else writer_schema(writer_schema_id)
            options = Options(
                limits=self._limits,
                unknown="skip" if mode == "skip" else "refuse",
                strict_symbols=self._row.struct is CommandRecord,
                bodies="unparsed" if mode == "unparsed" else "typed",
            )
            known = self._readers[(writer_schema_id, mode)] = Decoding(self._row, schema, options).compile()
        return known

    @cached_property
    def _own_schema(self) -> Any:
        """The schema of the structs. Bytes by another one than the committed contract would bear a wrong id."""
        schema = schema_of(self.contract)
        *_, committed = versions_of(self.contract).values()
        assert schema == committed, f"{AVRO / self.contract}.avsc is not what the structs say: run `make contracts`"
        return schema

    @cached_property
    def _encoders(self) -> dict[str, Any]:
        assert self._own_schema
        return Encoding(self._row).compile()


class _Misfit(Exception):
    """Readable bytes whose values a struct refuses."""


class TransactionCodec(Codec[BusinessTransaction]):
    """Transactions carry the hash of their own bytes."""

    def seal(self, transaction: BusinessTransaction, memo: dict[int, bytes] | None = None) -> tuple[bytes, bytes]:
        """Payload and hash of a transaction: its field `hash` is not looked at, the computed one is written.

        `memo` keeps the bytes of entities, by id(), for as long as the caller keeps the entities themselves.
        """
        unsealed = self._encoders["encode_unsealed"](b"", transaction, {} if memo is None else memo)
        digest = hashlib.sha256(unsealed).digest()
        return unsealed + digest, digest


COMMAND = Codec(CommandRecord, COMMAND_LIMITS)
TRANSACTION = TransactionCodec(BusinessTransaction, ANSWER_LIMITS)
OUTCOME = Codec(CommandOutcome, ANSWER_LIMITS)
CATALOG = Codec(Catalog, ANSWER_LIMITS)
PROVISIONING = Codec(ProvisioningRequest, ANSWER_LIMITS)


def warm() -> None:
    """Compile what every command needs, before the first one comes: a tenth of a second that would be its own."""
    COMMAND._reader(current_id(COMMAND.contract), "refuse")  # noqa: SLF001 - same room
    for codec in (TRANSACTION, OUTCOME):
        assert codec._encoders  # noqa: SLF001 - same room


def encode_answer(transaction: BusinessTransaction, outcome: CommandOutcome) -> tuple[bytes, bytes, bytes]:
    """Payload of the transaction, its hash, payload of the outcome. An entity in both is encoded once."""
    memo: dict[int, bytes] = {}
    payload, digest = TRANSACTION.seal(transaction, memo)
    return payload, digest, cast("bytes", OUTCOME._encoders["encode"](b"", outcome, memo))  # noqa: SLF001 - same room
