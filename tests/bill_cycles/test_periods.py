"""The calendar: boundaries, local days and the lengths of periods."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.periods import (
    DAY,
    Cycle,
    describe,
    first_period,
    floor_boundary,
    local_day,
    next_boundary,
    resolve,
    skipped_days,
    start_of_day,
)
from schemas.bill_cycles import PeriodKind
from schemas.catalog import BillCycleDefinition, CyclePeriod
from tests.bill_cycles.walking import on, setting

STOCKHOLM = ZoneInfo("Europe/Stockholm")
APIA = ZoneInfo("Pacific/Apia")
ORIGIN = "2000-01-01"


def cycle(period: str, day: int | None = None, month: int | None = None, every: int = 1, anchor: str = ORIGIN) -> Cycle:
    definition = BillCycleDefinition(
        code="X",
        period=CyclePeriod(period),
        every=every,
        billing_day=day,
        billing_month=month,
        anchor_date=on(anchor),
    )
    return resolve(definition, setting("X"), STOCKHOLM)


MONTH_1, MONTH_15, MONTH_31 = cycle("MONTH", 1), cycle("MONTH", 15), cycle("MONTH", 31)
QUARTER_10 = cycle("MONTH", 10, every=3)
LEAP_DAY = cycle("YEAR", 29, 2)


@pytest.mark.parametrize(
    ("of", "day", "floor", "next_", "days"),
    [
        (MONTH_1, "2026-01-31", "2026-01-01", "2026-02-01", 31),
        (MONTH_1, "2026-12-15", "2026-12-01", "2027-01-01", 31),
        (MONTH_15, "2026-06-14", "2026-05-15", "2026-06-15", 31),
        (MONTH_15, "2026-06-15", "2026-06-15", "2026-07-15", 30),
        (MONTH_31, "2026-01-31", "2026-01-31", "2026-02-28", 28),
        (MONTH_31, "2026-02-28", "2026-02-28", "2026-03-31", 31),
        (MONTH_31, "2028-02-29", "2028-02-29", "2028-03-31", 31),
        (MONTH_31, "2026-04-30", "2026-04-30", "2026-05-31", 31),
        (cycle("MONTH", 29), "2026-02-10", "2026-01-29", "2026-02-28", 30),
        (cycle("MONTH", 29), "2028-02-10", "2028-01-29", "2028-02-29", 31),
        (cycle("MONTH", 30), "2027-01-30", "2027-01-30", "2027-02-28", 29),
        (QUARTER_10, "2026-01-09", "2025-10-10", "2026-01-10", 92),
        (QUARTER_10, "2026-11-21", "2026-10-10", "2027-01-10", 92),
        (cycle("MONTH", 31, every=2, anchor="2026-02-28"), "2026-03-15", "2026-02-28", "2026-04-30", 61),
        (cycle("WEEK", 1), "2026-11-21", "2026-11-16", "2026-11-23", 7),
        (cycle("WEEK", 7), "2026-11-22", "2026-11-22", "2026-11-29", 7),
        (cycle("WEEK", 3, every=2, anchor="2026-01-01"), "2026-01-14", "2026-01-07", "2026-01-21", 14),
        (cycle("DAY"), "2026-10-25", "2026-10-25", "2026-10-26", 1),
        (cycle("DAY", every=10, anchor="2026-01-01"), "2026-01-10", "2026-01-01", "2026-01-11", 10),
        (cycle("YEAR", 1, 4), "2026-03-31", "2025-04-01", "2026-04-01", 365),
        (LEAP_DAY, "2027-03-01", "2027-02-28", "2028-02-29", 366),
        (LEAP_DAY, "2028-02-29", "2028-02-29", "2029-02-28", 365),
        (cycle("YEAR", 31, 12, every=2, anchor="2025-01-01"), "2026-06-01", "2025-12-31", "2027-12-31", 730),
        (MONTH_31, "2100-02-28", "2100-02-28", "2100-03-31", 31),  # no leap year
        (MONTH_31, "2000-02-29", "2000-02-29", "2000-03-31", 31),  # a leap year after all
    ],
)
def test_boundaries(of: Cycle, day: str, floor: str, next_: str, days: int) -> None:
    assert floor_boundary(of, on(day)) == on(floor)
    assert next_boundary(of, on(day)) == on(next_)
    assert (on(next_) - on(floor)).days == days


@pytest.mark.parametrize(
    ("period", "own", "day", "floor", "next_"),
    [
        ("MONTH", setting("X", day=20), "2026-06-14", "2026-04-20", "2026-09-20"),
        ("MONTH", setting("X", day=20, month=2), "2026-06-14", "2026-05-20", "2026-10-20"),
        ("MONTH", setting("X", day=20, year=2001), "2026-06-14", "2026-01-20", "2026-06-20"),
        ("WEEK", setting("X", day=5, month=2, year=2001), "2026-11-21", "2026-11-06", "2026-12-11"),
        ("YEAR", setting("X", day=29, month=2, year=2002), "2026-06-14", "2022-02-28", "2027-02-28"),
        ("DAY", setting("X", day=5, month=2, year=2001), "2026-11-21", "2026-11-20", "2026-11-25"),
    ],
)
def test_an_accounts_own_values_replace_the_anchors(period: str, own: object, day: str, floor: str, next_: str) -> None:
    definition = BillCycleDefinition(code="X", period=CyclePeriod(period), every=5, individual=True)
    of = resolve(definition, own, STOCKHOLM)  # type: ignore[arg-type]
    assert (floor_boundary(of, on(day)), next_boundary(of, on(day))) == (on(floor), on(next_))


CYCLES = st.one_of(
    st.builds(cycle, st.just("MONTH"), st.integers(1, 31), every=st.integers(1, 30)),
    st.builds(cycle, st.just("YEAR"), st.integers(1, 31), st.integers(1, 12), every=st.integers(1, 5)),
    st.builds(cycle, st.just("WEEK"), st.integers(1, 7), every=st.integers(1, 9)),
    st.builds(cycle, st.just("DAY"), every=st.integers(1, 400)),
)
DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@given(of=CYCLES, day=DAYS)
def test_boundaries_divide_time_without_gap_or_overlap(of: Cycle, day: date) -> None:
    floor, after = floor_boundary(of, day), next_boundary(of, day)
    assert floor <= day < after
    assert floor_boundary(of, floor) == floor
    assert next_boundary(of, floor) == after
    assert floor_boundary(of, after) == after
    assert floor_boundary(of, after - DAY) == floor


@given(of=CYCLES, start=DAYS, length=st.integers(1, 900))
def test_a_period_is_described_by_the_full_one_that_holds_its_last_day(of: Cycle, start: date, length: int) -> None:
    end = start + length * DAY
    days, of_days, kind = describe(of, start, end)
    assert days == length > 0
    assert of_days > 0
    neighbours = floor_boundary(of, start) == start and next_boundary(of, start) == end
    assert (kind is PeriodKind.REGULAR) == neighbours
    if not neighbours:
        assert (kind is PeriodKind.SHORT) == (days <= of_days)


@pytest.mark.parametrize(
    ("min_days", "end", "days", "of_days", "kind"),
    [
        (0, "2026-06-15", 14, 31, PeriodKind.SHORT),
        (14, "2026-06-15", 14, 31, PeriodKind.SHORT),
        (15, "2026-07-15", 44, 30, PeriodKind.LONG),
    ],
)
def test_a_first_period_that_is_too_short_is_merged(
    min_days: int, end: str, days: int, of_days: int, kind: PeriodKind
) -> None:
    period = first_period(MONTH_15, on("2026-06-01"), 7, min_days)
    assert (period.number, period.start, period.end) == (7, on("2026-06-01"), on(end))
    assert (period.days, period.of_days, period.kind) == (days, of_days, kind)


def test_a_full_period_is_never_merged() -> None:
    assert first_period(cycle("DAY"), on("2026-06-01"), 1, 15).end == on("2026-06-02")


# -- local days (PER-11)


@pytest.mark.parametrize(
    ("zone", "day", "starts", "hours"),
    [
        ("Europe/Stockholm", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Stockholm", "2026-10-25", "2026-10-24T22:00", 25),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00", 23),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00", 23),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", 25),
        ("Atlantic/Azores", "2026-10-25", "2026-10-25T00:00", 25),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", 0),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24),
    ],
)
def test_the_instant_of_a_local_day(zone: str, day: str, starts: str, hours: int) -> None:
    here = ZoneInfo(zone)
    begin = start_of_day(on(day), here)
    assert begin == datetime.fromisoformat(starts).replace(tzinfo=UTC)
    assert start_of_day(on(day) + DAY, here) - begin == timedelta(hours=hours)


ZONES = (
    "Africa/Cairo",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Stockholm",
    "Pacific/Apia",
    "UTC",
)


@given(zone=st.sampled_from(ZONES), day=st.dates(date(1990, 1, 1), date(2037, 1, 1)))
def test_a_local_day_begins_at_the_earliest_instant_that_has_it_or_a_later_one(zone: str, day: date) -> None:
    here = ZoneInfo(zone)
    begin = start_of_day(day, here)
    assert local_day(begin, here) >= day
    assert all(local_day(begin - timedelta(seconds=passed), here) < day for passed in (1, 3600, 7200, 90_000))


@pytest.mark.parametrize("day", ["2011-12-29", "2011-12-30"])
def test_of_two_boundaries_at_one_instant_the_first_is_passed_over(day: str) -> None:
    daily = resolve(BillCycleDefinition(code="X", period=CyclePeriod.DAY), setting("X"), APIA)
    assert (floor_boundary(daily, on(day)), next_boundary(daily, on(day))) == (on("2011-12-29"), on("2011-12-31"))


def test_a_boundary_alone_on_a_skipped_day_stays() -> None:
    monthly = resolve(BillCycleDefinition(code="X", period=CyclePeriod.MONTH, billing_day=30), setting("X"), APIA)
    assert next_boundary(monthly, on("2011-12-29")) == on("2011-12-30")


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Pacific/Apia", ["2011-12-30"]),
        ("Pacific/Kwajalein", ["1993-08-21"]),
        ("Europe/Stockholm", []),
        ("Antarctica/Casey", []),
    ],
)
def test_days_that_a_zone_never_had(zone: str, days: list[str]) -> None:
    assert skipped_days(ZoneInfo(zone)) == set(map(on, days))


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_the_ends_of_the_calendar_have_a_local_day_too(zone: str) -> None:
    here = ZoneInfo(zone)
    assert local_day(datetime.max.replace(tzinfo=UTC), here) == date.max
    assert local_day(datetime.min.replace(tzinfo=UTC), here) == date.min
