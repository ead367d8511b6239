"""When an action runs (SCH-1, 2, 3, 9, 15, 16), against a calendar that is read minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.context import Context
from processors.periods import local_day
from processors.schedule.moments import LAST_DAY, already_rated, is_now, local_moment, moment
from schemas.accounts import Account, AccountState
from schemas.actions import Schedule, When
from schemas.bill_cycles import BillCycleSetting, BillingPeriod, PeriodKind
from schemas.catalog import Catalog, Switches

BERLIN = ZoneInfo("Europe/Berlin")
LATE_EVENING = datetime(2026, 10, 23, 23, 30, tzinfo=BERLIN).astimezone(UTC)


def context(
    at: datetime = LATE_EVENING, performed_at: datetime | None = None, *, rated_in_advance: bool = False
) -> Context:
    catalog = Catalog(name="test", version=1, switches=Switches(rated_in_advance=rated_in_advance))
    return Context(
        at=at, command_id="c-1", customer_id="nordlys", catalog=catalog, zone=BERLIN, performed_at=performed_at
    )


def on(day: date | None, at: str | None = None) -> Schedule:
    return Schedule(when=When.ON_DATE, day=day, time=at)


def after(days: int | None) -> Schedule:
    return Schedule(when=When.AFTER_DAYS, days=days)


def said(asked: Schedule | None) -> list[tuple[str, str, str | None]]:
    found = moment(asked, context())
    assert not isinstance(found, datetime), found
    return [(broken.code, broken.rule, broken.path) for broken in found]


@pytest.mark.parametrize("asked", [None, Schedule(when=When.NOW)])
def test_now_is_when_it_was_performed_or_else_the_moment_of_the_command(asked: Schedule | None) -> None:
    yesterday = LATE_EVENING - timedelta(days=1)
    assert is_now(asked)
    assert moment(asked, context()) == LATE_EVENING
    assert moment(asked, context(performed_at=yesterday)) == yesterday


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (after(2), datetime(2026, 10, 24, 22, 0, tzinfo=UTC)),  # local midnight of the 25th
        (after(3), datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),  # winter time by then
        (on(date(2026, 10, 25), "02:30"), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the first of the two
        (on(date(2026, 10, 25), "03:30"), datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
        (on(date(2027, 3, 28), "02:30"), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),  # missing: the end of the gap
        (on(date(2027, 3, 28), "02:00"), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        (on(date(2027, 3, 28), "01:59"), datetime(2027, 3, 28, 0, 59, tzinfo=UTC)),
        (on(date(2027, 3, 28), "03:00"), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        (on(date(2026, 10, 24)), datetime(2026, 10, 23, 22, 0, tzinfo=UTC)),  # half an hour from now
    ],
)
def test_the_due_moment(asked: Schedule, due: datetime) -> None:
    assert not is_now(asked)
    assert moment(asked, context(performed_at=LATE_EVENING - timedelta(days=9))) == due


@pytest.mark.parametrize(
    ("asked", "violations"),
    [
        (on(None), [("SCHEDULE_DATE_REQUIRED", "SCH-2", "schedule.date")]),
        (on(date(2026, 10, 23), "23:59"), [("SCHEDULE_DATE_NOT_FUTURE", "SCH-2", "schedule.date")]),
        (on(date(2026, 10, 22)), [("SCHEDULE_DATE_NOT_FUTURE", "SCH-2", "schedule.date")]),
        (on(date(9999, 12, 31)), [("LIMIT_EXCEEDED", "SCH-2", "schedule.date")]),
        (on(date(2026, 10, 24), "7:30"), [("MALFORMED", "SCH-16", "schedule.time")]),
        (on(date(2026, 10, 24), "24:00"), [("MALFORMED", "SCH-16", "schedule.time")]),
        (after(None), [("SCHEDULE_DAYS_INVALID", "SCH-3", "schedule.days")]),
        (after(0), [("SCHEDULE_DAYS_INVALID", "SCH-3", "schedule.days")]),
        (after(-1), [("SCHEDULE_DAYS_INVALID", "SCH-3", "schedule.days")]),
        (after(10**15), [("LIMIT_EXCEEDED", "SCH-3", "schedule.days")]),
        (
            Schedule(when=When.NOW, day=date(2026, 12, 1), time="10:00", days=1),
            [("SCHEDULE_FIELD_NOT_APPLICABLE", "SCH-15", f"schedule.{field}") for field in ("date", "time", "days")],
        ),
        (
            Schedule(when=When.ON_DATE, days=1),
            [
                ("SCHEDULE_DATE_REQUIRED", "SCH-2", "schedule.date"),
                ("SCHEDULE_FIELD_NOT_APPLICABLE", "SCH-15", "schedule.days"),
            ],
        ),
        (
            Schedule(when=When.AFTER_DAYS, days=0, day=date(2026, 12, 1)),
            [
                ("SCHEDULE_DAYS_INVALID", "SCH-3", "schedule.days"),
                ("SCHEDULE_FIELD_NOT_APPLICABLE", "SCH-15", "schedule.date"),
            ],
        ),
    ],
)
def test_a_schedule_that_says_no_moment(asked: Schedule, violations: list[tuple[str, str, str]]) -> None:
    assert said(asked) == violations


ZONES = [
    "Europe/Berlin",
    "America/St_Johns",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Africa/Monrovia",
    "Asia/Kathmandu",
]


@settings(max_examples=300)
@example(zone="Pacific/Apia", day=date(2011, 12, 30), at=time(5, 0))  # a day that never was
@example(zone="Australia/Lord_Howe", day=date(2026, 10, 4), at=time(2, 15))  # half an hour is missing
@example(zone="Africa/Monrovia", day=date(1972, 1, 7), at=time(0, 30))  # 44 minutes and 30 seconds
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(1971, 1, 1), LAST_DAY),
    at=st.times().map(lambda found: found.replace(second=0, microsecond=0)),
)
def test_the_first_moment_that_is_not_before_a_local_time(zone: str, day: date, at: time) -> None:
    place = ZoneInfo(zone)
    found = local_moment(day, at, place)

    wanted = datetime.combine(day, at)
    assert found.astimezone(place).replace(tzinfo=None) >= wanted
    assert (found - timedelta(seconds=1)).astimezone(place).replace(tzinfo=None) < wanted


MOMENTS = st.integers(0, 70 * 366 * 24 * 60).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(max_examples=100)
@given(at=MOMENTS, days=st.integers(1, 400))
def test_days_are_local_days(at: datetime, days: int) -> None:
    due = moment(after(days), context(at))
    assert isinstance(due, datetime)
    assert due > at
    assert local_day(due, BERLIN) == local_day(at, BERLIN) + timedelta(days=days)
    assert local_day(due - timedelta(microseconds=1), BERLIN) < local_day(due, BERLIN)


def account(period: BillingPeriod | None) -> Account:
    return Account(
        account_id="a-1",
        customer_id="nordlys",
        type="RESIDENTIAL",
        currency="EUR",
        state=AccountState.ACTIVE,
        reason="NEW",
        state_valid_from=LATE_EVENING,
        bill_cycle=BillCycleSetting(code="MONTHLY_1"),
        current_period=period,
    )


OCTOBER = BillingPeriod(
    number=7,
    start=date(2026, 10, 1),
    end=date(2026, 11, 1),
    kind=PeriodKind.REGULAR,
    bill_cycle="MONTHLY_1",
    days=31,
    of_days=31,
)
BEGIN, END = datetime(2026, 9, 30, 22, 0, tzinfo=UTC), datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
MOMENT_BEFORE = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("effective_at", "due", "in_advance", "proposed"),
    [
        (BEGIN, False, False, None),
        (BEGIN - MOMENT_BEFORE, False, False, "2026-10-01"),
        (BEGIN - MOMENT_BEFORE, False, True, "2026-10-01"),
        (BEGIN, False, True, None),  # what was performed is no due
        (END - MOMENT_BEFORE, True, False, None),
        (END - MOMENT_BEFORE, True, True, "2026-11-01"),
        (END, True, True, None),
    ],
)
def test_rated_time(effective_at: datetime, due: bool, in_advance: bool, proposed: str | None) -> None:
    found = already_rated(effective_at, account(OCTOBER), context(rated_in_advance=in_advance), due=due)
    assert [(broken.code, broken.carries["proposed_date"]) for broken in found] == (
        [("DATE_ALREADY_RATED", proposed)] if proposed else []
    )
    assert already_rated(effective_at, account(None), context(rated_in_advance=in_advance), due=due) == []
