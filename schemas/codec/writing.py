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
KEPT_BYTES_MAX = 100
"""Longer texts hardly come again."""
AMOUNT_SCALE = 9
AMOUNT_MAX = 10**38
EXACT = Context(prec=60)
"""Wide enough that no amount is ever rounded."""

Value = TypeVar("Value")


_GO_ON = [bytes((low & 127 | 128, low >> 7 | 128)) for low in range(2**14)]
"""Fourteen bits of a number, and more to come."""
_END = [bytes((low,)) for low in range(128)] + [bytes((low & 127 | 128, low >> 7)) for low in range(128, 2**14)]
"""The last bits of a number."""


def whole(number: int) -> bytes:
    """Avro's long: zigzag, then seven bits a byte, lowest first. Raises OverflowError beyond 64 bits."""
    if not -(2**63) <= number < 2**63:
        raise OverflowError(f"{number} does not fit a long")
    rest = (number << 1) ^ (number >> 63)
    if rest < 2**14:
        return _END[rest]
    if rest < 2**28:
        return _GO_ON[rest & 0x3FFF] + _END[rest >> 14]
    written = b""
    while rest >= 2**14:
        written += _GO_ON[rest & 0x3FFF]
        rest >>= 14
    return written + _END[rest]


def noted(value: datetime, memo: dict[int, bytes]) -> bytes:
    """A moment, noted under its id: one answer says the same moment five times, and hashing it costs as much again."""
    written = memo[id(value)] = moment(value)
    return written


def text(value: str) -> bytes:
    """Avro's string: length in bytes, then UTF-8."""
    raw = value.encode()
    return whole(len(raw)) + raw


def day(value: date) -> bytes:
    """Avro's date: days since 1970."""
    return whole(value.toordinal() - EPOCH_ORDINAL)


def moment(value: datetime) -> bytes:
    """Avro's timestamp-micros. Raises TypeError for a moment without a time zone."""
    rest = (value - EPOCH) // MICROSECOND * 2
    if 2**49 <= rest < 2**56:  # 1978 to 3111: eight bytes
        return _GO_ON[rest & 0x3FFF] + _GO_ON[rest >> 14 & 0x3FFF] + _GO_ON[rest >> 28 & 0x3FFF] + _END[rest >> 42]
    return whole(rest >> 1)


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
    """Bytes by value. An optional one begins with the branch of a union, and knows None."""

    def __init__(self, write: Callable[[Value], bytes], *, optional: bool = False) -> None:
        super().__init__()
        self._write = (lambda value: SECOND_BRANCH + write(value)) if optional else write
        self._always = {None: NULL} if optional else {}
        self.update(self._always)

    def __missing__(self, value: Value) -> bytes:
        written = self._write(value)
        if len(self) >= ENTRIES_MAX:
            self.clear()
            self.update(self._always)
        if len(written) <= KEPT_BYTES_MAX:
            self[value] = written
        return written


WHOLE: Table[int] = Table(whole)
TEXT: Table[str] = Table(text)
DAY: Table[date] = Table(day)
OPTIONAL_WHOLE: Table[int] = Table(whole, optional=True)
OPTIONAL_TEXT: Table[str] = Table(text, optional=True)
OPTIONAL_DAY: Table[date] = Table(day, optional=True)
OPTIONAL_FLAG: dict[bool | None, bytes] = {None: NULL, False: SECOND_BRANCH + FALSE, True: SECOND_BRANCH + TRUE}
