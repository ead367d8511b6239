"""The glossary: every command, event and entity there is, by name."""

from __future__ import annotations

from typing import get_args

from schemas.accounts import Account, AccountClockCommand, AccountCommand, AccountEvent
from schemas.bill_cycles import BillCycleClockCommand, BillCycleCommand, BillCycleEvent
from schemas.customers import Customer, CustomerCommand
from schemas.customers import CustomerEvent as RegistrationEvent
from schemas.erasure import CustomerDataErased, EraseCustomerData
from schemas.fields import Command, Entity, Event
from schemas.schedule import DueWorkParked

AskedCommand = CustomerCommand | AccountCommand | BillCycleCommand | EraseCustomerData
"""What a caller may ask."""

ClockCommand = AccountClockCommand | BillCycleClockCommand
"""What only the core's own clock asks; from anyone else it is a dead letter (BCX-11)."""

CustomerEvent = RegistrationEvent | CustomerDataErased | DueWorkParked
AnyEvent = CustomerEvent | AccountEvent | BillCycleEvent
AnyEntity = Customer | Account

COMMANDS: dict[str, type[Command]] = {
    word.__name__: word
    for union in (CustomerCommand, AccountCommand, AccountClockCommand, BillCycleCommand, BillCycleClockCommand)
    for word in get_args(union) or (union,)
} | {"EraseCustomerData": EraseCustomerData}
"""What may be asked, in the order of the union in the contract: a new one goes to the end."""

CLOCK_COMMANDS: frozenset[str] = frozenset(word.__name__ for word in get_args(ClockCommand))

EVENTS: dict[str, type[Event]] = {
    word.__name__: word for union in (RegistrationEvent, AccountEvent, BillCycleEvent) for word in get_args(union)
} | {"CustomerDataErased": CustomerDataErased, "DueWorkParked": DueWorkParked}
"""What may happen, in the order of the union in the contract: a new one goes to the end."""

ENTITIES: dict[str, type[Entity]] = {word.identity[0]: word for word in (Customer, Account)}
"""What is kept, by kind, in the order of the union in the contract: a new one goes to the end."""
