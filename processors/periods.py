"""The calendar of billing: local days, boundaries of bill cycles, and the periods between them. Knows no accounts.

A boundary is computed from the cycle and its number, never from another boundary: 28 February and a month is not
28 March where the day is 31 (PER-10). A month cycle and a year cycle are one thing with steps of 1 and 12 months, a day
cycle and a week cycle one thing with steps of 1 and 7 days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from schemas.bill_cycles import BillCycleSetting, BillingPeriod, PeriodKind
from schemas.catalog import BillCycleDefinition, CyclePeriod

DAY = timedelta(days=1)
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days that each month can have at most: what an individual YEAR cycle may ask for (BCU-6)."""

FIRST_YEAR, LAST_YEAR = 1970, 2100
"""Years in which days that a zone skipped are looked for: no record is older, no rule of a zone says more."""
DATELINE_HOURS = 20
"""An offset that changes by more than this moved a place over the date line; summer time moves by one or two."""


class Cycle(msgspec.Struct, frozen=True, kw_only=True):
    """A bill cycle resolved with an account's own values: all that its boundaries depend on."""

    code: str
    step: int
    """Units from one boundary to the next: days where `day` is 0, else months."""
    phase: int
    """One boundary's place: its ordinal in days, or its month index (year * 12 + month - 1)."""
    day: int = 0
    """Day of the month, 1 to 31; shorter months mean their last day (PER-10). 0: the cycle is counted in days."""
    passed_over: frozenset[date] = frozenset()
    """Days without length that share their instant with the next boundary, hence are none (PER-11)."""


# -- local days


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) of a local day; of a day that the zone skipped, the first instant after it (PER-11)."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The local day of a moment; beyond the calendar's first and last day that day itself."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return date.min if moment.year == date.min.year else date.max


@lru_cache(maxsize=1024)
def skipped_days(zone: ZoneInfo) -> frozenset[date]:
    """Local days that a zone never had, because it moved over the date line (PER-11)."""
    return frozenset(
        day
        for year in range(FIRST_YEAR, LAST_YEAR)
        if _moved_over_date_line(year, zone)
        for ordinal in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal())
        if start_of_day(day := date.fromordinal(ordinal), zone) == start_of_day(day + DAY, zone)
    )


def _moved_over_date_line(year: int, zone: ZoneInfo) -> bool:
    before = datetime(year, 1, 1, tzinfo=zone).utcoffset()
    after = datetime(year + 1, 1, 1, tzinfo=zone).utcoffset()
    assert before is not None
    assert after is not None
    return after - before > timedelta(hours=DATELINE_HOURS)


# -- boundaries


def resolve(definition: BillCycleDefinition, setting: BillCycleSetting, zone: ZoneInfo) -> Cycle:
    """A definition with the account's own day, month and year, where it is individual."""
    own = setting if definition.individual else definition
    day = own.billing_day or 0
    every, anchor = definition.every, definition.anchor_date
    year, month = anchor.year, anchor.month
    if definition.individual:
        year, month = setting.billing_year or year, setting.billing_month or month
    match definition.period:
        case CyclePeriod.DAY:
            passed_over = skipped_days(zone) if every == 1 else frozenset[date]()
            return Cycle(code=definition.code, step=every, phase=anchor.toordinal(), passed_over=passed_over)
        case CyclePeriod.WEEK:
            first = anchor.toordinal() + (day - anchor.isoweekday()) % 7
            return Cycle(code=definition.code, step=7 * every, phase=first)
        case CyclePeriod.MONTH:
            return Cycle(code=definition.code, step=every, phase=year * 12 + month - 1, day=day)
        case CyclePeriod.YEAR:
            month = own.billing_month or month
            return Cycle(code=definition.code, step=12 * every, phase=year * 12 + month - 1, day=day)


def floor_boundary(cycle: Cycle, day: date) -> date:
    """The latest boundary that is not after the day."""
    return _boundary_back(cycle, _place(cycle, day))


def next_boundary(cycle: Cycle, day: date) -> date:
    """The earliest boundary after the day."""
    return _boundary_on(cycle, _place(cycle, day) + cycle.step)


def _boundary_back(cycle: Cycle, place: int) -> date:
    found = _boundary(cycle, place)
    while found in cycle.passed_over:
        found -= DAY
    return found


def _boundary_on(cycle: Cycle, place: int) -> date:
    found = _boundary(cycle, place)
    while found in cycle.passed_over:
        found += DAY
    return found


def _boundary(cycle: Cycle, place: int) -> date:
    if not cycle.day:
        return date.fromordinal(place)
    year, month = divmod(place, 12)
    longest = LONGEST_MONTHS[month]
    if cycle.day < longest:  # only a month's last days can be missing in it
        return date(year, month + 1, cycle.day)
    if month == 1 and (year % 4 or (year % 100 == 0 and year % 400)):
        return date(year, 2, min(cycle.day, 28))
    return date(year, month + 1, longest)


def _place(cycle: Cycle, day: date) -> int:
    """Place of the latest boundary that is not after the day."""
    if not cycle.day:
        ordinal = day.toordinal()
        return ordinal - (ordinal - cycle.phase) % cycle.step
    index = day.year * 12 + day.month - 1
    place = index - (index - cycle.phase) % cycle.step
    return place if place < index or _boundary(cycle, place) <= day else place - cycle.step


# -- periods


def describe(cycle: Cycle, start: date, end: date) -> tuple[int, int, PeriodKind]:
    """Length of `[start, end)`, length of the full period that holds its last day, and its length kind (PER-3)."""
    days = (end - start).days
    place = _place(cycle, end - DAY)
    full_start, full_end = _boundary_back(cycle, place), _boundary_on(cycle, place + cycle.step)
    of_days = (full_end - full_start).days
    if (start, end) == (full_start, full_end):
        return days, of_days, PeriodKind.REGULAR
    return days, of_days, PeriodKind.SHORT if days <= of_days else PeriodKind.LONG


@lru_cache(maxsize=4096)  # accounts of one cycle begin their periods on the same day
def first_period(cycle: Cycle, day: date, number: int, short_period_min_days: int = 0) -> BillingPeriod:
    """The period of a cycle that begins on a day, merged with the next where it is too short (PER-5, PER-6)."""
    end = next_boundary(cycle, day)
    if (end - day).days < short_period_min_days and floor_boundary(cycle, day) != day:
        end = next_boundary(cycle, end)
    days, of_days, kind = describe(cycle, day, end)
    return BillingPeriod(
        number=number, start=day, end=end, kind=kind, bill_cycle=cycle.code, days=days, of_days=of_days
    )
