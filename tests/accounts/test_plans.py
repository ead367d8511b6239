"""Planned state changes and the clock: what no story can tell."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from processors.clock import SOURCE
from processors.context import Context
from processors.decisions import decide
from processors.view.rows.accounts import clock_id
from schemas.accounts import (
    AccountStateChangeCancelled,
    AccountStateChanged,
    AccountStateChangeFailed,
    AccountStateChangePlanned,
    ExecutePlannedStateChange,
)
from schemas.envelope import CommandRecord
from tests.accounts.book import CUSTOMER, Book, completed, events


def planned(book: Book) -> AccountStateChangePlanned:
    """An account with a suspension planned in two days."""
    book.ask("CreateAccount", account_id="a-1", account_profile="mobile")
    later = (book.at + timedelta(days=2)).isoformat()
    (plan,) = events(
        book.ask(
            "ChangeAccountState", account={"account_id": "a-1"}, state="SUSPENDED", reason="UNPAID", valid_from=later
        )
    )
    assert isinstance(plan, AccountStateChangePlanned)
    return plan


def clock_record(plan: AccountStateChangePlanned) -> CommandRecord:
    """What the clock asks when the plan is due."""
    return CommandRecord(
        command_id=clock_id(CUSTOMER, "ExecutePlannedStateChange", plan.change_id, plan.due_at),
        customer_id=CUSTOMER,
        source=SOURCE,
        performed_by=SOURCE,
        body=ExecutePlannedStateChange(account_id=plan.account_id, change_id=plan.change_id),
    )


def test_the_clock_finds_a_plan_that_was_cancelled() -> None:
    """ACC-48."""
    book = Book()
    plan = planned(book)
    book.ask("CancelPlannedStateChange", account={"account_id": "a-1"})
    book.passes(days=3)

    outcome = completed(book.give(clock_record(plan)))
    assert not outcome.changed
    assert outcome.transaction_id is None


def test_the_clock_finds_a_plan_that_another_superseded() -> None:
    """ACC-48."""
    book = Book()
    plan = planned(book)
    later = (book.at + timedelta(days=9)).isoformat()
    book.ask("ChangeAccountState", account={"account_id": "a-1"}, state="SUSPENDED", reason="FRAUD", valid_from=later)
    book.passes(days=3)

    assert not completed(book.give(clock_record(plan))).changed
    assert book.account("a-1").planned_state_change is not None


def test_the_clock_finds_its_plan_executed_before() -> None:
    """BCX-10: the first of two clocks, or the command before the clock, has done it."""
    book = Book()
    plan = planned(book)
    book.passes(days=3)
    book.ask("RegisterCustomer")
    assert isinstance(book.history[-1], AccountStateChanged)

    again = completed(book.give(clock_record(plan)))
    assert again.repeated
    assert again.changed


def test_an_old_plan_of_an_account_does_not_execute_the_new_one() -> None:
    """ACC-48, where parked work is sent again after its plan was superseded."""
    book = Book()
    plan = planned(book)
    command = ExecutePlannedStateChange(account_id="a-1", change_id="superseded")
    context = Context(
        at=plan.due_at,
        command_id="clock",
        customer_id=CUSTOMER,
        catalog=book.catalog,
        zone=ZoneInfo("Europe/Stockholm"),
    )
    assert decide(book.view(), command, context) == ()
    assert decide(book.view(), msgspec.structs.replace(command, change_id=plan.change_id), context) != ()


def test_a_plan_that_never_was_is_a_dead_letter() -> None:
    """BCX-11."""
    book = Book()
    plan = planned(book)
    forged = msgspec.structs.replace(plan, change_id="forged")
    book.passes(days=3)
    assert book.give(clock_record(forged)).dead_letter


def test_a_plan_before_its_moment_is_a_dead_letter_and_stays() -> None:
    """BCX-11."""
    book = Book()
    plan = planned(book)
    assert book.give(clock_record(plan)).dead_letter
    assert book.account("a-1").planned_state_change is not None


def test_executed_a_month_late_the_plan_has_its_own_moment() -> None:
    """ACC-36, BCX-8: then two periods start, each at its own moment."""
    book = Book()
    plan = planned(book)
    book.passes(days=60)
    book.ask("RegisterCustomer")

    names = [type(event).__name__ for event in book.history[-3:]]
    assert names == ["AccountStateChanged", "BillingPeriodStarted", "BillingPeriodStarted"]
    changed = book.history[-3]
    assert isinstance(changed, AccountStateChanged)
    assert changed.effective_at == plan.due_at
    assert changed.change_id == plan.change_id


def test_a_deactivation_due_at_a_period_end_starts_no_further_period() -> None:
    """BCX-7, PER-9."""
    book = Book()
    book.ask("CreateAccount", account_id="a-1", account_profile="mobile")
    midnight = "2026-04-01T00:00:00+02:00"
    book.ask(
        "ChangeAccountState", account={"account_id": "a-1"}, state="DEACTIVATED", reason="CHURN", valid_from=midnight
    )
    book.passes(days=60)
    book.ask("RegisterCustomer")

    names = [type(event).__name__ for event in book.history[-2:]]
    assert names == ["AccountStateChanged", "BillingPeriodEndChanged"]


def test_the_deactivation_of_a_plan_cancels_no_other_plan_than_those_that_wait() -> None:
    """ACC-41: the plan that is executed ends by its own event, not by a cancellation too."""
    book = Book()
    book.ask("CreateAccount", account_id="a-1", account_profile="mobile")
    later = (book.at + timedelta(days=2)).isoformat()
    book.ask("ChangeAccountState", account={"account_id": "a-1"}, state="DEACTIVATED", reason="CHURN", valid_from=later)
    book.passes(days=3)
    book.ask("RegisterCustomer")

    assert not any(isinstance(event, AccountStateChangeCancelled) for event in book.history)
    assert book.account("a-1").planned_state_change is None


def test_what_fails_at_its_moment_names_no_field_of_a_command() -> None:
    """The clock's command has neither `state` nor `reason`."""
    book = Book()
    planned(book)
    catalog = book.catalog
    reasons = tuple(entry for entry in catalog.state_reasons if entry.state != "SUSPENDED")
    book.catalog = msgspec.structs.replace(catalog, state_reasons=reasons)
    book.passes(days=3)
    book.ask("RegisterCustomer")

    failed = book.history[-1]
    assert isinstance(failed, AccountStateChangeFailed)
    assert [(broken.code, broken.rule, broken.path) for broken in failed.violations] == [
        ("STATE_REASON_UNKNOWN", "ACC-32", None)
    ]
