"""Recognizes bank account numbers, so that none is ever accepted (SECURITY.md, CRE-9a).

Only IBANs (ISO 13616) can be told from other numbers: two capital letters of a country that has them, two check digits,
the length of that country, and the check over all of it; alone or in groups of up to four with single spaces.
"""

from __future__ import annotations

import re

_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU",
        31: "MT SC",
        32: "LC",
    }.items()
    for country in countries.split()
}
SHORTEST = min(_LENGTHS.values())

_BEGINNING = re.compile(rb"[A-Z]{2}[0-9]{2} ?[0-9A-Z]{3}")
_RUN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,60}")


def may_hold_iban(raw: bytes) -> bool:
    """Whether encoded bytes may hold an IBAN; False is certain."""
    return _BEGINNING.search(raw) is not None


def holds_iban(text: str) -> bool:
    """Whether an IBAN stands anywhere in `text`."""
    return len(text) >= SHORTEST and any(_begins_with_iban(run) for run in _RUN.findall(text))


def _begins_with_iban(run: str) -> bool:
    length = _LENGTHS.get(run[:2])
    if length is None:
        return False
    taken, place = "", 0
    while len(taken) < length and place < len(run):
        taken += run[place].strip()
        place += 1
    whole = len(taken) == length and (place == len(run) or run[place] == " ")
    return whole and int("".join(str(int(sign, 36)) for sign in taken[4:] + taken[:4])) % 97 == 1
