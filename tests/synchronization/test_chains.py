"""Histories that a drawn one finds once in a hundred: who holds a value, and who may be whose child, at the end."""

from __future__ import annotations

from typing import Any

from tests.synchronization import laws
from tests.synchronization.office import Office, Wish, codes, line, wish


def ordered(office: Office, order_id: str, *lines: dict[str, object]) -> None:
    """An order in force."""
    office.submit(order_id, list(lines))
    assert codes(office.synchronize(order_id)) == []


def test_a_line_that_came_back_to_what_was_before_leaves_the_chain() -> None:
    """FLP-3, INV-OBA-4: nobody's value is held by a line that is gone, else an order could never be cancelled."""
    office = Office()
    ordered(office, "o-1", line("first", "s-1", "ADD", wish(3, "p-2")))
    ordered(office, "o-2", line("there", "s-1", "UPDATE", wish(1, "p-2")))
    office.revise("o-2", [line("there", "s-1", "UPDATE", wish(3, "p-2"))])
    assert codes(office.synchronize("o-2")) == []
    ordered(office, "o-3", line("later", "s-1", "UPDATE", wish(2, "p-2")))

    for order_id in ("o-2", "o-3"):
        assert codes(office.cancel(order_id)) == []
        laws.all_of_them(office)
    holders = {by and by.line_id for by in office.assignments()["s-1"].set_by.values()}
    assert holders == {"first"}
    assert codes(office.cancel("o-1")) == []


def test_a_parent_that_comes_back_closes_no_circle() -> None:
    """HIE-6, REV-18: a cancellation is refused for nothing but what was overtaken."""
    office = Office()
    ordered(office, "o-1", line("paid", "s-3", "ADD", wish(2, "p-0")))
    ordered(office, "o-2", line("self", "s-3", "UPDATE", wish(2, "p-2")))
    ordered(office, "o-3", line("child", "s-0", "ADD", wish(0, "p-2")))

    assert codes(office.cancel("o-2")) == []
    laws.all_of_them(office)
    assert parents(office)["n-0"] == "n-2"
    assert parents(office)["n-2"] is None

    assert codes(office.cancel("o-3")) == []
    assert parents(office)["n-2"] == "n-0", "the circle is open: what was passed over comes back"


def passed_over() -> Office:
    """n-2 would be a child of n-0 again, but n-0 is below it."""
    office = Office()
    ordered(office, "o-1", line("paid", "s-3", "ADD", wish(2, "p-0")))
    ordered(office, "o-2", line("self", "s-3", "UPDATE", wish(2, "p-2")))
    ordered(office, "o-3", line("child", "s-0", "ADD", wish(0, "p-2")))
    assert codes(office.cancel("o-2")) == []
    assert (parents(office)["n-0"], parents(office)["n-2"]) == ("n-2", None)
    return office


def test_a_parent_comes_back_whoever_opens_the_circle() -> None:
    """HIE-6, INV-OBA-2: a move of another order, too, that cancels nothing."""
    office = passed_over()
    ordered(office, "o-4", line("away", "s-0", "UPDATE", wish(0, "p-1")))

    laws.all_of_them(office)
    assert (parents(office)["n-0"], parents(office)["n-2"]) == ("n-1", "n-0")
    for order_id in ("o-4", "o-3", "o-1"):
        assert codes(office.cancel(order_id)) == []
        laws.all_of_them(office)
    assert office.assignments() == {}


def test_a_parent_comes_back_though_the_line_that_opens_the_circle_changes_its_account_too() -> None:
    """HIE-6, INV-OBA-2."""
    office = passed_over()
    ordered(office, "o-4", line("mine", "s-1", "ADD", wish(2, "p-2")))
    moves = line("else", "s-1", "MOVE_ADD", wish(3, "p-2")), line("away", "s-0", "UPDATE", wish(0, "p-1"))
    ordered(office, "o-5", *moves)

    laws.all_of_them(office)
    assert (parents(office)["n-0"], parents(office)["n-2"]) == ("n-1", "n-0")


def test_a_parent_that_was_closed_meanwhile_does_not_come_back() -> None:
    """INV-OBA-2: as where an account is given back without a circle."""
    office = passed_over()
    closed = office.ask(
        "ChangeAccountState",
        account={"account_id": "n-0"},
        state="DEACTIVATED",
        reason="CHURN",
        include_subordinates=True,
    )
    assert codes(closed) == []

    assert codes(office.cancel("o-3")) == []
    assert parents(office)["n-2"] is None


def test_an_account_stays_where_several_lines_moved_it_as_long_as_one_of_them_is_there() -> None:
    """HIE-7, HIE-8: a flip of some services lets it stay, whatever else is cancelled; with the last it goes back."""
    office = Office()
    there = [line(f"first-{number}", f"s-{number}", "ADD", wish(3, "p-0")) for number in (1, 2)]
    ordered(office, "o-1", *there, line("other", "s-3", "ADD", wish(3, "p-1")))
    moves = [line(f"mover-{number}", f"s-{number}", "UPDATE", wish(3, "p-1")) for number in (1, 2)]
    ordered(office, "o-2", *moves)
    ordered(office, "o-3", line("beside", "s-4", "ADD", wish(3, "p-1")))
    assert parents(office)["n-3"] == "n-1"

    office.revise("o-2", moves[1:])
    assert codes(office.synchronize("o-2")) == []
    assert parents(office)["n-3"] == "n-1"
    assert codes(office.cancel("o-3")) == []
    assert parents(office)["n-3"] == "n-1"
    assert codes(office.cancel("o-2")) == []
    assert parents(office)["n-3"] == "n-0"


def test_lines_of_one_order_about_one_service_are_taken_back_from_the_end() -> None:
    """FLP-5: whichever attributes each of them set."""
    office = Office()
    said = [
        line("first", "s-1", "ADD", wish(3, "p-1")),
        line("payer", "s-1", "UPDATE", wish(3, "p-0")),
        line("mover", "s-1", "MOVE_ADD", wish(2, "p-0b")),
    ]
    ordered(office, "o-1", *said)

    assert codes(office.cancel("o-1")) == []
    assert office.assignments() == {}


def parents(office: Office) -> dict[str, str | None]:
    """The parent of each account."""
    return {account.account_id: account.parent_account_id for account in office.accounts()}


def test_a_line_that_sets_a_value_again_has_overtaken_those_in_between() -> None:
    """FLP-2, INV-OBA-4: what a line said once was there before the next one; what it says later was not."""
    office = Office(legal_hierarchy_sync=True)
    ordered(office, "o-1", line("first", "s-1", "ADD", Wish(0, 0)))
    ordered(office, "o-2", line("later", "s-1", "UPDATE", Wish(0, 0)))
    office.revise("o-1", [line("first", "s-1", "ADD", Wish(0, 0, 1))])
    assert codes(office.synchronize("o-1")) == []
    office.revise("o-2", [line("later", "s-1", "UPDATE", Wish(0, 0, 2))])

    assert codes(office.synchronize("o-2")) == ["SUPERSEDED_BY"]
    assert codes(office.synchronize("o-2", on_superseded="KEEP_CURRENT")) == []
    seen = len(office.history)
    assert codes(office.synchronize("o-2", on_superseded="KEEP_CURRENT")) == []
    assert len(office.history) == seen, "what was left as it is once is not changed by the message again"


def test_half_a_payer_passes_to_the_line_that_keeps_the_other_half() -> None:
    """FLP-3: a later line set the profile alone; the account that pays with it leaves with that line, too."""
    office = Office()
    ordered(office, "o-1", line("first", "s-1", "ADD", wish(3, "p-1")))
    ordered(office, "o-2", line("mover", "s-1", "UPDATE", wish(3, "p-0")))
    ordered(office, "o-3", line("later", "s-1", "UPDATE", wish(3, "p-0b")))

    assert codes(office.cancel("o-2", on_superseded="KEEP_CURRENT")) == []
    laws.all_of_them(office)
    assert holders(office) == {"service_account": "first", "billing_account": "later", "billing_profile": "later"}
    assert codes(office.cancel("o-3")) == []
    assert office.assignments()["s-1"].values["billing_profile"] == "p-1"
    assert set(holders(office).values()) == {"first"}
    laws.all_of_them(office)


def holders(office: Office) -> dict[str, str | None]:
    """The lines that hold who pays for the first service."""
    held = office.assignments()["s-1"].set_by
    return {name: by.line_id if by else None for name, by in held.items() if name != "owner_account"}


def test_what_moved_along_has_a_past_of_its_own() -> None:
    """HIE-9, FLP-3: a line that leaves the chain gives each service back what that one had."""
    office = Office(split_payer=False)
    ordered(office, "o-1", line("one", "s-1", "ADD", wish(3, "p-1")), line("two", "s-2", "ADD", wish(3, "p-1")))
    office.submit("o-2", [line("mover", "s-2", "UPDATE", wish(3, "p-0"))])
    assert codes(office.synchronize("o-2", implicit_moves="ALLOW")) == []
    office.submit("o-3", [line("later", "s-1", "UPDATE", wish(3, "p-2"))])
    assert codes(office.synchronize("o-3", implicit_moves="ALLOW")) == []

    assert codes(office.cancel("o-2", on_superseded="KEEP_CURRENT")) == []
    laws.all_of_them(office)
    assert codes(office.cancel("o-3")) == []
    found = {service: held.values["billing_profile"] for service, held in office.assignments().items()}
    assert found == {"s-1": "p-1", "s-2": "p-1"}
    assert holders(office)["billing_profile"] == "one"


def test_what_a_person_commands_of_a_parent_is_not_undone_by_earlier_lines() -> None:
    """HIE-14, ACC-25: lines from before the command move the account no more."""
    office = Office()
    office.ask("CreateAccount", account_id="n-4", account_profile="mobile")
    ordered(office, "o-1", line("first", "s-1", "ADD", wish(3, "p-0")))
    ordered(office, "o-2", line("mover", "s-1", "UPDATE", wish(3, "p-1")))
    assert codes(office.ask("UpdateAccountDetails", account={"account_id": "n-3"}, parent={"account_id": "n-4"})) == []
    ordered(office, "o-3", line("later", "s-1", "UPDATE", wish(3, "p-2")))
    assert parents(office)["n-3"] == "n-2"

    assert codes(office.cancel("o-3")) == []
    assert parents(office)["n-3"] == "n-4"
    assert codes(office.cancel("o-2")) == []
    assert parents(office)["n-3"] == "n-4"


def test_what_joined_an_account_in_a_tree_is_still_seen_so_when_it_has_left_the_tree() -> None:
    """CRP-5, INV-OBA-2: a tree says nothing of who pays, so the first payer of all that is there covers ALL."""
    office = with_corporation()
    in_tree(office, "o-0", line("tree", "s-5", "ADD", wish(0, "p-0")), "n-3")
    ordered(office, "o-1", line("one", "s-1", "ADD", wish(3, "p-0")))
    ordered(office, "o-2", line("two", "s-2", "ADD", wish(3, "p-1")))
    ordered(office, "o-3", line("away", "s-1", "UPDATE", wish(2, "p-0")))
    ordered(office, "o-4", line("three", "s-3", "ADD", wish(3, "p-2")))
    in_tree(office, "o-5", line("no-tree", "s-4", "ADD", wish(0, "p-0")))
    ordered(office, "o-6", line("late", "s-0", "ADD", wish(3, "p-0b")))
    expected = {"p-0b": ("s-0",), "p-1": ("s-2",), "p-2": "ALL"}
    assert covered(office, "n-3") == expected

    assert codes(office.cancel("o-6")) == []
    laws.all_of_them(office)
    del expected["p-0b"]
    assert covered(office, "n-3") == expected


def test_a_line_that_comes_with_a_tree_comes_after_it() -> None:
    """CRP-1, INV-OBA-2: an account that leaves the tree gets a parent by the same command, and keeps it."""
    office = with_corporation()
    in_tree(office, "o-0", line("tree", "s-5", "ADD", wish(0, "p-0")), "n-3")
    in_tree(office, "o-1", line("one", "s-1", "ADD", wish(3, "p-0")))
    ordered(office, "o-2", line("two", "s-2", "ADD", wish(3, "p-1")))
    assert parents(office)["n-3"] == "n-0"

    assert codes(office.cancel("o-2")) == []
    assert parents(office)["n-3"] == "n-0"


def test_an_account_that_left_a_tree_stands_where_lines_put_it_after_that() -> None:
    """CRP-1, INV-OBA-2: what came to it in the tree gives it no parent, whenever it is looked at."""
    office = with_corporation()
    in_tree(office, "o-0", line("tree", "s-5", "ADD", wish(0, "p-0")), "n-3")
    ordered(office, "o-1", line("one", "s-1", "ADD", wish(3, "p-1")), line("two", "s-2", "ADD", wish(0, "p-0")))
    in_tree(office, "o-2", line("no-tree", "s-4", "ADD", wish(0, "p-0")))
    moves = line("away", "s-1", "UPDATE", wish(0, "p-0")), line("here", "s-2", "UPDATE", wish(3, "p-2"))
    ordered(office, "o-3", *moves)
    in_tree(office, "o-4", line("again", "s-3", "ADD", wish(3, "p-0")), "n-3")
    expected = {"p-0": ("s-3",), "p-2": "ALL"}
    assert covered(office, "n-3") == expected

    assert codes(office.cancel("o-4")) == []
    assert covered(office, "n-3") == {"p-2": "ALL"}


def with_corporation() -> Office:
    """An office whose n-4 may have a tree."""
    office = Office(corporate_account_type="CORPORATE")
    cycle = {"code": "MONTHLY_1"}
    made = office.ask("CreateAccount", account_id="n-4", type="CORPORATE", currency="EUR", bill_cycle=cycle)
    assert codes(made) == []
    return office


def covered(office: Office, account_id: str) -> dict[str | None, object]:
    """What each payer's profile covers of an account."""
    found = office.picture()["payers"].items()
    return {profile: covers for (account, profile), (covers, *_) in found if account == account_id}


def in_tree(office: Office, order_id: str, said: dict[str, object], *children: str) -> None:
    """An order with a line that brings the tree of n-4, with accounts right below it."""
    office.submit(order_id, [said | {"customer_account": {"account_id": "n-4"}}])
    nodes = [{"account": {"account_id": child}, "parent": {"account_id": "n-4"}} for child in children]
    tree = {"corporate_account": {"account_id": "n-4"}, "nodes": [{"account": {"account_id": "n-4"}}, *nodes]}
    assert codes(office.synchronize(order_id, corporate_hierarchies=[tree])) == []
    assert office.view().corporate_of("n-3") == ("n-4" if children else None)


def test_a_line_whose_service_its_own_order_moved_along_can_be_cancelled() -> None:
    """HIE-9, FLP-2: the mover gives the service back first, so the line finds it as it was, and not overtaken."""
    office = Office(split_payer=False)
    ordered(office, "p", line("first", "s-1", "ADD", wish(3, "p-0")), line("other", "s-0", "ADD", wish(3, "p-0")))
    office.submit(
        "o", [line("mover", "s-0", "UPDATE", wish(3, "p-2")), line("moved", "s-1", "UPDATE", wish(3, "p-0b"))]
    )
    before = office.assignments()
    assert codes(office.synchronize("o", implicit_moves="ALLOW")) == []

    assert codes(office.cancel("o")) == []
    assert office.assignments() == before
    laws.all_of_them(office)


def test_what_moves_along_with_a_line_that_takes_over_was_there_before() -> None:
    """HIE-9: only the line's own service comes anew; the other one leaves its payer."""
    office = Office(split_payer=False)
    own: dict[str, Any] = {"account_profile": "mobile", "currency": "EUR", "bill_cycle": {"code": "MONTHLY_1"}}
    assert codes(office.ask("CreateAccount", account_id="n-0", **own)) == []
    assert codes(office.ask("CreateAccount", account_id="n-3", parent={"account_id": "n-0"}, **own)) == []
    ordered(office, "o-0", line("stays", "s-2", "ADD", wish(3, "p-0")))
    ordered(office, "o-1", line("goes", "s-1", "ADD", wish(3, "p-0")))
    office.revise("o-1", [line("comes", "s-1", "ADD", wish(3, "p-1"))])

    assert codes(office.synchronize("o-1", implicit_moves="ALLOW")) == []
    assert office.picture()["accounts"]["n-3"] == (True, "n-1")
    laws.all_of_them(office)
