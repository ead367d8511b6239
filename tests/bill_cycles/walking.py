"""A customer in a dict, walked through commands and time without Kafka; due work is done first, in its own order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from processors.context import Context
from processors.decision import Accepted, Refused
from processors.decisions import decide
from processors.view.customer import Stored
from processors.view.draft import Draft
from schemas.accounts import Account, AccountState, CreateAccount
from schemas.bill_cycles import BillCycleSetting
from schemas.catalog import BillCycleDefinition, Catalog, Currency, CyclePeriod, StateReasons, Switches
from schemas.customers import CustomerRegistered
from schemas.fields import Event
from schemas.rows import Due, Head
from schemas.words import COMMANDS, AskedCommand, ClockCommand

CYCLES = (
    BillCycleDefinition(code="MONTHLY_1", period=CyclePeriod.MONTH, billing_day=1),
    BillCycleDefinition(code="MONTHLY_15", period=CyclePeriod.MONTH, billing_day=15),
    BillCycleDefinition(code="MONTHLY_29", period=CyclePeriod.MONTH, billing_day=29),
    BillCycleDefinition(code="MONTHLY_30", period=CyclePeriod.MONTH, billing_day=30),
    BillCycleDefinition(code="MONTHLY_31", period=CyclePeriod.MONTH, billing_day=31),
    BillCycleDefinition(code="QUARTERLY", period=CyclePeriod.MONTH, every=3, billing_day=10),
    BillCycleDefinition(code="YEARLY", period=CyclePeriod.YEAR, billing_month=4, billing_day=1),
    BillCycleDefinition(code="LEAP_DAY", period=CyclePeriod.YEAR, billing_month=2, billing_day=29),
    BillCycleDefinition(code="WEEKLY", period=CyclePeriod.WEEK, billing_day=1),
    BillCycleDefinition(code="BIWEEKLY", period=CyclePeriod.WEEK, every=2, billing_day=7),
    BillCycleDefinition(code="DAILY", period=CyclePeriod.DAY),
    BillCycleDefinition(code="TEN_DAYS", period=CyclePeriod.DAY, every=10),
    BillCycleDefinition(code="OWN_DAY", period=CyclePeriod.MONTH, individual=True),
    BillCycleDefinition(code="OWN_WEEKDAY", period=CyclePeriod.WEEK, individual=True),
    BillCycleDefinition(code="OWN_YEAR_DAY", period=CyclePeriod.YEAR, individual=True),
    BillCycleDefinition(code="OWN_DAILY", period=CyclePeriod.DAY, individual=True),
)


def catalog(zone: str = "Europe/Stockholm", short_period_min_days: int = 0) -> Catalog:
    return Catalog(
        name="test",
        version=1,
        time_zone=zone,
        currencies=(Currency(code="EUR"),),
        account_types=("RESIDENTIAL",),
        state_reasons=tuple(StateReasons(state=state, reasons=("ANY",)) for state in AccountState),
        bill_cycles=CYCLES,
        switches=Switches(short_period_min_days=short_period_min_days),
    )


class Table:
    """Rows in a dict."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def get(self, row_key: bytes, /) -> bytes | None:
        return self.rows.get(row_key)

    def scan(self, start: bytes, /) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted((found, value) for found, value in self.rows.items() if found.startswith(start)))

    def write(self, rows: dict[bytes, bytes | None]) -> None:
        for row_key, value in rows.items():
            if value is None:
                self.rows.pop(row_key, None)
            else:
                self.rows[row_key] = value


class Walk:
    """One customer through time."""

    def __init__(self, catalog: Catalog, *, late: bool = False) -> None:
        self.catalog, self.late = catalog, late
        self.table = Table()
        self.asked = 0
        self.log: list[Event] = []

    def view(self) -> Draft:
        return Draft(Stored("c", self.table))

    def account(self, account_id: str = "a") -> Account:
        found = self.view().account(account_id)
        assert found is not None
        return found

    def due(self) -> list[Due]:
        return [due for _, due in self.view().due()]

    def create(self, at: datetime, account_id: str = "a", code: str = "MONTHLY_1", **more: object) -> None:
        body = {"account_id": account_id, "type": "RESIDENTIAL", "currency": "EUR", "bill_cycle": {"code": code}}
        made = self.ask(at, msgspec.convert(body | more, CreateAccount))
        assert not isinstance(made, Refused), made

    def ask(self, at: datetime, command: AskedCommand) -> tuple[Event, ...] | Refused:
        """Due work up to the moment, then the command."""
        self.pass_to(at)
        self.asked += 1
        return self._decide(command, at, f"command-{self.asked}")

    def pass_to(self, at: datetime) -> None:
        """Let time pass: the clock's commands, each at its own moment (BCX-8), or with `late` all at the end."""
        while (due := next(iter(self.due()), None)) is not None and due.due_at <= at:
            body = msgspec.convert(due.body, COMMANDS[due.command_type])
            done = self._decide(body, at if self.late else due.due_at, due.command_id)  # type: ignore[arg-type]
            assert done, f"due work that the index names does something: {due}"

    def _decide(
        self, command: AskedCommand | ClockCommand, at: datetime, command_id: str
    ) -> tuple[Event, ...] | Refused:
        view = self.view()
        known = view.customer()
        zone = ZoneInfo(known.time_zone if known else self.catalog.time_zone)
        context = Context(at=at, command_id=command_id, customer_id="c", catalog=self.catalog, zone=zone)
        decision = decide(view, command, context)
        assert not isinstance(decision, Accepted), "nothing here has more to say than its events"
        if isinstance(decision, Refused) or not decision:
            return decision
        if known is None:
            decision = (CustomerRegistered(customer_id="c", time_zone=self.catalog.time_zone), *decision)
        for event in decision:
            view.record(event)
        self.log += decision
        self.table.write(view.writes(view.head() or Head()))
        return decision


def setting(code: str, day: int | None = None, month: int | None = None, year: int | None = None) -> BillCycleSetting:
    return BillCycleSetting(code=code, billing_day=day, billing_month=month, billing_year=year)


def on(text: str) -> date:
    return date.fromisoformat(text)
