"""What customers of a telephone company order, drawn from a seed."""

from __future__ import annotations

from random import Random

import msgspec

from schemas.envelope import CommandRecord
from schemas.words import COMMANDS
from tests.faults.load import framed
from tests.faults.rig import Rig

CUSTOMERS = tuple(f"c{number}" for number in range(60))
LINES = ("LINE_A", "LINE_B", "POTS")


class Sales:
    """What customers order: a line, a fibre and a switchboard each, then changes at random."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.random, self.sent = rig, Random(rig.load.random.random()), 0

    def take(self, changes: int) -> None:
        """Every customer begins; then so many changes of any of them."""
        for customer_id in CUSTOMERS:
            self.open(customer_id)
        for _ in range(changes):
            self.change(self.random.choice(CUSTOMERS))
        self.rig.producer.flush()

    def ask(self, customer_id: str, command: str, **body: object) -> None:
        self.sent += 1
        record = CommandRecord(
            command_id=f"order-{self.sent}",
            customer_id=customer_id,
            source="crm",
            performed_by="sales",
            body=msgspec.convert(body, COMMANDS[command]),
        )
        self.rig.put(framed(record))

    def open(self, customer_id: str) -> None:
        account = {"account_id": "a-1"}
        cycle = {"code": "MONTHLY_1"}
        self.ask(customer_id, "CreateAccount", **account, type="BUSINESS", currency="EUR", bill_cycle=cycle)
        parts = [{"product": "LINE_A", "service_id": "l-0"}, {"product": "CHANNEL_VOICE"}]
        services = [
            {"product": "LINE_A", "service_id": "s-0"},
            {"product": "FIBER_500", "service_id": "f-0"},
            {"product": "HOSTED_PBX", "service_id": "b-0", "components": parts},
        ]
        self.ask(
            customer_id,
            "CreateSubscription",
            subscription_id="u-1",
            account=account,
            kind="POSTPAID",
            initial_state="EFFECTIVE",
            services=services,
        )

    def change(self, customer_id: str) -> None:
        """One change; now and then one that is refused."""
        draw, own = self.random, {"subscription_id": "u-1"}
        number, line = draw.randrange(4), draw.choice(LINES)
        service = f"s-{number}"
        match draw.randrange(5):
            case 0:
                new = [{"product": line, "service_id": service}]
                self.ask(
                    customer_id, "ChangeServiceState", **own, action="ADD", services=new, initial_state="EFFECTIVE"
                )
            case 1:
                action = draw.choice(["STOP", "START", "CANCEL"])
                self.ask(customer_id, "ChangeServiceState", **own, action=action, service_ids=[service])
            case 2:
                moved = [{"operation": "MOVE", "service_id": service}]
                self.ask(customer_id, "ChangeDistribution", **own, changes=moved)
            case 3:
                amended = {"add": [{"product": line, "service_id": f"l-{number}"}]}
                self.ask(customer_id, "AmendBundleServices", **own, bundle_service_id="b-0", **amended)
            case _:
                amended = {"remove": [{"service_id": f"l-{number}"}]}
                self.ask(customer_id, "AmendBundleServices", **own, bundle_service_id="b-0", **amended)
