"""What is stored beside the entities, and the keys under which everything is found.

A key is a list of parts: each but the last is prefixed with its length (two bytes), the last one stands bare, so that
a scan over a prefix gives ids in their natural order. Moments are eight bytes, microseconds, big-endian.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from schemas.refusals import Violation
from schemas.remarks import NONE, Remarks

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a customer's history stands."""

    sequence: int = 0
    hash: bytes = bytes(32)
    at: datetime = EPOCH
    """The latest moment decided for the customer."""
    next_due: datetime | None = None
    """The earliest moment in the customer's due index."""
    accounts: int = 0
    """Number of accounts, deactivated ones included (ACC-13)."""
    had_period: bool = False
    """An account has had a billing period, so the time zone is fixed (PER-12)."""


class Due(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of the due index: the clock command that is to be decided at its moment."""

    command_type: str
    body: dict[str, str | int]
    command_id: str
    due_at: datetime


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of an outcome, so that a repeated command gets the same answer again."""

    digest: bytes
    status: str
    at: datetime
    changed: bool = False
    violations: tuple[Violation, ...] = ()
    transaction_id: str | None = None
    sequence: int | None = None
    catalog_version: int = 0
    rules_version: str = ""
    remarks: Remarks = NONE


def _prefixed(part: str) -> bytes:
    raw = part.encode()
    return len(raw).to_bytes(2, "big") + raw


@lru_cache(100_000)
def prefix(customer_id: str, kind: str) -> bytes:
    """What the keys of a customer's rows of one kind begin with. Kept for the customers that are busy now."""
    return _prefixed(customer_id) + _prefixed(kind)


def key(customer_id: str, kind: str, last: str) -> bytes:
    """Key of one row of a customer."""
    return prefix(customer_id, kind) + last.encode()


Family = tuple[str, ...]
"""Index rows that are listed together: their kind and, where they have one, whose they are: ("child", "a-1")."""


def family_prefix(customer_id: str, family: Family) -> bytes:
    """What the keys of a family's rows begin with."""
    start = prefix(customer_id, family[0])
    for owner in family[1:]:
        start += _prefixed(owner)
    return start


def moment_bytes(moment: datetime) -> bytes:
    """Eight bytes that sort as moments do."""
    return ((moment - EPOCH) // MICROSECOND).to_bytes(8, "big", signed=False)


def moment_from(raw: bytes) -> datetime:
    """The reverse of `moment_bytes`."""
    return EPOCH + int.from_bytes(raw[:8], "big") * MICROSECOND


NEXT_DUE = _prefixed("") + _prefixed("due")
"""What the keys of the partition's own due index begin with: one row per customer with anything due, by moment."""


def next_due_key(customer_id: str, due_at: datetime) -> bytes:
    """Key of a customer's row in the partition's due index; the row is the customer's first `Due`."""
    return NEXT_DUE + moment_bytes(due_at) + customer_id.encode()


DUE = "due"
"""The kind of the rows of a customer's due index."""


PARKED = "parked"
"""The kind of the rows that keep due work which met a bug, by the id of its command."""


def due_member(due_at: datetime, rank: int, tail: str) -> bytes:
    """Where an entry stands in a customer's due index. `rank` orders what is due at one instant (BCX-7)."""
    return moment_bytes(due_at) + bytes((rank,)) + tail.encode()
