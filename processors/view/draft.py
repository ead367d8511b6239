"""What a command under way adds to a customer: events evolve entities, index rows follow, `writes` hands all over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import msgspec

from processors import fold
from processors.view.customer import CustomerView, Stored, identity_of
from processors.view.rows import accounts, billing, charges, orders, subscriptions
from processors.view.rows.indexes import Index, IndexRows
from schemas.accounts import AccountCreated
from schemas.bill_cycles import BillingPeriodStarted
from schemas.fields import Entity, Event
from schemas.rows import (
    DUE,
    MICROSECOND,
    PARKED,
    Due,
    Family,
    Head,
    family_prefix,
    key,
    moment_bytes,
    next_due_key,
)

_encode = msgspec.msgpack.Encoder().encode

INDEXES: tuple[Index, ...] = (
    *accounts.INDEXES,
    *subscriptions.INDEXES,
    *orders.INDEXES,
    *billing.INDEXES,
    *charges.INDEXES,
)

_Change = tuple[Entity | None, Entity, Event]
"""An entity before and after an event, and the event."""
_WRITING: dict[str, list[Index]] = defaultdict(list)
"""Which indexes write rows of a kind."""
for _index in INDEXES:
    for _kind in _index.kinds:
        _WRITING[_kind].append(_index)


@cache
def _followers(entity: type[Entity], event: type[Event]) -> tuple[Index, ...]:
    """Indexes with rows that follow from such an entity or such an event."""
    return tuple(index for index in INDEXES if entity in index.of_entities or event in index.of_events)


class Draft(CustomerView):
    """A layer over a customer's rows. Nothing is stored here: what is added stays until `writes` hands it over.

    Index rows are made when they are first looked at, index by index: a draft that is thrown away mostly never does.
    """

    def __init__(self, below: Stored | CustomerView) -> None:
        super().__init__(below)
        self._waiting: dict[Index, list[_Change]] = defaultdict(list)
        """What index rows are still to be made of, in the order in which it was recorded."""

    def draft(self) -> Draft:
        """A layer of its own over this one, to try events in and throw away."""
        return Draft(self)

    def record(self, event: Event) -> Entity:
        """Apply one event: the entity that it is about evolves, and index and summary rows follow."""
        identity = identity_of(event)
        before = self.entity(*identity)
        after = fold.evolve(before, event)
        self._entities[identity] = after
        self.touched.pop(identity, None)
        self.touched[identity] = after
        change = before, after, event
        for index in _followers(type(after), type(event)):
            self._waiting[index].append(change)
        summarize = _SUMMARIES.get(type(event))
        if summarize is not None:
            self._head = summarize(self.head() or Head())
        return after

    def set_aside(self, due: Due) -> None:
        """Take due work out of the index and park it, so that it holds up nothing."""
        for place, entry in self.due():
            if entry.command_id == due.command_id:
                self._write({((DUE,), place): None})
                break
        self._write({((PARKED,), due.command_id.encode()): _encode(due)})

    def take_up(self, command_id: str) -> None:
        """Forget that due work was parked."""
        self._write({((PARKED,), command_id.encode()): None})

    def _written(self, family: Family) -> dict[bytes, bytes | None] | None:
        """What this layer has written into a family, up to the last event."""
        if self._waiting:
            for index in _WRITING.get(family[0], ()):
                self._catch_up(index)
        return self._index.get(family)

    def _catch_up(self, index: Index) -> None:
        for before, after, event in self._waiting.pop(index, ()):
            of_entity, of_event = index.of_entities.get(type(after)), index.of_events.get(type(event))
            if of_entity is not None:
                self._write(of_entity(before, after, self))
            if of_event is not None:
                self._write(of_event(event, self))

    def _write(self, rows: IndexRows) -> None:
        for (family, member), value in rows.items():
            self._index.setdefault(family, {})[member] = value

    def zone(self) -> ZoneInfo:
        """The customer's time zone."""
        customer = self.customer()
        assert customer is not None, "every entity belongs to a registered customer"
        return ZoneInfo(customer.time_zone)

    # -- handing over

    def writes(self, head: Head) -> dict[bytes, bytes | None]:
        """The rows to store, with the head as it is after the command. `next_due` is brought up to date here."""
        rows: dict[bytes, bytes | None] = {
            key(self.customer_id, kind, entity_id): _encode(entity)
            for (kind, entity_id), entity in self.touched.items()
        }
        for index in tuple(self._waiting):
            self._catch_up(index)
        for family, written in self._index.items():
            start = family_prefix(self.customer_id, family)
            for member, value in written.items():
                rows[start + member] = value
        if self._is_first_due_touched(head.next_due):
            first = next(self.due(), None)
            next_due = None if first is None else first[1].due_at
            if next_due != head.next_due:
                if head.next_due is not None:
                    rows[next_due_key(self.customer_id, head.next_due)] = None
                if first is not None:
                    rows[next_due_key(self.customer_id, first[1].due_at)] = _encode(first[1])
                head = msgspec.structs.replace(head, next_due=next_due)
        rows[key(self.customer_id, "head", "")] = _encode(head)
        return rows

    def _is_first_due_touched(self, next_due: datetime | None) -> bool:
        """Whether an entry of the due index came, changed or went at the earliest moment or before it."""
        moments = self._written((DUE,))
        if not moments or next_due is None:
            return bool(moments)
        after = moment_bytes(next_due + MICROSECOND)
        return any(moment < after for moment in moments)


_SUMMARIES: dict[type[Event], Callable[[Head], Head]] = {
    AccountCreated: lambda head: msgspec.structs.replace(head, accounts=head.accounts + 1),
    BillingPeriodStarted: lambda head: head if head.had_period else msgspec.structs.replace(head, had_period=True),
}
"""What events change in the customer's head."""
