"""Installed items: hardware that the customer has (ITM-1 to ITM-3)."""

from __future__ import annotations

from processors.acting import LIVE, Action
from processors.context import Context
from processors.provisioning import objections
from processors.provisioning.arranging import Arrangement, Judged
from processors.view.customer import CustomerView
from schemas.catalog import Classification, Composition, Product
from schemas.provisioning import InstalledItemRegistered, Ownership, RegisterInstalledItem
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import Subscription


def register(view: CustomerView, command: RegisterInstalledItem, action: Action, context: Context) -> Judged:
    """Keep an item, and put it on a distributor where one is named (ITM-3)."""
    subscription = view.subscription(command.subscription_id)
    assert subscription is not None, "an unknown subscription was refused"
    product = context.catalog.product(command.product)
    arrangement = Arrangement(
        view,
        command.subscription_id,
        lambda item_id: action.derived_id(context, "distributor", item_id),
    )
    violations = [
        *_taken(view, command),
        *_not_installable(command, product),
        *_ended(subscription, action),
        *_serial_objections(view, command),
        *_distributor_objections(arrangement, command, product),
    ]
    if violations:
        return violations, []

    registered = InstalledItemRegistered(
        subscription_id=command.subscription_id,
        item_id=command.item_id or action.derived_id(context, "item"),
        number=view.numbers(command.subscription_id).item + 1,
        product=command.product,
        ownership=command.ownership,
        serial_number=command.serial_number,
    )
    if command.distributor_id is None:
        return [], [registered]
    after = view.draft()
    after.record(registered)
    item, distributor = after.item(registered.item_id), arrangement.distributor(command.distributor_id)
    assert item is not None, "it was registered right here"
    assert distributor is not None, "it was looked for above"
    arrangement.give(item, distributor)
    return [], [registered, *arrangement.additions()]


def _taken(view: CustomerView, command: RegisterInstalledItem) -> tuple[Violation, ...]:
    if command.item_id is None or view.item(command.item_id) is None:
        return ()
    return (violation(Code.ID_TAKEN, "SUB-2", "item_id", field="item_id", id=command.item_id),)


def _not_installable(command: RegisterInstalledItem, product: Product | None) -> tuple[Violation, ...]:
    if product is None:
        return (violation(Code.PRODUCT_UNKNOWN, "ITM-1", "product", product=command.product),)
    flat_good = product.classification is Classification.PHYSICAL_GOOD and product.composition is Composition.FLAT
    if flat_good and product.traceable:
        return ()
    return (
        violation(
            Code.NOT_AN_INSTALLABLE_ITEM,
            "ITM-1",
            "product",
            product=product.product,
            classification=product.classification,
            composition=product.composition,
        ),
    )


def _ended(subscription: Subscription, action: Action) -> tuple[Violation, ...]:
    if subscription.state in LIVE:
        return ()
    return (
        violation(
            Code.SUBSCRIPTION_STATE_INVALID,
            "ITM-1",
            "subscription_id",
            subscription_id=subscription.subscription_id,
            state=subscription.state,
            allowed=list(LIVE),
            projected=action.projected,
            effective_at=action.effective_at,
        ),
    )


def _serial_objections(view: CustomerView, command: RegisterInstalledItem) -> tuple[Violation, ...]:
    """ITM-2. A serial number is compared as it came: sealed values of one customer are equal where the numbers are."""
    if command.serial_number is None:
        if command.ownership is not Ownership.CUSTOMER:
            return ()
        return (
            violation(Code.SERIAL_REQUIRED, "ITM-2", "serial_number", item_id=command.item_id, product=command.product),
        )
    for item in view.items_by_serial(command.serial_number):
        holder = view.subscription(item.subscription_id)
        if holder is not None and holder.state in LIVE:
            return (
                violation(
                    Code.SERIAL_ALREADY_REGISTERED,
                    "ITM-2",
                    "serial_number",
                    item_id=item.item_id,
                    product=item.product,
                ),
            )
    return ()


def _distributor_objections(
    arrangement: Arrangement, command: RegisterInstalledItem, product: Product | None
) -> tuple[Violation, ...]:
    """PRV-8. A product without a provider of its own may be on any distributor."""
    if command.distributor_id is None:
        return ()
    named = arrangement.distributor(command.distributor_id)
    if named is None:
        return (objections.unknown_distributor(command.distributor_id, "distributor_id"),)
    if product is not None and product.provider is not None and product.provider != named.provider:
        return (objections.provider_mismatch(named, "distributor_id", item_id=command.item_id),)
    return ()
