"""The billing periods of an account: how they begin, follow one another, are cut over and end."""

from __future__ import annotations

from datetime import date

import msgspec

from processors.billing_profiles.switching import period_started
from processors.context import Context
from processors.periods import Cycle, describe, first_period, resolve
from processors.view.customer import CustomerView
from processors.wallets import units
from schemas.accounts import Account
from schemas.bill_cycles import (
    BillCycleSetting,
    BillingPeriod,
    BillingPeriodEndChanged,
    BillingPeriodReplaced,
    BillingPeriodStarted,
    PeriodKind,
    ReplacedPeriod,
    ReplacementPeriod,
    StartBillingPeriod,
)
from schemas.fields import Event


def cycle_of(setting: BillCycleSetting, context: Context) -> Cycle:
    """The cycle that a setting of an account means; a code that is offered no more keeps its last definition."""
    definition = context.catalog.definition(setting.code)
    assert definition is not None, f"an account has a bill cycle that no catalog version ever had: {setting.code}"
    return resolve(definition, setting, context.zone)


def begin_periods(account: Account, day: date, context: Context) -> tuple[Event, ...]:
    """The account's first period, or the first since it was reopened, on the day it became ACTIVE (PER-2)."""
    period = first_period(cycle_of(account.bill_cycle, context), day, account.last_period_number + 1)
    if period.kind is not PeriodKind.REGULAR:
        period = msgspec.structs.replace(period, kind=PeriodKind.INITIAL)
    before = account.previous_period
    return (_started(account, period, previous_end=before.end if before else None),)


def start_period(customer: CustomerView, command: StartBillingPeriod, context: Context) -> tuple[Event, ...]:
    """The next period, when the current one has ended (BCX-6). Nothing if it has been started already (BCX-2)."""
    account = customer.account(command.account_id)
    current = account.current_period if account else None
    if account is None or current is None or command.number != current.number + 1:
        return ()

    period = first_period(cycle_of(account.bill_cycle, context), current.end, command.number)
    return _follow(customer, account, period, context)


def cut_over(
    customer: CustomerView, account: Account, to: BillCycleSetting, day: date, context: Context
) -> tuple[Event, ...]:
    """The periods from a cut-over on, which lies in the current period or at its end (PER-4, PER-5, PER-6)."""
    current = account.current_period
    if current is None:
        return ()

    min_days = context.catalog.switches.short_period_min_days
    new = cycle_of(to, context)
    if day == current.start:
        period = first_period(new, day, current.number, min_days)
        if current.kind is PeriodKind.INITIAL and period.kind is not PeriodKind.REGULAR:
            period = msgspec.structs.replace(period, kind=PeriodKind.INITIAL)  # it is still the account's first
        return (_replaced(account, current, period),)
    ended = () if day == current.end else (_end_changed(account, current, day, context),)
    return ended + _follow(customer, account, first_period(new, day, current.number + 1, min_days), context)


def end_periods(account: Account, day: date, context: Context) -> tuple[Event, ...]:
    """The end of the current period on the day of the deactivation (PER-9). Nothing where none runs."""
    current = account.current_period
    if current is None:
        return ()
    if day <= current.start:
        return (_replaced(account, current, None),)
    return (_end_changed(account, current, min(day, current.end), context, final=True),)


def _follow(customer: CustomerView, account: Account, period: BillingPeriod, context: Context) -> tuple[Event, ...]:
    """Payers that wait for the period, the period, and what it takes from wallets: once and in full (BCX-12)."""
    switched = period_started(customer, account.account_id, period.start, context)
    started = _started(account, period, previous_end=period.start)
    charged = units.period_started(customer, account.account_id, period.start, context)
    return (*switched, started, *charged)


def _started(account: Account, period: BillingPeriod, previous_end: date | None) -> BillingPeriodStarted:
    return BillingPeriodStarted(
        account_id=account.account_id,
        number=period.number,
        start=period.start,
        end=period.end,
        kind=period.kind,
        bill_cycle=period.bill_cycle,
        days=period.days,
        of_days=period.of_days,
        previous_end=previous_end,
    )


def _end_changed(
    account: Account, current: BillingPeriod, end: date, context: Context, *, final: bool = False
) -> BillingPeriodEndChanged:
    """The current period, described anew under its own cycle. FINAL wins over INITIAL, that over the length (PER-3)."""
    days, of_days, kind = describe(cycle_of(account.bill_cycle, context), current.start, end)
    if final:
        kind = PeriodKind.FINAL
    elif current.kind is PeriodKind.INITIAL:
        kind = PeriodKind.INITIAL
    return BillingPeriodEndChanged(
        account_id=account.account_id,
        number=current.number,
        start=current.start,
        old_end=current.end,
        new_end=end,
        old_kind=current.kind,
        new_kind=kind,
        days=days,
        of_days=of_days,
    )


def _replaced(account: Account, current: BillingPeriod, new: BillingPeriod | None) -> BillingPeriodReplaced:
    return BillingPeriodReplaced(
        account_id=account.account_id,
        number=current.number,
        old=ReplacedPeriod(start=current.start, end=current.end, kind=current.kind),
        new=None
        if new is None
        else ReplacementPeriod(
            start=new.start,
            end=new.end,
            kind=new.kind,
            days=new.days,
            of_days=new.of_days,
            bill_cycle=new.bill_cycle,
        ),
    )
