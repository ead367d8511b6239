"""The steps of all lines in force, played again, put every account where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given

from processors.billing_profiles.whole import coverage_of
from processors.context import Context
from processors.hierarchies.past import Past
from processors.synchronization.work import Work
from schemas.accounts import AccountState
from schemas.orders import Order
from tests.synchronization.office import Office
from tests.synchronization.test_equivalences import EXAMPLES, Asking, office, randoms

pytestmark = pytest.mark.slow

SWITCHES = SimpleNamespace(strict_vendor_behaviour=False, split_payer=True, legal_hierarchy_sync=False)
NOTHING_ASKED = cast("Context", SimpleNamespace(catalog=SimpleNamespace(switches=SWITCHES), command_id="none"))


def stands(place: Office) -> Iterator[tuple[str, Any, Any]]:
    """Of each live account its parent and who covers ALL of it: as they are, and as its past has them."""
    view = place.view().draft()
    for account in place.accounts():
        if account.state is not AccountState.DEACTIVATED:
            work = Work(view, cast("Order", None), NOTHING_ASKED)
            past = Past(work, account, {}).without(())
            whole = coverage_of(view.nonpaying_profiles(account.account_id)).whole
            now = account.parent_account_id, whole
            yield account.account_id, now, (past.standing.parent, past.coverage.whole)


def some_orders(draw: Random) -> tuple[Asking, list[str]]:
    """A new office to ask, and the orders to be."""
    return Asking(office(draw), draw), [f"o-{number}" for number in range(draw.randint(1, 4))]


@EXAMPLES
@given(randoms)
def test_the_past_played_again_is_the_present(draw: Random) -> None:
    """INV-OBA-2: else nothing could be taken out of it."""
    asking, orders = some_orders(draw)
    for order_id in orders:
        asking.order(order_id)
        for account_id, now, past in stands(asking.office):
            assert now == past, account_id


@EXAMPLES
@given(randoms)
def test_so_it_is_when_orders_were_revised_and_cancelled(draw: Random) -> None:
    """But for a parent that would close a circle."""
    asking, orders = some_orders(draw)
    place = asking.office
    for order_id in orders:
        asking.order(order_id)
    for order_id in draw.sample(orders, draw.randint(1, len(orders))):
        if draw.random() < 0.5:
            place.revise(order_id, asking.revised(place.orders[order_id][:-1], order_id))
            place.synchronize(order_id, implicit_moves="ALLOW")
        else:
            place.cancel(order_id)  # refused where it was overtaken
        for account_id, now, past in stands(place):
            assert now == past or is_above(place, account_id, past[0]), account_id


def is_above(place: Office, account_id: str, other: str | None) -> bool:
    """Whether an account stands above another one."""
    parents = {account.account_id: account.parent_account_id for account in place.accounts()}
    while other is not None and other != account_id:
        other = parents[other]
    return other == account_id
