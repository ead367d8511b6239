"""The clock's records: one that is genuine, twice, late, early or forged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from processors.view.customer import Stored
from processors.view.draft import Draft
from schemas.accounts import Account, AccountState, ChangeAccountState, CreateAccount
from schemas.bill_cycles import (
    BillCycleChanged,
    BillingPeriodStarted,
    CancelAccountBillCycleChange,
    ExecutePlannedBillCycleChange,
    StartBillingPeriod,
    UpdateAccountBillCycle,
)
from schemas.envelope import CommandRecord, Mode, Status
from schemas.fields import Command
from schemas.references import AccountRef
from schemas.rows import Due
from schemas.words import COMMANDS
from streams.stories.pure import PureStage
from streams.stories.stage import Came
from tests.bill_cycles.walking import catalog, setting

BEGINNING = datetime(2026, 5, 20, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ACCOUNT = AccountRef(account_id="a")


class Office:
    """A customer with one account and a plan for June 15, behind the worker's own way of answering."""

    def __init__(self) -> None:
        self.stage = PureStage("clock")
        self.stage.publish(catalog())
        self.asked = 0
        self.ask(
            BEGINNING,
            CreateAccount(account_id="a", type="RESIDENTIAL", currency="EUR", bill_cycle=setting("MONTHLY_1")),
        )
        later = datetime(2026, 6, 15, 8, tzinfo=UTC)
        self.ask(BEGINNING, UpdateAccountBillCycle(account=ACCOUNT, bill_cycle="MONTHLY_15", valid_from=later))

    def ask(self, at: datetime, body: Command) -> Sequence[Came]:
        self.asked += 1
        return self.send(at, body, command_id=f"command-{self.asked}", source="crm")

    def send(
        self, at: datetime, body: Command, *, command_id: str, source: str = "clock", mode: Mode = Mode.EXECUTE
    ) -> Sequence[Came]:
        record = CommandRecord(
            command_id=command_id, customer_id="c", source=source, performed_by=source, mode=mode, body=body
        )
        return self.stage.send(record, at)

    def due(self, command_type: str) -> Due:
        view = Draft(Stored("c", self.stage.rows))
        return next(due for _, due in view.due() if due.command_type == command_type)

    def nudge(self, due: Due, at: datetime) -> Sequence[Came]:
        return self.send(at, body_of(due), command_id=due.command_id)

    def account(self) -> Account:
        found = Draft(Stored("c", self.stage.rows)).account("a")
        assert found is not None
        return found


def body_of(due: Due) -> Command:
    return msgspec.convert(due.body, COMMANDS[due.command_type])


def of(came: Sequence[Came], word: type[object]) -> list[object]:
    return [
        change.event
        for one in came
        if one.transaction is not None
        for change in one.transaction.changes
        if isinstance(change.event, word)
    ]


@pytest.mark.parametrize("command_type", ["StartBillingPeriod", "ExecutePlannedBillCycleChange"])
def test_two_clocks_or_one_clock_twice_have_one_outcome(command_type: str) -> None:
    office = Office()
    due = office.due(command_type)
    first, second = office.nudge(due, due.due_at), office.nudge(due, due.due_at + SECOND)

    given = [one.outcome for one in first if one.outcome is not None and one.outcome.command_id == due.command_id]
    assert [(outcome.status, outcome.changed, outcome.repeated) for outcome in given] == [
        (Status.COMPLETED, True, False),  # as due work
        (Status.COMPLETED, True, True),  # as the record itself
    ]
    (again,) = second
    assert again.outcome is not None
    assert again.outcome.repeated
    assert again.outcome.transaction_id == given[0].transaction_id
    assert again.transaction is None


def test_the_clock_finds_a_plan_that_was_cancelled() -> None:
    office = Office()
    due = office.due("ExecutePlannedBillCycleChange")
    office.ask(BEGINNING, CancelAccountBillCycleChange(account=ACCOUNT))

    *_, last = office.nudge(due, due.due_at)
    assert last.outcome is not None
    assert (last.outcome.status, last.outcome.changed) == (Status.COMPLETED, False)
    assert last.transaction is None
    assert office.account().bill_cycle.code == "MONTHLY_1"


def test_the_clock_finds_a_period_that_a_cut_over_has_started() -> None:
    office = Office()
    june = datetime(2026, 5, 31, 22, tzinfo=UTC)
    office.ask(BEGINNING, UpdateAccountBillCycle(account=ACCOUNT, bill_cycle="MONTHLY_15", valid_from=june))
    due = office.due("StartBillingPeriod")
    assert due.due_at == june

    *_, last = came = office.nudge(due, june)
    assert len(of(came, BillCycleChanged)) == len(of(came, BillingPeriodStarted)) == 1
    assert last.outcome is not None
    assert (last.outcome.command_id, last.outcome.changed) == (due.command_id, False)


FORGED: dict[str, dict[str, object]] = {
    "early": {},
    "by someone else": {"source": "crm"},
    "under another id": {"command_id": "mine"},
    "for a plan that never was": {"body": ExecutePlannedBillCycleChange(account_id="a", change_id="x")},
    "for another account": {"body": StartBillingPeriod(account_id="b", number=2)},
    "for a later period": {"body": StartBillingPeriod(account_id="a", number=9)},
}


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.parametrize("command_type", ["StartBillingPeriod", "ExecutePlannedBillCycleChange"])
def test_a_forged_record_is_a_dead_letter_and_stops_nothing(command_type: str, how: str) -> None:
    office = Office()
    due = office.due(command_type)
    genuine = {"body": body_of(due), "command_id": due.command_id, "source": "clock"}

    *_, last = office.send(due.due_at - SECOND, **(genuine | FORGED[how]))  # type: ignore[arg-type]
    assert last.outcome is None
    assert last.dead_letter is not None

    *_, real = office.nudge(due, due.due_at)
    assert real.outcome is not None
    assert real.outcome.command_id == due.command_id
    assert real.outcome.changed


@pytest.mark.parametrize("how", ["by someone else", "under another id"])
def test_a_forged_record_after_the_moment_learns_nothing(how: str) -> None:
    office = Office()
    due = office.due("StartBillingPeriod")
    genuine = {"body": body_of(due), "command_id": due.command_id, "source": "clock"}

    done, forged = office.send(due.due_at, **(genuine | FORGED[how]))  # type: ignore[arg-type]
    assert done.outcome is not None
    assert done.outcome.command_id == due.command_id
    assert forged.outcome is None
    assert forged.dead_letter is not None


def test_a_preview_of_due_work_is_no_clock_record() -> None:
    office = Office()
    due = office.due("StartBillingPeriod")
    *_, last = office.send(due.due_at - SECOND, body_of(due), command_id=due.command_id, mode=Mode.PREVIEW)
    assert last.dead_letter is not None


def test_the_due_index_follows_the_account() -> None:
    office = Office()

    def waiting() -> list[str]:
        return [due.command_type for _, due in Draft(Stored("c", office.stage.rows)).due()]

    assert waiting() == ["StartBillingPeriod", "ExecutePlannedBillCycleChange"]
    office.ask(BEGINNING, ChangeAccountState(account=ACCOUNT, state=AccountState.SUSPENDED, reason="ANY"))
    assert waiting() == ["StartBillingPeriod", "ExecutePlannedBillCycleChange"]
    office.ask(BEGINNING, CancelAccountBillCycleChange(account=ACCOUNT))
    assert waiting() == ["StartBillingPeriod"]
    office.ask(BEGINNING, ChangeAccountState(account=ACCOUNT, state=AccountState.DEACTIVATED, reason="ANY"))
    assert waiting() == []
