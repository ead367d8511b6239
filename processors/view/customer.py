"""A customer's rows as decisions read them: what is stored, and over it what a command under way has added."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Protocol

import msgspec

from processors.view.billing import BillingHoldings
from processors.view.orders import Ordered
from schemas.accounts import Account
from schemas.customers import Customer
from schemas.fields import Entity, Event
from schemas.rows import Due, Head, key, prefix, within
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
        self.index, self.scan = rows.get, rows.scan

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
        start = prefix(self.customer_id, kind)
        for found, _ in self._rows.scan(start):
            yield found[len(start) :].decode()


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
        self._index: dict[bytes, bytes | None] = {}
        self._ordered: list[bytes] | None = None

    # -- reading

    def head(self) -> Head | None:
        """Where the customer's history stands; None before the first accepted command."""
        if self._head is None:
            self._head = self._below.head()
        return self._head

    def entity(self, kind: str, entity_id: str) -> Entity | None:
        """One entity as it is now."""
        try:
            return self._entities[kind, entity_id]
        except KeyError:
            found = self._entities[kind, entity_id] = self._below.entity(kind, entity_id)
            return found

    def customer(self) -> Customer | None:
        """The customer itself; None before the first accepted command."""
        return self._of(Customer, self.customer_id)

    def account(self, account_id: str) -> Account | None:
        """An account by its id."""
        return self._of(Account, account_id)

    def account_by_external_id(self, external_id: str) -> Account | None:
        """The account that holds an external id now, deactivated ones included."""
        holder = self.index(key(self.customer_id, "external_id", external_id))
        return None if holder is None else self.account(holder.decode())

    def children(self, account_id: str) -> tuple[str, ...]:
        """Ids of the accounts directly below one, in order of account_id, deactivated ones included."""
        start = within(self.customer_id, "child", account_id)
        return tuple(found[len(start) :].decode() for found, _ in self.scan(start))

    def ids(self, kind: str) -> Iterator[str]:
        """Ids of all entities of a kind, in their order. Grows with the customer: for rules about all of them only."""
        mine = {entity_id for found, entity_id in self.touched if found == kind}
        return iter(sorted(mine.union(self._below.ids(kind)))) if mine else self._below.ids(kind)

    def due(self) -> Iterator[tuple[bytes, Due]]:
        """The due index in the order in which it is to be decided (BCX-8)."""
        for found, value in self.scan(prefix(self.customer_id, "due")):
            yield found, _due_decoder.decode(value)

    def index(self, index_key: bytes) -> bytes | None:
        """The value of one index row."""
        return self._index[index_key] if index_key in self._index else self._below.index(index_key)

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Index rows whose key begins so, in key order: this layer over the one below, read only as far as asked."""
        mine = self._changed(start)
        below = self._below.scan(start)
        other = next(below, None)
        for found in mine:
            while other is not None and other[0] < found:
                yield other
                other = next(below, None)
            if other is not None and other[0] == found:
                other = next(below, None)
            value = self._index[found]
            if value is not None:
                yield found, value
        if other is not None:
            yield other
            yield from below

    def _changed(self, start: bytes) -> list[bytes]:
        """Keys of this layer that begin so, in order. They are sorted at the first scan, and kept in order after it."""
        if not self._index:
            return []
        if self._ordered is None:
            self._ordered = sorted(self._index)
        place = bisect_left(self._ordered, start)
        return list(takewhile(lambda found: found.startswith(start), islice(self._ordered, place, None)))

    # -- adding: see processors/view/draft.py

    def draft(self) -> CustomerView:
        """A layer of its own over this one, to try events in and throw away."""
        raise NotImplementedError

    def record(self, event: Event) -> Entity:
        """Apply one event: the entity that it is about evolves, and index and summary rows follow."""
        raise NotImplementedError
