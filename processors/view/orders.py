"""What of a customer's rows concerns orders: found by id, or listed in the order that the rules state."""

from __future__ import annotations

import msgspec

from processors.view.subscriptions import Holdings
from schemas.order_lines import OrderLine
from schemas.order_rosters import GroupTally, OrderTally
from schemas.orders import Group, Order

ORDER_TALLY, GROUP_TALLY, GROUP_ORDER, IN_FLIGHT = "order_tally", "group_tally", "order_of_group", "order_in_flight"
"""Kinds of the rows that processors/view/rows/orders.py writes."""

_order_tally = msgspec.msgpack.Decoder(OrderTally).decode
_group_tally = msgspec.msgpack.Decoder(GroupTally).decode


class Ordered(Holdings):
    """The part of a customer's view that knows orders. Reads rows as the view shows them, keeps nothing."""

    def order(self, order_id: str) -> Order | None:
        """An order by its id, whatever became of it."""
        return self._of(Order, order_id)

    def orders_in_flight(self) -> tuple[str, ...]:
        """Ids of the orders that are neither completed nor cancelled."""
        return tuple(self._ids_in(IN_FLIGHT))

    def line(self, line_id: str) -> OrderLine | None:
        """An order line by its id, whatever became of it."""
        return self._of(OrderLine, line_id)

    def lines(self, order_id: str) -> tuple[OrderLine, ...]:
        """The lines of an order in their order, cancelled ones included."""
        return tuple(self._there(OrderLine, line_id) for line_id in self._there(Order, order_id).line_ids)

    def group(self, group_id: str) -> tuple[Order, Group] | None:
        """A group by its id, with its order, whatever became of it."""
        order_id = self.index((GROUP_ORDER,), group_id.encode())
        if order_id is None:
            return None
        order = self._there(Order, order_id.decode())
        return order, next(group for group in order.groups if group.group_id == group_id)

    def order_tally(self, order_id: str) -> OrderTally:
        """How many lines of an order are in which state."""
        raw = self.index((ORDER_TALLY,), order_id.encode())
        return OrderTally() if raw is None else _order_tally(raw)

    def group_tally(self, group_id: str) -> GroupTally:
        """How many lines with a group's id are in which state."""
        raw = self.index((GROUP_TALLY,), group_id.encode())
        return GroupTally() if raw is None else _group_tally(raw)
