"""The answers of a partition as they were published: transactions and outcomes, checked one by one, paired by cause."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from processors.context import derive
from schemas import codec, wire
from schemas.contracts import schema_of
from schemas.envelope import BusinessTransaction, Cause, CommandOutcome
from schemas.partition import partition_of
from streams.audit.findings import wrong
from streams.audit.scratch import Scratch
from streams.engine.boundary import SourceRecord

HASH_BYTES = 32
Place = tuple[int, int]
"""Offset of a command, and position among its answers."""


class Given(msgspec.Struct, frozen=True):
    """One answer: an outcome and, where something changed, its transaction. In a sound log there is an outcome."""

    outcome: CommandOutcome | None
    outcome_record: SourceRecord | None
    transaction: BusinessTransaction | None = None
    transaction_record: SourceRecord | None = None

    @property
    def place(self) -> Place:
        """Where it belongs."""
        answer = self.outcome or self.transaction
        assert answer is not None
        return place(answer.cause)

    @property
    def record(self) -> SourceRecord:
        """The record to name when the answer as a whole is wrong."""
        record = self.outcome_record or self.transaction_record
        assert record is not None
        return record


class _Link(msgspec.Struct, frozen=True):
    """Where a customer's chain stands."""

    sequence: int
    hash: bytes


_encode_link = msgspec.msgpack.Encoder().encode
_links = msgspec.msgpack.Decoder(_Link)


def place(cause: Cause) -> Place:
    """What answers are ordered by within a partition."""
    return cause.offset, cause.position


def paired(
    transactions: Iterator[SourceRecord], outcomes: Iterator[SourceRecord], partitions: int, chains: Scratch
) -> Iterator[Given]:
    """Outcomes and transactions of one partition, merged by cause. Raises Unsound at the first wrong record.

    The last link of each customer's chain is kept in the table `answers` of `chains`.
    """
    changes = _checked_transactions(transactions, partitions, chains)
    transaction = next(changes, None)
    for outcome, outcome_record in _checked_outcomes(outcomes, partitions):
        while transaction is not None and place(transaction[0].cause) < place(outcome.cause):
            yield Given(None, None, *transaction)
            transaction = next(changes, None)
        if transaction is not None and place(transaction[0].cause) == place(outcome.cause):
            yield Given(outcome, outcome_record, *transaction)
            transaction = next(changes, None)
        else:
            yield Given(outcome, outcome_record)
    while transaction is not None:
        yield Given(None, None, *transaction)
        transaction = next(changes, None)


def _checked_transactions(
    records: Iterator[SourceRecord], partitions: int, chains: Scratch
) -> Iterator[tuple[BusinessTransaction, SourceRecord]]:
    """1. Bytes fit their hash (I5). 2. In the order of the commands (I7). 3. Gapless, one chain (I2, I5)."""
    before: Place = (-1, 0)
    for record in records:
        payload = _payload(record, "I5")
        if hashlib.sha256(payload[:-HASH_BYTES]).digest() != payload[-HASH_BYTES:]:  # 1
            wrong("I5", record, "bytes that have the hash at their end", "other bytes")
        transaction = decoded(codec.TRANSACTION, record, "I5")
        _check_place(record, transaction.customer_id, transaction.cause, partitions, "I5")
        if place(transaction.cause) <= before:  # 2
            wrong("I7", record, f"a cause after {before}", f"cause {place(transaction.cause)}")
        before = place(transaction.cause)
        _check_link(record, transaction, payload[-HASH_BYTES:], chains)  # 3
        yield transaction, record


def _check_link(record: SourceRecord, transaction: BusinessTransaction, digest: bytes, chains: Scratch) -> None:
    link_key = transaction.customer_id.encode()
    kept = chains.answers.get(link_key)
    link = _Link(0, bytes(HASH_BYTES)) if kept is None else _links.decode(kept)
    if transaction.sequence != link.sequence + 1:
        wrong(
            "I2",
            record,
            f"sequence {link.sequence + 1} of {transaction.customer_id}",
            f"sequence {transaction.sequence}",
        )
    if transaction.previous_hash != link.hash:
        wrong("I5", record, f"previous_hash {link.hash.hex()}", f"previous_hash {transaction.previous_hash.hex()}")
    # Ids are derived from a gapless sequence, so one that is derived rightly is unique: no list of them grows here.
    derived = derive("transaction", transaction.customer_id, transaction.sequence, transaction.command_id)
    if transaction.transaction_id != derived:
        wrong("I2", record, f"transaction_id {derived}", f"transaction_id {transaction.transaction_id}")
    chains.apply({}, {link_key: _encode_link(_Link(transaction.sequence, digest))})


def _checked_outcomes(
    records: Iterator[SourceRecord], partitions: int
) -> Iterator[tuple[CommandOutcome, SourceRecord]]:
    """One outcome per cause, in the order of the causes (I1)."""
    before: Place = (-1, 0)
    for record in records:
        outcome = decoded(codec.OUTCOME, record, "I1")
        _check_place(record, outcome.customer_id, outcome.cause, partitions, "I1")
        if place(outcome.cause) <= before:
            wrong("I1", record, f"a cause after {before}", f"cause {place(outcome.cause)}")
        before = place(outcome.cause)
        yield outcome, record


def _check_place(record: SourceRecord, customer_id: str, cause: Cause, partitions: int, invariant: str) -> None:
    """An answer lies under its customer's key, in its customer's partition, beside the command that led to it."""
    if record.key != customer_id.encode():
        wrong(invariant, record, f"key {customer_id}", f"key {record.key!r}")
    home = partition_of(customer_id, partitions)
    if not home == record.partition == cause.partition:
        wrong(
            invariant,
            record,
            f"partition {home}",
            f"partition {record.partition}, cause of partition {cause.partition}",
        )


def _payload(record: SourceRecord, invariant: str) -> bytes:
    try:
        return wire.unframe(record.value)[1]
    except wire.Unreadable as unreadable:
        wrong(invariant, record, "a record in the wire format", unreadable.reason)


def decoded(contract: codec.Codec[Any], record: SourceRecord, invariant: str) -> Any:
    """The word in a record. One that a newer release wrote is not audited by an older one."""
    try:
        schema_id, payload = wire.unframe(record.value)
        return contract.decode(payload, schema_id)
    except (wire.Unreadable, wire.UnknownSchema) as failure:
        wrong(invariant, record, f"a {contract.contract}", failure)


@cache
def is_current(schema_id: int, contract: str) -> bool:
    """Whether a schema id stands for the contract as it is now, so that the same word has the same bytes."""
    return bool(wire.writer_schema(schema_id) == schema_of(contract))
