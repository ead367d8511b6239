"""The words of customers: who owns everything else, and whose history it is."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from schemas.fields import Attributes, Command, CustomerId, Entity, Event, TimeZoneName, doc, pii


class RegisterCustomer(Command, frozen=True, kw_only=True):
    """Create the customer, or give it other values (ACC-60 .. ACC-63)."""

    time_zone: TimeZoneName | None = None
    name: Annotated[str | None, pii("Name of the customer")] = None
    custom_attributes: Attributes | None = None


class Customer(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """The head of everything that one customer owns, and of its chain of transactions."""

    identity: ClassVar = ("customer", "customer_id")

    customer_id: CustomerId
    time_zone: TimeZoneName
    name: Annotated[str | None, pii("Name of the customer")] = None
    custom_attributes: Attributes = msgspec.field(default_factory=dict)
    erased: Annotated[bool, doc("Personal data was erased")] = False


class CustomerRegistered(Event, frozen=True, kw_only=True):
    """A customer is known from here on."""

    about: ClassVar = ("customer", "customer_id")

    customer_id: CustomerId
    time_zone: TimeZoneName
    name: Annotated[str | None, pii("Name of the customer")] = None
    custom_attributes: Attributes = msgspec.field(default_factory=dict)


class CustomerUpdated(Event, frozen=True, kw_only=True):
    """A customer has other values."""

    about: ClassVar = ("customer", "customer_id")

    customer_id: CustomerId
    time_zone: TimeZoneName
    name: Annotated[str | None, pii("Name of the customer")] = None
    custom_attributes: Attributes = msgspec.field(default_factory=dict)
    old_time_zone: TimeZoneName
    old_name: Annotated[str | None, pii("Name before")] = None
    old_custom_attributes: Attributes = msgspec.field(default_factory=dict)


CustomerCommand = RegisterCustomer
CustomerEvent = CustomerRegistered | CustomerUpdated
