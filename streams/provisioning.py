"""`billfold provisioning reconcile`: is a provider's network as it was asked to be? If not, it is asked again.

Asking again is harmless at any moment: a request bears its version, and who has a higher one passes it over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, Producer
from rich.console import Console
from rich.progress import Progress

from schemas import codec, headers, wire
from schemas.partition import partition_of
from schemas.provisioning import DesiredState
from schemas.provisioning_requests import ProvisioningRequest
from streams.audit.reading import Source
from streams.provider_export import Actual, ExportUnfit, read_export
from streams.schema_ids import use_registry
from streams.settings import Settings, load

TELL_RECORDS = 2_000
FLUSH_SECONDS = 30.0
Service = tuple[str, str]
"""Customer id and service id."""


class ProviderUnknown(Exception):
    """Nothing was ever asked of a provider of this name, in one sentence."""


class Finding(StrEnum):
    """What is wrong with a service at the provider, in the order in which it is looked for."""

    UNKNOWN = "never asked for"
    MISSING = "missing"
    WRONG_STATE = "wrong state"
    OLDER_VERSION = "older version"
    NEWER_VERSION = "newer version than asked for"


CURED_BY_ASKING = frozenset({Finding.MISSING, Finding.WRONG_STATE, Finding.OLDER_VERSION})


@dataclass(frozen=True)
class Difference:
    """One service that is not at the provider as it was asked for; at least one of the two sides is there."""

    finding: Finding
    desired: ProvisioningRequest | None
    actual: Actual | None

    @property
    def service(self) -> Service:
        """Which service; the customer is empty where the export does not say whose it is and nobody asked for it."""
        known = self.desired or self.actual
        assert known is not None
        return known.customer_id or "", known.service_id

    @property
    def curable(self) -> bool:
        """Whether asking again can cure it."""
        return self.finding in CURED_BY_ASKING

    @property
    def sentence(self) -> str:
        """The finding in one line."""
        desired, actual = self.desired, self.actual
        customer_id, service_id = self.service
        wanted = f"{desired.desired_state} version {desired.version}" if desired else "nothing"
        found = f"{actual.state} version {actual.version}" if actual else "nothing"
        return f"{self.finding}: service {service_id} of customer {customer_id or '?'}, wanted {wanted}, found {found}"


@dataclass
class Wanted:
    """What the topic asks of one provider: the newest request of every service."""

    requests: dict[Service, ProvisioningRequest]
    unreadable: list[str]
    """Where records stand that no request can be read from: foreign bytes on the topic."""


def wanted_of(
    configured: Settings, provider: str, say: Callable[[int, int], None] = lambda _done, _all: None
) -> Wanted:
    """Read the topic up to the ends that it has now; `say` is told records done and to do.

    Raises ProviderUnknown, UnknownSchema where a newer release wrote, and TimeoutError where an end is not reached.
    """
    topic, others = configured.topology.provisioning, set[str]()
    wanted = Wanted({}, [])
    source = Source(configured.consumer_properties(), configured.topology)
    try:
        spans = source.spans(topic)
        to_do, before = sum(span.end - span.low for span in spans.values()), 0
        for (_, number), span in spans.items():
            for count, record in enumerate(source.records(topic, number, span)):
                if count % TELL_RECORDS == 0:
                    say(before + record.offset - span.low, to_do)
                try:
                    schema_id, payload = wire.unframe(record.value)
                    request = codec.PROVISIONING.decode(payload, schema_id)
                except wire.Unreadable as reason:
                    wanted.unreadable.append(f"{topic}[{number}] at {record.offset}: {reason}")
                    continue
                others.add(request.provider)
                service = request.customer_id, request.service_id
                known = wanted.requests.get(service)
                if request.provider == provider and (known is None or known.version < request.version):
                    wanted.requests[service] = request
            before += span.end - span.low
        say(to_do, to_do)
    finally:
        source.close()
    if not wanted.requests:
        there = f"only of {', '.join(sorted(others))}" if others else "of nobody"
        raise ProviderUnknown(f"Nothing is asked of provider {provider} on {topic}, {there}.")
    return wanted


def compare(requests: dict[Service, ProvisioningRequest], actual: Iterable[Actual]) -> list[Difference]:
    """What differs, by customer and service. A service that the provider does not have counts as INACTIVE there.

    Raises ExportUnfit where a service is exported twice, or it cannot be told whose it is.
    """
    found: dict[Service, Actual] = {}
    differences = []
    customers = _customers(requests)
    for one in actual:
        service = _service(one, customers)
        if service in found:
            raise ExportUnfit(f"The export has service {one.service_id} twice.")
        found[service] = one
        if service not in requests:
            differences.append(Difference(Finding.UNKNOWN, None, one))
    for service, desired in requests.items():
        finding = _finding(desired, found.get(service))
        if finding is not None:
            differences.append(Difference(finding, desired, found.get(service)))
    return sorted(differences, key=lambda one: one.service)


def _customers(requests: Iterable[Service]) -> dict[str, list[str]]:
    """Whose each service id is."""
    customers: dict[str, list[str]] = {}
    for customer_id, service_id in requests:
        customers.setdefault(service_id, []).append(customer_id)
    return customers


def _service(one: Actual, customers: dict[str, list[str]]) -> Service:
    if one.customer_id is not None:
        return one.customer_id, one.service_id
    match customers.get(one.service_id, []):
        case []:
            return "", one.service_id
        case [customer_id]:
            return customer_id, one.service_id
        case several:
            raise ExportUnfit(
                f"{len(several)} customers have a service {one.service_id}: the export needs the column customer_id."
            )


def _finding(desired: ProvisioningRequest, actual: Actual | None) -> Finding | None:
    if actual is None:
        return Finding.MISSING if desired.desired_state is DesiredState.ACTIVE else None
    if actual.version > desired.version:
        return Finding.NEWER_VERSION
    if actual.state is not desired.desired_state:
        return Finding.WRONG_STATE
    return Finding.OLDER_VERSION if actual.version < desired.version else None


def publish(configured: Settings, requests: Iterable[ProvisioningRequest]) -> int:
    """Ask again: the same requests with the same versions. Answers how many. Raises TimeoutError."""
    topology = configured.topology
    failures: list[KafkaError] = []
    producer = Producer(configured.client_properties() | {"enable.idempotence": True, "acks": "all"})
    schema_id, count = wire.current_id("ProvisioningRequest"), 0

    def told(error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            failures.append(error)

    for count, request in enumerate(requests, 1):  # noqa: B007  # the last count is the answer
        home = partition_of(request.customer_id, topology.partitions)
        value = wire.frame(schema_id, codec.PROVISIONING.encode(request))
        stamp: Any = headers.for_provisioning(request)
        key = request.customer_id.encode()
        while True:
            try:
                producer.produce(topology.provisioning, value, key, home, told, headers=stamp)
                break
            except BufferError:
                producer.poll(1.0)
        producer.poll(0)
    left = producer.flush(FLUSH_SECONDS)
    if left or failures:
        raise TimeoutError(f"{left + len(failures)} of {count} requests did not reach {topology.provisioning}")
    return count


def run_reconcile(provider: str, actual: Path, *, again: bool, settings: Settings | None = None) -> int:
    """Print what differs, and ask again for what that can cure if `again`; 1 if something stays different, else 0."""
    configured = settings or load()
    use_registry(configured)
    console, held = Console(), list(read_export(actual))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"Reading {configured.topology.provisioning}", total=None)
        wanted = wanted_of(configured, provider, lambda done, whole: progress.update(task, completed=done, total=whole))
    differences = compare(wanted.requests, held)
    for line in (*(one.sentence for one in differences), *wanted.unreadable):
        console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    counted = ", ".join(
        f"{number} {finding}" for finding, number in Counter(one.finding for one in differences).items()
    )
    total = f"{len(wanted.requests)} services are asked of {provider}"
    console.print(f"{total}: {counted or 'all are as wanted'}.", highlight=False, soft_wrap=True)
    if not again or not differences:
        return 1 if differences else 0
    sent = publish(configured, (one.desired for one in differences if one.curable and one.desired))
    console.print(f"Asked again for {sent}.", highlight=False, soft_wrap=True)
    return 1 if sent < len(differences) else 0
