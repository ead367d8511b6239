"""A customer in memory: commands in, answers out, through the same walk as in the worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from processors.answering import Answered, Memory, Received, answer
from processors.view.customer import CustomerView, Stored
from processors.view.draft import Draft
from schemas.accounts import Account
from schemas.catalog import Catalog
from schemas.catalog_file import read_catalog
from schemas.envelope import CommandOutcome, CommandRecord, Mode, Status
from schemas.fields import Command, Event
from schemas.malformed import Misfit, read_body
from schemas.refusals import Violation
from streams.stories.pure import KeptRows

CUSTOMER = "nordlys"
NORDLYS = Path(__file__).parents[2] / "compose" / "catalogs" / "nordlys.yaml"
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Book:
    """One customer's history, command by command."""

    def __init__(self, catalog: Catalog | None = None, **switches: Any) -> None:
        catalog = catalog or nordlys()
        self.catalog = msgspec.structs.replace(catalog, switches=msgspec.structs.replace(catalog.switches, **switches))
        self.state, self.answers = KeptRows(), KeptRows()
        self.at = BEGIN
        self.asked = 0
        self.history: list[Event] = []

    def ask(
        self, command: Command | str, mode: Mode = Mode.EXECUTE, performed_at: datetime | None = None, **body: Any
    ) -> Answered:
        """Give one command, built from plain values if it is named; answer its own answer (due work goes before)."""
        if isinstance(command, str):
            built = read_body(command, body)
            assert not isinstance(built, Misfit), built
            command = built
        self.asked += 1
        record = CommandRecord(
            command_id=f"c-{self.asked}",
            customer_id=CUSTOMER,
            source="crm",
            performed_by="ada",
            performed_at=performed_at,
            mode=mode,
            body=command,
        )
        return self.give(record)

    def give(self, record: CommandRecord) -> Answered:
        """Walk one record through, and store what it writes."""
        memory = Memory(state=self.state, answers=self.answers, catalog_at=lambda _: self.catalog)
        received = Received(command=record, timestamp=self.at, partition=0, offset=self.asked, may_hold_card=False)
        last: Answered | None = None
        for last in answer(received, memory):
            assert last.bug is None, last.bug
            self.state.apply(last.state)
            self.answers.apply(last.answers)
            if last.transaction is not None:
                self.history += [change.event for change in last.transaction.changes]
        assert last is not None
        return last

    def passes(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)

    def view(self) -> CustomerView:
        """The customer as it is now."""
        return Draft(Stored(CUSTOMER, self.state))

    def account(self, account_id: str) -> Account:
        """An account that is there."""
        found = self.view().account(account_id)
        assert found is not None, account_id
        return found

    def accounts(self) -> list[Account]:
        """Every account."""
        view = self.view()
        return [self.account(account_id) for account_id in view.ids("account")]


def new_service(line_id: str, account: str, payer: str) -> dict[str, Any]:
    """A line of an order: a new service of an account, paid by another one's profile of its name."""
    return {
        "line_id": line_id,
        "action": "ADD",
        "service_action": "ADD",
        "service_catalog": "TV",
        "product_id": "TV_MINI",
        "billing_type": "SUBSCRIPTION",
        "service_account": {"account_id": account},
        "billing_account": {"account_id": payer},
        "billing_profile": f"bp-{payer}",
    }


def nordlys() -> Catalog:
    """The demo's catalog."""
    return read_catalog(NORDLYS)


def events(answered: Answered) -> list[Event]:
    """The events of an accepted command."""
    outcome = completed(answered)
    assert outcome.changed is (answered.transaction is not None)
    return [change.event for change in answered.transaction.changes] if answered.transaction else []


def completed(answered: Answered) -> CommandOutcome:
    """The outcome, which must be no refusal."""
    assert answered.outcome is not None
    assert answered.outcome.status is Status.COMPLETED, answered.outcome.violations
    return answered.outcome


def refusals(answered: Answered) -> tuple[Violation, ...]:
    """The violations of a refused command."""
    assert answered.outcome is not None
    assert answered.outcome.status is Status.REJECTED, answered.outcome
    return answered.outcome.violations
