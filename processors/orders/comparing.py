"""A revision against the lines as they are now: which are the same, which differ, which came and which are gone."""

from __future__ import annotations

import msgspec

from processors.context import Context
from processors.orders.line_rules import Judged
from processors.orders.lines import Altered, altered, new_line, said_again
from processors.view.customer import CustomerView
from schemas.lineage import LineAction
from schemas.order_lines import Line, LineState, OrderLine
from schemas.orders import Order, ReviseOrder

_SYNCED_ACTIONS = (LineAction.ADD, LineAction.UPDATE, LineAction.MOVE_ADD)


class Difference:
    """What a revision says, compared with the lines as they are now."""

    def __init__(self, customer: CustomerView, order: Order, command: ReviseOrder, context: Context) -> None:
        self.customer, self.order, self.command, self.context = customer, order, command, context
        self.lines = customer.lines(order.order_id)
        self.strict = context.catalog.switches.strict_vendor_behaviour
        self.replaces = command.replace_changed_products and not self.strict
        self.judged: list[Judged] = []
        """Lines that would be new or different, for the rules that hold for every line."""
        self.doubled: list[tuple[str, str]] = []
        """Paths and ids of lines that stand in the command before."""
        self.foreign: list[tuple[str, str]] = []
        """Paths and ids of lines of other orders."""
        self.ended: list[tuple[str, OrderLine]] = []
        """Paths and lines that are cancelled, and do not return."""
        self.broken: dict[str, tuple[str, ...]] = {}
        """Fields in which a locked line differs; none: it is missing, or none may be there at all."""
        self.products: list[tuple[str, Altered]] = []
        """Paths and lines whose product would be another one, where that is no other line (RVN-3)."""
        self.changed: dict[str, Altered] = {}
        self.replaced: dict[str, OrderLine] = {}
        """New lines by the line whose place they take."""
        self.added: list[OrderLine] = []
        self.gone: set[str] = set()
        self.named: set[str] = set()
        own = {line.line_id: line for line in self.lines}
        for number, given in enumerate(command.lines):
            self._compare(f"lines.{number}", number, given, own)
        for line in self.lines:
            if line.line_id not in self.named and line.state is not LineState.CANCELLED:
                self._miss(line)

    def _compare(self, path: str, number: int, given: Line, own: dict[str, OrderLine]) -> None:
        line_id = given.line_id
        if line_id is not None:
            if line_id in self.named:
                self.doubled.append((f"{path}.line_id", line_id))
                return
            self.named.add(line_id)
        line = None if line_id is None else own.get(line_id)
        if line is None:
            if line_id is not None and self.customer.line(line_id) is not None:
                self.foreign.append((f"{path}.line_id", line_id))
            else:
                self._add(path, given, line_id or self.context.derived_id("line", number))
        elif line.state is LineState.CANCELLED:
            self.ended.append((f"{path}.line_id", line))
        else:
            self._again(path, line, given)

    def _again(self, path: str, line: OrderLine, given: Line) -> None:
        """A line that is there: the same, or different."""
        change = altered(self.customer, line, said_again(line, given), self.command.revision, self.context)
        if "product_id" in change.fields and not self.replaces:
            self.products.append((path, change))
        if line.locked is None and given.action is LineAction.NONE and line.action in _SYNCED_ACTIONS:
            self.gone.add(line.line_id)
            return
        if change.fields:
            self.judged.append((path, change.after))
        if line.locked is not None:
            if change.fields or self.strict:
                self.broken[line.line_id] = change.fields
        elif "product_id" not in change.fields:
            if change.fields:
                self.changed[line.line_id] = change
        elif self.replaces:
            self._replace(change, given)

    def _replace(self, change: Altered, given: Line) -> None:
        """Another product is another line, in the place of the old one (RVN-12)."""
        line = change.before
        asked = msgspec.structs.replace(given, action=line.action if given.action is None else given.action)
        after = self._new(asked, self.context.derived_id("line", "replacing", line.line_id))
        self.replaced[line.line_id] = msgspec.structs.replace(after, replaces_line_id=line.line_id)
        self.gone.add(line.line_id)
        self.added.append(self.replaced[line.line_id])

    def _add(self, path: str, given: Line, line_id: str) -> None:
        line = self._new(given, line_id)
        self.added.append(line)
        self.judged.append((path, line))

    def _new(self, given: Line, line_id: str) -> OrderLine:
        return new_line(
            self.customer,
            given,
            order_id=self.order.order_id,
            line_id=line_id,
            revision=self.command.revision,
            context=self.context,
        )

    def _miss(self, line: OrderLine) -> None:
        if line.locked is None:
            self.gone.add(line.line_id)
        else:
            self.broken[line.line_id] = ()

    def leaves_nothing(self) -> bool:
        """Whether no line, live or billed, would be left (ORD-24)."""
        if self.added or not self.gone:
            return False
        return all(line.state is LineState.CANCELLED or line.line_id in self.gone for line in self.lines)
