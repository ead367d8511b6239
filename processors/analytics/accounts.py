"""Rows of account states, and versions of accounts and customers. Personal data is copied as it came: sealed."""

from __future__ import annotations

import msgspec

from processors.analytics.rows import AccountStateStep, AccountVersion, CustomerVersion, Origin
from schemas.accounts import Account, AccountCreated, AccountStateChanged, Address, Contact
from schemas.customers import Customer
from schemas.envelope import BusinessTransaction

_json = msgspec.json.Encoder(order="deterministic")


def state_step(
    transaction: BusinessTransaction, origin: Origin, position: int, event: AccountCreated | AccountStateChanged
) -> AccountStateStep:
    """Return an account's first state (from nothing, no cause), or a change of it."""
    if isinstance(event, AccountCreated):
        change_id = from_state = from_reason = cause = root = None
        to_state = event.state
        since, since_day = event.state_valid_from, event.bill_cycle_valid_from  # the local day of the creation
    else:
        change_id, from_state, from_reason, to_state = event.change_id, event.from_.value, event.old_reason, event.to
        since, since_day = event.effective_at, event.effective_date
        cause, root = event.cause.value, event.root_account_id
    return AccountStateStep(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        position,
        event.account_id,
        change_id,
        from_state,
        from_reason,
        to_state.value,
        event.reason,
        cause,
        since,
        since_day,
        root,
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )


def account_version(transaction: BusinessTransaction, origin: Origin, account: Account) -> AccountVersion:
    """Return an account as the transaction left it."""
    cycle = account.bill_cycle
    return AccountVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        account.account_id,
        transaction.occurred_at,
        account.external_id,
        account.type,
        _json.encode(account.roles).decode(),
        account.segment,
        account.state.value,
        account.reason,
        account.state_valid_from,
        account.currency,
        cycle.code,
        cycle.billing_day,
        cycle.billing_month,
        cycle.billing_year,
        account.parent_account_id,
        account.payment_responsible,
        account.test_account,
        account.account_profile,
        account.custom_name,
        _json.encode(account.custom_attributes).decode(),
        account.tax_residence,
        account.tax_exemption,
        *_contact(account.contact),
        *_address(account.address),
    )


def customer_version(transaction: BusinessTransaction, origin: Origin, customer: Customer) -> CustomerVersion:
    """Return a customer as the transaction left it."""
    return CustomerVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        transaction.occurred_at,
        customer.time_zone,
        customer.name,
        _json.encode(customer.custom_attributes).decode(),
        customer.erased,
    )


_Four = tuple[str | None, str | None, str | None, str | None]
_Six = tuple[str | None, str | None, str | None, str | None, str | None, str | None]


def _contact(contact: Contact | None) -> _Four:
    if contact is None:
        return None, None, None, None
    return contact.first_name, contact.last_name, contact.email, contact.phone


def _address(address: Address | None) -> _Six:
    if address is None:
        return None, None, None, None, None, None
    street, city = (address.street, address.street_2), (address.city, address.postal_code)
    return *street, *city, address.region, address.country
