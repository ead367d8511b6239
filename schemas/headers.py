"""CloudEvents headers in binary mode: what a consumer may know of a record without decoding it.

`correlation_id` is the command's id on every record that the command led to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from schemas.contracts import NAMESPACE
from schemas.envelope import BusinessTransaction, CommandOutcome, CommandRecord
from schemas.provisioning_requests import ProvisioningRequest

Header = tuple[str, bytes]
Headers = list[Header]

PASSED_ON = frozenset({"traceparent", "tracestate"})
"""What an answer takes over from the record that led to it."""


def _constant(contract: str) -> Headers:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", f"{NAMESPACE}.{contract}".encode()),
        ("content-type", b"application/avro"),
    ]


_COMMAND = _constant("Command")
_TRANSACTION = [*_constant("BusinessTransaction"), ("ce_source", b"billfold")]
_OUTCOME = [*_constant("CommandOutcome"), ("ce_source", b"billfold")]
_PROVISIONING = [*_constant("ProvisioningRequest"), ("ce_source", b"billfold")]


def for_command(record: CommandRecord, passed_on: Sequence[Header] = ()) -> Headers:
    """Headers of a command. Its moment is given only where the caller gave one: the broker stamps the record."""
    command_id = record.command_id.encode()
    headers = [
        *_COMMAND,
        ("ce_source", record.source.encode()),
        ("ce_id", command_id),
        ("ce_subject", record.customer_id.encode()),
        ("correlation_id", command_id),
        *passed_on,
    ]
    if record.performed_at is not None:
        headers.append(("ce_time", _moment(record.performed_at)))
    return headers


def for_transaction(transaction: BusinessTransaction, passed_on: Sequence[Header] = ()) -> Headers:
    """Headers of a transaction."""
    return [
        *_TRANSACTION,
        ("ce_id", transaction.transaction_id.encode()),
        ("ce_time", _moment(transaction.occurred_at)),
        ("ce_subject", transaction.customer_id.encode()),
        ("correlation_id", transaction.command_id.encode()),
        *passed_on,
    ]


def for_outcome(outcome: CommandOutcome, passed_on: Sequence[Header] = ()) -> Headers:
    """Headers of an outcome. Its id is the place of its cause: one command id may have several outcome records."""
    cause = outcome.cause
    return [
        *_OUTCOME,
        ("ce_id", b"%d-%d-%d" % (cause.partition, cause.offset, cause.position)),
        ("ce_time", _moment(outcome.decided_at)),
        ("ce_subject", outcome.customer_id.encode()),
        ("correlation_id", outcome.command_id.encode()),
        *passed_on,
    ]


def for_provisioning(request: ProvisioningRequest, passed_on: Sequence[Header] = ()) -> Headers:
    """Headers of a provisioning request. Sent again it is the same request, so it has the same id."""
    return [
        *_PROVISIONING,
        ("ce_id", f"{request.transaction_id}/{request.service_id}".encode()),
        ("ce_time", _moment(request.requested_at)),
        ("ce_subject", request.customer_id.encode()),
        ("correlation_id", request.command_id.encode()),
        *passed_on,
    ]


def passed_on_from(headers: Sequence[tuple[str, bytes | None]] | None) -> Headers:
    """The trace of a record, for the records that it leads to."""
    if not headers:
        return []
    return [(name, value) for name, value in headers if name in PASSED_ON and value is not None]


def _moment(at: datetime) -> bytes:
    """RFC 3339, in UTC."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat().replace("+00:00", "Z").encode()
