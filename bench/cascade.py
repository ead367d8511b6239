"""A cascade over every account below one root: how long its answer takes, and how large its records are.

    python -m bench.cascade --accounts 10000

A cascade is one transaction and is never split: where it would not fit its record the command is refused
(LIMIT_EXCEEDED), and this command ends with exit code 1.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from processors.answering import RECORD_BYTES_MAX, Answered, Memory, Received, answer
from processors.context import Context
from processors.customer import CustomerView, Stored
from processors.decisions import decide
from schemas.accounts import (
    AccountState,
    Address,
    ChangeAccountState,
    Contact,
    CreateAccount,
    InitialState,
)
from schemas.bill_cycles import Cutover, UpdateAccountBillCycle
from schemas.catalog_file import read_catalog
from schemas.envelope import CommandRecord
from schemas.fields import Command
from schemas.references import AccountRef
from streams.stories.pure import KeptRows

CUSTOMER = "bench"
ROOT = AccountRef(account_id="root")
CATALOG = Path(__file__).parents[1] / "compose" / "catalogs" / "nordlys.yaml"
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
        view = CustomerView(Stored(CUSTOMER, self.rows))
        known = view.customer()
        assert known is not None
        context = Context(
            at=self.at, command_id="bench", customer_id=CUSTOMER, catalog=self.catalog, zone=zone_of(known.time_zone)
        )
        began = time.perf_counter()
        decide(view, body, context)  # type: ignore[arg-type]
        return time.perf_counter() - began
