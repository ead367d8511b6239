"""Commands as a few hundred customers send them, drawn from a seed: accounts, bill cycles, states, repeats."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

import msgspec

from schemas import codec, wire
from schemas.accounts import AccountState, ChangeAccountState, CreateAccount
from schemas.bill_cycles import CancelAccountBillCycleChange, PerformAccountBillCycleChange, UpdateAccountBillCycle
from schemas.envelope import CommandRecord, Mode, Unparsed
from schemas.fields import Command
from schemas.references import AccountRef

CYCLES = ("MONTHLY_1", "MONTHLY_15", "MONTHLY_31", "QUARTERLY", "WEEKLY_MON", "DAILY", "NO_SUCH_CYCLE")
STATES = (AccountState.SUSPENDED, AccountState.ACTIVE, AccountState.DEACTIVATED)
WEIGHTS = (6, 6, 1)


class Sent(NamedTuple):
    """A record for the commands topic."""

    customer_id: str
    value: bytes


class Load:
    """The same seed sends the same, but for the moments that it plans for."""

    def __init__(self, seed: int, customers: int = 200, name: str = "c") -> None:
        self.random = Random(seed)
        self.customers, self.name = customers, name
        self.asked = 0
        self._accounts: dict[str, int] = {}
        self._sent: list[Sent] = []

    def commands(self, count: int, now: datetime) -> Iterator[Sent]:
        """So many records. What is planned is planned for the seconds and days after `now`."""
        for _ in range(count):
            sent = self._again() if self._sent and self.random.random() < 0.01 else self._new(now)
            if len(self._sent) < 500:
                self._sent.append(sent)
            yield sent

    def _again(self) -> Sent:
        """The same id again: mostly the same command, sometimes another one."""
        earlier = self.random.choice(self._sent)
        if self.random.random() < 0.8:
            return earlier
        record = codec.COMMAND.decode(wire.unframe(earlier.value)[1])
        return framed(msgspec.structs.replace(record, body=CreateAccount(account_id="other", account_profile="mobile")))

    def _new(self, now: datetime) -> Sent:
        self.asked += 1
        customer_id = f"{self.name}{self.random.randrange(self.customers)}"
        body = self._body(customer_id, now)
        mode = Mode.PREVIEW if self.random.random() < 0.03 else Mode.EXECUTE
        return framed(
            CommandRecord(
                command_id=f"{self.name}-{self.asked}",
                customer_id=customer_id,
                source="crm",
                performed_by="load",
                mode=mode,
                body=body,
            )
        )

    def _body(self, customer_id: str, now: datetime) -> Command:
        draw = self.random
        accounts = self._accounts.get(customer_id, 0)
        if accounts == 0 or (accounts < 4 and draw.random() < 0.2):
            self._accounts[customer_id] = accounts + 1
            return CreateAccount(account_id=f"a{accounts}", account_profile=draw.choice(["mobile", "business"]))
        ref = AccountRef(account_id=f"a{draw.randrange(accounts + 1)}")  # now and then one that is not there
        kind = draw.random()
        if kind < 0.45:
            later = None if draw.random() < 0.4 else now + timedelta(days=draw.randrange(1, 60))
            return UpdateAccountBillCycle(account=ref, bill_cycle=draw.choice(CYCLES), valid_from=later)
        if kind < 0.6:
            return CancelAccountBillCycleChange(account=ref)
        if kind < 0.75:
            return PerformAccountBillCycleChange(account=ref)
        if kind < 0.97:
            soon = None if draw.random() < 0.6 else now + timedelta(seconds=draw.uniform(0.5, 6))
            state = draw.choices(STATES, WEIGHTS)[0]
            return ChangeAccountState(account=ref, state=state, reason=reason_of(state), valid_from=soon)
        return Unparsed(command_type="CreateAccount", json='{"account_id": 7}')


def reason_of(state: AccountState) -> str:
    return {"SUSPENDED": "REQUESTED", "ACTIVE": "PAID", "DEACTIVATED": "CHURN"}[state]


def framed(record: CommandRecord) -> Sent:
    """A command record as it stands on the topic."""
    return Sent(record.customer_id, wire.frame(wire.local_id("Command"), codec.COMMAND.encode(record)))
