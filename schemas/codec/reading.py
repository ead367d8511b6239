"""What the compiled decoders call: single values from hostile bytes, with their limits.

A decoder reads `data[at]` and slices without looking at the end: a missing byte is an IndexError, a slice beyond the
end leaves `at` beyond it, and the door (schemas.codec) refuses both. So only what could allocate is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

from schemas.codec.writing import AMOUNT_MAX, AMOUNT_SCALE, ENTRIES_MAX, EXACT
from schemas.fields import LIST_ITEMS
from schemas.sealed import longest_sealed
from schemas.shapes import EPOCH, EPOCH_ORDINAL
from schemas.wire import Unreadable

LONG_BITS = 64
MOMENT_BYTES = 8
"""A moment of our times takes eight bytes: seven bits each make 2^49 to 2^56 half microseconds, 1988 to 3111."""
AMOUNT_BYTES_MAX = 16
"""38 digits and a sign."""


@dataclass(frozen=True)
class Limits:
    """How much one record may hold. Lists and texts without a limit of their own are bounded by the record."""

    record_bytes: int
    text_bytes: int
    list_items: int
    map_entries: int
    first_moment: datetime
    last_moment: datetime


COMMAND_LIMITS = Limits(
    record_bytes=256 * 1024,  # a topic's limit for commands
    text_bytes=longest_sealed(1024),  # a name, an address line; sealed, it is longer
    list_items=LIST_ITEMS,  # of words that say nothing else
    map_entries=100,
    first_moment=datetime(2000, 1, 1, tzinfo=UTC),
    last_moment=datetime(2100, 1, 1, tzinfo=UTC),  # later ones are mistakes, and waste a due index
)
"""What anyone may send us."""

ANSWER_LIMITS = Limits(
    record_bytes=16 * 1024 * 1024,  # a topic's limit for answers
    text_bytes=16 * 1024 * 1024,
    list_items=16 * 1024 * 1024,
    map_entries=16 * 1024 * 1024,
    first_moment=datetime.min.replace(tzinfo=UTC),
    last_moment=datetime.max.replace(tzinfo=UTC),
)
"""What the core writes: bounded by what it accepted."""

_moments: dict[bytes, datetime] = {}
_days: dict[int, date] = {}


def long_at(data: bytes, at: int) -> tuple[int, int]:
    """Avro's int or long, and the place after it."""
    rest = data[at]
    at += 1
    if rest > 127:  # noqa: PLR2004 - seven bits
        rest &= 127
        shift = 7
        while True:
            byte = data[at]
            at += 1
            rest |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004
                break
            shift += 7
            if shift >= LONG_BITS:
                raise Unreadable("a number is longer than 64 bits")
        if rest >> LONG_BITS:
            raise Unreadable("a number is longer than 64 bits")
    return (rest >> 1) ^ -(rest & 1), at


def index_at(data: bytes, at: int) -> tuple[int, int]:
    """Branch of a union or symbol of an enum, doubled as in the bytes: 0, 2, 4 ..."""
    index, at = long_at(data, at)
    return index * 2, at


def size_at(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """Length of a text or of bytes, checked before anything is copied."""
    size, at = long_at(data, at)
    if size < 0:
        raise Unreadable("a length is negative")
    if size > limit:
        raise Unreadable(f"a text or bytes are longer than {limit} bytes")
    if size > len(data) - at:
        raise Unreadable("a text or bytes are longer than the record")
    return size, at


def text_at(data: bytes, at: int, limit: int) -> tuple[str, int]:
    """Avro's string, of any length up to the limit in bytes."""
    size, at = size_at(data, at, limit)
    return data[at : at + size].decode(), at + size


def count_at(data: bytes, at: int, so_far: int, limit: int, what: str) -> tuple[int, int, int]:
    """Count of a block of a list or map, where the block must end (0: not said), and the place after both.

    A negative count is followed by the block's size. No item takes less than a byte, so that a count beyond the bytes
    that are left is refused before anything is allocated.
    """
    count, at = long_at(data, at)
    end = 0
    if count < 0:
        count = -count
        size, at = size_at(data, at, len(data))
        end = at + size
    if count > len(data) - at:
        raise Unreadable(f"a {what} says that it has more items than there are bytes left")
    if so_far + count > limit:
        raise Unreadable(f"a {what} has more than {limit} items")
    return count, end, at


def moment_at(data: bytes, at: int, limits: Limits) -> tuple[datetime, int]:
    """Avro's timestamp-micros. The same moments come again and again, so the latest are kept by their bytes."""
    raw = data[at : at + MOMENT_BYTES]
    known = _moments.get(raw)
    if known is None:
        micros, after = long_at(data, at)
        try:
            known = EPOCH + timedelta(microseconds=micros)
        except OverflowError:
            refuse_moment(limits)
        if after - at == MOMENT_BYTES:
            if len(_moments) >= ENTRIES_MAX:
                _moments.clear()
            _moments[raw] = known
    else:
        after = at + MOMENT_BYTES
    if not limits.first_moment <= known <= limits.last_moment:
        refuse_moment(limits)
    return known, after


def refuse_moment(limits: Limits) -> NoReturn:
    """A moment outside the limits."""
    raise Unreadable(f"a moment is not within {limits.first_moment:%Y-%m-%d} and {limits.last_moment:%Y-%m-%d}")


def day_at(data: bytes, at: int) -> tuple[date, int]:
    """Avro's date."""
    days, at = long_at(data, at)
    known = _days.get(days)
    if known is None:
        if not 1 <= days + EPOCH_ORDINAL <= date.max.toordinal():
            raise Unreadable("a date is not within the years 1 and 9999")
        if len(_days) >= ENTRIES_MAX:
            _days.clear()
        known = _days[days] = date.fromordinal(days + EPOCH_ORDINAL)
    return known, at


def amount_at(data: bytes, at: int) -> tuple[Decimal, int]:
    """Avro's decimal(38, 9)."""
    size, at = size_at(data, at, AMOUNT_BYTES_MAX)
    unscaled = int.from_bytes(data[at : at + size], "big", signed=True)
    if abs(unscaled) >= AMOUNT_MAX:
        raise Unreadable("an amount has more than 38 digits")
    return EXACT.scaleb(Decimal(unscaled), -AMOUNT_SCALE), at + size


def without_missing(fields: dict[str, Any]) -> dict[str, Any]:
    """A record as plain values, without the fields that were not given."""
    return {name: value for name, value in fields.items() if value is not msgspec.UNSET}


def flag_at(data: bytes, at: int) -> tuple[bool, int]:
    """Avro's boolean."""
    if data[at] > 1:
        raise Unreadable("a boolean is neither 0 nor 1")
    return data[at] == 1, at + 1
