"""What a command under way adds to a customer: events evolve entities, index rows follow, `writes` hands all over."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from processors import fold
from processors.view.customer import CustomerView, identity_of
from processors.view.rows import accounts, billing, orders, subscriptions
from processors.view.rows.accounts import IndexRows
from schemas.accounts import AccountCreated
from schemas.bill_cycles import BillingPeriodStarted
from schemas.fields import Entity, Event
from schemas.rows import MICROSECOND, Due, Head, key, moment_bytes, next_due_key, prefix

_encode = msgspec.msgpack.Encoder().encode

_OF_ENTITY: dict[type[Entity], list[Callable[..., IndexRows]]] = defaultdict(list)
for _rows in (accounts, subscriptions, orders, billing):
    for _entity in _rows.CONCERNED:
        _OF_ENTITY[_entity].append(_rows.changes)

_OF_EVENT: dict[type[Event], list[Callable[..., IndexRows]]] = defaultdict(list)
for _more in (subscriptions, billing):
    for _event in _more.FOLLOWED:
        _OF_EVENT[_event].append(_more.followed)


class Draft(CustomerView):
    """A layer over a customer's rows. Nothing is stored here: what is added stays until `writes` hands it over."""

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
        for changes in _OF_ENTITY.get(type(after), ()):
            self._follow(changes(self.customer_id, before, after, self))
        for followed in _OF_EVENT.get(type(event), ()):
            self._follow(followed(self.customer_id, event, self))
        self._summarize(event)
        return after

    def set_aside(self, due: Due) -> None:
        """Take due work out of the index and park it, so that it holds up nothing."""
        for found, entry in self.due():
            if entry.command_id == due.command_id:
                self._follow({found: None})
                break
        self._follow({key(self.customer_id, "parked", due.command_id): _encode(due)})

    def take_up(self, command_id: str) -> None:
        """Forget that due work was parked."""
        self._follow({key(self.customer_id, "parked", command_id): None})

    def _follow(self, rows: IndexRows) -> None:
        if self._ordered is not None:
            for found in rows:
                if found not in self._index:
                    insort(self._ordered, found)
        self._index |= rows

    def _summarize(self, event: Event) -> None:
        head = self.head() or Head()
        match event:
            case AccountCreated():
                self._head = msgspec.structs.replace(head, accounts=head.accounts + 1)
            case BillingPeriodStarted() if not head.had_period:
                self._head = msgspec.structs.replace(head, had_period=True)

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
        rows |= self._index
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
        start = prefix(self.customer_id, "due")
        moments = [found[len(start) :] for found in self._index if found.startswith(start)]
        if not moments or next_due is None:
            return bool(moments)
        after = moment_bytes(next_due + MICROSECOND)
        return any(moment < after for moment in moments)
