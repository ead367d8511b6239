"""What ends in the same state: an order taken back, revisions in a row, portions, orders of arrival (INV-OBA-2, 3, 10).

Lines are synchronized in any way that is not refused; where one way is refused there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.synchronization import laws
from tests.synchronization.office import PROFILES, SERVICES, Office, Wish, codes, is_done, line

pytestmark = pytest.mark.slow

EXAMPLES = settings(max_examples=250, deadline=None)
Lines = list[dict[str, Any]]


class Asking:
    """Lines drawn for an office, with actions that fit what is there."""

    def __init__(self, office: Office, draw: Random) -> None:
        self.office, self.draw = office, draw
        self.made = 0

    def wish(self) -> Wish:
        owner = self.draw.choice([None, None, *range(5)])
        return Wish(self.draw.randrange(4), self.draw.randrange(len(PROFILES)), owner)

    def line(self, order_id: str, service: str) -> dict[str, Any]:
        """A line about a service: ADD where nobody holds it."""
        self.made += 1
        held = service in self.office.assignments()
        action = self.draw.choice(["UPDATE", "UPDATE", "MOVE_ADD"]) if held else "ADD"
        return line(f"{order_id}-{self.made}", service, action, self.wish())

    def lines(self, order_id: str, most: int = 3) -> Lines:
        """Lines about as many services."""
        count = self.draw.randint(1, most)
        return [self.line(order_id, service) for service in self.draw.sample(SERVICES[:4], count)]

    def order(self, order_id: str) -> bool:
        """Submit an order and synchronize it; whether it could be."""
        self.office.submit(order_id, self.lines(order_id))
        return is_done(self.office.synchronize(order_id, implicit_moves="ALLOW"))

    def revised(self, lines: Lines, order_id: str) -> Lines:
        """The lines with one that changed, came, went, or was replaced by another one of its service."""
        lines = [dict(found) for found in lines]
        free = [service for service in SERVICES[:4] if service not in {found["service_id"] for found in lines}]
        what = self.draw.random()
        if free and (what < 0.2 or not lines):
            lines.append(self.line(order_id, self.draw.choice(free)))
        elif what < 0.4:
            del lines[self.draw.randrange(len(lines))]
        elif what < 0.55:
            self.made += 1
            place = self.draw.randrange(len(lines))
            lines[place] |= {"line_id": f"{order_id}-{self.made}"} | self.draw.choice([{}, self.wish().values()])
        else:
            values = self.wish().values()
            fields = [("service_account",), ("billing_account", "billing_profile"), ("owner_account",), tuple(values)]
            chosen = self.draw.choice(fields)
            self.draw.choice(lines).update({field: values[field] for field in chosen if field in values})
        return lines


def office(draw: Random) -> Office:
    """An office with switches that are drawn."""
    return Office(legal_hierarchy_sync=draw.random() < 0.5, split_payer=draw.random() < 0.75)


randoms = st.integers(0, 2**32).map(Random)


# -- INV-OBA-2


@EXAMPLES
@given(randoms)
def test_an_order_that_is_cancelled_leaves_what_was_before(draw: Random) -> None:
    """INV-OBA-2: over all its revisions, orders before it or not."""
    place = office(draw)
    asking = Asking(place, draw)
    for number in range(draw.randint(0, 2)):
        asking.order(f"p-{number}")
    before = place.picture()
    lines = asking.lines("o")
    place.submit("o", lines)
    assume(is_done(place.synchronize("o", implicit_moves="ALLOW")))
    for _ in range(draw.randint(0, 3)):
        place.revise("o", asking.revised(place.orders["o"][:-1], "o"))
        if draw.random() < 0.7:
            place.synchronize("o", implicit_moves="ALLOW")
    cancelled(place, "o")

    laws.all_of_them(place)
    is_as_before(place, before)


def is_as_before(place: Office, before: dict[str, Any]) -> None:
    """What is there is what was there."""
    assert difference(before, place.picture()) == {}
    assert lists(before) == lists(place.picture())


def lists(picture: dict[str, Any]) -> dict[Any, Any]:
    """What each nonpaying profile covers, ALL or a list; those that their accounts are about to leave stay out."""
    return {pair: covers for pair, (covers, _, waits) in picture["payers"].items() if waits != "OWN"}


def cancelled(place: Office, order_id: str, **more: Any) -> None:
    """Cancel an order: nothing but what was overtaken can refuse it (REV-18)."""
    assert codes(place.cancel(order_id, **more)) == []


def difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What is there in one picture only, or differs; what the rules leave open stays out.

    - A profile that its account is about to leave may cover nothing; until then its payer stays (HIE-13, UND-2).
    - Whether a payer pays yet or from the next period on: the account may have paid itself in between (HIE-13).
    """
    left = {payer for picture in (one, other) for (_, payer), found in picture["payers"].items() if found[2] == "OWN"}
    leaving = left | {PROFILES[payer] for payer in left}
    found = [flat(picture, leaving) for picture in (one, other)]
    names = set(found[0]) | set(found[1])
    return {
        name: (found[0].get(name), found[1].get(name)) for name in names if found[0].get(name) != found[1].get(name)
    }


def flat(picture: dict[str, Any], leaving: set[str]) -> dict[Any, Any]:
    """A picture as one map, without what is leaving."""
    live = {name: parent for name, (is_live, parent) in picture["accounts"].items() if is_live and name not in leaving}
    paid = {("paid", *pair): True for pair, found in picture["payers"].items() if found[2] != "OWN"}
    return (
        {("account", name): parent for name, parent in live.items()}
        | {("profile", name): True for name in picture["profiles"] if name not in leaving}
        | {
            ("method", name): True
            for name, state in picture["methods"].items()
            if state == "ACTIVE" and name not in leaving
        }
        | {("assignment", name): values for name, values in picture["assignments"].items()}
        | {("group", name): members for name, members in picture["groups"].items()}
        | paid
    )


@EXAMPLES
@given(randoms)
def test_orders_can_be_taken_back_in_any_order(draw: Random) -> None:
    """UND-1, FLP-5: what one of them needs stays, and nothing stays when all are gone."""
    first = Random(draw.random())
    seed, services = first.random(), first.sample(SERVICES, 3)
    for order in draw.sample(list(permutations(range(3))), 2):
        place = office(Random(seed))
        asking = Asking(place, Random(seed))
        for number, service in enumerate(services):
            place.submit(f"o-{number}", [asking.line(f"o-{number}", service)])
            assume(is_done(place.synchronize(f"o-{number}", implicit_moves="ALLOW")))
        for number in order:
            cancelled(place, f"o-{number}")
            laws.all_of_them(place)
        assert difference(Office().picture(), place.picture()) == {}, order


@EXAMPLES
@given(randoms, st.booleans())
def test_orders_taken_back_over_each_other_leave_what_was_before(draw: Random, keeps: bool) -> None:
    """INV-OBA-2, FLP-3, FLP-5: whichever goes first; one that was overtaken waits, or leaves the chain."""
    place = office(draw)
    asking = Asking(place, draw)
    for number in range(draw.randint(0, 2)):
        asking.order(f"p-{number}")
    before, superseded = place.picture(), "KEEP_CURRENT" if keeps else "REJECT"
    orders = [f"o-{number}" for number in range(3)]
    for order_id in orders:
        asking.order(order_id)
        for _ in range(draw.choice([0, 0, 1, 2])):
            place.revise(order_id, asking.revised(place.orders[order_id][:-1], order_id))
            if draw.random() < 0.7:
                place.synchronize(order_id, implicit_moves="ALLOW", on_superseded=superseded)
    left, waiting = draw.sample(orders, len(orders)), list[str]()
    while left:
        order_id = left.pop(0)
        refused = codes(place.cancel(order_id, on_superseded=superseded))
        laws.all_of_them(place)
        if refused:
            assert not keeps
            assert set(refused) == {"SUPERSEDED_BY"}
            waiting.append(order_id)
            assert left, "the last one was overtaken by nobody"
        else:
            left, waiting = left + waiting, []

    is_as_before(place, before)


@EXAMPLES
@given(randoms)
def test_a_cancelled_order_was_never_there(draw: Random) -> None:
    """INV-OBA-2: orders about other services of the same accounts leave what they leave without it."""
    switches = {"legal_hierarchy_sync": draw.random() < 0.5}
    orders = list(separate_orders(draw))
    gone = set(draw.sample(range(3), draw.randint(1, 2)))
    everything = played(Office(**switches), orders)
    others = played(Office(**switches), [order for order in orders if order[0] not in gone])
    for order_id in draw.sample(list(everything.orders), len(everything.orders)):
        if order_id not in others.orders:
            cancelled(everything, order_id, on_superseded="KEEP_CURRENT")

    laws.all_of_them(everything)
    found = difference(others.picture(), everything.picture())
    # What a revision of another order has left without need goes with the last line that named it (UND-7).
    assert {name: pair for name, pair in found.items() if name[0] not in ("profile", "method")} == {}
    assert lists(others.picture()) == lists(everything.picture())


def separate_orders(draw: Random) -> Iterator[tuple[int, str, Lines]]:
    """Orders and revisions of them, each with the number of its services: those with different ones share none."""
    held: set[str] = set()
    for number in range(draw.randint(2, 4)):
        group = draw.randrange(3)
        services = draw.sample(SERVICES[2 * group : 2 * group + 2], draw.randint(1, 2))
        said = [
            (f"o-{number}-{service}", service, draw.choice(["UPDATE", "MOVE_ADD"]) if service in held else "ADD")
            for service in services
        ]
        held.update(services)
        for _ in range(draw.randint(1, 2)):
            wishes = [Wish(draw.randrange(4), draw.randrange(len(PROFILES)), draw.choice([None, 0, 1])) for _ in said]
            yield group, f"o-{number}", [line(*entry, wish) for entry, wish in zip(said, wishes, strict=True)]


def played(place: Office, orders: Iterable[tuple[int, str, Lines]]) -> Office:
    """The office after orders and their revisions, each synchronized at once."""
    for _, order_id, lines in orders:
        said = place.revise if order_id in place.orders else place.submit
        assume(is_done(said(order_id, [dict(entry) for entry in lines])))
        assume(is_done(place.synchronize(order_id)))
    return place


@EXAMPLES
@given(randoms, st.booleans())
def test_a_later_update_is_never_clobbered(draw: Random, in_order: bool) -> None:
    """INV-OBA-4, FLP-2, FLP-3, FLP-5: the earlier one waits, or leaves the chain; at the end all is as before both."""
    place = Office(legal_hierarchy_sync=draw.random() < 0.5)
    asking = Asking(place, draw)
    assume(asking.order("p"))
    service = draw.choice(sorted(place.assignments()))
    before = place.picture()
    for order_id in ("o-1", "o-2"):
        place.submit(order_id, [asking.line(order_id, service)])
        assume(is_done(place.synchronize(order_id)))
    later = place.assignments()[service]
    held = {name for name, by in later.set_by.items() if by is not None and by.order_id == "o-2"}
    (first,) = (entry for entry in place.lines() if entry.order_id == "o-1" and entry.sync is not None)
    assert first.sync is not None
    overtaken = {
        name for name, was in first.sync.before.items() if was.value != first.sync.applied[name] and name in held
    }
    if not in_order:
        refused = codes(place.cancel("o-1"))
        assert refused == ["SUPERSEDED_BY"] * len(overtaken)
        if overtaken:
            cancelled(place, "o-1", on_superseded="KEEP_CURRENT")
            now = place.assignments()[service].values
            assert {name: now[name] for name in held} == {name: later.values[name] for name in held}
    cancelled(place, "o-2")
    if in_order:
        cancelled(place, "o-1")
    laws.all_of_them(place)
    is_as_before(place, before)


# -- INV-OBA-3, INV-OBA-10


@EXAMPLES
@given(randoms)
def test_revisions_leave_what_the_last_one_alone_would(draw: Random) -> None:
    """INV-OBA-3: each revision of a revision is compared with the last synchronized one, whichever were left out."""
    seed = draw.random()
    place, alone = office(Random(seed)), office(Random(seed))
    for each in (place, alone):
        Asking(each, Random(seed)).order("p")
    asking = Asking(place, draw)
    place.submit("o", asking.lines("o"))
    for _ in range(draw.randint(1, 4)):
        if draw.random() < 0.7:
            assume(is_done(place.synchronize("o")))
        place.revise("o", asking.revised(place.orders["o"][:-1], "o"))
    assume(is_done(place.synchronize("o")))
    alone.submit("o", [dict(found) for found in place.orders["o"][:-1]])
    assume(is_done(alone.synchronize("o")))

    laws.all_of_them(place)
    laws.all_of_them(alone)
    assert links(place) == links(alone)


def links(place: Office) -> dict[str, Any]:
    """Assignments and groups, and who is paid for by whom."""
    picture = place.picture()
    payers = {pair for pair, found in picture["payers"].items() if found[2] != "OWN"}
    return {name: picture[name] for name in ("assignments", "groups")} | {"payers": payers}


@EXAMPLES
@given(randoms)
def test_lines_come_in_any_portions_and_order(draw: Random) -> None:
    """INV-OBA-10, SYN-9: but for which payer is the parent."""
    seed = draw.random()
    places = [office(Random(seed)) for _ in range(2)]
    for each in places:
        asking = Asking(each, Random(seed))
        asking.order("p")
        each.submit("o", asking.lines("o"))
    assume(is_done(places[0].synchronize("o")))
    left = [found["line_id"] for found in places[1].orders["o"]]
    draw.shuffle(left)
    while left:
        portion = [left.pop() for _ in range(draw.randint(1, len(left)))]
        refused = codes(places[1].synchronize("o", line_ids=portion))
        assert NEEDS_THE_OTHERS.issuperset(refused), refused
        assume(not refused)

    for each in places:
        laws.all_of_them(each)
    assert whole(places[0]) == whole(places[1])


NEEDS_THE_OTHERS = {"HIERARCHY_CYCLE", "SPLIT_PAYER_NOT_ENABLED", "ALREADY_HAS_PARENT"}
"""What a line may run into as long as the others of its order have not moved."""


def whole(place: Office) -> dict[str, Any]:
    """Everything but the parents and what hangs on the order: what a profile lists or covers by ALL, and since when."""
    picture = place.picture()
    accounts = {name: live for name, (live, _) in picture["accounts"].items()}
    return picture | {"accounts": accounts, "payers": set(picture["payers"])}
