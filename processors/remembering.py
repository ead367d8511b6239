"""Answers that last: what is kept of an outcome, so that the same command gets the same answer again."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import msgspec

from processors.view.customer import Rows
from schemas.envelope import CommandOutcome, CommandRecord
from schemas.fields import Command
from schemas.remarks import Remarks
from schemas.rows import Answer, key

RETENTION = timedelta(days=400)
"""How long an answer is remembered."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode


def known(answers: Rows, customer_id: str, command_id: str, at: datetime) -> Answer | None:
    """The answer given before, unless it has expired at this moment, whether or not it is still on disk."""
    raw = answers.get(key(customer_id, "answer", command_id))
    if raw is None:
        return None
    found = _decode(raw)
    return found if found.at + RETENTION > at else None


def row(record: CommandRecord, outcome: CommandOutcome) -> dict[bytes, bytes | None]:
    """The row that keeps an answer: small, since a repeat names the transaction instead of carrying its entities."""
    kept = Answer(
        digest=digest(record),
        status=outcome.status,
        at=outcome.decided_at,
        changed=outcome.changed,
        violations=outcome.violations,
        transaction_id=outcome.transaction_id,
        sequence=outcome.sequence,
        catalog_version=outcome.catalog_version,
        rules_version=outcome.rules_version,
        remarks=remarks(outcome),
    )
    return {key(record.customer_id, "answer", record.command_id): _encode(kept)}


def remarks(outcome: CommandOutcome) -> Remarks:
    """What an outcome names beside its events."""
    return Remarks(**{field: getattr(outcome, field) for field in Remarks.__struct_fields__})


def digest(record: CommandRecord) -> bytes:
    """What tells the same payload from another: command, body and performed_at, however they were encoded."""
    payload = (type(record.body).__name__, record.performed_at, record.body)
    return hashlib.blake2b(_encode(payload), digest_size=16).digest()


def command_type(body: Command) -> str:
    """Name of a command; of one that does not fit its contract the name that the caller meant."""
    return str(getattr(body, "command_type", None) or type(body).__name__)
