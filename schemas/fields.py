"""What every word is made of: the base structs, and the field types that carry the same meaning everywhere."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

LIST_ITEMS = 500
"""How many items a list of a command may have: an order's lines, a bundle's components."""


class Word(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Anything with a name in the contracts. `listed_up_to`: how many of them one list of a command may hold.

    `gc=False`: words are made from their parts and never changed, so none can be in a cycle.
    """

    listed_up_to: ClassVar[int] = LIST_ITEMS


class Command(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of something asked of the core. May be refused."""


class Event(Word, frozen=True, kw_only=True):
    """A fact about one entity. `about` names the entity's kind and the field that holds its id."""

    about: ClassVar[tuple[str, str]]


class Entity(Word, frozen=True, kw_only=True, omit_defaults=True):
    """A row of its own, found by customer, kind and id. `identity` names the kind and the field that holds the id."""

    identity: ClassVar[tuple[str, str]]


class Cleared(Word, frozen=True, kw_only=True):
    """Stands in Avro where a caller gives an explicit null: "take the value away", while null means "not given"."""


def doc(text: str) -> msgspec.Meta:
    """Describe a field. The contract carries the text."""
    return msgspec.Meta(description=text)


def pii(text: str) -> msgspec.Meta:
    """Describe a field that holds personal data: sealed at the door, marked in the contract."""
    return msgspec.Meta(description=text, extra={"pii": True})


Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
"""A SHA-256; the contracts write it as fixed(32)."""

CustomerId = Annotated[str, doc("Id of the customer: consistency boundary and Kafka key")]
CommandId = Annotated[str, doc("Id of the command, chosen by the caller, unique within the customer")]
AccountId = Annotated[str, doc("Id of the account, unique within the customer")]
ExternalId = Annotated[str, doc("The CRM's own id of the account, unique within the customer")]
ChangeId = Annotated[str, doc("Id of a planned or performed change, derived from its command")]
BillCycleCode = Annotated[str, doc("Code of a bill cycle definition of the catalog")]
CurrencyCode = Annotated[str, doc("Currency, ISO 4217")]
TimeZoneName = Annotated[str, doc("Time zone, IANA name")]
Attributes = Annotated[dict[str, str], doc("Free names and values of the caller")]
