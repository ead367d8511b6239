"""The index rows that follow from an entity: found by external id, by parent, by due moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from processors.context import derive
from processors.periods import start_of_day
from schemas.accounts import Account, AccountState
from schemas.fields import Entity
from schemas.rows import Due, due_key, key, prefix

IndexRows = dict[bytes, bytes | None]

STATE_CHANGE, BILL_CYCLE_CHANGE, PERIOD_START = range(3)
"""What is due for one customer at one instant is decided in this order (BCX-7)."""

_encode = msgspec.msgpack.Encoder().encode


def changes(customer_id: str, before: Entity | None, after: Entity, zone: Callable[[], ZoneInfo]) -> IndexRows:
    """Index rows to write (or, as None, to delete) because an entity changed."""
    if isinstance(after, Account):
        assert before is None or isinstance(before, Account)
        return _account(customer_id, before, after, zone)
    return {}


def _account(customer_id: str, before: Account | None, after: Account, zone: Callable[[], ZoneInfo]) -> IndexRows:
    rows: IndexRows = {}
    old_external = before.external_id if before else None
    if old_external != after.external_id:
        if old_external is not None:
            rows[key(customer_id, "external_id", old_external)] = None
        if after.external_id is not None:
            rows[key(customer_id, "external_id", after.external_id)] = after.account_id.encode()
    old_parent = before.parent_account_id if before else None
    if old_parent != after.parent_account_id:
        if old_parent is not None:
            rows[prefix(customer_id, "child", old_parent) + after.account_id.encode()] = None
        if after.parent_account_id is not None:
            rows[prefix(customer_id, "child", after.parent_account_id) + after.account_id.encode()] = b""
    if before is None or _waits(before) != _waits(after):
        gone = {} if before is None else due_entries(customer_id, before, zone())
        come = due_entries(customer_id, after, zone())
        # What stays is not written again: an entry that was parked must not come back by itself.
        rows |= dict.fromkeys(gone.keys() - come.keys())
        rows |= {found: entry for found, entry in come.items() if gone.get(found) != entry}
    return rows


def _waits(account: Account) -> tuple[object, ...]:
    """All that its due entries depend on."""
    return account.planned_state_change, account.planned_bill_cycle_change, account.current_period, _runs(account)


def _runs(account: Account) -> bool:
    return account.state in (AccountState.ACTIVE, AccountState.SUSPENDED)


def due_entries(customer_id: str, account: Account, zone: ZoneInfo) -> dict[bytes, bytes]:
    """One entry per planned state change, per planned bill cycle change and per running period (INV-BC-8)."""
    rows: dict[bytes, bytes] = {}

    def add(rank: int, due_at: datetime, command_type: str, subject: object, **body: str | int) -> None:
        entry = Due(
            command_type=command_type,
            body={"account_id": account.account_id, **body},
            command_id=clock_id(customer_id, command_type, subject, due_at),
            due_at=due_at,
        )
        rows[due_key(customer_id, due_at, rank, account.account_id)] = _encode(entry)

    if (state := account.planned_state_change) is not None:
        add(STATE_CHANGE, state.due_at, "ExecutePlannedStateChange", state.change_id, change_id=state.change_id)
    if (cycle := account.planned_bill_cycle_change) is not None:
        add(
            BILL_CYCLE_CHANGE, cycle.due_at, "ExecutePlannedBillCycleChange", cycle.change_id, change_id=cycle.change_id
        )
    if (period := account.current_period) is not None and _runs(account):
        number = period.number + 1
        subject = f"{account.account_id}/{number}"
        add(PERIOD_START, start_of_day(period.end, zone), "StartBillingPeriod", subject, number=number)
    return rows


def clock_id(customer_id: str, command_type: str, subject: object, due_at: datetime) -> str:
    """The id of a clock command: derived from kind, entity and due moment, so that two clocks ask the same (BCX-10)."""
    return derive(customer_id, command_type, subject, due_at.isoformat())
