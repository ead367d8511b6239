"""A small catalog where everything that subscriptions know has its place, and a customer with an account in it."""

from __future__ import annotations

from typing import Any

import msgspec

from processors.answering import Answered
from schemas.catalog import (
    Catalog,
    Classification,
    CompositionRow,
    Dependency,
    DependencyScope,
    Product,
    Selector,
    SubscriptionDefinition,
)
from schemas.catalog import Composition as Kind
from tests.accounts.book import Book, nordlys


def product(code: str, product_type: str, family: str | None = None, **more: Any) -> Product:
    """A FLAT service."""
    fields: dict[str, Any] = {"classification": Classification.TERMED, "composition": Kind.FLAT, **more}
    return Product(product=code, product_type=product_type, family=family, **fields)


BUNDLE = product(
    "PBX",
    "PBX",
    composition=Kind.FLEXIBLE_BUNDLE,
    rows=(
        CompositionRow(row_id="r1", product_type="LINE", maximum_quantity=2),
        CompositionRow(row_id="r2", family="RECORDING", is_mandatory=False, minimum_quantity=2, maximum_quantity=3),
        CompositionRow(row_id="r3", product="QUEUE", is_mandatory=False),
    ),
)
PACK = product(
    "PACK",
    "PACK",
    composition=Kind.FIXED_BUNDLE,
    tier=2,
    rows=(CompositionRow(row_id="r1", product="LINE_A"), CompositionRow(row_id="r2", product="QUEUE", quantity=2)),
)
PRODUCTS = (
    BUNDLE,
    PACK,
    product("LINE_A", "LINE"),
    product("LINE_B", "LINE", tier=1),
    product("REC_1", "RECORDER", "RECORDING"),
    product("REC_2", "RECORDER", "RECORDING"),
    product("QUEUE", "QUEUE", provider="SWITCH"),
    product("NET", "INTERNET", tier=3, provider="FIBER"),
    product("GUARD", "SAFETY"),
)
DEPENDENCIES = (
    Dependency(
        dependent=Selector(family="RECORDING"),
        needs_any_of=(Selector(product="LINE_A"),),
        scope=DependencyScope.BUNDLE,
    ),
    Dependency(
        dependent=Selector(product="GUARD"),
        needs_any_of=(Selector(product_type="INTERNET"), Selector(product="LINE_B")),
        scope=DependencyScope.SUBSCRIPTION,
    ),
)


def catalog() -> Catalog:
    """The demo's catalog with these products only."""
    return msgspec.structs.replace(
        nordlys(),
        products=PRODUCTS,
        dependencies=DEPENDENCIES,
        providers=(),
        subscription_definitions=(SubscriptionDefinition(definition="d-1", subscription_type="DEFAULT"),),
    )


class Shelf(Book):
    """One customer with an ACTIVE account `a-1`."""

    def __init__(self) -> None:
        super().__init__(catalog())
        self.done(
            self.ask(
                "CreateAccount",
                account_id="a-1",
                type="RESIDENTIAL",
                currency="EUR",
                bill_cycle={"code": "MONTHLY_1"},
            )
        )

    def done(self, answered: Answered) -> Answered:
        """The answer, which is to be no refusal."""
        assert answered.outcome is not None
        assert not answered.outcome.violations, answered.outcome.violations
        return answered
