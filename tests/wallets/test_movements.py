"""Money that comes into a wallet, and corrections by hand (WAL-13 to WAL-16)."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from processors.acting import LIVE
from processors.decision import Accepted, Refused
from processors.wallets.movements import BALANCE_LIMIT
from schemas.actions import ServiceState
from schemas.subscriptions import ActionReferenceRecorded, ServiceCause, SubscriptionStateChanged
from schemas.wallets import AdjustWallet, TopUpWallet, WalletAdjusted
from tests.wallets.prepaid import SUBSCRIPTION, WALLET, Prepaid, catalog, codes, names

SOLD = catalog()


def top_up(amount: str = "5.00", **more: Any) -> TopUpWallet:
    return msgspec.convert({"wallet_id": WALLET, "amount": amount, "currency": "EUR"} | more, TopUpWallet)


def adjust(amount: str = "5.00", **more: Any) -> AdjustWallet:
    body = {"wallet_id": WALLET, "amount": amount, "currency": "EUR", "reason": "GOODWILL"}
    return msgspec.convert(body | more, AdjustWallet)


def end(prepaid: Prepaid) -> None:
    prepaid.given(
        SubscriptionStateChanged(
            subscription_id=SUBSCRIPTION,
            action="CANCEL",
            old_state=ServiceState.EFFECTIVE,
            new_state=ServiceState.CANCELLED,
            effective_at=prepaid.at,
            cause=ServiceCause.COMMAND,
            performed_by="ada",
        )
    )


REFUSED = [
    (top_up(wallet_id="w-9", amount="0"), [("WALLET_UNKNOWN", {"wallet_id": "w-9"})]),
    (top_up("0"), [("AMOUNT_NOT_POSITIVE", {"amount": "0.00"})]),
    (top_up("-1.000000000"), [("AMOUNT_NOT_POSITIVE", {"amount": "-1.00"})]),
    (top_up("5.001"), [("AMOUNT_SCALE", {"amount": "5.001", "scale": "2"})]),
    (
        top_up("-5.001000000"),
        [("AMOUNT_NOT_POSITIVE", {"amount": "-5.001"}), ("AMOUNT_SCALE", {"amount": "-5.001", "scale": "2"})],
    ),
    (top_up("5.001", currency="JPY"), [("CURRENCY_MISMATCH", {"of": "WALLET", "given": "JPY", "expected": "EUR"})]),
    (
        top_up("0", currency="SEK"),
        [
            ("AMOUNT_NOT_POSITIVE", {"amount": "0.00"}),
            ("CURRENCY_MISMATCH", {"of": "WALLET", "given": "SEK", "expected": "EUR"}),
        ],
    ),
    (
        top_up(str(BALANCE_LIMIT)),
        [
            (
                "LIMIT_EXCEEDED",
                {
                    "limit_rule": "WALLET_BALANCE",
                    "limit": "1000000000000000000",
                    "found": "1000000000000000010.00",
                },
            )
        ],
    ),
    (adjust(wallet_id="w-9"), [("WALLET_UNKNOWN", {"wallet_id": "w-9"})]),
    (
        adjust("0", reason="MOOD"),
        [("AMOUNT_ZERO", {"amount": "0.00"}), ("REASON_UNKNOWN", {"reason": "MOOD"})],
    ),
    (adjust("0.001"), [("AMOUNT_SCALE", {"amount": "0.001", "scale": "2"})]),
    (adjust(currency="SEK"), [("CURRENCY_MISMATCH", {"of": "WALLET", "given": "SEK", "expected": "EUR"})]),
    (
        adjust("-10.01"),
        [
            (
                "INSUFFICIENT_FUNDS",
                {
                    "wallet_id": WALLET,
                    "currency": "EUR",
                    "needed": "10.01",
                    "available": "10.00",
                    "shortfall": "0.01",
                    "per_service": "[]",
                },
            )
        ],
    ),
]


@pytest.mark.parametrize(("command", "expected"), REFUSED, ids=str)
def test_refusals(command: TopUpWallet | AdjustWallet, expected: list[tuple[str, dict[str, str]]]) -> None:
    prepaid = Prepaid(SOLD, "10.00")
    decision = prepaid.ask(command)
    assert isinstance(decision, Refused)
    assert [(found.code, found.carries) for found in decision.violations] == expected
    assert prepaid.wallet().balance == 10


def test_a_wallet_may_be_emptied_to_the_last_cent() -> None:
    prepaid = Prepaid(SOLD, "10.00")
    decision = prepaid.ask(adjust("-10.000000000"))
    assert isinstance(decision, tuple)
    (entry,) = decision
    assert isinstance(entry, WalletAdjusted)
    assert (str(entry.amount), str(entry.balance_after), entry.performed_by) == ("-10.00", "0.00", "ada")


def test_an_ended_subscription_is_paid_out_but_takes_nothing() -> None:
    prepaid = Prepaid(SOLD, "10.00")
    end(prepaid)
    refused = prepaid.ask(top_up())
    assert isinstance(refused, Refused)
    assert [found.code for found in refused.violations] == ["SUBSCRIPTION_STATE_INVALID"]
    assert refused.violations[0].carries == {
        "subscription_id": SUBSCRIPTION,
        "state": "CANCELLED",
        "allowed": json.dumps(LIVE, separators=(",", ":")),
        "projected": "false",
        "effective_at": "2026-05-04T08:00:00+00:00",
    }
    assert isinstance(prepaid.ask(adjust("-10")), tuple)
    assert prepaid.wallet().balance == 0


def test_a_payment_is_taken_once() -> None:
    prepaid = Prepaid(SOLD)
    first = prepaid.ask(top_up(reference="PAY-7"))
    assert isinstance(first, tuple)
    assert names(first) == ["WalletCredited", "ActionReferenceRecorded"]
    assert isinstance(first[1], ActionReferenceRecorded)

    again = prepaid.ask(top_up(reference="PAY-7"))
    assert isinstance(again, Accepted)
    assert (again.events, again.remarks.duplicate_of) == ((), "c-1")

    other = prepaid.ask(top_up("6.00", reference="PAY-7"))
    assert codes(other) == ["DUPLICATE_REFERENCE"]
    assert isinstance(other, Refused)
    assert other.violations[0].carries == {"reference": "PAY-7", "first_command_id": "c-1"}
    assert prepaid.wallet().balance == Decimal("5.00")


def test_a_repeated_payment_is_known_also_after_the_end() -> None:
    prepaid = Prepaid(SOLD)
    prepaid.ask(top_up(reference="PAY-7"))
    end(prepaid)
    again = prepaid.ask(top_up(reference="PAY-7"))
    assert isinstance(again, Accepted)
    assert again.remarks.duplicate_of == "c-1"
