"""The words of bill cycles: when an account is billed, and how that changes."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from schemas.fields import AccountId, BillCycleCode, ChangeId, Command, Event, Word, doc
from schemas.references import AccountRef
from schemas.refusals import Violation


class Cutover(StrEnum):
    """From when a new cycle governs the periods."""

    AT_VALID_FROM = "AT_VALID_FROM"
    AFTER_CURRENT_PERIOD = "AFTER_CURRENT_PERIOD"


class PeriodKind(StrEnum):
    """How a billing period compares with a full one of its cycle (PER-3)."""

    INITIAL = "INITIAL"
    REGULAR = "REGULAR"
    SHORT = "SHORT"
    LONG = "LONG"
    FINAL = "FINAL"


class Trigger(StrEnum):
    """What executed a bill cycle change."""

    IMMEDIATE = "IMMEDIATE"
    DUE = "DUE"
    PERFORMED = "PERFORMED"


class CancelReason(StrEnum):
    """Why a planned bill cycle change was dropped."""

    REQUESTED = "REQUESTED"
    SUPERSEDED = "SUPERSEDED"
    ACCOUNT_DEACTIVATED = "ACCOUNT_DEACTIVATED"


BillingDay = Annotated[int, doc("Day of the account's own cycle: of the week 1-7, or of the month 1-31")]
BillingMonth = Annotated[int, doc("Month of the account's own cycle, 1-12")]
BillingYear = Annotated[int, doc("Year that fixes the phase of the account's own cycle")]
PeriodNumber = Annotated[int, doc("Number of the billing period: 1, 2, 3 ... without gaps")]
Days = Annotated[int, doc("Length of the period in days")]
OfDays = Annotated[int, doc("Days of the full period of its cycle that contains its last day")]


class BillCycleSetting(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cycle of the catalog, with the account's own day, month and year."""

    code: BillCycleCode
    billing_day: BillingDay | None = None
    billing_month: BillingMonth | None = None
    billing_year: BillingYear | None = None


class BillingPeriod(Word, frozen=True, kw_only=True):
    """A span of local days, the end not included."""

    number: PeriodNumber
    start: Annotated[date, doc("First local day")]
    end: Annotated[date, doc("Local day after the last")]
    kind: Annotated[PeriodKind, doc("How it compares with a full period")]
    bill_cycle: BillCycleCode
    days: Days
    of_days: OfDays


class BillCycleHistoryPoint(Word, frozen=True, kw_only=True):
    """A cycle with its days."""

    code: BillCycleCode
    billing_day: BillingDay | None = None
    billing_month: BillingMonth | None = None
    billing_year: BillingYear | None = None
    valid_from: Annotated[date, doc("First local day")]
    valid_to: Annotated[date | None, doc("Local day after the last; null is still so")] = None
    change_id: Annotated[str | None, doc("The change that led to it; null for the account's first")] = None


class PlannedBillCycleChange(Word, frozen=True, kw_only=True):
    """A bill cycle change that waits for its moment."""

    change_id: ChangeId
    to: Annotated[BillCycleSetting, doc("The new cycle")]
    requested_at: Annotated[datetime, doc("When it was asked for")]
    valid_from: Annotated[datetime | None, doc("As the caller gave it")] = None
    cutover: Annotated[Cutover, doc("As the caller gave it")]
    cutover_date: Annotated[date, doc("Local day from which the new cycle governs")]
    due_at: Annotated[datetime, doc("First instant of that day")]


class EndedChange(Word, frozen=True, kw_only=True):
    """A plan that was there and is gone, so that a late clock is told from a forged one (BCX-2, BCX-11)."""

    change_id: ChangeId
    due_at: Annotated[datetime, doc("When it would have been due")]


# -- commands


class UpdateAccountBillCycle(Command, frozen=True, kw_only=True):
    """Change an account's bill cycle now or later (BCU-1 .. BCU-23)."""

    account: AccountRef
    bill_cycle: BillCycleCode
    billing_day: BillingDay | None = None
    billing_month: BillingMonth | None = None
    billing_year: BillingYear | None = None
    valid_from: Annotated[datetime | None, doc("From when; null is immediately, else its local day counts")] = None
    cutover: Annotated[Cutover, doc("At that day, or at the end of the period then running")] = Cutover.AT_VALID_FROM
    include_subordinates: Annotated[bool, doc("Also every live account below it")] = False
    expected_change_id: Annotated[
        str | None, doc("The planned change that the caller believes to be there; none for none")
    ] = None


class CancelAccountBillCycleChange(Command, frozen=True, kw_only=True):
    """Drop a planned bill cycle change (BCC-1 .. BCC-6)."""

    account: AccountRef
    expected_change_id: Annotated[
        str | None, doc("The planned change that the caller believes to be there; none for none")
    ] = None
    include_subordinates: Annotated[bool, doc("Also every live account below it")] = False


class PerformAccountBillCycleChange(Command, frozen=True, kw_only=True):
    """Execute a planned bill cycle change now (BCP-1 .. BCP-3)."""

    account: AccountRef
    expected_change_id: Annotated[
        str | None, doc("The planned change that the caller believes to be there; none for none")
    ] = None


class ExecutePlannedBillCycleChange(Command, frozen=True, kw_only=True):
    """From the clock: a planned bill cycle change is due (BCX-1 .. BCX-4)."""

    account_id: AccountId
    change_id: ChangeId


class StartBillingPeriod(Command, frozen=True, kw_only=True):
    """From the clock: the current period ends, the next starts (BCX-6)."""

    account_id: AccountId
    number: PeriodNumber


# -- events


class BillCycleChangePlanned(Event, frozen=True, kw_only=True):
    """A bill cycle change waits for its moment."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    change_id: ChangeId
    from_: Annotated[BillCycleSetting, doc("The cycle when it was planned")] = msgspec.field(name="from")
    to: Annotated[BillCycleSetting, doc("The new cycle")]
    requested_at: Annotated[datetime, doc("When it was asked for")]
    valid_from: Annotated[datetime | None, doc("As the caller gave it")] = None
    cutover: Annotated[Cutover, doc("As the caller gave it")]
    cutover_date: Annotated[date, doc("Local day from which the new cycle governs")]
    due_at: Annotated[datetime, doc("First instant of that day")]
    supersedes_change_id: Annotated[str | None, doc("The plan that this one replaces")] = None


class BillCycleChangeCancelled(Event, frozen=True, kw_only=True):
    """A planned bill cycle change was dropped."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    change_id: ChangeId
    reason: Annotated[CancelReason, doc("Why")]
    superseded_by: Annotated[str | None, doc("The change that replaces it")] = None
    planned_for: Annotated[date, doc("Local day for which it was planned")]


class BillCycleChangeFailed(Event, frozen=True, kw_only=True):
    """A planned bill cycle change was refused at its moment; the account stays on its cycle."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    change_id: ChangeId
    violations: Annotated[tuple[Violation, ...], doc("Every rule that it broke")]


class BillCycleChanged(Event, frozen=True, kw_only=True):
    """Another cycle governs an account's periods."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    change_id: ChangeId
    from_: Annotated[BillCycleSetting, doc("The cycle before")] = msgspec.field(name="from")
    to: Annotated[BillCycleSetting, doc("The cycle after")]
    trigger: Annotated[Trigger, doc("What executed it")]
    planned_for: Annotated[date | None, doc("Local day for which it was planned")] = None
    cutover_date: Annotated[date, doc("Local day from which the new cycle governs")]
    effective_at: Annotated[datetime, doc("When it was executed; for due work its due moment")]


class BillingPeriodEndChanged(Event, frozen=True, kw_only=True):
    """The running period ends on another day."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    number: PeriodNumber
    start: Annotated[date, doc("First local day")]
    old_end: Annotated[date, doc("End before")]
    new_end: Annotated[date, doc("End after")]
    old_kind: Annotated[PeriodKind, doc("Kind before")]
    new_kind: Annotated[PeriodKind, doc("Kind after")]
    days: Days
    of_days: OfDays


class ReplacedPeriod(Word, frozen=True, kw_only=True):
    """What stood in a replaced period's place."""

    start: Annotated[date, doc("First local day")]
    end: Annotated[date, doc("Local day after the last")]
    kind: Annotated[PeriodKind, doc("Its kind")]


class ReplacementPeriod(Word, frozen=True, kw_only=True):
    """What stands there now."""

    start: Annotated[date, doc("First local day")]
    end: Annotated[date, doc("Local day after the last")]
    kind: Annotated[PeriodKind, doc("Its kind")]
    days: Days
    of_days: OfDays
    bill_cycle: BillCycleCode


class BillingPeriodReplaced(Event, frozen=True, kw_only=True):
    """A period that began on this very day was replaced, or dropped (null)."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    number: PeriodNumber
    old: Annotated[ReplacedPeriod, doc("What was there")]
    new: Annotated[ReplacementPeriod | None, doc("What is there now; null: the period was dropped")] = None


class BillingPeriodStarted(Event, frozen=True, kw_only=True):
    """A billing period began."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    number: PeriodNumber
    start: Annotated[date, doc("First local day")]
    end: Annotated[date, doc("Local day after the last")]
    kind: Annotated[PeriodKind, doc("How it compares with a full period")]
    bill_cycle: BillCycleCode
    days: Days
    of_days: OfDays
    previous_end: Annotated[date | None, doc("End of the period before; null for the first")] = None


BillCycleCommand = UpdateAccountBillCycle | CancelAccountBillCycleChange | PerformAccountBillCycleChange
BillCycleClockCommand = ExecutePlannedBillCycleChange | StartBillingPeriod
BillCycleEvent = (
    BillCycleChangePlanned
    | BillCycleChangeCancelled
    | BillCycleChangeFailed
    | BillCycleChanged
    | BillingPeriodEndChanged
    | BillingPeriodReplaced
    | BillingPeriodStarted
)
