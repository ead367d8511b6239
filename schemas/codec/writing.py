"""Avro's bytes for single values: what the compiled encoders look up instead of computing.

Each table is a dict that fills itself and is emptied when it is full, so its memory has a bound. A look-up costs a
fifth of an encoding, and most values come again: the same id stands in a transaction, its entities and its outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Any, Generic, TypeVar

from schemas.shapes import EPOCH, EPOCH_ORDINAL, HASH_BYTES, MICROSECOND

NULL = ZERO = FALSE = EMPTY = b"\x00"
SOME = TRUE = b"\x01"
SECOND_BRANCH = b"\x02"
ENTRIES_MAX = 16_384
"""Entries of one table: a few MB each when full."""
KEPT_TEXT_MAX = 100
"""Longer texts (characters) are not worth keeping: they hardly come again."""
AMOUNT_SCALE = 9
AMOUNT_MAX = 10**38
EXACT = Context(prec=60)
"""Wide enough that no amount is ever rounded."""

Value = TypeVar("Value")


def whole(number: int) -> bytes:
    """Avro's long: zigzag, then seven bits a byte, lowest first. Raises OverflowError beyond 64 bits."""
    if not -(2**63) <= number < 2**63:
        raise OverflowError(f"{number} does not fit a long")
    rest = (number << 1) ^ (number >> 63)
    written = bytearray()
    while rest > 127:  # noqa: PLR2004 - seven bits
        written.append(rest & 127 | 128)
        rest >>= 7
    written.append(rest)
    return bytes(written)


def text(value: str) -> bytes:
    """Avro's string: length in bytes, then UTF-8."""
    raw = value.encode()
    return whole(len(raw)) + raw


def day(value: date) -> bytes:
    """Avro's date: days since 1970."""
    return whole(value.toordinal() - EPOCH_ORDINAL)


def moment(value: datetime) -> bytes:
    """Avro's timestamp-micros. Raises TypeError for a moment without a time zone."""
    return whole((value - EPOCH) // MICROSECOND)


def amount(value: Decimal) -> bytes:
    """Avro's decimal(38, 9): two's complement. Raises OverflowError where that would change the value."""
    shifted = EXACT.scaleb(value, AMOUNT_SCALE)
    unscaled = int(shifted)
    if unscaled != shifted or abs(unscaled) >= AMOUNT_MAX:
        raise OverflowError(f"{value} does not fit decimal(38, 9)")
    raw = unscaled.to_bytes((unscaled.bit_length() + 8) >> 3, "big", signed=True)
    return whole(len(raw)) + raw


def digest(value: bytes) -> bytes:
    """Avro's fixed(32). Raises ValueError for another length."""
    if len(value) != HASH_BYTES:
        raise ValueError(f"a hash has {HASH_BYTES} bytes, not {len(value)}")
    return value


class Table(dict[Any, bytes], Generic[Value]):
    """Bytes by value. With `lead` they begin with it, and None has bytes too: the two branches of an optional field."""

    def __init__(self, write: Callable[[Value], bytes], lead: bytes = b"", *, optional: bool = False) -> None:
        super().__init__()
        self._write = write
        self._lead = lead
        self._optional = optional

    def __missing__(self, value: Value) -> bytes:
        written = NULL if value is None and self._optional else self._lead + self._write(value)
        if len(self) >= ENTRIES_MAX:
            self.clear()
        if len(written) <= KEPT_TEXT_MAX:
            self[value] = written
        return written


WHOLE: Table[int] = Table(whole)
TEXT: Table[str] = Table(text)
DAY: Table[date] = Table(day)
MOMENT: Table[datetime] = Table(moment)
OPTIONAL_WHOLE: Table[int] = Table(whole, SECOND_BRANCH, optional=True)
OPTIONAL_TEXT: Table[str] = Table(text, SECOND_BRANCH, optional=True)
OPTIONAL_DAY: Table[date] = Table(day, SECOND_BRANCH, optional=True)
OPTIONAL_MOMENT: Table[datetime] = Table(moment, SECOND_BRANCH, optional=True)
OPTIONAL_FLAG: dict[bool | None, bytes] = {None: NULL, False: SECOND_BRANCH + FALSE, True: SECOND_BRANCH + TRUE}
