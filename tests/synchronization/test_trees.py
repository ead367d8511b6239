"""The order of billing on large trees, and on whatever orders have made of a customer (HIE-12)."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.billing_profiles.ordering import billing_order, ordered
from schemas.billing_profiles import ProfileState
from tests.synchronization.office import Office, Wish, codes, line

pytestmark = pytest.mark.slow

ACCOUNTS = 1_000


def tree(draw: Random, count: int) -> dict[str, tuple[str, ...]]:
    """Accounts in a forest: who pays for each, if others do. Their ids say nothing of where they stand."""
    names = [f"n-{number:04}" for number in range(count)]
    draw.shuffle(names)
    deep = draw.choice([1, 5, count])  # a chain, a few branches, anything
    found: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(names):
        above = names[max(0, place - deep) : place]
        payers = draw.sample(above, min(len(above), draw.choice([0, 1, 1, 1, 2])))
        found[name] = tuple(sorted(payers))
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32).map(Random))
def test_children_stand_before_payers(draw: Random) -> None:
    """Whatever the tree: each account once, none after its payer; ties by account_id."""
    payers = tree(draw, ACCOUNTS)
    nobody: dict[str, tuple[str, ...]] = dict.fromkeys(payers, ())

    found = ordered(sorted(payers), payers, nobody)

    assert sorted(found) == sorted(payers)
    places = {name: place for place, name in enumerate(found)}
    assert all(places[name] < places[payer] for name, above in payers.items() for payer in above)
    paid_for = {name: {child for child, above in payers.items() if name in above} for name in payers}
    for here, after in pairwise(found):
        assert here < after or here in paid_for[after], "only a child may stand before an account with a smaller id"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32).map(Random))
def test_members_stand_before_owners_unless_that_is_against_payers(draw: Random) -> None:
    """Payers always win; of the owners none is broken without a payer's being in the way or a circle of owners."""
    payers, owners = tree(draw, 300), tree(draw, 300)

    found = ordered(sorted(payers), payers, owners)

    assert sorted(found) == sorted(payers)
    places = {name: place for place, name in enumerate(found)}
    assert all(places[name] < places[payer] for name, above in payers.items() for payer in above)
    nobody: dict[str, tuple[str, ...]] = dict.fromkeys(payers, ())
    alone = {name: place for place, name in enumerate(ordered(sorted(payers), nobody, owners))}
    assert all(alone[name] < alone[owner] for name, above in owners.items() for owner in above)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32).map(Random))
def test_every_account_of_a_customer_is_billed_in_its_turn(draw: Random) -> None:
    """What orders have linked has an order too: nobody is left out, and nobody stands after a payer."""
    place = Office()
    for number in range(4):
        wish = Wish(draw.randrange(4), draw.randrange(4))
        place.submit(f"o-{number}", [line(f"o-{number}-0", f"s-{number}", "ADD", wish)])
        place.synchronize(f"o-{number}")

    found = billing_order(place.view())

    assert sorted(found) == sorted(place.view().ids("account"))
    places = {name: at for at, name in enumerate(found)}
    homes = {profile.billing_profile_id: profile.account_id for profile in place.profiles()}
    pairs = {
        (profile.account_id, homes[profile.payer_profile_id])
        for profile in place.profiles()
        if profile.payer_profile_id is not None and profile.state is ProfileState.ACTIVE
    }
    parents = {(account.account_id, account.parent_account_id) for account in place.accounts()}
    one_way = {(child, payer) for child, payer in pairs if (payer, child) not in pairs}
    assert all(places[child] < places[payer] for child, payer in one_way & parents)


def test_a_parent_that_its_child_would_pay_is_refused() -> None:
    """Links are acyclic by construction (HIE-6): all lines of a command together."""
    place = Office()
    wishes = (Wish(0, 2), Wish(1, 3), Wish(2, 0))
    place.submit("o", [line(f"l-{at}", f"s-{at}", "ADD", wish) for at, wish in enumerate(wishes)])

    assert codes(place.synchronize("o")) == ["HIERARCHY_CYCLE"]
