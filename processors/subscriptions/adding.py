"""Services that are to come: whether they can, and what they bring along (SUB-3, SUB-5, SUB-6, ABS-13, DEF-2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from processors.bundles.composition import check, new_piece, previewed
from processors.context import Context
from schemas.actions import ServiceState
from schemas.catalog import Composition, Product, SubscriptionDefinition
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import (
    NewComponent,
    NewService,
    ServiceCause,
    SubscriptionService,
)

if TYPE_CHECKING:
    from processors.subscriptions.making import Making


def definition_limits(
    making: Making, definition: SubscriptionDefinition, services: Sequence[NewService]
) -> Iterator[Violation]:
    """How many top-level services there may be after all actions of the making, and of what (DEF-2)."""
    if definition.max_services is not None:
        yield from _service_limit(making, definition.definition, definition.max_services)
    if definition.allowed_products is not None:
        for product in dict.fromkeys(service.product for service in services):
            if product not in definition.allowed_products:
                yield violation(
                    Code.PRODUCT_NOT_IN_DEFINITION, "DEF-2", definition=definition.definition, product=product
                )


def _service_limit(making: Making, definition: str, limit: int) -> Iterator[Violation]:
    more = making.more_services
    reached = more + sum(tally.top_level for tally in making.view.tallies(making.subscription_id).values())
    if reached > limit and more > 0:
        yield violation(Code.SERVICE_LIMIT, "DEF-2", definition=definition, limit=limit, found=reached)


def product_violations(asked: Iterable[tuple[str, NewComponent]], context: Context) -> list[Violation]:
    """Products that are unknown, then those that no service can be of; each said once (SUB-3)."""
    unknown: dict[str, Violation] = {}
    unfit: dict[str, Violation] = {}
    for path, service in asked:
        code = service.product
        product = context.catalog.product(code)
        if product is None:
            unknown.setdefault(code, violation(Code.PRODUCT_UNKNOWN, "SUB-3", f"{path}.product", product=code))
        elif not product.is_service:
            unfit.setdefault(code, _about(Code.NOT_A_SERVICE_PRODUCT, "SUB-3", f"{path}.product", product))
    return [*unknown.values(), *unfit.values()]


def service_product(code: str, context: Context) -> Product | None:
    """A product that a service can be of; None for one that SUB-3 has told."""
    product = context.catalog.product(code)
    return product if product is not None and product.is_service else None


def _about(code: Code, rule: str, path: str, product: Product) -> Violation:
    return violation(
        code,
        rule,
        path,
        product=product.product,
        classification=product.classification,
        composition=product.composition,
    )


def bundle_violations(making: Making, asked: Sequence[tuple[str, NewService]]) -> list[Violation]:
    """Components where there can be none (SUB-5), then what flexible bundles are to hold (ABS-13)."""
    misplaced, broken = [], []
    for path, service in asked:
        product = service_product(service.product, making.context)
        if product is None:
            continue
        if product.composition is not Composition.FLEXIBLE_BUNDLE:
            if service.components is not None and making.action.undoing is None:
                misplaced.append(_about(Code.COMPONENTS_NOT_APPLICABLE, "SUB-5", f"{path}.components", product))
            continue
        broken += composition_violations(making, product, service.components or (), service.service_id)
    return misplaced + broken


def composition_violations(
    making: Making, bundle: Product, components: Sequence[NewComponent], bundle_service_id: str | None
) -> list[Violation]:
    """The composition check of a bundle that is to come; what SUB-3 has told is left out (ABS-13)."""
    rows = bundle.rows_in_force(making.action.effective_at)
    pieces = [
        new_piece(product, component.service_id)
        for component in components
        if (product := service_product(component.product, making.context)) is not None
    ]
    if making.context.preview:
        making.composition += previewed(rows, (), pieces)
    return check(rows, pieces, doubles=bundle_service_id or "")


def bring(  # a service with all that it takes over from another one
    making: Making,
    service: NewService,
    state: ServiceState,
    place: tuple[object, ...],
    *,
    cause: ServiceCause | None = None,
    like: SubscriptionService | None = None,
    swapped_from: str | None = None,
) -> str | None:
    """Add a service and its components (SUB-6, SUB-7); None where its product cannot be one."""
    product = service_product(service.product, making.context)
    if product is None:
        return None
    undoing = making.action.undoing
    service_id = making.add(
        service,
        product,
        state,
        place,
        cause=cause,
        like=like,
        restores=None if undoing is None else undoing.restores_service_id,
        swapped_from=swapped_from,
    )
    of_component = cause or ServiceCause.BUNDLE
    for number, (component, its_product) in enumerate(_components(making, product, service)):
        making.add(
            component,
            its_product,
            state,
            (*place, number),
            cause=of_component,
            bundle_service_id=service_id,
            like=like,
        )
    return service_id


def _components(making: Making, bundle: Product, service: NewService) -> Iterator[tuple[NewComponent, Product]]:
    """What comes with a bundle: of a flexible one what is asked for, of a fixed one its service rows (SUB-6).

    What comes back, comes back with what it had, also a fixed bundle whose rows are others by now (CPO-5).
    """
    returns = making.action.undoing is not None and bundle.composition is not Composition.FLAT
    if returns or bundle.composition is Composition.FLEXIBLE_BUNDLE:
        for component in service.components or ():
            product = service_product(component.product, making.context)
            if product is not None:
                yield component, product
    elif bundle.composition is Composition.FIXED_BUNDLE:
        for row in bundle.rows_in_force(making.action.effective_at):
            product = None if row.product is None else service_product(row.product, making.context)
            if product is not None:
                for _ in range(row.fixed_quantity):
                    component = NewComponent(
                        product=product.product, order_id=service.order_id, line_id=service.line_id
                    )
                    yield component, product
