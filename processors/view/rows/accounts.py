"""The index rows that follow from an entity: found by external id, by parent, by due moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec

from processors.context import derive
from processors.periods import start_of_day
from schemas.accounts import Account, AccountState
from schemas.fields import Entity
from schemas.rows import Due, due_key, key, within

IndexRows = dict[bytes, bytes | None]

STATE_CHANGE, BILL_CYCLE_CHANGE, PERIOD_START, SCHEDULED_ACTION = range(4)
"""What is due for one customer at one instant is decided in this order (BCX-7)."""

_encode = msgspec.msgpack.Encoder().encode


class Reading(Protocol):
    """The customer as rows that follow from a change need it."""

    def index(self, index_key: bytes, /) -> bytes | None:
        """The value of one row, as it is now."""

    def zone(self) -> ZoneInfo:
        """The customer's time zone."""


CONCERNED: tuple[type[Entity], ...] = (Account,)
"""Entities that `changes` says something of."""


def changes(customer_id: str, before: Entity | None, after: Entity, view: Reading) -> IndexRows:
    """Index rows to write (or, as None, to delete) because an entity changed."""
    assert isinstance(after, Account)
    assert before is None or isinstance(before, Account)
    return _account(customer_id, before, after, view.zone)


def _account(customer_id: str, before: Account | None, after: Account, zone: Callable[[], ZoneInfo]) -> IndexRows:
    rows: IndexRows = {}
    member = after.account_id.encode()
    old_external, old_parent = (before.external_id, before.parent_account_id) if before else (None, None)
    if old_external != after.external_id:
        rows |= _moved(old_external, after.external_id, partial(key, customer_id, "external_id"), member)
    if old_parent != after.parent_account_id:
        rows |= _moved(
            old_parent, after.parent_account_id, lambda parent: within(customer_id, "child", parent) + member, b""
        )
    for waits in (_state_change, _bill_cycle_change, _period_start):
        gone, come = waits(before), waits(after)
        # What stays is not written again: an entry that was parked must not come back by itself.
        if gone != come:
            if gone is not None:
                rows[gone.key(customer_id, after.account_id, zone)] = None
            if come is not None:
                rows[come.key(customer_id, after.account_id, zone)] = come.row(customer_id, after.account_id, zone)
    return rows


def _moved(was: str | None, now: str | None, found: Callable[[str], bytes], value: bytes) -> IndexRows:
    """An entry that leaves one place of an index for another."""
    rows: IndexRows = {} if was is None else {found(was): None}
    if now is not None:
        rows[found(now)] = value
    return rows


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

    def key(self, customer_id: str, account_id: str, zone: Callable[[], ZoneInfo]) -> bytes:
        """Key of its entry."""
        return due_key(customer_id, self.due_at(zone), self.rank, account_id)

    def row(self, customer_id: str, account_id: str, zone: Callable[[], ZoneInfo]) -> bytes:
        """Its entry: the clock command that it leads to."""
        due_at = self.due_at(zone)
        named: dict[str, str | int] = (
            {"number": self.subject} if self.rank == PERIOD_START else {"change_id": self.subject}
        )
        subject = f"{account_id}/{self.subject}" if self.rank == PERIOD_START else self.subject
        return _encode(
            Due(
                command_type=self.command_type,
                body={"account_id": account_id, **named},
                command_id=clock_id(customer_id, self.command_type, subject, due_at),
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
