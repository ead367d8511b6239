"""The groups of a split order: where a line belongs, and what becomes of a group when lines come, leave or end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from processors.context import Context
from processors.orders.lines import resolved
from processors.view.customer import CustomerView
from schemas.order_events import GroupChange, OrderContentChanged
from schemas.order_lines import OrderLine
from schemas.order_rosters import GroupTally
from schemas.orders import Dimension, Group, GroupState, Order, Split
from schemas.references import AccountRef

GroupKey = dict[str, str | None]

_FIELDS = {
    Dimension.SERVICE_ACTION: "service_action",
    Dimension.SERVICE_CATALOG: "service_catalog",
    Dimension.SERVICE_ITEM: "service_item",
}

ATTRIBUTES = (
    "service_account",
    "billing_account",
    "billing_profile",
    "billing_system",
    "billing_type",
    "product_type",
)
"""What a line may be split by beside its dimensions, and `attributes.<name>` (SPL-10)."""

FREE = "attributes."

_BY_ACCOUNT = ("service_account", "billing_account")


class Homes:
    """Where lines of a split order belong while a command brings or changes them (SPL-5, SPL-6)."""

    def __init__(self, view: CustomerView, order: Order, split: Split, context: Context) -> None:
        self._view, self._split, self._context = view, split, context
        self._by_key: dict[frozenset[tuple[str, str | None]], str] = {}
        for group in order.groups:
            if group.state is GroupState.OPEN:
                key = resolved_key(view, group.key, split)
                self._by_key[frozenset(key.items())] = group.group_id
        self.new: list[Group] = []
        """Groups that did not exist before the command."""

    def of(self, line: OrderLine) -> str:
        """The open group with the line's key, else a new one; a finished group never takes a line in."""
        key = key_of(self._view, line, self._split)
        known = None if self._split.explicit else self._by_key.get(frozenset(key.items()))
        if known is not None:
            return known
        group_id = self._context.derived_id("group", len(self.new))
        self.new.append(Group(group_id=group_id, key=key, state=GroupState.OPEN))
        self._by_key[frozenset(key.items())] = group_id
        return group_id


def key_of(view: CustomerView, line: OrderLine, split: Split) -> GroupKey:
    """The values by which a line is grouped; null where it has none. Groups that were given have no key (SPL-1)."""
    key: GroupKey = {}
    for dimension in split.dimensions or ():
        if dimension is Dimension.ATTRIBUTE:
            assert split.attribute is not None, "the dimension ATTRIBUTE names one"
            key[split.attribute] = _attribute(view, line, split.attribute)
        else:
            key[dimension.value] = str(getattr(line, _FIELDS[dimension]))
    return key


def _attribute(view: CustomerView, line: OrderLine, attribute: str) -> str | None:
    if attribute.startswith(FREE):
        return line.attributes.get(attribute.removeprefix(FREE))
    value: AccountRef | str | None = getattr(line, attribute)
    if not isinstance(value, AccountRef):
        return value
    account = resolved(view, value)
    return account.account_id or account.external_id


def resolved_key(view: CustomerView, key: GroupKey, split: Split) -> GroupKey:
    """A group's key as it would be today: an account that it names by the CRM's id may have been created since."""
    name = split.attribute
    if name not in _BY_ACCOUNT or key.get(name) is None:
        return key
    account = resolved(view, AccountRef(external_id=key[name]))
    return key if account.account_id is None else {**key, name: account.account_id}


def group_state(tally: GroupTally) -> GroupState:
    """What became of a group, by the lines that have its id."""
    if tally.live:
        return GroupState.OPEN
    if tally.billed:
        return GroupState.BILLED
    return GroupState.CANCELLED if tally.cancelled else GroupState.DISSOLVED


def content_changed(
    draft: CustomerView,
    order_id: str,
    touched: Iterable[str | None],
    *,
    new: Sequence[Group] = (),
    added: Sequence[str] = (),
) -> list[OrderContentChanged]:
    """Record and answer which lines came to an order, and which groups came or are in another state; at most one event.

    `touched`: groups whose lines a command moved, ended or billed (None is passed over); `new`: groups that it made.
    """
    order = draft.order(order_id)
    assert order is not None, "a command on an order leaves it there"
    wanted = set(touched)
    changed = [
        GroupChange(group_id=group.group_id, key=group.key, state=state, old_state=group.state)
        for group in order.groups
        if group.group_id in wanted and (state := group_state(draft.group_tally(group.group_id))) is not group.state
    ]
    changed += [GroupChange(group_id=group.group_id, key=group.key, state=group.state) for group in new]
    if not changed and not added:
        return []
    event = OrderContentChanged(order_id=order_id, line_ids_added=tuple(added), groups_changed=tuple(changed))
    draft.record(event)
    return [event]
