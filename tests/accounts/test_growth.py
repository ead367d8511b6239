"""What an account keeps of its past is bounded: it does not grow with age."""

from __future__ import annotations

from processors.accounts.evolution import ENDED_MAX, HISTORY_MAX
from schemas.sealed import key_id_of
from tests.accounts.book import CUSTOMER, Book, events


def test_a_thousand_state_changes_leave_the_latest() -> None:
    book = Book()
    book.ask("CreateAccount", account_id="a-1", account_profile="mobile")
    for reason in ("PAID", "RETURNED") * HISTORY_MAX:
        assert events(book.ask("ChangeAccountState", account={"account_id": "a-1"}, state="ACTIVE", reason=reason))

    history = book.account("a-1").state_history
    assert len(history) == HISTORY_MAX
    assert history[-1].reason == "RETURNED"
    assert history[-1].valid_to is None


def test_plans_that_are_gone_are_known_for_a_while() -> None:
    book = Book()
    book.ask("CreateAccount", account_id="a-1", account_profile="mobile")
    for _ in range(2 * ENDED_MAX):
        later = book.at.replace(year=2027).isoformat()
        book.ask(
            "ChangeAccountState", account={"account_id": "a-1"}, state="SUSPENDED", reason="UNPAID", valid_from=later
        )
    account = book.account("a-1")
    assert len(account.ended_changes) == ENDED_MAX
    assert account.planned_state_change is not None


def test_an_erasure_names_the_key_that_sealed_values_name() -> None:
    """ACC-51: the core knows the key's name without the vault."""
    book = Book()
    (_, erased) = events(book.ask("EraseCustomerData", reason="asked for"))
    assert getattr(erased, "key_id") == key_id_of(CUSTOMER)  # noqa: B009  # an event of any kind
