"""What was left as it is (FLP-3) goes with the last line that keeps it, and stands in the past as if it had set it."""

from __future__ import annotations

from typing import Any

from tests.synchronization import laws
from tests.synchronization.office import Office, codes, line, wish

KEEP = {"on_superseded": "KEEP_CURRENT"}


def ordered(office: Office, order_id: str, *lines: dict[str, object]) -> None:
    """An order in force; what has one payer moves along."""
    office.submit(order_id, list(lines))
    assert codes(office.synchronize(order_id, implicit_moves="ALLOW")) == []


def revised(office: Office, order_id: str, *lines: dict[str, object]) -> None:
    """An order that says something else."""
    assert codes(office.revise(order_id, list(lines))) == []
    assert codes(office.synchronize(order_id, implicit_moves="ALLOW", **KEEP)) == []


def cancelled(office: Office, *order_ids: str) -> None:
    """Orders that are taken back one after the other, whatever has overtaken them."""
    for order_id in order_ids:
        assert codes(office.cancel(order_id, **KEEP)) == []
        laws.all_of_them(office)


def test_an_assignment_of_which_a_line_keeps_nothing_but_the_owner_ends_with_that_line() -> None:
    """FLP-3, UND-1: no line says any more that the service is there, and somebody paid for it only because of lines."""
    office = Office(legal_hierarchy_sync=True)
    ordered(office, "o-1", line("first", "s-1", "ADD", wish(3, "p-2", 1)))
    ordered(office, "o-2", line("between", "s-1", "UPDATE", wish(2, "p-0", 0)))
    ordered(office, "o-3", line("owner", "s-1", "UPDATE", wish(2, "p-0", 2)))

    cancelled(office, "o-2", "o-1")
    assert set(office.assignments()) == {"s-1"}
    cancelled(office, "o-3")
    assert office.assignments() == {}
    assert office.picture()["profiles"] == set()


def test_what_was_there_before_any_order_goes_on_when_no_line_says_so() -> None:
    """PVL-4."""
    office = Office()
    ordered(office, "o-1", line("there", "s-5", "ADD", wish(3, "p-2")), line("too", "s-4", "ADD", wish(1, "p-1")))
    known = line("moved", "s-1", "UPDATE", wish(1, "p-1")) | {"prior_values": wish(3, "p-2").values()}
    ordered(office, "o-2", known)

    cancelled(office, "o-2")
    held = office.assignments()["s-1"]
    assert (held.values["billing_profile"], set(held.set_by.values())) == ("p-2", {None})


def test_a_revision_makes_an_assignment_anew_that_ended_before() -> None:
    """FLP-3: it ends with the line, as if that had been there first."""
    office = Office()
    ordered(office, "o-1", line("first", "s-1", "ADD", wish(1, "p-1")))
    ordered(office, "o-2", line("same", "s-1", "MOVE_ADD", wish(1, "p-1")))
    cancelled(office, "o-1")
    assert office.assignments() == {}

    revised(office, "o-2", line("same", "s-1", "MOVE_ADD", wish(1, "p-2")))
    laws.all_of_them(office)
    assert office.assignments()["s-1"].values["billing_profile"] == "p-2"
    cancelled(office, "o-2")
    assert office.assignments() == {}


def test_what_moved_along_goes_back_though_the_service_that_it_moved_with_is_gone() -> None:
    """HIE-9, FLP-1."""
    office = Office(split_payer=False)
    ordered(office, "o-1", line("first", "s-0", "ADD", wish(1, "p-1")))
    ordered(office, "o-2", line("between", "s-0", "UPDATE", wish(3, "p-2")))
    ordered(office, "o-3", line("beside", "s-1", "ADD", wish(3, "p-2")))
    ordered(office, "o-4", line("mover", "s-0", "UPDATE", wish(3, "p-0")))
    cancelled(office, "o-1", "o-2")
    assert set(office.assignments()) == {"s-1"}

    cancelled(office, "o-4")
    held = office.assignments()["s-1"]
    assert held.values["billing_profile"] == "p-2"
    assert {by and by.line_id for by in held.set_by.values()} == {"beside"}


def test_an_addition_that_moved_a_service_along_gives_back_whole_payers() -> None:
    """HIE-9, FLP-3, CRE-11: a later line keeps the profile, so it keeps the account that pays with it."""
    office = Office(split_payer=False)
    said = line("one", "s-1", "ADD", wish(3, "p-2")), line("two", "s-2", "ADD", wish(3, "p-2"))
    ordered(office, "o-1", *said)
    revised(office, "o-1", said[0], line("two", "s-2", "ADD", wish(3, "p-0b")))
    ordered(office, "o-2", line("later", "s-1", "MOVE_ADD", wish(1, "p-0")))

    cancelled(office, "o-1")
    assert office.assignments()["s-1"].values["billing_account"] == "n-0"
    cancelled(office, "o-2")
    assert office.assignments() == {}


def test_what_a_line_takes_over_it_has_said_all_the_time() -> None:
    """FLP-3, INV-OBA-2: an account does not stand below a payer because the one before was nobody's."""
    office = Office()
    ordered(office, "o-1", line("first", "s-3", "ADD", wish(3, "p-0b")))
    own, here = line("own", "s-2", "ADD", wish(0, "p-0b")), line("here", "s-3", "UPDATE", wish(0, "p-0"))
    ordered(office, "o-2", own, here)
    cancelled(office, "o-1")
    revised(office, "o-2", own, line("here", "s-3", "UPDATE", wish(0, "p-2")))
    before = office.picture()

    ordered(office, "o-3", line("late", "s-4", "ADD", wish(0, "p-0b")))
    cancelled(office, "o-3")
    assert office.picture() == before


def test_a_service_stays_whose_old_payer_and_account_are_closed() -> None:
    """FLP-4: what it would go back to is gone, so all of it is left as it is, though no line holds it any more."""
    office = Office()
    ordered(office, "o-1", line("first", "s-1", "ADD", wish(3, "p-0")))
    ordered(office, "o-2", line("moved", "s-1", "UPDATE", wish(2, "p-1")))
    for account in ("n-3", "n-0"):
        gone: dict[str, Any] = {"account": {"account_id": account}, "state": "DEACTIVATED", "reason": "CHURN"}
        assert codes(office.ask("ChangeAccountState", include_subordinates=True, **gone)) == []

    cancelled(office, "o-2")
    kept = office.assignments()["s-1"]
    assert (kept.state, kept.values["billing_profile"]) == ("ACTIVE", "p-1")
    cancelled(office, "o-1")
    assert "s-1" not in office.assignments()
