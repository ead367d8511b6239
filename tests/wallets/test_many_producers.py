"""Many producers want to spend one wallet at once: it pays what it holds, and never a cent more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from schemas import codec, wire
from schemas.envelope import BusinessTransaction, CommandRecord, Status
from schemas.wallets import TopUpWallet, WalletCredited, WalletDebited
from schemas.words import COMMANDS
from tests.faults.load import framed
from tests.faults.rig import Rig

PRODUCERS = 6
AMENDMENTS = 20
FUNDS = Decimal("100.00")
SEED = 20261121


@pytest.fixture
def rig(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(kafka, tmp_path, topic_prefix, SEED)
    yield rig
    rig.close()


def command(command_id: str, name: str, **body: object) -> CommandRecord:
    return CommandRecord(
        command_id=command_id,
        customer_id="c-1",
        source="crm",
        performed_by="shop",
        body=msgspec.convert(body, COMMANDS[name]),
    )


def opening() -> list[CommandRecord]:
    """A prepaid switchboard in DRAFT, then started: 49 + 5 + 12 of the first top-up; what is left is spent at once."""
    parts = [{"product": "LINE_A", "service_id": "line"}, {"product": "CHANNEL_VOICE", "service_id": "channel"}]
    return [
        command(
            "o-1", "CreateAccount", account_id="a", type="BUSINESS", currency="EUR", bill_cycle={"code": "MONTHLY_1"}
        ),
        command(
            "o-2",
            "CreateSubscription",
            subscription_id="s",
            account={"account_id": "a"},
            kind="PREPAID",
            wallet_id="w",
            services=[{"product": "HOSTED_PBX", "service_id": "pbx", "components": parts}],
        ),
        command("o-3", "TopUpWallet", wallet_id="w", amount=FUNDS + 66, currency="EUR"),
        command("o-4", "ChangeSubscriptionState", subscription_id="s", action="START"),
    ]


def wishes(producer: int) -> Iterator[CommandRecord]:
    """The channel is exchanged for one with video (20.00) and back (12.00), and now and then a euro comes in."""
    for number in range(AMENDMENTS):
        there, back = ("CHANNEL_VOICE", "CHANNEL_VIDEO") if number % 2 else ("CHANNEL_VIDEO", "CHANNEL_VOICE")
        yield command(
            f"p{producer}-{number}",
            "AmendBundleServices",
            subscription_id="s",
            bundle_service_id="pbx",
            add=[{"product": there}],
            remove=[{"product": back}],
        )
        if number % 5 == 0:
            yield command(f"p{producer}-t{number}", "TopUpWallet", wallet_id="w", amount=1, currency="EUR")


def transactions(rig: Rig) -> list[BusinessTransaction]:
    records = rig.records(rig.topology.transactions)
    return [codec.TRANSACTION.decode(wire.unframe(record.value)[1]) for record in records]


def test_a_wallet_that_many_want_to_spend_is_never_overdrawn(rig: Rig) -> None:
    worker = rig.worker()
    for record in opening():
        rig.put(framed(record))
    rig.producer.flush()

    def spend(number: int) -> None:
        producer = rig.new_producer()
        for record in wishes(number):
            rig.put(framed(record), producer)
        producer.flush()

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(PRODUCERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rig.settled()
    worker.stop()

    outcomes = rig.outcomes()
    refused = {found.code for one in outcomes if one.status is Status.REJECTED for found in one.violations}
    assert "INSUFFICIENT_FUNDS" in refused, "nobody wanted more than there was: this test shows nothing"
    entries = [
        change.event
        for transaction in transactions(rig)
        for change in transaction.changes
        if isinstance(change.event, WalletDebited | WalletCredited)
    ]
    assert [entry.entry_number for entry in entries] == list(range(1, len(entries) + 1))
    balance = Decimal(0)
    for entry in entries:
        assert entry.balance_before == balance
        balance += -entry.amount if isinstance(entry, WalletDebited) else entry.amount
        assert entry.balance_after == balance >= 0
    topped = sum(1 for one in outcomes if one.command_type == TopUpWallet.__name__ and one.status is Status.COMPLETED)
    spent = sum(entry.amount for entry in entries if isinstance(entry, WalletDebited))
    print(f"{PRODUCERS} producers, {len(outcomes)} commands, {len(entries)} entries, {spent} spent, {balance} left")
    assert topped == 1 + PRODUCERS * 4
    assert balance == FUNDS + 66 + PRODUCERS * 4 - spent
    rig.check()
