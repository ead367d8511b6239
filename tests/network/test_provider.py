"""A provider that loses messages diverges, the reconcile says in what, and asking again heals it. On a real Kafka."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas import codec, wire
from schemas.envelope import Status
from schemas.partition import partition_of
from schemas.provisioning_requests import ProvisioningRequest, requests_in
from streams.command_line import app
from streams.mistakes import sentence
from streams.provisioning import Finding, Service
from tests.faults.rig import PARTITIONS, Rig, WorkerProcess, wait_until
from tests.network.provider import Provider
from tests.network.sales import Sales

PROVIDER = "SWITCH"
CHANGES = 500
FOUND = re.compile(r"^([a-z ]+): service (\S+) of customer (\S+), ", re.MULTILINE)


@pytest.fixture
def rig(kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    rig = Rig(kafka, tmp_path, topic_prefix, int(os.environ.get("BILLFOLD_TEST_SEED") or time.time_ns() % 1_000_000))
    for name, value in rig.environment.items():
        monkeypatch.setenv(name, value)  # for `billfold` in this process
    yield rig
    rig.close()


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
    topic, seed = rig.topology.provisioning, rig.load.random.randrange(10**6)
    provider = Provider(kafka, topic, PROVIDER, tmp_path / "switch.sqlite", seed)
    sales = Sales(rig)
    sales.take(CHANGES)

    worker = sold(rig, provider)
    requests = requested(rig)
    assert requests == in_transactions(rig)
    wanted = newest(requests)

    # The reconcile finds what was lost, and nothing else; looking changes nothing.
    different = expected(provider, wanted)
    print(f"{len(requests)} requests, {len(wanted)} services of {PROVIDER}, {len(different)} differ")
    assert Finding.MISSING in {finding for finding, _ in different}
    for _ in range(2):
        assert reconcile(provider, tmp_path) == (1, different)

    # Asked again, the provider has every service as it is wanted.
    assert reconcile(provider, tmp_path, "--publish") == (0, different)
    again = requested(rig)
    assert len(again) == len(requests) + len(different)
    assert newest(again) == wanted
    provider.drops = 0
    provider.catch_up()
    assert reconcile(provider, tmp_path) == (0, set())

    what_comes_late_or_twice_changes_nothing(provider, sales)
    assert reconcile(provider, tmp_path) == (0, set())
    what_somebody_broke_by_hand_is_healed_too(provider, wanted, tmp_path)
    mistakes_are_told_in_a_sentence(rig, tmp_path / "export.csv")

    provider.close()
    worker.stop()
    rig.check()


def sold(rig: Rig, provider: Provider) -> WorkerProcess:
    """Have everything decided: by a worker that is killed between producing and committing, and by its successor."""
    assert rig.worker(FAULT="produced:kill:4").ended() == -signal.SIGKILL
    worker = rig.worker()

    def decided() -> bool:
        provider.catch_up()  # beside the worker, so that late means behind what the worker did meanwhile
        return rig.lag() == 0

    wait_until("every command is decided", decided)
    provider.catch_up()
    done = Counter(outcome.command_type for outcome in rig.outcomes() if outcome.status is Status.COMPLETED)
    print(done)
    assert done["AmendBundleServices"] > CHANGES / 50
    assert provider.dropped
    return worker


def what_comes_late_or_twice_changes_nothing(provider: Provider, sales: Sales) -> None:
    held = provider.services()
    everything = [*provider.received, *provider.dropped]
    sales.random.shuffle(everything)
    for asked in everything:
        provider.apply(asked)
    settled = provider.services()
    assert {service: settled[service] for service in held} == held


def what_somebody_broke_by_hand_is_healed_too(
    provider: Provider, wanted: dict[Service, ProvisioningRequest], folder: Path
) -> None:
    broken = next(service for service, request in wanted.items() if request.desired_state == "ACTIVE")
    provider.database.execute("UPDATE service SET state = 'INACTIVE' WHERE (customer_id, service_id) = (?, ?)", broken)
    stranger = "c0", "s-99"  # nobody asked for it: asking cannot cure it
    provider.database.execute("INSERT INTO service VALUES (?, ?, 'ACTIVE', 1)", stranger)
    both = {(Finding.WRONG_STATE.value, broken), (Finding.UNKNOWN.value, stranger)}
    assert reconcile(provider, folder, "--publish") == (1, both)
    provider.catch_up()
    assert reconcile(provider, folder) == (1, {(Finding.UNKNOWN.value, stranger)})


def mistakes_are_told_in_a_sentence(rig: Rig, export: Path) -> None:
    """Foreign bytes on the topic stop nothing; a provider that was never asked for anything is a slip of the pen."""
    topic = rig.topology.provisioning
    rig.producer.produce(topic, b"no request", b"c0", 0)
    rig.producer.flush()
    words = ["provisioning", "reconcile", "--actual", str(export), "--provider"]
    told = CliRunner().invoke(app, [*words, PROVIDER]).stdout
    assert f"{topic}[0] at " in told
    assert told.endswith(f"services are asked of {PROVIDER}: 1 never asked for.\n")
    mistake = CliRunner().invoke(app, [*words, "SWICH"]).exception
    assert isinstance(mistake, Exception)
    assert sentence(mistake) == f"Nothing is asked of provider SWICH on {topic}, only of NETCO, SWITCH, TRUNK."
