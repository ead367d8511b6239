"""Recognizes card numbers, so that none is ever accepted (SECURITY.md, CRE-9a).

A card number is a run of 13 to 19 digits, single spaces or dashes between them allowed, that passes the Luhn check and
has a scheme's prefix with a length of that scheme. The lengths are what tells cards from the numbers a telephone
company lives on, so they are stated tightly:

- fifteen digits are an IMEI or an IMSI, but for the prefixes of Amex and old JCB; no Maestro or Diners card;
- thirteen digits that begin with 43 or 49 are Austrian and German telephone numbers, no Visa card of the nineties;
- an ICCID begins with 89, which no scheme has.

What cannot be told apart is refused: an IMEISV (sixteen digits) that begins like a JCB card and happens to pass Luhn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from schemas.bank_accounts import holds_iban, may_hold_iban

SHORTEST_DIGITS = 13
LONGEST_DIGITS = 19

_LONG = frozenset(range(16, LONGEST_DIGITS + 1))

_SCHEMES: tuple[tuple[str, str, frozenset[int]], ...] = (
    # name, prefixes, lengths in digits; the first prefix that fits counts
    ("visa_or_telephone", r"4[39]", frozenset({16, 19})),
    ("visa", r"4", frozenset({13, 16, 19})),
    ("mastercard", r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", frozenset({16})),
    ("amex", r"3[47]", frozenset({15})),
    ("diners", r"30[0-5]|3095|3[689]", _LONG | {14}),
    ("jcb", r"352[89]|35[3-8]", _LONG),
    ("jcb_old", r"1800|2131", frozenset({15})),
    ("maestro_issued", r"5018|5020|5038|5893|6304|6390|676[1-3]", _LONG | {13, 14}),
    ("discover", r"6011|64[4-9]|65", _LONG),
    ("unionpay", r"62|81[0-7]", _LONG),
    ("maestro", r"50|5[6-9]|6", _LONG),
)
_LENGTHS = {name: lengths for name, _, lengths in _SCHEMES}
_PREFIX = re.compile("|".join(f"(?P<{name}>{prefixes})" for name, prefixes, _ in _SCHEMES))

_RUN_BYTES = bytes(ord("0") if chr(byte) in "0123456789 -" else 1 for byte in range(256))
_RUN = b"0" * SHORTEST_DIGITS
_DIGITS_BYTES = re.compile(rb"[0-9](?:[ -]?[0-9]){12}")
# A run is bounded by anything but letters and digits, so that hexadecimal hashes fall out, and is no decimal fraction.
_DIGITS = re.compile(r"(?<![0-9A-Za-z])(?<![0-9]\.)[0-9](?:[ -]?[0-9]){12,}(?![0-9A-Za-z])")
_GROUP = re.compile(r"[0-9]+")
# One UUID in 50,000 has a group of digits that looks like a card; ids are everywhere, so they are taken out first.
_UUID = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_DOUBLED = tuple(sum(divmod(2 * digit, 10)) for digit in range(10))


def may_hold_card_number(raw: bytes) -> bool:
    """Whether encoded bytes (Avro, or JSON without escapes) may hold a card or bank account number; False is certain.

    The first look is one table translation and one substring search, under a microsecond for an ordinary command.
    """
    return (_RUN in raw.translate(_RUN_BYTES) and _DIGITS_BYTES.search(raw) is not None) or may_hold_iban(raw)


def holds_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in `text`. Only the digits 0-9 count."""
    if len(text) < SHORTEST_DIGITS:
        return False
    if _RUN not in text.encode(errors="surrogatepass").translate(_RUN_BYTES):
        return False
    return any(_is_card(digits) for run in _DIGITS.findall(_UUID.sub("u", text)) for digits in _candidates(run))


def holds_number_of_money(text: str) -> bool:
    """Whether a card number or a bank account number stands anywhere in `text`."""
    return holds_card_number(text) or holds_iban(text)


def first_card_path(value: object) -> str | None:
    """Return the dotted path of the first card or bank account number in a struct or a JSON-like value; lists by index.

    The path of the value itself is "". A number among the keys of a map gives the path of the map, for the path
    is echoed to the caller and the number must not be.
    """
    return _card_path(value, "")


def _card_path(value: object, path: str) -> str | None:
    if isinstance(value, str):
        return path if holds_number_of_money(value) else None
    if isinstance(value, int | Decimal):
        return path if holds_card_number(str(abs(int(value)))) else None
    if isinstance(value, Mapping) and any(isinstance(key, str) and holds_number_of_money(key) for key in value):
        return path

    for name, member in _members(value):
        found = _card_path(member, f"{path}.{name}" if path else name)
        if found is not None:
            return found
    return None


def _members(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        return ((shown, getattr(value, name)) for shown, name in names)
    if isinstance(value, Mapping):
        return ((str(key), member) for key, member in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ((str(index), member) for index, member in enumerate(value))
    return iter(())


def _candidates(run: str) -> Iterator[str]:
    """Every stretch of whole groups, since an expiry date or another number may stand beside the card."""
    groups = _GROUP.findall(run)
    for first in range(len(groups)):
        if _PREFIX.match("".join(groups[first : first + 4])) is None:
            continue
        digits = ""
        for group in groups[first : first + LONGEST_DIGITS]:
            digits += group
            if len(digits) > LONGEST_DIGITS:
                break
            if len(digits) >= SHORTEST_DIGITS:
                yield digits


def _is_card(digits: str) -> bool:
    prefix = _PREFIX.match(digits)
    if prefix is None or prefix.lastgroup is None:
        return False
    return len(digits) in _LENGTHS[prefix.lastgroup] and passes_luhn(digits)


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of those before it."""
    numbers = [ord(digit) - ord("0") for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0
