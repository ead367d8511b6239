"""What services cost in the catalog in force, in the wallet's currency and scale. Nothing is prorated."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from processors.context import Context
from processors.wallets.amounts import in_scale, scale_of
from schemas.subscriptions import SubscriptionService


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A service with what its activation costs."""

    service_id: str
    product: str
    price: Decimal


def activation_prices(services: Iterable[SubscriptionService], currency: str, context: Context) -> list[Priced]:
    """What the activation of each service costs; a service without a price in the currency is left out."""
    return [
        Priced(
            service_id=service.service_id, product=service.product, price=_in_scale(price.activation, currency, context)
        )
        for service in services
        if (product := context.catalog.product(service.product)) is not None
        and (price := product.price(currency)) is not None
    ]


def recurring_price(product_code: str, currency: str, context: Context) -> Decimal | None:
    """What a service of a product costs per billing period; None: nothing, and no entry is made for it."""
    product = context.catalog.product(product_code)
    price = product.price(currency) if product else None
    if price is None or price.recurring is None:
        return None
    return _in_scale(price.recurring, currency, context)


def _in_scale(amount: Decimal, currency: str, context: Context) -> Decimal:
    return in_scale(amount, scale_of(currency, context.catalog))
