"""What the composition check costs: a bundle of 500 components against 100 rows. The limit is 1 millisecond.

And what an amendment costs on a subscription with 10, 100 and 1,000 services, answer and rows included: it should not
grow with the customer. Run it: python -m bench.composition
"""

from __future__ import annotations

import sys
from datetime import timedelta
from time import process_time
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from processors.bundles.composition import Piece, check
from schemas.catalog import CompositionRow, Product
from tests.subscriptions.small import PRODUCTS, Shelf, product

LIMIT_MILLISECONDS = 1.0
COMPONENTS, ROWS = 500, 100
ROUNDS = 300
SIZES = (10, 100, 1_000)
AMENDMENTS = 100

TYPES = tuple(f"T{number}" for number in range(40))
FAMILIES = tuple(f"F{number}" for number in range(40))


def rows() -> tuple[CompositionRow, ...]:
    """Rows of all three kinds, with and without numbers."""
    by_type = tuple(
        CompositionRow(row_id=f"t{at}", product_type=code, maximum_quantity=400) for at, code in enumerate(TYPES)
    )
    by_family = tuple(
        CompositionRow(row_id=f"f{at}", family=code, is_mandatory=False, minimum_quantity=2)
        for at, code in enumerate(FAMILIES)
    )
    by_product = tuple(
        CompositionRow(row_id=f"p{at}", product=f"P{at}") for at in range(ROWS - len(TYPES) - len(FAMILIES))
    )
    return by_type + by_family + by_product


def pieces() -> list[Piece]:
    """Components that break none of them."""
    return [
        Piece(
            f"P{at}",
            TYPES[at % len(TYPES)],
            FAMILIES[at % len(FAMILIES)],
            fits=True,
            service_id=f"s-{at}",
            existing=True,
        )
        for at in range(COMPONENTS)
    ]


def milliseconds_of_check() -> float:
    """The best of many rounds."""
    asked, found = rows(), pieces()
    assert check(asked, found, doubles="b-1") == []
    best = float("inf")
    for _ in range(ROUNDS):
        began = process_time()
        check(asked, found, doubles="b-1")
        best = min(best, process_time() - began)
    return best * 1e3


def microseconds_of_amendment(services: int, *, waiting: bool) -> float:
    """A component comes and goes in a bundle of two, beside so many services; `waiting`: an action waits for it."""
    shelf = Shelf()
    shelf.catalog = msgspec.structs.replace(shelf.catalog, products=(*PRODUCTS, *_singles(services)))
    shelf.done(
        shelf.ask(
            "CreateSubscription",
            subscription_id="s-1",
            account={"account_id": "a-1"},
            kind="POSTPAID",
            initial_state="EFFECTIVE",
            services=[{"product": "PBX", "service_id": "b-1", "components": [{"product": "LINE_A"}]}],
        )
    )
    for first in range(0, services, 250):
        singles = [{"product": f"S{at % 20}"} for at in range(first, min(first + 250, services))]
        shelf.done(
            shelf.ask(
                "ChangeServiceState", subscription_id="s-1", action="ADD", services=singles, initial_state="EFFECTIVE"
            )
        )
    if waiting:
        schedule = {"when": "AFTER_DAYS", "days": 30}
        shelf.done(
            shelf.ask(
                "ChangeServiceState", subscription_id="s-1", action="STOP", service_ids=["b-1"], schedule=schedule
            )
        )
    best = float("inf")
    for _ in range(AMENDMENTS):
        shelf.at += timedelta(seconds=1)
        began = process_time()
        for change in ("add", "remove"):
            body: dict[str, Any] = {change: [{"product": "QUEUE"}]}
            shelf.done(shelf.ask("AmendBundleServices", subscription_id="s-1", bundle_service_id="b-1", **body))
        best = min(best, (process_time() - began) / 2)
    return best * 1e6


def _singles(services: int) -> tuple[Product, ...]:
    return tuple(product(f"S{at}", "SINGLE") for at in range(min(20, services)))


def main() -> int:
    """Print what both cost; 1 if the check takes too long."""
    table = Table(title="Composition and amendments")
    table.add_column("what")
    table.add_column("cost", justify="right")
    spent = milliseconds_of_check()
    table.add_row(f"check of {COMPONENTS} components against {ROWS} rows", f"{spent:.3f} ms")
    for size in SIZES:
        alone, crossed = (microseconds_of_amendment(size, waiting=waiting) for waiting in (False, True))
        table.add_row(f"amendment beside {size:,} services", f"{alone:,.0f} µs")
        table.add_row("the same, with an action that waits for the bundle", f"{crossed:,.0f} µs")
    Console().print(table)
    return int(spent > LIMIT_MILLISECONDS)


if __name__ == "__main__":
    sys.exit(main())
