"""Card numbers are found wherever they stand; the numbers of telephones, devices and SIM cards are not."""

import time
import uuid

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.accounts import Contact, CreateAccount
from schemas.cards import first_card_path, holds_card_number, may_hold_card_number, passes_luhn

pytestmark = pytest.mark.slow

CARDS = {
    "visa": "4111111111111111",
    "visa of thirteen digits": "4222222222222",
    "visa of nineteen digits": "4000000000000000006",
    "mastercard": "5555555555554444",
    "mastercard, 2-series": "2223003122003222",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "30569309025904",
    "diners of sixteen digits": "3600000000000008",
    "jcb": "3530111333300000",
    "unionpay": "6200000000000005",
    "maestro": "6304000000000000",
    "maestro, another prefix": "6771798021000008",
}

SCHEMES = [
    ("4", 16),
    ("4", 19),
    ("40", 13),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("644", 16),
    ("65", 19),
    ("300", 14),
    ("36", 14),
    ("38", 14),
    ("3528", 16),
    ("3589", 16),
    ("62", 16),
    ("62", 19),
    ("5018", 13),
    ("6304", 14),
    ("6304", 19),
    ("6763", 16),
]


def with_check_digit(digits: str) -> str:
    return next(digits + last for last in "0123456789" if passes_luhn(digits + last))


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    prefix, length = draw(st.sampled_from(SCHEMES))
    size = length - len(prefix) - 1
    return with_check_digit(prefix + draw(st.text("0123456789", min_size=size, max_size=size)))


@st.composite
def written_card_numbers(draw: st.DrawFn) -> str:
    digits = draw(card_numbers())
    separators = draw(st.lists(st.sampled_from(["", "", " ", "-"]), min_size=len(digits), max_size=len(digits)))
    return "".join(digit + separator for digit, separator in zip(digits, separators, strict=True)).strip(" -")


NO_DIGITS = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=20)


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS.keys())
def test_every_scheme_is_known(number: str) -> None:
    assert holds_card_number(number)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "card: 4111111111111111, thanks",
        "4111 1111 1111 1111 12/27",
        "4111 1111 1111 1111 1227 123",
        "12 4111111111111111",
        "visa-4111111111111111",
        "pan_4111111111111111",
        "Nr.4111111111111111",
        "4111111111111111.",
        "4111111111111111.00",
        '{"note":"4111111111111111"}',
        '{"note":4111111111111111}',
    ],
)
def test_found_inside_other_text(text: str) -> None:
    assert holds_card_number(text)
    assert may_hold_card_number(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",  # Luhn
        "411111111111",  # too short
        "41111111111111111111111",  # too long
        "a4111111111111111",  # part of a word
        "16.4111111111111111",  # decimal fraction
        "9111111111111111",  # no scheme
        with_check_digit("491511234567"),  # a German mobile number of thirteen digits that passes Luhn
        with_check_digit("436601234567"),  # an Austrian one
        with_check_digit("26201012345678"),  # an IMSI
        with_check_digit("50201012345678"),
        "2026-11-21 12:30:00",
        "2026-11-21 2026-12-21",
        str(uuid.UUID("41111111-1111-4111-9111-abcdefabcdef")),
    ],
)
def test_other_numbers_are_accepted(text: str) -> None:
    assert not holds_card_number(text)


@given(st.sampled_from(["35", "86", "01", "99", "44", "49", "52"]), st.text("0123456789", min_size=12, max_size=12))
def test_an_imei_is_no_card(body: str, rest: str) -> None:
    assert not holds_card_number(with_check_digit(body + rest))


@given(st.integers(18, 19), st.text("0123456789", min_size=16, max_size=16))
def test_an_iccid_is_no_card(length: int, rest: str) -> None:
    assert not holds_card_number(with_check_digit(("89" + rest)[: length - 1]))


@given(st.uuids(version=4))
def test_an_id_is_no_card(value: uuid.UUID) -> None:
    assert not holds_card_number(f"command {value}")


@given(written_card_numbers(), NO_DIGITS, NO_DIGITS)
def test_found_in_any_text_and_by_the_first_look(number: str, before: str, after: str) -> None:
    assume(not before[-1:].isalnum() or not before[-1:].isascii())
    assume(not after[:1].isalnum() or not after[:1].isascii())
    text = before + number + after
    assert holds_card_number(text)
    assert may_hold_card_number(text.encode())


PATHS = st.lists(st.one_of(st.sampled_from(["note", "lines", "old"]), st.integers(0, 3)), max_size=6)


@given(written_card_numbers(), PATHS)
def test_found_at_any_depth_with_its_path(number: str, path: list[str | int]) -> None:
    value: object = number
    for part in reversed(path):
        value = {"a": "plain", part: value, "z": 1} if isinstance(part, str) else [*["plain"] * part, value]
    assert first_card_path(value) == ".".join(map(str, path))


@given(card_numbers())
def test_found_as_a_number(number: str) -> None:
    assert first_card_path({"amount": int(number)}) == "amount"


def test_a_key_gives_the_path_of_its_map_and_no_digit_of_itself() -> None:
    command = CreateAccount(custom_attributes={"4111111111111111": "4111111111111111"})
    assert first_card_path(command) == "custom_attributes"


def test_paths_of_structs_are_those_of_the_contract() -> None:
    class Renamed(msgspec.Struct):
        from_: str = msgspec.field(name="from")

    assert first_card_path(CreateAccount(contact=Contact(last_name="4111 1111 1111 1111"))) == "contact.last_name"
    assert first_card_path((Renamed("a"), Renamed("4111111111111111"))) == "1.from"
    assert first_card_path(CreateAccount(contact=Contact(last_name="Mayer"))) is None


@pytest.mark.parametrize("text", ["1 " * 128_000, "4 " * 128_000, "4 " * 128_000 + "a", "4" * 256_000])
def test_a_hostile_record_costs_no_more_than_a_moment(text: str) -> None:
    began = time.process_time()
    assert not holds_card_number(text)
    assert time.process_time() - began < 5
