"""Orders bring accounts, payments and bills while the worker is killed: one of each afterwards (PAY-1, INV-OBA-11)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from schemas import codec, wire
from schemas.accounts import AccountCreated
from schemas.billing_profiles import BillingAssignmentStarted, BillingProfileCreated, PaymentMethodCreated
from schemas.envelope import BusinessTransaction, CommandRecord, Status
from schemas.fields import Command, Event
from schemas.malformed import Misfit, read_body
from schemas.order_events import BillingSystemUpdated
from schemas.payments import PaymentRecorded, PaymentReversed
from schemas.subscriptions import SubscriptionServiceAdded
from schemas.synchronization import OrderAccountSyncCompleted
from tests.accounts.book import new_service
from tests.faults.load import Sent, framed
from tests.faults.rig import RESTORED, Rig

CUSTOMERS = 60
KILLS = 8
POINTS = ("begun", "produced", "offsets", "committed", "written")
SEALED = "sealed:v1:AAAAAAAAAAAA:" + "x" * 60
PERSON = {"contact": {"last_name": SEALED}, "address": {"street": SEALED, "city": SEALED, "country": SEALED}}
ACCOUNTS = ("n-hq", "n-shop")
ONCE = (
    AccountCreated,
    PaymentMethodCreated,
    BillingProfileCreated,
    BillingAssignmentStarted,
    OrderAccountSyncCompleted,
    PaymentRecorded,
    BillingSystemUpdated,
    SubscriptionServiceAdded,
)
"""What may happen once to each thing, however often it is asked for."""


BILLED = {"billing_profile": "bp-hq", "billing_system": "BRM-1"}


def steps(order_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """An order from its submission to the update, in the order in which a CRM sends it."""
    lines = [new_service(f"{order_id}-{account}", account, "n-hq") | BILLED for account in ACCOUNTS]
    yield "SubmitOrder", {"order_id": order_id, "lines": lines}
    yield (
        "SynchronizeOrderBillingAccounts",
        {
            "order_id": order_id,
            "accounts": [{"account_id": account, "account_profile": "mobile", **PERSON} for account in ACCOUNTS],
            "billing_profiles": [
                {
                    "billing_profile_id": "bp-hq",
                    "account": {"account_id": "n-hq"},
                    "frequency": "MONTHLY",
                    "payment_method": {"kind": "INVOICE"},
                    **PERSON,
                }
            ],
            "payment_billing_profile": "bp-hq",
        },
    )
    payment = {"order_id": order_id, "payment_id": f"pay-{order_id}", "amount": "149.90", "currency": "EUR"}
    yield "RecordOrderPayment", payment
    yield "UpdateBillingSystem", {"order_id": order_id}


def commands(rig: Rig, customer_id: str) -> Iterator[Sent]:
    """The steps; some are sent twice, as the same message or as another command that asks the same."""
    for order_id in ("o-1", "o-2"):
        for at, (name, body) in enumerate(steps(order_id)):
            sent = framed(record(customer_id, f"{customer_id}-{order_id}-{at}", name, body))
            yield sent
            again = rig.load.random.random()
            if again < 0.15:
                yield sent
            elif again < 0.3 and name != "SubmitOrder":
                yield framed(record(customer_id, f"{customer_id}-{order_id}-{at}-again", name, body))


def record(customer_id: str, command_id: str, name: str, body: dict[str, Any]) -> CommandRecord:
    """A command as a door makes it."""
    built = read_body(name, body)
    assert not isinstance(built, Misfit), built
    assert isinstance(built, Command)
    return CommandRecord(command_id=command_id, customer_id=customer_id, source="crm", performed_by="test", body=built)


def shuffled(rig: Rig) -> list[Sent]:
    """The commands of all customers in any interleaving; each customer's own stay in their order."""
    waiting = [list(commands(rig, f"c{number}"))[::-1] for number in range(CUSTOMERS)]
    sent = []
    while waiting:
        mine = rig.load.random.choice(waiting)
        sent.append(mine.pop())
        waiting = [left for left in waiting if left]
    return sent


def test_orders_under_kills_leave_one_of_each(rig: Rig) -> None:
    """The worker is killed at random moments and between the steps of a turn, accounts made and payments not yet."""
    draw, faults = rig.load.random, list[str]()
    sent = shuffled(rig)
    portion = len(sent) // KILLS + 1
    for kill in range(KILLS):
        for each in sent[kill * portion : (kill + 1) * portion]:
            rig.put(each)
        rig.producer.flush()
        if kill % 2:
            point = draw.choice(POINTS)
            worker = rig.worker(FAULT=f"{point}:kill:1")
            assert worker.ended() < 0
            faults.append(point)
        else:
            worker = rig.worker()
            worker.wait_for(RESTORED)
            moment = draw.uniform(0, 0.3)
            time.sleep(moment)  # not to wait for anything: it is the moment of the fault
            worker.kill()
            faults.append(f"{moment:.2f} s")
    last = rig.worker()
    rig.settled()

    last.stop()
    print(f"{len(sent)} commands of {CUSTOMERS} customers; killed at {faults}")
    happened = list(events(rig))
    twice = [
        found
        for found, times in Counter(name_of(*each) for each in happened if isinstance(each[1], ONCE)).items()
        if times > 1
    ]
    assert twice == []
    counted = Counter[type](type(event) for _, event in happened)
    assert not counted[PaymentReversed]
    expected = {
        AccountCreated: len(ACCOUNTS),
        PaymentMethodCreated: 1,
        BillingProfileCreated: 2,  # the payer's, and the one that points at it
        BillingAssignmentStarted: 2 * len(ACCOUNTS),
        OrderAccountSyncCompleted: 2,
        PaymentRecorded: 2,
        BillingSystemUpdated: 2,
        SubscriptionServiceAdded: 2 * len(ACCOUNTS),
    }
    assert {kind: counted[kind] / CUSTOMERS for kind in expected} == expected
    refused = [outcome for outcome in rig.outcomes() if outcome.status is Status.REJECTED]
    assert {(outcome.command_type, str(violation.code)) for outcome in refused for violation in outcome.violations} <= {
        ("UpdateBillingSystem", "ORDER_NOT_INFLIGHT"),
        ("UpdateBillingSystem", "ORDER_LOCKED"),
    }
    rig.check()


def events(rig: Rig) -> Iterator[tuple[str, Event]]:
    """Everything that happened, with its customer."""
    for found in rig.records(rig.topology.transactions):
        transaction = codec.TRANSACTION.decode(wire.unframe(found.value)[1])
        assert isinstance(transaction, BusinessTransaction)
        for change in transaction.changes:
            yield transaction.customer_id, change.event


def name_of(customer_id: str, event: Event) -> tuple[str, str, str]:
    """What happened to which thing of which customer."""
    _, field = event.about
    return customer_id, type(event).__name__, str(getattr(event, field))
