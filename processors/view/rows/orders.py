"""Rows that follow from orders and their lines: what is in flight, whose a group is, how many lines are in which state.

Totals are kept as lines change, so a command on one line of 500 reads that line and two small rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from processors.orders.lines import LIVE
from processors.view.orders import GROUP_ORDER, GROUP_TALLY, IN_FLIGHT, ORDER_TALLY
from processors.view.rows.accounts import IndexRows, Reading
from schemas.fields import Entity
from schemas.order_lines import LineProvisioning, LineState, OrderLine
from schemas.order_rosters import GroupTally, OrderTally
from schemas.orders import CLOSED, Order
from schemas.rows import key

Counted = TypeVar("Counted", OrderTally, GroupTally)

_BEGUN = (LineProvisioning.CONFIRMED, LineProvisioning.FAILED)

_encode = msgspec.msgpack.Encoder().encode
_decoders = {word: msgspec.msgpack.Decoder(word) for word in (OrderTally, GroupTally)}


CONCERNED: tuple[type[Entity], ...] = (OrderLine, Order)
"""Entities that `changes` says something of."""


def changes(customer_id: str, before: Entity | None, after: Entity, view: Reading) -> IndexRows:
    """Rows to write (or, as None, to delete) because an order or a line changed."""
    if isinstance(after, OrderLine):
        assert before is None or isinstance(before, OrderLine)
        return _line(customer_id, before, after, view.index)
    if isinstance(after, Order):
        assert before is None or isinstance(before, Order)
        return _order(customer_id, before, after)
    return {}


def _order(customer_id: str, before: Order | None, after: Order) -> IndexRows:
    rows: IndexRows = {}
    in_flight = after.state not in CLOSED
    if in_flight != (before is not None and before.state not in CLOSED):
        rows[key(customer_id, IN_FLIGHT, after.order_id)] = b"" if in_flight else None
    known = 0 if before is None else len(before.groups)
    for group in after.groups[known:]:
        rows[key(customer_id, GROUP_ORDER, group.group_id)] = after.order_id.encode()
    return rows


def _line(
    customer_id: str, before: OrderLine | None, after: OrderLine, read: Callable[[bytes], bytes | None]
) -> IndexRows:
    rows: IndexRows = {}
    old = None if before is None else before.state
    began = _has_begun(after)
    if old is not after.state or began != (before is not None and _has_begun(before)):
        row = key(customer_id, ORDER_TALLY, after.order_id)
        tally = _moved(_read(OrderTally, row, read), old, after.state)
        rows[row] = _encode(msgspec.structs.replace(tally, began=tally.began or began))
    old_group = None if before is None else before.group_id
    if old is after.state and old_group == after.group_id:
        return rows
    if old_group is not None:
        row = key(customer_id, GROUP_TALLY, old_group)
        rows[row] = _encode(_moved(_read(GroupTally, row, read), old, None))
    if after.group_id is not None:
        row = key(customer_id, GROUP_TALLY, after.group_id)
        raw = rows[row] if row in rows else read(row)
        rows[row] = _encode(_moved(_decoded(GroupTally, raw), None, after.state))
    return rows


def _has_begun(line: OrderLine) -> bool:
    return line.group_id is not None or line.provisioning in _BEGUN or line.synchronized_revision is not None


def _read(word: type[Counted], row: bytes, read: Callable[[bytes], bytes | None]) -> Counted:
    return _decoded(word, read(row))


def _decoded(word: type[Counted], raw: bytes | None) -> Counted:
    found = word() if raw is None else _decoders[word].decode(raw)
    assert isinstance(found, word)
    return found


def _moved(tally: Counted, old: LineState | None, new: LineState | None) -> Counted:
    """The counts with a line in another state; None is not counted here."""
    return msgspec.structs.replace(
        tally,
        live=tally.live + (new in LIVE) - (old in LIVE),
        billed=tally.billed + (new is LineState.BILLED) - (old is LineState.BILLED),
        cancelled=tally.cancelled + (new is LineState.CANCELLED) - (old is LineState.CANCELLED),
    )
