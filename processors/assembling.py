"""What belongs to an entity, as people look at it: a subscription with its services, an order with its lines.

Each of these is a row of its own; no stored row holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from processors.synchronization.looking import seen
from processors.view.customer import CustomerView
from schemas.fields import Word, doc
from schemas.lineage import OrderId
from schemas.order_lines import OrderLine
from schemas.orders import Group, Order
from schemas.provisioning import Distributor
from schemas.subscriptions import Subscription, SubscriptionService
from schemas.words import ENTITIES

GROUP = "group"

KINDS = (*ENTITIES, GROUP)
"""What people may look at by its id."""


class OrderGroup(Group, frozen=True, kw_only=True):
    """A group of an order with what its lines have: the defaults of its update (SPL-2)."""

    order_id: OrderId
    line_ids: Annotated[tuple[str, ...], doc("Its lines in their order, cancelled ones included")] = ()
    service_actions: Annotated[tuple[str, ...], doc("Service actions of its lines")] = ()
    service_catalogs: Annotated[tuple[str, ...], doc("Service catalogs of its lines")] = ()
    service_items: Annotated[tuple[str, ...], doc("Service items of its lines")] = ()


def looked_at(customer: CustomerView, kind: str, entity_id: str) -> Word | None:
    """What there is for people under this kind and id: what was removed or has ended is not there any more."""
    if kind == GROUP:
        found = customer.group(entity_id)
        if found is None:
            return None
        order, group = found
        return _group(order, group, [line for line in customer.lines(order.order_id) if line.group_id == entity_id])
    entity = customer.entity(kind, entity_id)
    return None if isinstance(entity, Distributor) and entity.removed else seen(customer, entity)


def parts(customer: CustomerView, entity: Word) -> dict[str, tuple[Word, ...]]:
    """What belongs to an entity, by the name of the list that shows it."""
    match entity:
        case Subscription():
            actions = customer.actions(entity.subscription_id)
            return {
                "services": customer.services(entity.subscription_id),
                "distributors": customer.distributors(entity.subscription_id),
                "items": customer.items(entity.subscription_id),
                "actions": actions,
                "scheduled_actions": actions,
            }
        case SubscriptionService():
            members = customer.components(entity.service_id)
            found = (customer.service(member.service_id) for member in members)
            return {"components": tuple(service for service in found if service is not None)}
        case Distributor():
            return {
                "services": customer.distributed_services(entity.distributor_id),
                "items": customer.distributed_items(entity.distributor_id),
            }
        case Order():
            lines = customer.lines(entity.order_id)
            held: dict[str | None, list[OrderLine]] = {}
            for line in lines:
                held.setdefault(line.group_id, []).append(line)
            groups = (_group(entity, group, held.get(group.group_id, ())) for group in entity.groups)
            return {"lines": lines, "groups": tuple(groups)}
        case _:
            return {}


def _group(order: Order, group: Group, own: Sequence[OrderLine]) -> OrderGroup:
    return OrderGroup(
        group_id=group.group_id,
        order_id=order.order_id,
        key=group.key,
        state=group.state,
        line_ids=tuple(line.line_id for line in own),
        service_actions=_each(line.service_action for line in own),
        service_catalogs=_each(line.service_catalog for line in own),
        service_items=_each(line.service_item for line in own),
    )


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
