"""A provider that loses messages diverges, the reconcile says in what, and asking again heals it. On a real Kafka."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from typer.testing import CliRunner

from schemas import codec, wire
from schemas.envelope import CommandRecord, Status
from schemas.partition import partition_of
from schemas.provisioning_requests import ProvisioningRequest, requests_in
from schemas.words import COMMANDS
from streams.command_line import app
from streams.provisioning import Finding, Service
from tests.faults.load import framed
from tests.faults.rig import PARTITIONS, Rig, wait_until
from tests.network.provider import Provider

PROVIDER = "SWITCH"
CUSTOMERS = 60
CHANGES = 500
LINES = ("LINE_A", "LINE_B", "POTS")
FOUND = re.compile(r"^([a-z ]+): service (\S+) of customer (\S+), ", re.MULTILINE)


@pytest.fixture
def rig(kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    rig = Rig(kafka, tmp_path, topic_prefix, int(os.environ.get("BILLFOLD_TEST_SEED") or time.time_ns() % 1_000_000))
    for name, value in rig.environment.items():
        monkeypatch.setenv(name, value)  # for `billfold` in this process
    yield rig
    rig.close()


class Sales:
    """What customers order: a line, a fibre and a switchboard each, then changes at random."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.random, self.sent = rig, Random(rig.load.random.random()), 0

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


def requested(rig: Rig) -> list[ProvisioningRequest]:
    """All that stands on the topic. Each record is keyed as its customer's other records are."""
    found = []
    for record in rig.records(rig.topology.provisioning):
        schema_id, payload = wire.unframe(record.value)
        request = codec.PROVISIONING.decode(payload, schema_id)
        assert record.key == request.customer_id.encode()
        assert record.partition == partition_of(request.customer_id, PARTITIONS)
        assert dict(record.headers)["ce_type"] == b"billfold.v1.ProvisioningRequest"
        found.append(request)
    return found


def in_transactions(rig: Rig) -> list[ProvisioningRequest]:
    """All that the transactions say was asked, in the order of the topic."""
    values = (record.value for record in rig.records(rig.topology.transactions))
    return [request for value in values for request in requests_in(codec.TRANSACTION.decode(wire.unframe(value)[1]))]


def newest(requests: list[ProvisioningRequest]) -> dict[Service, ProvisioningRequest]:
    """The last word on each service of our provider."""
    ordered = sorted((one for one in requests if one.provider == PROVIDER), key=lambda one: one.version)
    return {(one.customer_id, one.service_id): one for one in ordered}


def expected(provider: Provider, wanted: dict[Service, ProvisioningRequest]) -> set[tuple[str, Service]]:
    """What must differ, by what the provider itself noted that it took and dropped."""
    taken = {(one.customer_id, one.service_id): one for one in sorted(provider.received, key=lambda one: one.version)}
    lost = {(one.customer_id, one.service_id, one.version) for one in provider.dropped}
    found = set()
    for service, request in wanted.items():
        if (*service, request.version) not in lost:
            continue
        if service not in taken:
            if request.desired_state == "ACTIVE":
                found.add((Finding.MISSING.value, service))
        elif taken[service].state != request.desired_state:
            found.add((Finding.WRONG_STATE.value, service))
        else:
            found.add((Finding.OLDER_VERSION.value, service))
    return found


def reconcile(provider: Provider, folder: Path, *options: str) -> tuple[int, set[tuple[str, Service]]]:
    """`billfold provisioning reconcile`: its exit code, and what differs by its own words."""
    export = provider.export(folder / "export.csv")
    words = ["provisioning", "reconcile", "--provider", provider.name, "--actual", str(export), *options]
    result = CliRunner().invoke(app, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    said = FOUND.findall(result.stdout)
    return result.exit_code, {(finding, (customer_id, service_id)) for finding, service_id, customer_id in said}


def test_a_provider_that_loses_messages_is_healed_by_asking_again(rig: Rig, kafka: str, tmp_path: Path) -> None:
    sales = Sales(rig)
    customers = [f"c{number}" for number in range(CUSTOMERS)]
    topic = rig.topology.provisioning
    provider = Provider(kafka, topic, PROVIDER, tmp_path / "switch.sqlite", rig.load.random.randrange(10**6))
    for customer_id in customers:
        sales.open(customer_id)
    for _ in range(CHANGES):
        sales.change(sales.random.choice(customers))
    rig.producer.flush()

    # 1. A worker that is killed between producing and committing asks nobody; its successor asks once.
    assert rig.worker(FAULT="produced:kill:4").ended() < 0
    worker = rig.worker()

    def decided() -> bool:
        provider.catch_up()  # beside the worker, so that late means behind what the worker did meanwhile
        return rig.lag() == 0

    wait_until("every command is decided", decided)
    provider.catch_up()
    done = Counter(outcome.command_type for outcome in rig.outcomes() if outcome.status is Status.COMPLETED)
    assert done["AmendBundleServices"] > CHANGES / 20, done
    requests = requested(rig)
    assert requests == in_transactions(rig)
    wanted = newest(requests)
    assert provider.dropped

    # 2. The reconcile finds what was lost, and nothing else; looking changes nothing.
    different = expected(provider, wanted)
    print(f"{done}\n{len(requests)} requests, {len(wanted)} services of {PROVIDER}, {len(different)} differ")
    assert {finding for finding, _ in different} >= {Finding.MISSING, Finding.WRONG_STATE}
    for _ in range(2):
        assert reconcile(provider, tmp_path) == (1, different)

    # 3. Asked again, the provider has every service as it is wanted.
    assert reconcile(provider, tmp_path, "--publish") == (0, different)
    again = requested(rig)
    assert len(again) == len(requests) + len(different)
    assert newest(again) == wanted
    provider.drops = 0
    provider.catch_up()
    assert reconcile(provider, tmp_path) == (0, set())

    # 4. What comes late or twice changes nothing any more.
    held = provider.services()
    everything = [*provider.received, *provider.dropped]
    sales.random.shuffle(everything)
    for asked in everything:
        provider.apply(asked)
    settled = provider.services()
    assert {service: settled[service] for service in held} == held
    assert reconcile(provider, tmp_path) == (0, set())

    # 5. What somebody broke by hand is healed too; what nobody asked for is told, and asking cannot cure it.
    broken = next(service for service, request in wanted.items() if request.desired_state == "ACTIVE")
    provider.database.execute("UPDATE service SET state = 'INACTIVE' WHERE (customer_id, service_id) = (?, ?)", broken)
    stranger = "c0", "s-99"
    provider.database.execute("INSERT INTO service VALUES (?, ?, 'ACTIVE', 1)", stranger)
    both = {(Finding.WRONG_STATE.value, broken), (Finding.UNKNOWN.value, stranger)}
    assert reconcile(provider, tmp_path, "--publish") == (1, both)
    provider.catch_up()
    assert reconcile(provider, tmp_path) == (1, {(Finding.UNKNOWN.value, stranger)})

    provider.close()
    worker.stop()
    rig.check()
