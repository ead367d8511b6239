"""State is the fold of events: `evolve` is the only way in which an entity changes."""

from __future__ import annotations

from typing import cast

from processors import accounts, bill_cycles, customers
from schemas.accounts import Account, AccountEvent
from schemas.bill_cycles import BillCycleEvent
from schemas.customers import Customer
from schemas.fields import Entity, Event
from schemas.words import CustomerEvent


def evolve(entity: Entity | None, event: Event) -> Entity:
    """The entity after the event. An event that does not fit its entity is a bug of ours."""
    if isinstance(event, BillCycleEvent):
        return bill_cycles.evolve(cast("Account", entity), event)
    if isinstance(event, AccountEvent):
        return accounts.evolve(cast("Account | None", entity), event)
    assert isinstance(event, CustomerEvent), f"no entity evolves by {type(event).__name__}"
    return customers.evolve(cast("Customer | None", entity), event)
