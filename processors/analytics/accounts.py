"""Rows of account states, and versions of accounts and customers. Personal data is copied as it came: sealed."""

from __future__ import annotations

import msgspec

from processors.analytics.rows import AccountStateStep, AccountVersion, CustomerVersion, Origin
from schemas.accounts import Account, AccountCreated, AccountState, AccountStateChanged, Address, Contact, StateCause
from schemas.customers import Customer
from schemas.envelope import BusinessTransaction
from schemas.hierarchies import AccountReopened

_json = msgspec.json.Encoder(order="deterministic")

UNUSED = "ORDER_LINE_CANCELLED"
"""Reason of an account that was closed because only a cancelled order line needed it (UND-3)."""


def state_step(
    transaction: BusinessTransaction,
    origin: Origin,
    position: int,
    event: AccountCreated | AccountStateChanged | AccountReopened,
) -> AccountStateStep:
    """Return an account's first state (from nothing, no cause), or a change of it."""
    change_id = from_state = from_reason = cause = root = None
    if isinstance(event, AccountCreated):
        to_state = event.state
        since, since_day = event.state_valid_from, event.bill_cycle_valid_from  # the local day of the creation
    elif isinstance(event, AccountReopened):
        # Only accounts that a cancelled order line closed are opened again (UND-5).
        from_state, from_reason, to_state = AccountState.DEACTIVATED.value, UNUSED, AccountState.ACTIVE
        since, since_day, cause = event.effective_at, event.effective_date, StateCause.ORDER.value
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
        *contact_columns(account.contact),
        *address_columns(account.address),
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


def contact_columns(contact: Contact | None) -> _Four:
    """Return a contact as four columns."""
    if contact is None:
        return None, None, None, None
    return contact.first_name, contact.last_name, contact.email, contact.phone


def address_columns(address: Address | None) -> _Six:
    """Return an address as six columns."""
    if address is None:
        return None, None, None, None, None, None
    street, city = (address.street, address.street_2), (address.city, address.postal_code)
    return *street, *city, address.region, address.country
