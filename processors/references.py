"""How a command names accounts: one by its id or the CRM's, or with it all that live below."""

from __future__ import annotations

from collections.abc import Iterator

from processors.view.customer import CustomerView
from schemas.accounts import Account, AccountState
from schemas.references import AccountRef


def find_account(customer: CustomerView, ref: AccountRef) -> Account | None:
    """The account that the caller means, deactivated ones included; None if the customer has none such."""
    if ref.account_id is not None:
        return customer.account(ref.account_id)
    assert ref.external_id is not None, "a reference names one of the two"
    return customer.account_by_external_id(ref.external_id)


def as_given(ref: AccountRef) -> dict[str, str]:
    """The reference as the caller gave it, for refusals that carry it."""
    given = {"account_id": ref.account_id, "external_id": ref.external_id}
    return {field: value for field, value in given.items() if value is not None}


def live_below(customer: CustomerView, account_id: str) -> Iterator[Account]:
    """Every live account below one, depth first, siblings by account_id (BCU-19, ACC-37).

    A deactivated account is left out, but not what lives below it.
    """
    for child_id in customer.children(account_id):
        child = customer.account(child_id)
        assert child is not None, "the tree knows only accounts that exist"
        if child.state is not AccountState.DEACTIVATED:
            yield child
        yield from live_below(customer, child_id)
