"""What an account is found by: its external id, its parent, the moments at which something of it is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from processors.context import derive
from processors.periods import start_of_day
from processors.view.rows.indexes import Index, IndexRows, Reading
from schemas.accounts import Account, AccountState
from schemas.rows import DUE, Due, due_member

EXTERNAL_ID, CHILD = "external_id", "child"

STATE_CHANGE, BILL_CYCLE_CHANGE, PERIOD_START, SCHEDULED_ACTION = range(4)
"""What is due for one customer at one instant is decided in this order (BCX-7)."""

_encode = msgspec.msgpack.Encoder().encode


def _account(before: Account | None, after: Account, _: Reading) -> IndexRows:
    rows: IndexRows = {}
    mine = after.account_id.encode()
    external_id, parent = (before.external_id, before.parent_account_id) if before else (None, None)
    if external_id is not None and external_id != after.external_id:
        rows[(EXTERNAL_ID,), external_id.encode()] = None
    if after.external_id is not None and external_id != after.external_id:
        rows[(EXTERNAL_ID,), after.external_id.encode()] = mine
    if parent is not None and parent != after.parent_account_id:
        rows[(CHILD, parent), mine] = None
    if after.parent_account_id is not None and parent != after.parent_account_id:
        rows[(CHILD, after.parent_account_id), mine] = b""
    return rows


def _due(before: Account | None, after: Account, view: Reading) -> IndexRows:
    rows: IndexRows = {}
    for waits in (_state_change, _bill_cycle_change, _period_start):
        gone, come = waits(before), waits(after)
        # What stays is not written again: an entry that was parked must not come back by itself.
        if gone != come:
            if gone is not None:
                rows[(DUE,), gone.member(after.account_id, view.zone)] = None
            if come is not None:
                rows[(DUE,), come.member(after.account_id, view.zone)] = come.row(view, after.account_id)
    return rows


INDEXES = (
    Index(EXTERNAL_ID, CHILD, of_entities={Account: _account}),
    Index(DUE, of_entities={Account: _due}),
)


class Waiting(NamedTuple):
    """Something of an account that waits: all that its entry in the due index depends on."""

    rank: int
    command_type: str
    subject: str | int
    """The change's id or the period's number."""
    due: datetime | date
    """A moment, or the local day at whose first instant it is due."""

    def due_at(self, zone: Callable[[], ZoneInfo]) -> datetime:
        """Its moment."""
        return self.due if isinstance(self.due, datetime) else start_of_day(self.due, zone())

    def member(self, account_id: str, zone: Callable[[], ZoneInfo]) -> bytes:
        """The place of its entry."""
        return due_member(self.due_at(zone), self.rank, account_id)

    def row(self, view: Reading, account_id: str) -> bytes:
        """Its entry: the clock command that it leads to."""
        due_at = self.due_at(view.zone)
        named: dict[str, str | int] = (
            {"number": self.subject} if self.rank == PERIOD_START else {"change_id": self.subject}
        )
        subject = f"{account_id}/{self.subject}" if self.rank == PERIOD_START else self.subject
        return _encode(
            Due(
                command_type=self.command_type,
                body={"account_id": account_id, **named},
                command_id=clock_id(view.customer_id, self.command_type, subject, due_at),
                due_at=due_at,
            )
        )


def _state_change(account: Account | None) -> Waiting | None:
    if account is None or (plan := account.planned_state_change) is None:
        return None
    return Waiting(STATE_CHANGE, "ExecutePlannedStateChange", plan.change_id, plan.due_at)


def _bill_cycle_change(account: Account | None) -> Waiting | None:
    if account is None or (plan := account.planned_bill_cycle_change) is None:
        return None
    return Waiting(BILL_CYCLE_CHANGE, "ExecutePlannedBillCycleChange", plan.change_id, plan.due_at)


def _period_start(account: Account | None) -> Waiting | None:
    """The end of the running period, of an account that gets another one after it."""
    if account is None or (period := account.current_period) is None:
        return None
    if account.state not in (AccountState.ACTIVE, AccountState.SUSPENDED):
        return None
    return Waiting(PERIOD_START, "StartBillingPeriod", period.number + 1, period.end)


def clock_id(customer_id: str, command_type: str, subject: object, due_at: datetime) -> str:
    """The id of a clock command: derived from kind, entity and due moment, so that two clocks ask the same (BCX-10)."""
    return derive(customer_id, command_type, subject, due_at.isoformat())
