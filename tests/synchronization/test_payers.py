"""A payer that stops paying takes those along whose services it paid (HIE-10); who is paid for counts (ACC-39)."""

from __future__ import annotations

from typing import Any

import pytest

from processors.billing_profiles.following import follow_payer, paid_children
from schemas.billing_profiles import BillingProfileStateChanged, ProfileCause, ProfileState
from tests.accounts.book import Book, completed, new_service

SEALED = "sealed:v1:AAAAAAAAAAAA:" + "x" * 60
PERSON = {"contact": {"last_name": SEALED}, "address": {"street": SEALED, "city": SEALED, "country": SEALED}}
ACCOUNT: dict[str, Any] = {"account_profile": "mobile", **PERSON}
PROFILE: dict[str, Any] = {"frequency": "MONTHLY", "payment_method": {"kind": "INVOICE"}, **PERSON}


@pytest.fixture
def book() -> Book:
    """n-hq pays for n-shop and n-kiosk, n-shop for itself too."""
    book = Book(default_billing_system="BRM-1")
    told = (("l-1", "n-shop", "n-hq"), ("l-2", "n-kiosk", "n-hq"), ("l-3", "n-shop", "n-shop"))
    lines = [new_service(*line) for line in told]
    completed(book.ask("SubmitOrder", order_id="o-1", lines=lines))
    named = ("n-hq", "n-shop", "n-kiosk")
    answered = book.ask(
        "SynchronizeOrderBillingAccounts",
        order_id="o-1",
        accounts=[{"account_id": account, **ACCOUNT} for account in named],
        billing_profiles=[
            {"billing_profile_id": f"bp-{account}", "account": {"account_id": account}, **PROFILE}
            for account in ("n-hq", "n-shop")
        ],
    )
    completed(answered)
    return book


@pytest.mark.parametrize("state", [ProfileState.INACTIVE, ProfileState.CLOSED])
def test_what_a_payer_paid_for_follows_it(book: Book, state: ProfileState) -> None:
    view = book.view()

    events = follow_payer(view, "bp-n-hq", state)

    assert all(isinstance(event, BillingProfileStateChanged) for event in events)
    found = {(event.account_id, event.new_state, event.cause) for event in events}  # type: ignore[attr-defined]
    assert found == {("n-shop", state, ProfileCause.PAYER_CLOSED), ("n-kiosk", state, ProfileCause.PAYER_CLOSED)}
    for event in events:
        view.record(event)
    own = view.billing_profile("bp-n-shop")
    assert own is not None
    assert own.state is ProfileState.ACTIVE, "a child's own paying profile stays as it is"


def test_nobody_follows_a_profile_that_pays_for_nobody(book: Book) -> None:
    assert follow_payer(book.view(), "bp-n-shop", ProfileState.CLOSED) == ()


def test_accounts_that_a_profile_pays_for(book: Book) -> None:
    assert paid_children(book.view(), "n-hq") == ("n-kiosk", "n-shop")
    assert paid_children(book.view(), "n-shop") == ()
