"""What a regretted swap brings back: a new service of the old product, as it was at the swap (RMV-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.subscriptions.adding import composition_violations, service_product
from schemas.catalog import Composition
from schemas.refusals import Violation
from schemas.subscriptions import NewComponent, NewService, ServiceCause, SubscriptionService

if TYPE_CHECKING:
    from processors.subscriptions.making import Making


def replaced(making: Making, service: SubscriptionService) -> SubscriptionService | None:
    """The service whose place another one took by a swap; None if it took nobody's."""
    if service.swapped_from_service_id is None:
        return None
    return making.view.service(service.swapped_from_service_id)


def restored_violations(making: Making, service: SubscriptionService) -> list[Violation]:
    """The components of then against the rows of now; nothing else is judged of what only comes back."""
    old = replaced(making, service)
    product = None if old is None else making.context.catalog.product(old.product)
    if old is None or product is None or product.composition is not Composition.FLEXIBLE_BUNDLE:
        return []
    return composition_violations(making, product, _components(old), None)


def restore(making: Making, service: SubscriptionService, place: int) -> None:
    """Add what was replaced again, in the state of what is regretted; nothing is charged or paid back."""
    old = replaced(making, service)
    if old is None:
        return
    asked = NewService(product=old.product, order_id=service.order_id, line_id=service.line_id)
    bundle_id = making.add(
        asked,
        making.context.catalog.product(old.product) or old,
        service.state,
        ("restored", place),
        restores=old.service_id,
        charged=False,
    )
    for number, component in enumerate(_components(old)):
        product = service_product(component.product, making.context)
        if product is not None:
            making.add(
                component,
                product,
                service.state,
                ("restored", place, number),
                cause=ServiceCause.BUNDLE,
                bundle_service_id=bundle_id,
                charged=False,
            )


def _components(old: SubscriptionService) -> tuple[NewComponent, ...]:
    return tuple(NewComponent(product=product) for product in old.swapped_components)
