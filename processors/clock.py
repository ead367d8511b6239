"""The clock's commands: how a genuine one is told from one that is early, forged or unmatched (BCX-11)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from processors.periods import start_of_day
from processors.schedule import changes
from processors.view.customer import CustomerView
from processors.view.rows.accounts import clock_id
from schemas.accounts import ExecutePlannedStateChange
from schemas.bill_cycles import ExecutePlannedBillCycleChange, StartBillingPeriod
from schemas.envelope import CommandRecord
from schemas.rows import Due
from schemas.schedule import ExecuteScheduledAction
from schemas.words import COMMANDS

SOURCE = "clock"
UNMATCHED = "CLOCK_RECORD_UNMATCHED"
"""Why a clock record that is early, forged or matches nothing becomes a dead letter."""


def nudge(customer_id: str, due: Due) -> CommandRecord:
    """The clock command that asks for one piece of due work, with its derived id (BCX-10)."""
    return CommandRecord(
        command_id=due.command_id,
        customer_id=customer_id,
        source=SOURCE,
        performed_by=SOURCE,
        body=msgspec.convert(due.body, COMMANDS[due.command_type]),
    )


def was_planned(customer: CustomerView, record: CommandRecord, at: datetime) -> bool:
    """Whether a record of the clock asks for work that was there and is gone.

    A plan that ended, or a period that a cut-over started.
    """
    body, kind = record.body, type(record.body).__name__
    match body:
        case ExecutePlannedStateChange() | ExecutePlannedBillCycleChange():
            account = customer.account(body.account_id)
            ended = account.ended_changes if account else ()
            due = [change.due_at for change in ended if change.change_id == body.change_id]
            return record.command_id in {clock_id(customer.customer_id, kind, body.change_id, at) for at in due}
        case StartBillingPeriod():
            account, known = customer.account(body.account_id), customer.customer()
            if account is None or known is None or (period := account.current_period) is None:
                return False
            began = start_of_day(period.start, ZoneInfo(known.time_zone))
            subject = f"{body.account_id}/{body.number}"
            return period.number == body.number and record.command_id == clock_id(
                customer.customer_id, kind, subject, began
            )
        case ExecuteScheduledAction():
            return changes.was_planned(customer, body, record.command_id, at)
        case _:
            return False
