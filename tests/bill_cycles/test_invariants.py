"""Two accounts through decades of changes: whatever is asked, time stays divided into whole periods."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.decision import Refused
from processors.periods import floor_boundary, local_day, next_boundary, resolve, start_of_day
from schemas.accounts import AccountCreated, AccountState, ChangeAccountState
from schemas.bill_cycles import (
    BillCycleChangeCancelled,
    BillCycleChanged,
    BillCycleChangeFailed,
    BillCycleChangePlanned,
    BillCycleSetting,
    BillingPeriodEndChanged,
    BillingPeriodReplaced,
    BillingPeriodStarted,
    CancelAccountBillCycleChange,
    Cutover,
    PerformAccountBillCycleChange,
    PeriodKind,
    UpdateAccountBillCycle,
)
from schemas.fields import Event
from schemas.references import AccountRef
from schemas.words import AskedCommand
from tests.bill_cycles.walking import CYCLES, Walk, catalog

pytestmark = pytest.mark.slow

ZONES = ("Europe/Stockholm", "America/Santiago", "America/Havana", "Pacific/Apia", "Asia/Kathmandu", "UTC")
RUNNING = (AccountState.ACTIVE, AccountState.SUSPENDED)
ENDINGS = BillCycleChanged | BillCycleChangeCancelled | BillCycleChangeFailed


@dataclass
class Period:
    """A period as its events tell it, with the cycle that governed it."""

    number: int
    start: date
    end: date
    kind: PeriodKind
    days: int
    of_days: int
    setting: BillCycleSetting


@dataclass
class Told:
    """What the log alone says of one account."""

    setting: BillCycleSetting | None = None
    periods: list[Period] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        match event:
            case AccountCreated():
                self.setting = event.bill_cycle
            case BillCycleChangePlanned():
                self.planned.append(event.change_id)
            case BillCycleChanged():
                assert event.from_ == self.setting
                self.setting = event.to
                self.ended.append(event.change_id)
            case BillCycleChangeCancelled() | BillCycleChangeFailed():
                self.ended.append(event.change_id)
            case BillingPeriodStarted():
                assert self.setting is not None
                last = self.periods[-1] if self.periods else None
                assert event.previous_end == (last.end if last else None)
                assert event.bill_cycle == self.setting.code
                self.periods.append(
                    Period(event.number, event.start, event.end, event.kind, event.days, event.of_days, self.setting)
                )
            case BillingPeriodEndChanged():
                last = self.periods[-1]
                assert (last.number, last.start, last.end, last.kind) == (
                    event.number,
                    event.start,
                    event.old_end,
                    event.old_kind,
                )
                last.end, last.kind, last.days, last.of_days = event.new_end, event.new_kind, event.days, event.of_days
            case BillingPeriodReplaced():
                assert self.setting is not None
                last = self.periods.pop()
                assert (last.number, last.start, last.end, last.kind) == (
                    event.number,
                    event.old.start,
                    event.old.end,
                    event.old.kind,
                )
                if (new := event.new) is not None:
                    self.periods.append(
                        Period(event.number, new.start, new.end, new.kind, new.days, new.of_days, self.setting)
                    )
            case _:
                pass


def told(walk: Walk, account_id: str) -> Told:
    story = Told()
    for event in walk.log:
        if getattr(event, "account_id", None) == account_id:
            story.hear(event)
    return story


def check_periods(periods: list[Period], zone: ZoneInfo) -> None:
    """INV-BC-2, INV-BC-5."""
    assert [period.number for period in periods] == list(range(1, len(periods) + 1))
    definitions = {cycle.code: cycle for cycle in CYCLES}
    for before, after in pairwise(periods):
        assert before.end == after.start
        assert after.kind is not PeriodKind.INITIAL
    for period in periods:
        assert period.start < period.end
        assert period.days == (period.end - period.start).days
        assert period.of_days > 0
        if period.kind in (PeriodKind.INITIAL, PeriodKind.FINAL):
            continue
        cycle = resolve(definitions[period.setting.code], period.setting, zone)
        whole = floor_boundary(cycle, period.start) == period.start and next_boundary(cycle, period.start) == period.end
        assert (period.kind is PeriodKind.REGULAR) == whole
        assert not whole or period.days == period.of_days
        assert period.kind is not PeriodKind.SHORT or period.days <= period.of_days
        assert period.kind is not PeriodKind.LONG or period.days > period.of_days


def check_now(walk: Walk, at: datetime, account_id: str, zone: ZoneInfo) -> None:
    """INV-BC-1, INV-BC-3, INV-BC-4 and PER-1, as the account shows them at a moment."""
    account, story = walk.account(account_id), told(walk, account_id)
    plan, period = account.planned_bill_cycle_change, account.current_period
    today = local_day(at, zone)
    assert account.bill_cycle == story.setting
    assert account.last_period_number == len(story.periods)
    if account.state in RUNNING:
        assert period is not None
        assert period.start <= today < period.end
        last = story.periods[-1]
        assert (period.number, period.start, period.end, period.kind) == (last.number, last.start, last.end, last.kind)
    else:
        assert period is None
    waiting = Counter(story.planned)
    waiting.subtract(change_id for change_id in story.ended if change_id in waiting)
    assert +waiting == Counter([plan.change_id] if plan else [])
    assert all(count in (0, 1) for count in waiting.values())

    history = account.bill_cycle_history
    for before, after in pairwise(history):
        assert before.valid_to == after.valid_from
    assert all(entry.valid_to is None or entry.valid_from <= entry.valid_to for entry in history)
    assert (history[-1].valid_to is None) == (account.state is not AccountState.DEACTIVATED)
    assert history[-1].code == account.bill_cycle.code
    assert len(history) <= 100


def check_due(walk: Walk, zone: ZoneInfo) -> None:
    """INV-BC-8."""
    expected: list[tuple[object, ...]] = []
    for account in (walk.account("a"), walk.account("b")):
        if (cycle := account.planned_bill_cycle_change) is not None:
            assert cycle.due_at == start_of_day(cycle.cutover_date, zone)
            expected.append((cycle.due_at, "ExecutePlannedBillCycleChange", account.account_id, cycle.change_id))
        if (state := account.planned_state_change) is not None:
            expected.append((state.due_at, "ExecutePlannedStateChange", account.account_id, state.change_id))
        if account.state in RUNNING and (period := account.current_period) is not None:
            due_at = start_of_day(period.end, zone)
            expected.append((due_at, "StartBillingPeriod", account.account_id, period.number + 1))
    found = [
        (due.due_at, due.command_type, due.body["account_id"], due.body.get("change_id", due.body.get("number")))
        for due in walk.due()
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)


# -- walks

TO = st.one_of(
    st.sampled_from([BillCycleSetting(code=cycle.code) for cycle in CYCLES if not cycle.individual]),
    st.builds(
        BillCycleSetting,
        code=st.just("OWN_DAY"),
        billing_day=st.integers(28, 31),
        billing_month=st.none() | st.integers(1, 12),
    ),
    st.builds(BillCycleSetting, code=st.just("OWN_WEEKDAY"), billing_day=st.integers(1, 7)),
    st.builds(
        BillCycleSetting,
        code=st.just("OWN_YEAR_DAY"),
        billing_day=st.integers(28, 29),
        billing_month=st.integers(1, 12),
        billing_year=st.none() | st.integers(2000, 2100),
    ),
    st.just(BillCycleSetting(code="OWN_DAILY")),
)


class Ask(msgspec.Struct, frozen=True):
    """One step of a walk: time passes, then something is asked."""

    hours: int
    what: str
    account_id: str = "a"
    to: BillCycleSetting = BillCycleSetting(code="MONTHLY_1")
    ahead_days: int | None = None
    cutover: Cutover = Cutover.AT_VALID_FROM
    with_subordinates: bool = False
    state: AccountState = AccountState.ACTIVE

    def command(self, at: datetime) -> AskedCommand:
        account = AccountRef(account_id=self.account_id)
        later = None if self.ahead_days is None else at + timedelta(days=self.ahead_days)
        match self.what:
            case "cancel":
                return CancelAccountBillCycleChange(account=account, include_subordinates=self.with_subordinates)
            case "perform":
                return PerformAccountBillCycleChange(account=account)
            case "state":
                return ChangeAccountState(
                    account=account,
                    state=self.state,
                    reason="ANY",
                    valid_from=later,
                    include_subordinates=self.with_subordinates,
                )
            case _:
                return UpdateAccountBillCycle(
                    account=account,
                    bill_cycle=self.to.code,
                    billing_day=self.to.billing_day,
                    billing_month=self.to.billing_month,
                    billing_year=self.to.billing_year,
                    valid_from=later,
                    cutover=self.cutover,
                    include_subordinates=self.with_subordinates,
                )


def asks(*what: str, days_max: int = 400) -> st.SearchStrategy[list[Ask]]:
    one = st.builds(
        Ask,
        hours=st.one_of(st.integers(0, 48), st.integers(0, 24 * days_max)),
        what=st.sampled_from(what),
        account_id=st.sampled_from("ab"),
        to=TO,
        ahead_days=st.none() | st.integers(0, 500),
        cutover=st.sampled_from(Cutover),
        with_subordinates=st.booleans(),
        state=st.sampled_from(
            [AccountState.ACTIVE, AccountState.SUSPENDED, AccountState.ACTIVE, AccountState.DEACTIVATED]
        ),
    )
    return st.lists(one, min_size=20, max_size=90)


ANYTHING = asks("update", "update", "update", "update", "update", "cancel", "perform", "state")
CHANGES = asks("update", "update", "update", "update", "cancel", "perform", days_max=100)
BEGINNINGS = st.datetimes(datetime(2011, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
MIN_DAYS = st.sampled_from([0, 0, 3, 15])
PATIENT = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def begin(zone: str, at: datetime, min_days: int, *, late: bool = False) -> Walk:
    walk = Walk(catalog(zone, short_period_min_days=min_days), late=late)
    walk.create(at, "a")
    walk.create(at, "b", parent={"account_id": "a"}, state={"state": "INACTIVE"})
    return walk


@PATIENT
@given(zone=st.sampled_from(ZONES), at=BEGINNINGS, min_days=MIN_DAYS, steps=ANYTHING)
def test_no_gap_and_no_overlap_in_decades(zone: str, at: datetime, min_days: int, steps: list[Ask]) -> None:
    here, walk = ZoneInfo(zone), begin(zone, at, min_days)
    for step in steps:
        at += timedelta(hours=step.hours)
        walk.ask(at, step.command(at))
        for account_id in "ab":
            check_now(walk, at, account_id, here)
        check_due(walk, here)
    for account_id in "ab":
        check_periods(told(walk, account_id).periods, here)


@PATIENT
@given(zone=st.sampled_from(ZONES), at=BEGINNINGS, min_days=MIN_DAYS, steps=CHANGES)
def test_executing_late_gives_the_same_periods(zone: str, at: datetime, min_days: int, steps: list[Ask]) -> None:
    in_time, late = begin(zone, at, min_days), begin(zone, at, min_days, late=True)
    for step in steps:
        at += timedelta(hours=step.hours)
        in_time.ask(at, step.command(at))
        late.ask(at, step.command(at))
    assert in_time.log == late.log


@PATIENT
@given(zone=st.sampled_from(ZONES), at=BEGINNINGS, steps=CHANGES, plan=TO, ahead=st.integers(1, 800))
def test_planned_and_cancelled_is_as_before(
    zone: str, at: datetime, steps: list[Ask], plan: BillCycleSetting, ahead: int
) -> None:
    walk = begin(zone, at, 0)
    for step in steps:
        at += timedelta(hours=step.hours)
        walk.ask(at, step.command(at))
    reference = AccountRef(account_id="a")
    walk.ask(at, CancelAccountBillCycleChange(account=reference))
    before, due = walk.account(), walk.due()

    planned = walk.ask(at, Ask(0, "update", to=plan, ahead_days=ahead).command(at))
    if not isinstance(planned, Refused) and planned:
        assert walk.account().current_period == before.current_period  # PER-7
        assert walk.due() != due
        walk.ask(at, CancelAccountBillCycleChange(account=reference))

    assert msgspec.structs.replace(walk.account(), ended_changes=before.ended_changes) == before
    assert walk.due() == due


@pytest.mark.parametrize("code", ["MONTHLY_29", "MONTHLY_30", "MONTHLY_31", "LEAP_DAY", "DAILY", "BIWEEKLY"])
@pytest.mark.parametrize("zone", ["Europe/Stockholm", "Pacific/Apia"])
def test_fifty_years_of_silence(zone: str, code: str) -> None:
    at = datetime(2000, 2, 29, 12, tzinfo=UTC)
    walk = Walk(catalog(zone))
    walk.create(at, code=code)
    years = 12 if code == "DAILY" else 50
    walk.pass_to(at + timedelta(days=365 * years))
    check_periods(told(walk, "a").periods, ZoneInfo(zone))
    check_now(walk, at + timedelta(days=365 * years), "a", ZoneInfo(zone))
