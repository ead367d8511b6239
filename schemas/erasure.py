"""The words of erasure."""

from __future__ import annotations

from typing import Annotated, ClassVar

from schemas.fields import Command, CustomerId, Event, doc


class EraseCustomerData(Command, frozen=True, kw_only=True):
    """Make a customer's personal data unreadable everywhere (ACC-50 .. ACC-53)."""

    reason: Annotated[str, doc("Why")]
    request_reference: Annotated[str | None, doc("The caller's number of the request")] = None


class CustomerDataErased(Event, frozen=True, kw_only=True):
    """The customer's data key is to be destroyed; the eraser does it."""

    about: ClassVar = ("customer", "customer_id")

    customer_id: CustomerId
    reason: Annotated[str, doc("Why")]
    request_reference: Annotated[str | None, doc("The caller's number of the request")] = None
    key_id: Annotated[str, doc("The data key to destroy")]
