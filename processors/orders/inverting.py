"""The line that undoes a billed one: everything copied from it, what it does to its service turned round (CPO-5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from processors.context import Context
from processors.customer import CustomerView
from processors.orders.lines import as_given, new_line
from processors.orders.undone import found_by, left_by
from schemas.lineage import LineAction
from schemas.order_lines import BilledService, BilledState, Feature, FeatureAction, LineServiceAction, OrderLine

_LINE = LineServiceAction

_INVERSE = {
    _LINE.ADD: _LINE.DISCONNECT,
    _LINE.DISCONNECT: _LINE.ADD,
    _LINE.SUSPEND: _LINE.RESTORE,
    _LINE.RESTORE: _LINE.SUSPEND,
    _LINE.CHANGE: _LINE.CHANGE,
}

FIRST_REVISION = 1


def inverse(view: CustomerView, line: OrderLine, *, order_id: str, line_id: str, context: Context) -> OrderLine:
    """A new line of the order `order_id` that brings back what was before a billed line."""
    service_action = _INVERSE[line.service_action]
    left, found = left_by(line), found_by(line)
    before = None if found is None else found.before
    product = line.product_id if before is None else before.product
    given = msgspec.structs.replace(
        as_given(line, context),
        line_id=None,
        action=LineAction.NONE,
        service_action=service_action,
        product_id=product,
        features=tuple(_features(view, service_action, found, left)),
        service_id=None if left is None else left.service_id,
        subscription_id=None,
    )
    made = new_line(view, given, order_id=order_id, line_id=line_id, revision=FIRST_REVISION, context=context)
    restores = found.service_id if found is not None and service_action is _LINE.ADD else None
    return msgspec.structs.replace(made, restores_service_id=restores)


def _features(
    view: CustomerView, service_action: LineServiceAction, found: BilledService | None, left: BilledService | None
) -> Iterator[Feature]:
    """Components that come back: all of what was disconnected or swapped, the difference of what was amended."""
    before = None if found is None else found.before
    if before is None or service_action not in (_LINE.ADD, _LINE.CHANGE):
        return
    if left is None or left.after is None or left is not found:
        yield from _added(before.components)
        return
    yield from _removed(view, left, before)
    yield from _added((Counter(before.components) - Counter(left.after.components)).elements())


def _added(products: Iterable[str]) -> Iterator[Feature]:
    return (Feature(product_id=product) for product in products)


def _removed(view: CustomerView, left: BilledService, before: BilledState) -> Iterator[Feature]:
    """What came with the line, by the ids of the components that are there now."""
    going = Counter(() if left.after is None else left.after.components) - Counter(before.components)
    for member in view.components(left.service_id):
        if going[member.product] > 0:
            going[member.product] -= 1
            yield Feature(
                product_id=member.product, service_id=member.service_id, service_action=FeatureAction.DISCONNECT
            )
