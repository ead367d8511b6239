"""A cascade over every account below one root: how long its answer takes, and how large its records are.

    python -m bench.cascade --accounts 10000

A cascade is one transaction and is never split: where it would not fit its record the command is refused
(LIMIT_EXCEEDED), and this command ends with exit code 1.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from processors.accounts.evolution import HISTORY_MAX
from processors.answering import RECORD_BYTES_MAX, Answered, Memory, Received, answer
from processors.context import Context
from processors.decisions import decide
from processors.view.customer import Stored
from processors.view.draft import Draft
from schemas.accounts import AccountState, Address, ChangeAccountState, Contact, CreateAccount
from schemas.bill_cycles import BillCycleSetting, Cutover, UpdateAccountBillCycle
from schemas.catalog_file import read_catalog
from schemas.envelope import CommandRecord
from schemas.fields import Command
from schemas.references import AccountRef
from streams.stories.pure import KeptRows

CUSTOMER = "bench"
ROOT = AccountRef(account_id="root")
CATALOG = Path(__file__).parents[1] / "compose" / "catalogs" / "nordlys.yaml"
MIB = 1024 * 1024
SEALED = "sealed:v1:" + "k" * 12 + ":" + "A" * 80
"""As long as a sealed name or street."""


class Customer:
    """One customer in memory, every command decided as a worker would."""

    def __init__(self) -> None:
        catalog = read_catalog(CATALOG)
        switches = msgspec.structs.replace(catalog.switches, accounts_max=1_000_000)
        self.catalog = msgspec.structs.replace(catalog, switches=switches)
        self.rows, self.answers = KeptRows(), KeptRows()
        self.at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        self.asked = 0

    def ask(self, body: Command) -> Answered:
        """Decide one command and store what it writes."""
        self.asked += 1
        record = CommandRecord(
            command_id=f"c-{self.asked}", customer_id=CUSTOMER, source="bench", performed_by="bench", body=body
        )
        memory = Memory(self.rows, self.answers, lambda _: self.catalog)
        received = Received(command=record, timestamp=self.at, partition=0, offset=self.asked, may_hold_card=False)
        (answered,) = answer(received, memory)
        self.rows.apply(answered.state)
        self.answers.apply(answered.answers)
        return answered

    def decide_seconds(self, body: Command) -> float:
        """How long the decision alone takes."""
        view = Draft(Stored(CUSTOMER, self.rows))
        known = view.customer()
        assert known is not None
        context = Context(
            at=self.at, command_id="bench", customer_id=CUSTOMER, catalog=self.catalog, zone=ZoneInfo(known.time_zone)
        )
        began = time.perf_counter()
        decide(view, body, context)  # type: ignore[arg-type]
        return time.perf_counter() - began


def plant(customer: Customer, accounts: int, width: int) -> None:
    """One root, and below it so many accounts, `width` children each, with the details that real ones have."""
    customer.ask(_account("root", None))
    for number in range(accounts):
        above = (number - width) // width
        customer.ask(_account(f"a-{number:06}", f"a-{above:06}" if number >= width else "root"))


def _account(account_id: str, parent: str | None) -> CreateAccount:
    return CreateAccount(
        account_id=account_id,
        external_id=f"CRM-{account_id}",
        type="BUSINESS",
        segment="GOLD",
        bill_cycle=BillCycleSetting(code="MONTHLY_1"),
        currency="EUR",
        parent=AccountRef(account_id=parent) if parent else None,
        custom_name=f"Branch {account_id}",
        custom_attributes={"cost_centre": "4711", "region": "north"},
        contact=Contact(last_name=SEALED, email=SEALED),
        address=Address(street=SEALED, city=SEALED, country=SEALED),
    )


def state(to: AccountState, reason: str) -> ChangeAccountState:
    """A change of the whole tree."""
    return ChangeAccountState(account=ROOT, state=to, reason=reason, include_subordinates=True)


SUSPEND = state(AccountState.SUSPENDED, "UNPAID")
ACTIVATE = state(AccountState.ACTIVE, "RETURNED")
ANOTHER_CYCLE = UpdateAccountBillCycle(
    account=ROOT, bill_cycle="MONTHLY_15", cutover=Cutover.AFTER_CURRENT_PERIOD, include_subordinates=True
)
END = state(AccountState.DEACTIVATED, "CHURN")


def measured(customer: Customer, body: Command) -> tuple[str, str, str, str, str]:
    """Events, seconds to decide, seconds for the whole answer, MiB of the transaction and of the outcome."""
    decision_seconds = customer.decide_seconds(body)
    began = time.perf_counter()
    answered = customer.ask(body)
    answer_seconds = time.perf_counter() - began
    outcome = answered.outcome
    assert outcome is not None
    if answered.transaction is None:
        said = ", ".join(f"{broken.code} {broken.carries}" for broken in outcome.violations)
        return f"refused: {said}", f"{decision_seconds:.2f}", f"{answer_seconds:.2f}", "-", "-"
    return (
        f"{len(answered.transaction.changes):,}",
        f"{decision_seconds:.2f}",
        f"{answer_seconds:.2f}",
        f"{len(answered.transaction_payload) / MIB:.2f}",
        f"{len(answered.outcome_payload) / MIB:.2f}",
    )


def main(
    accounts: Annotated[int, typer.Option(help="Accounts below the root")] = 10_000,
    width: Annotated[int, typer.Option(help="Children of each account")] = 10,
) -> None:
    """Print a row per cascade over the whole tree: on new accounts, then on such as keep all the states they may."""
    customer = Customer()
    plant(customer, accounts, width)
    title = f"{accounts:,} accounts below one root; a record holds {RECORD_BYTES_MAX / MIB:.2f} MiB"
    table = Table("cascade", "events", "decision s", "answer s", "transaction MiB", "outcome MiB", title=title)
    rows = [("suspend, new", *measured(customer, SUSPEND)), ("activate, new", *measured(customer, ACTIVATE))]
    for _ in range(HISTORY_MAX // 2):
        customer.ask(SUSPEND)
        customer.ask(ACTIVATE)
    rows += [
        ("suspend", *measured(customer, SUSPEND)),
        ("activate", *measured(customer, ACTIVATE)),
        ("plan a bill cycle", *measured(customer, ANOTHER_CYCLE)),
        ("deactivate", *measured(customer, END)),
    ]
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)
    raise typer.Exit(1 if any(row[1].startswith("refused") for row in rows) else 0)


if __name__ == "__main__":
    typer.run(main)
