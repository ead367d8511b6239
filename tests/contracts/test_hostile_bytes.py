"""Whatever arrives, a decoder answers a value or Unreadable: quickly, and without memory that the bytes do not earn."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schemas.accounts import CreateAccount, Role
from schemas.bill_cycles import UpdateAccountBillCycle
from schemas.codec import COMMAND, OUTCOME, TRANSACTION, Unreadable
from schemas.codec.writing import whole
from schemas.envelope import CommandRecord, Mode, Unparsed
from schemas.references import AccountRef
from schemas.sealed import longest_sealed

HUGE = whole(2**62)
TOO_LONG = longest_sealed(1024) + 1
REFERENCE = AccountRef(account_id="A-1")


def command(**body: Any) -> CommandRecord:
    given: dict[str, Any] = {"account": REFERENCE, "bill_cycle": "MONTHLY_1"} | body
    return CommandRecord(
        command_id="c-1", customer_id="K-1", source="crm", performed_by="clerk", body=UpdateAccountBillCycle(**given)
    )


def created(**body: Any) -> CommandRecord:
    return msgspec.structs.replace(command(), body=CreateAccount(**body))


GOOD = COMMAND.encode(command())
BEFORE_BODY = b"\x06c-1\x06K-1\x06crm\x0aclerk\x00\x00"
BEFORE_ROLES = BEFORE_BODY + whole(1) + bytes(4)
"""A CreateAccount up to its fifth field, roles, whose union branch comes next."""


def test_the_prefixes_of_these_tests_are_right() -> None:
    rest = COMMAND.encode(created(roles=(Role.BILLING,)))
    assert rest.startswith(BEFORE_ROLES + b"\x02\x02\x02\x00")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "end before"),
        (GOOD[:-1], "end before"),
        (GOOD + b"\x00", "follow"),
        (b"\x01" + GOOD[1:], "negative"),
        (HUGE + GOOD[1:], "longer than [0-9]+"),
        (b"\xff" * 11 + GOOD, "64 bits"),
        (whole(3) + b"\xff\xfe\xfd" + GOOD[4:], "UTF-8"),
        (whole(TOO_LONG) + b"x" * TOO_LONG + GOOD[4:], "longer than"),
        (BEFORE_BODY[:-1] + b"\x04" + GOOD[len(BEFORE_BODY) :], "symbol or branch"),
        (BEFORE_BODY + whole(99), "end before|symbol or branch"),
        (BEFORE_BODY + whole(-3) + bytes(9), "symbol or branch"),
        (BEFORE_ROLES + b"\x02" + HUGE, "more items than"),
        (BEFORE_ROLES + b"\x02" + whole(-(2**62)) + whole(2**40), "longer than"),
        (BEFORE_ROLES + b"\x02" + whole(-(2**63)) + whole(1) + bytes(9), "more items than"),
        (BEFORE_ROLES + b"\x02" + whole(-1) + whole(5) + b"\x02" + bytes(30), "size that it says"),
        (BEFORE_ROLES + b"\x02" + whole(-1) + whole(-5) + bytes(30), "negative"),
        (BEFORE_ROLES + b"\x02" + whole(501) + bytes(600), "more than 500"),
        (BEFORE_ROLES + b"\x02" + (whole(400) + bytes(400)) * 2, "more than 500"),
        (BEFORE_ROLES + b"\x02\x02\x08\x00", "symbol or branch"),
        (BEFORE_ROLES + b"\x06", "no such branch"),
        (b"x" * (256 * 1024 + 1), "longer than 262144"),
        (COMMAND.encode(command(valid_from=datetime(1999, 12, 31, tzinfo=UTC))), "2000-01-01"),
        (COMMAND.encode(command(valid_from=datetime(2101, 1, 1, tzinfo=UTC))), "2100-01-01"),
        (COMMAND.encode(created(custom_attributes={str(number): "" for number in range(101)})), "more than 100"),
        (COMMAND.encode(created(custom_name="x" * TOO_LONG)), "longer than"),
    ],
)
def test_hostile_bytes_are_refused_with_their_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        COMMAND.decode(payload)


def test_blocks_with_their_size_are_read_as_the_specification_says() -> None:
    whole_list = COMMAND.encode(created(roles=(Role.BILLING, Role.SERVICE)))
    in_blocks = whole_list.replace(
        BEFORE_ROLES + b"\x02\x04\x02\x04\x00", BEFORE_ROLES + b"\x02" + b"\x01\x02\x02" + b"\x02\x04\x00"
    )
    assert in_blocks != whole_list
    assert COMMAND.decode(in_blocks) == COMMAND.decode(whole_list)


def test_an_unparsed_body_may_be_as_long_as_the_record() -> None:
    unparsed = msgspec.structs.replace(command(), body=Unparsed(command_type="CreateAccount", json="x" * 200_000))
    assert COMMAND.decode(COMMAND.encode(unparsed)) == unparsed


def test_a_body_that_its_struct_refuses_comes_back_unparsed() -> None:
    good = COMMAND.encode(command(account=AccountRef(account_id="A-1"), include_subordinates=True))
    both_null = good.replace(b"\x02\x06A-1\x00", b"\x00\x00")

    record = COMMAND.decode(both_null)

    assert record.command_id == "c-1"
    assert record.mode is Mode.EXECUTE
    assert isinstance(record.body, Unparsed)
    assert record.body.command_type == "UpdateAccountBillCycle"
    with pytest.raises(msgspec.ValidationError, match=r"exactly one.*\$\.account"):
        msgspec.json.decode(record.body.json, type=UpdateAccountBillCycle)


@pytest.mark.parametrize("decode", [COMMAND.decode, TRANSACTION.decode, OUTCOME.decode])
def test_random_bytes_raise_nothing_else_and_take_no_memory(decode: Callable[[bytes], object]) -> None:
    seed = 20261121
    draw = random.Random(seed)
    began = time.perf_counter()
    tracemalloc.start()
    for _ in range(3000):
        payload = draw.randbytes(draw.randrange(300))
        if draw.random() < 0.7:
            at = draw.randrange(len(GOOD))
            payload = GOOD[:at] + payload[: draw.randrange(1, 12)] + GOOD[at + draw.randrange(8) :]
        try:
            decode(payload)
        except Unreadable:
            continue
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000, f"seed {seed}"
    assert time.perf_counter() - began < 10, f"seed {seed}"
