"""A customer's rows as decisions read them: what is stored, and over it what a command under way has added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from processors.view.billing import BillingHoldings
from processors.view.orders import Ordered
from processors.view.rows.accounts import CHILD, EXTERNAL_ID
from processors.view.subscriptions import Found
from schemas.accounts import Account
from schemas.customers import Customer
from schemas.fields import Entity, Event
from schemas.rows import DUE, PARKED, Due, Family, Head, family_prefix, key
from schemas.words import ENTITIES

_entity_decoders = {kind: msgspec.msgpack.Decoder(word) for kind, word in ENTITIES.items()}
_head_decoder = msgspec.msgpack.Decoder(Head)
_due_decoder = msgspec.msgpack.Decoder(Due)


def identity_of(event: Event) -> tuple[str, str]:
    """Kind and id of the entity that an event is about."""
    kind, id_field = event.about
    return kind, getattr(event, id_field)


class Rows(Protocol):
    """Where rows are kept: a table of the worker, a dict in tests, the replayed log in audits."""

    def get(self, row_key: bytes, /) -> bytes | None:
        """The row under this key."""

    def scan(self, start: bytes, /) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key begins so, in key order."""


class Stored:
    """A customer's rows as they are on disk."""

    def __init__(self, customer_id: str, rows: Rows) -> None:
        self.customer_id = customer_id
        self._rows = rows

    def head(self) -> Head | None:
        """Where the customer's history stands; None before the first accepted command."""
        raw = self._rows.get(key(self.customer_id, "head", ""))
        return None if raw is None else _head_decoder.decode(raw)

    def entity(self, kind: str, entity_id: str) -> Entity | None:
        """One entity."""
        raw = self._rows.get(key(self.customer_id, kind, entity_id))
        return None if raw is None else _entity_decoders[kind].decode(raw)

    def ids(self, kind: str) -> Iterator[str]:
        """Ids of all entities of a kind, in their order."""
        for found, _ in self.scan((kind,)):
            yield found.decode()

    def index(self, family: Family, member: bytes) -> bytes | None:
        """The value of one index row."""
        return self._rows.get(family_prefix(self.customer_id, family) + member)

    def scan(self, family: Family) -> Iterator[tuple[bytes, bytes]]:
        """The rows of a family, each with its place there, in their order."""
        start = family_prefix(self.customer_id, family)
        length = len(start)
        for found, value in self._rows.scan(start):
            yield found[length:], value


def _merged(
    mine: Sequence[tuple[bytes, bytes | None]], below: Iterator[tuple[bytes, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    """One layer's rows over those of the one below."""
    other = next(below, None)
    for found, value in mine:
        while other is not None and other[0] < found:
            yield other
            other = next(below, None)
        if other is not None and other[0] == found:
            other = next(below, None)
        if value is not None:
            yield found, value
    if other is not None:
        yield other
        yield from below


class CustomerView(Ordered, BillingHoldings):
    """The customer that a decision reads. `record` adds an event, `draft` opens a layer to try things in.

    How events become rows is the draft's matter (processors/view/draft.py): a decision needs to know no more than this.
    """

    def __init__(self, below: Stored | CustomerView) -> None:
        self._below = below
        self.customer_id: str = below.customer_id
        self._head: Head | None = None
        self._entities: dict[tuple[str, str], Entity | None] = {}
        self.touched: dict[tuple[str, str], Entity] = {}
        """Entities that events of this layer changed, the latest changed last."""
        self._index: dict[Family, dict[bytes, bytes | None]] = {}

    # -- reading

    def head(self) -> Head | None:
        """Where the customer's history stands; None before the first accepted command."""
        if self._head is None:
            self._head = self._below.head()
        return self._head

    def next_sequence(self) -> int:
        """Number of the transaction that is being decided."""
        head = self.head()
        return 1 + (0 if head is None else head.sequence)

    def entity(self, kind: str, entity_id: str) -> Entity | None:
        """One entity as it is now."""
        identity = kind, entity_id
        found = self._entities.get(identity)
        if found is None and identity not in self._entities:
            found = self._entities[identity] = self._below.entity(kind, entity_id)
        return found

    def _of(self, word: type[Found], entity_id: str) -> Found | None:
        """An entity of a kind, with one look where it was read before: nothing is asked for as often."""
        identity = word.identity[0], entity_id
        found = self._entities.get(identity)
        if found is None and identity not in self._entities:
            found = self.entity(*identity)
        assert found is None or isinstance(found, word)
        return found

    def customer(self) -> Customer | None:
        """The customer itself; None before the first accepted command."""
        return self._of(Customer, self.customer_id)

    def account(self, account_id: str) -> Account | None:
        """An account by its id."""
        return self._of(Account, account_id)

    def account_by_external_id(self, external_id: str) -> Account | None:
        """The account that holds an external id now, deactivated ones included."""
        holder = self.index((EXTERNAL_ID,), external_id.encode())
        return None if holder is None else self.account(holder.decode())

    def children(self, account_id: str) -> tuple[str, ...]:
        """Ids of the accounts directly below one, in order of account_id, deactivated ones included."""
        return tuple(self._ids_in(CHILD, account_id))

    def ids(self, kind: str) -> Iterator[str]:
        """Ids of all entities of a kind, in their order. Grows with the customer: for rules about all of them only."""
        mine = {entity_id for found, entity_id in self.touched if found == kind}
        return iter(sorted(mine.union(self._below.ids(kind)))) if mine else self._below.ids(kind)

    def due(self) -> Iterator[tuple[bytes, Due]]:
        """The due index in the order in which it is to be decided (BCX-8), each entry with its place."""
        for found, value in self.scan((DUE,)):
            yield found, _due_decoder.decode(value)

    def parked(self, command_id: str) -> Due | None:
        """Due work that met a bug and waits for an operator, by the id of its command."""
        raw = self.index((PARKED,), command_id.encode())
        return None if raw is None else _due_decoder.decode(raw)

    def index(self, family: Family, member: bytes) -> bytes | None:
        """The value of one index row."""
        mine = self._written(family)
        if mine is not None and member in mine:
            return mine[member]
        return self._below.index(family, member)

    def scan(self, family: Family) -> Iterator[tuple[bytes, bytes]]:
        """The rows of a family, each with its place there, in their order; read only as far as asked."""
        mine = self._written(family)
        below = self._below.scan(family)
        return _merged(sorted(mine.items()), below) if mine else below

    def _written(self, family: Family) -> dict[bytes, bytes | None] | None:
        """What this layer has written into a family."""
        return self._index.get(family)

    # -- adding: see processors/view/draft.py

    def draft(self) -> CustomerView:
        """A layer of its own over this one, to try events in and throw away."""
        raise NotImplementedError

    def record(self, event: Event) -> Entity:
        """Apply one event: the entity that it is about evolves, and index and summary rows follow."""
        raise NotImplementedError
