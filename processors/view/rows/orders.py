"""Rows that follow from orders and their lines: what is in flight, whose a group is, how many lines are in which state.

Totals are kept as lines change, so a command on one line of 500 reads that line and two small rows.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from processors.orders.lines import LIVE
from processors.view.orders import GROUP_ORDER, GROUP_TALLY, IN_FLIGHT, ORDER_TALLY
from processors.view.rows.indexes import Index, IndexRows, Reading
from schemas.order_lines import LineProvisioning, LineState, OrderLine
from schemas.order_rosters import GroupTally, OrderTally
from schemas.orders import CLOSED, Order

Counted = TypeVar("Counted", OrderTally, GroupTally)

_BEGUN = (LineProvisioning.CONFIRMED, LineProvisioning.FAILED)

_encode = msgspec.msgpack.Encoder().encode
_decoders = {word: msgspec.msgpack.Decoder(word) for word in (OrderTally, GroupTally)}


def _order(before: Order | None, after: Order, _: Reading) -> IndexRows:
    rows: IndexRows = {}
    in_flight = after.state not in CLOSED
    if in_flight != (before is not None and before.state not in CLOSED):
        rows[(IN_FLIGHT,), after.order_id.encode()] = b"" if in_flight else None
    known = 0 if before is None else len(before.groups)
    for group in after.groups[known:]:
        rows[(GROUP_ORDER,), group.group_id.encode()] = after.order_id.encode()
    return rows


def _line(before: OrderLine | None, after: OrderLine, view: Reading) -> IndexRows:
    rows: IndexRows = {}
    old = None if before is None else before.state
    began = _has_begun(after)
    if old is not after.state or began != (before is not None and _has_begun(before)):
        row = (ORDER_TALLY,), after.order_id.encode()
        tally = _decoded(OrderTally, view.index(*row))
        if old is not after.state or began != tally.began:
            moved = _moved(tally, old, after.state)
            rows[row] = _encode(msgspec.structs.replace(moved, began=tally.began or began))
    old_group = None if before is None else before.group_id
    if old is after.state and old_group == after.group_id:
        return rows
    if old_group is not None:
        row = (GROUP_TALLY,), old_group.encode()
        rows[row] = _encode(_moved(_decoded(GroupTally, view.index(*row)), old, None))
    if after.group_id is not None:
        row = (GROUP_TALLY,), after.group_id.encode()
        raw = rows[row] if row in rows else view.index(*row)
        rows[row] = _encode(_moved(_decoded(GroupTally, raw), None, after.state))
    return rows


def _has_begun(line: OrderLine) -> bool:
    return line.group_id is not None or line.provisioning in _BEGUN or line.synchronized_revision is not None


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


INDEXES = (
    Index(IN_FLIGHT, GROUP_ORDER, of_entities={Order: _order}),
    Index(ORDER_TALLY, GROUP_TALLY, of_entities={OrderLine: _line}),
)
