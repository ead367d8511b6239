"""No number that looks like a card stands in anything that orders and payments write (INV-OBA-12, CRE-9a).

A number goes into one text of one command of an order's life; the others follow as if nothing had been.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.analytics import Origin, outcome_rows, transaction_rows
from processors.answering import Answered, Memory, Received, answer
from schemas import codec
from schemas.cards import first_card_path, may_hold_card_number
from schemas.envelope import CommandRecord, Status
from schemas.malformed import Misfit, read_body
from tests.sealing.test_cards import CARDS, with_check_digit
from tests.synchronization.office import DATA, PERSON, Office, Wish, line

pytestmark = pytest.mark.slow

Path = tuple[str | int, ...]

METHOD = {
    "payment_method_id": "pm-1",
    "kind": "CARD",
    "token": "tok-1",
    "brand": "VISA",
    "last_four": "1111",
    "expiry": "2029-12",
}
RICH = line("l-0", "s-0", "ADD", Wish(3, 0, 4)) | {
    "service_item": "item",
    "product_type": "OFFER",
    "attributes": {"note": "text"},
    "customer_account": {"external_id": "crm-4"},
    "prior_values": {"billing_profile": "p-1"},
}
OTHER = RICH | {"line_id": "l-1", "service_id": "s-1", "subscription_id": "sub"}
ACCOUNT = {
    "account_id": "n-9",
    "external_id": "x-9",
    "custom_name": "kiosk",
    "custom_attributes": {"colour": "red"},
    "account_profile": "mobile",
    "segment": "GOLD",
    **PERSON,
}
PROFILE = DATA["billing_profiles"][0] | {"payment_method": METHOD, "currency": "EUR"}
LIFE: list[tuple[str, dict[str, Any]]] = [
    ("SubmitOrder", {"order_id": "o", "custom": {"note": "text"}, "lines": [RICH]}),
    ("ModifyOrderLine", {"order_id": "o", "operation": "CHANGE", "line_id": "l-0", "custom_state": "seen"}),
    ("ModifyOrderLine", {"order_id": "o", "operation": "ADD", "line": OTHER}),
    (
        "SynchronizeOrderBillingAccounts",
        {
            "order_id": "o",
            "line_ids": ["l-0", "l-1"],
            "accounts": [
                *DATA["accounts"],
                {"external_id": "crm-4", "account_profile": "mobile", **PERSON},
                ACCOUNT,
            ],
            "billing_profiles": [PROFILE, *DATA["billing_profiles"][1:]],
            "corporate_hierarchies": [
                {"corporate_account": {"account_id": "n-0"}, "nodes": [{"account": {"account_id": "n-0"}}]}
            ],
            "payment_billing_profile": "p-0",
        },
    ),
    ("RecordOrderPayment", {"order_id": "o", "payment_id": "pay", "result": "FAILED", "failure_reason": "LOST"}),
    ("RecordOrderPayment", {"order_id": "o", "payment_id": "pay", "amount": "5.00", "currency": "EUR"}),
    ("ReviseOrder", {"order_id": "o", "revision": 2, "reason": "moved", "lines": [RICH]}),
    ("UpdateBillingSystem", {"order_id": "o", "line_ids": ["l-0"]}),
    ("ReverseOrderPayment", {"order_id": "o", "payment_id": "pay", "reason": "regret"}),
    ("CompensateOrder", {"order_id": "o", "reason": "regret", "compensating_order_id": "undo"}),
    ("CancelOrder", {"order_id": "o", "reason": "regret"}),
]


def texts(value: object, path: Path = ()) -> Iterator[Path]:
    """Where texts stand in a body that a caller may fill as it likes; what is sealed is no text."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in ("contact", "address"):
                yield from texts(member, (*path, name))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from texts(member, (*path, place))
    elif isinstance(value, str):
        yield path


PLACES = [(step, path) for step, (_, body) in enumerate(LIFE) for path in texts(body)]


def replaced(body: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    """The body with another text at a path."""
    changed: Any = deepcopy(body)
    here = changed
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = text
    return dict(changed)


class Guarded(Office):
    """An office that looks at the bytes first, as the worker does, and keeps whatever is written."""

    def __init__(self) -> None:
        super().__init__(legal_hierarchy_sync=True, corporate_account_type="CORPORATE")
        self.written: list[bytes] = []

    def give(self, record: CommandRecord) -> Answered:
        may_hold = may_hold_card_number(codec.COMMAND.encode(record))
        memory = Memory(state=self.state, answers=self.answers, catalog_at=lambda _: self.catalog)
        received = Received(command=record, timestamp=self.at, partition=0, offset=self.asked, may_hold_card=may_hold)
        found = list[Answered]()
        for answered in answer(received, memory):
            assert answered.bug is None, answered.bug
            self.state.apply(answered.state)
            self.answers.apply(answered.answers)
            self.keep(answered)
            found.append(answered)
        return found[-1]

    def keep(self, answered: Answered) -> None:
        """Everything that an answer writes: topics, tables, warehouse."""
        self.written += [answered.transaction_payload, answered.outcome_payload]
        for table in (answered.state, answered.answers):
            self.written += [part for key, value in table.items() for part in (key, value or b"")]
        origin = Origin(partition=0, offset=self.asked, published_at=self.at)
        rows = list[Any](transaction_rows(answered.transaction, origin) if answered.transaction else [])
        rows += outcome_rows(answered.outcome, origin) if answered.outcome else []
        self.written += [str(tuple(row)).encode() for row in rows]


def lived(step: int, path: Path, text: str) -> tuple[Guarded, bool]:
    """An order's life with one text replaced; whether that command was refused."""
    office, refused = Guarded(), False
    for at, (name, body) in enumerate(LIFE):
        said = replaced(body, path, text) if at == step else body
        built = read_body(name, said)
        if isinstance(built, Misfit):
            assert at == step, (name, built)  # the door refuses it, and says only where
            assert text not in built.path
            refused = True
            continue
        answered = office.ask(built)
        assert answered.outcome is not None
        if at == step:
            refused = answered.outcome.status is Status.REJECTED
            codes = [str(violation.code) for violation in answered.outcome.violations]
            assert codes == ["PAN_NOT_ACCEPTED"] or "PAN_NOT_ACCEPTED" not in codes
    return office, refused


numbers = st.sampled_from(sorted(CARDS.values())) | st.text("0123456789", min_size=14, max_size=14).map(
    lambda digits: with_check_digit("4" + digits)
)


def test_the_life_itself_is_accepted() -> None:
    """Otherwise the other tests would say nothing: accounts, a card's token and a payment are written."""
    office, _ = lived(0, ("order_id",), "o")
    written = b"".join(office.written)
    assert b"tok-1" in written
    assert b"pay" in written


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLACES), numbers, st.sampled_from(["{}", "no. {}", "{} 12/27"]))
def test_no_card_number_passes(place: tuple[int, Path], number: str, written: str) -> None:
    """INV-OBA-12: refused alone, and nowhere in what is written, not even in the refusal."""
    office, refused = lived(*place, written.format(number))

    assert refused
    assert not [found for found in office.written if number.encode() in found]


def iban(draw: Random) -> str:
    """A bank account number of Norway, Austria or Germany, as it is written."""
    country, length = draw.choice([("NO", 11), ("AT", 16), ("DE", 18)])
    account = "".join(draw.choice("0123456789") for _ in range(length))
    letters = "".join(str(int(letter, 36)) for letter in account + country)
    number = f"{country}{98 - int(letters + '00') % 97:02}{account}"
    return draw.choice([number, " ".join(number[at : at + 4] for at in range(0, len(number), 4))])


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(PLACES), st.integers(0, 2**32).map(Random))
def test_no_bank_account_number_passes(place: tuple[int, Path], draw: Random) -> None:
    """INV-OBA-12."""
    number = iban(draw)
    office, refused = lived(*place, number)

    assert refused
    assert not [found for found in office.written if number.encode() in found]


@settings(max_examples=60, deadline=None)
@given(numbers)
def test_events_and_entities_hold_no_card_number(number: str) -> None:
    """INV-OBA-12, on what is kept as structs."""
    office, _ = lived(3, ("billing_profiles", 0, "payment_method", "token"), number)
    view = office.view()
    entities = [view.payment_method(name) for name in view.ids("payment_method")]
    assert [first_card_path(found) for found in (*office.history, *entities)] == [None] * (
        len(office.history) + len(entities)
    )
    assert msgspec.json.encode(entities).find(number.encode()) < 0
