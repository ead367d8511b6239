"""The customer itself: registered, given other values, erased."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import assert_never

import msgspec

from processors.context import Context
from processors.decision import Decision, Refused
from processors.view.customer import CustomerView
from schemas.accounts import AccountState
from schemas.customers import Customer, CustomerRegistered, CustomerUpdated, RegisterCustomer
from schemas.erasure import CustomerDataErased, EraseCustomerData
from schemas.refusals import Code, Violation, violation
from schemas.schedule import DueWorkParked
from schemas.sealed import key_id_of
from schemas.words import CustomerEvent

_replace = msgspec.structs.replace


@cache
def time_zones() -> frozenset[str]:
    """Names in the pinned time zone database (ACC-60); what the machine has beside it (`localtime`) is none."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def register(customer: CustomerView, command: RegisterCustomer, context: Context) -> Decision:
    """Create the customer, or give it the values that are named (ACC-60 .. ACC-63)."""
    known = customer.customer()
    violations = tuple(_time_zone_violations(customer, known, command))
    if violations:
        return Refused(violations)

    if known is None:
        return (
            CustomerRegistered(
                customer_id=context.customer_id,
                time_zone=command.time_zone or context.catalog.time_zone,
                name=command.name,
                custom_attributes=command.custom_attributes or {},
            ),
        )
    updated = CustomerUpdated(
        customer_id=context.customer_id,
        time_zone=command.time_zone or known.time_zone,
        name=known.name if command.name is None else command.name,
        custom_attributes=known.custom_attributes if command.custom_attributes is None else command.custom_attributes,
        old_time_zone=known.time_zone,
        old_name=known.name,
        old_custom_attributes=known.custom_attributes,
    )
    return () if _with_values(known, updated) == known else (updated,)


def _time_zone_violations(
    customer: CustomerView, known: Customer | None, command: RegisterCustomer
) -> Iterator[Violation]:
    """The time zone is known, and fixed once an account has had a billing period (ACC-60, ACC-62)."""
    if command.time_zone is None:
        return
    if command.time_zone not in time_zones():
        yield violation(Code.TIME_ZONE_UNKNOWN, "ACC-60", "time_zone", time_zone=command.time_zone)
    head = customer.head()
    if known is not None and head is not None and head.had_period and command.time_zone != known.time_zone:
        yield violation(
            Code.TIME_ZONE_FIXED, "ACC-62", "time_zone", time_zone=known.time_zone, requested=command.time_zone
        )


def erase(customer: CustomerView, command: EraseCustomerData, context: Context) -> Decision:
    """Have the customer's data key destroyed (ACC-50 .. ACC-52)."""
    known = customer.customer()
    if known is not None and known.erased:
        return ()
    if not context.catalog.switches.erase_active:
        live = tuple(_live_accounts(customer))
        if live:
            return Refused((violation(Code.CUSTOMER_ACTIVE, "ACC-50", account_ids=live),))

    return (
        CustomerDataErased(
            customer_id=context.customer_id,
            reason=command.reason,
            request_reference=command.request_reference,
            key_id=key_id_of(context.customer_id),
        ),
    )


def _live_accounts(customer: CustomerView) -> Iterator[str]:
    for account_id in customer.ids("account"):
        account = customer.account(account_id)
        if account is not None and account.state is not AccountState.DEACTIVATED:
            yield account_id


def evolve(entity: Customer | None, event: CustomerEvent) -> Customer:
    """The customer after the event."""
    if isinstance(event, CustomerRegistered):
        assert entity is None, "a customer is registered once"
        return Customer(
            customer_id=event.customer_id,
            time_zone=event.time_zone,
            name=event.name,
            custom_attributes=event.custom_attributes,
        )
    assert entity is not None, "the first event of a customer registers it"
    match event:
        case CustomerUpdated():
            return _with_values(entity, event)
        case CustomerDataErased():
            return _replace(entity, erased=True)
        case DueWorkParked():
            # The customer stays as it is: what was parked stands in the due index and in the log.
            return entity
        case _:
            assert_never(event)


def _with_values(customer: Customer, event: CustomerUpdated) -> Customer:
    return _replace(customer, time_zone=event.time_zone, name=event.name, custom_attributes=event.custom_attributes)
