"""Two histories that a drawn one finds once in a hundred: who holds a value, and who may be whose child, at the end."""

from __future__ import annotations

from tests.synchronization import laws
from tests.synchronization.office import PROFILES, Office, Wish, codes, line


def wish(account: int, profile: str) -> Wish:
    """A service of an account, paid by a profile."""
    return Wish(account, list(PROFILES).index(profile))


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
    ordered(office, "o-3", line("own", "s-2", "ADD", wish(2, "p-2")), line("child", "s-0", "ADD", wish(0, "p-2")))

    assert codes(office.cancel("o-2")) == []
    laws.all_of_them(office)
    parents = {account.account_id: account.parent_account_id for account in office.accounts()}
    assert parents["n-0"] == "n-2"
    assert parents["n-2"] is None
