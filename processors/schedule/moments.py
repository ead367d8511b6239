"""When an action runs: the moment that a schedule means, and whether that time is rated already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from processors.context import Context
from processors.periods import DAY, local_day, start_of_day
from schemas.accounts import Account
from schemas.actions import Schedule, When
from schemas.refusals import Code, Violation, violation

LAST_DAY = date(2099, 12, 30)
"""Later days are mistakes, and would lie in the due index for ever; no moment from 2100 on is accepted either."""
MIDNIGHT = time(0, 0)
HOURS_AND_MINUTES = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
SECOND = timedelta(seconds=1)


def is_now(asked: Schedule | None) -> bool:
    """Whether an action is to run at once (SCH-1)."""
    return asked is None or asked.when is When.NOW


def moment(asked: Schedule | None, context: Context) -> datetime | tuple[Violation, ...]:
    """T, the moment (UTC) from which an action holds, or why the schedule says none (SCH-1, 2, 3, 15, 16).

    Violations end the check: without T there is nothing to judge by.
    """
    if asked is None:
        return context.performed_at or context.at
    violations = tuple(_schedule_violations(asked, context))
    if violations:
        return violations

    match asked.when:
        case When.NOW:
            return context.performed_at or context.at
        case When.ON_DATE:
            assert asked.day is not None, "SCH-2 has seen to it"
            return local_moment(asked.day, time.fromisoformat(asked.time) if asked.time else MIDNIGHT, context.zone)
        case When.AFTER_DAYS:
            assert asked.days is not None, "SCH-3 has seen to it"
            return local_moment(local_day(context.at, context.zone) + asked.days * DAY, MIDNIGHT, context.zone)


def local_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment (UTC) of a local time: of one that is missing the first after the gap, of two the earlier (SCH-16)."""
    local = datetime.combine(day, at, tzinfo=zone)
    earlier, later = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    if earlier <= later:
        return earlier
    # In a gap, counting on from before it lands behind its end, counting back from after it before its beginning.
    before, after = later, earlier
    passed = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // 2 // SECOND * SECOND
        if middle.astimezone(zone).utcoffset() == passed:
            after = middle
        else:
            before = middle
    return after


def already_rated(effective_at: datetime, account: Account, context: Context, *, due: bool) -> list[Violation]:
    """Time that bills have been made for takes no more actions; the first free day is proposed (SCH-9).

    `due`: the moment lies ahead, so that periods rated in advance count too. Judged at submission and reschedule only.
    """
    period = account.current_period
    if period is None:
        return []
    free = period.end if due and context.catalog.switches.rated_in_advance else period.start
    rated_until = start_of_day(free, context.zone)
    if effective_at >= rated_until:
        return []
    return [
        violation(
            Code.DATE_ALREADY_RATED,
            "SCH-9",
            "schedule" if due else None,
            effective_at=effective_at,
            rated_until=rated_until,
            proposed_date=free,
        )
    ]


def _schedule_violations(asked: Schedule, context: Context) -> Iterator[Violation]:
    today = local_day(context.at, context.zone)
    if asked.time is not None and not HOURS_AND_MINUTES.fullmatch(asked.time):
        yield violation(Code.MALFORMED, "SCH-16", "schedule.time", expected="HH:MM")
    if asked.when is When.ON_DATE:
        yield from _date_violations(asked, today)
    if asked.when is When.AFTER_DAYS:
        yield from _days_violations(asked, today)
    for field in _foreign_fields(asked):
        yield violation(Code.SCHEDULE_FIELD_NOT_APPLICABLE, "SCH-15", f"schedule.{field}", when=asked.when, field=field)


def _date_violations(asked: Schedule, today: date) -> Iterator[Violation]:
    """The day counts, not the moment: later today is too early (SCH-2)."""
    if asked.day is None:
        yield violation(Code.SCHEDULE_DATE_REQUIRED, "SCH-2", "schedule.date", when=asked.when)
    elif asked.day <= today:
        yield violation(
            Code.SCHEDULE_DATE_NOT_FUTURE, "SCH-2", "schedule.date", when=asked.when, date=asked.day, today=today
        )
    elif asked.day > LAST_DAY:
        yield _too_far("SCH-2", "schedule.date", asked.day)


def _days_violations(asked: Schedule, today: date) -> Iterator[Violation]:
    if asked.days is None or asked.days < 1:
        yield violation(Code.SCHEDULE_DAYS_INVALID, "SCH-3", "schedule.days", when=asked.when, days=asked.days)
    elif asked.days > (LAST_DAY - today).days:
        yield _too_far("SCH-3", "schedule.days", asked.days)


def _too_far(rule: str, path: str, found: date | int) -> Violation:
    return violation(Code.LIMIT_EXCEEDED, rule, path, limit_rule="SCHEDULE_LAST_DAY", limit=LAST_DAY, found=found)


def _foreign_fields(asked: Schedule) -> Iterator[str]:
    """Fields of another way to say when (SCH-15)."""
    if asked.when is not When.ON_DATE:
        if asked.day is not None:
            yield "date"
        if asked.time is not None:
            yield "time"
    if asked.when is not When.AFTER_DAYS and asked.days is not None:
        yield "days"
