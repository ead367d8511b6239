"""IBANs are found wherever they stand, and little else is taken for one."""

from __future__ import annotations

import pytest

from schemas.bank_accounts import holds_iban, may_hold_iban
from schemas.cards import first_card_path, may_hold_card_number

IBANS = [
    "NO9386011117947",
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "MT84MALT011000012345MTLCAST001S",
]


def grouped(iban: str) -> str:
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))


@pytest.mark.parametrize("iban", IBANS)
@pytest.mark.parametrize("around", ["{}", "pay to {} please", "IBAN:{}.", "({})", "{} BIC NDEANOKK"])
def test_ibans_are_found(iban: str, around: str) -> None:
    for written in (iban, grouped(iban)):
        text = around.format(written)
        assert holds_iban(text)
        assert may_hold_iban(text.encode())
        assert may_hold_card_number(b"\x58" + text.encode())
        assert first_card_path({"note": text}) == "note"


@pytest.mark.parametrize(
    "text",
    [
        "NO9386011117948",  # another check digit
        "NO93860111179470",  # too long for its country
        "NO938601111794",
        "XX9386011117947",  # no such country
        "no9386011117947",  # ids are in small letters
        "AN0NO9386011117947",  # the end of something longer
        "MONTHLY_15",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "DE89 3704 0044",
    ],
)
def test_other_things_are_none(text: str) -> None:
    assert not holds_iban(text)
