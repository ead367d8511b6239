"""`billfold doctor`: looks at everything around the core and says, line by line, what is well and what to type."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from rich.console import Console
from rich.markup import escape

from streams import settings, topology
from streams.catalogs import read_versions
from streams.mistakes import sentence
from streams.registry import use_registry
from streams.settings import Clock, Settings

ASK_SECONDS = 10.0
LOW_DISK_BYTES = 2 << 30

Check = Callable[[Settings], Iterator[str]]


class Ill(Exception):
    """Something is wrong. The sentence says what to do."""


def examine() -> int:
    """Run every check; answers the exit code: 1 if anything is wrong. Without Kafka the rest is passed over."""
    console = Console()
    configured = settings.load()
    wrong = 0
    for name, check in CHECKS.items():
        try:
            for line in check(configured):
                console.print(f"[green]well [/] {name}: {escape(line)}", highlight=False)
        except Exception as failure:
            told = str(failure) if isinstance(failure, Ill) else sentence(failure)
            if told is None:
                raise
            wrong += 1
            console.print(f"[red]wrong[/] {name}: {escape(told)}", highlight=False)
            if name == "kafka":
                break
    return 1 if wrong else 0


def _kafka(configured: Settings) -> Iterator[str]:
    found = AdminClient(configured.client_properties()).list_topics(timeout=ASK_SECONDS)
    yield f"{len(found.brokers)} brokers answer at {configured.bootstrap_servers}"


def _topics(configured: Settings) -> Iterator[str]:
    topology.check(configured.client_properties(), configured.topology)
    yield "partitions and configurations are as they must be"
    if configured.clock is Clock.RECORDS:
        yield "the clock is the records': for stories only, never for production"


def _registry(configured: Settings) -> Iterator[str]:
    use_registry(configured)
    yield f"ids from {configured.registry_url or 'the committed contract list'}"


def _catalog(configured: Settings) -> Iterator[str]:
    versions = read_versions(configured.consumer_properties(), configured.topology.catalog, configured.catalog)
    if not versions:
        raise Ill(f"no version of {configured.catalog}: run `billfold catalog publish FILE`")
    latest = versions[-1].effective_from.isoformat()
    yield f"{configured.catalog} has {len(versions)} versions, the latest from {latest}"


def _open_transactions(configured: Settings) -> Iterator[str]:
    """A partition whose last stable offset stays behind its end holds up every reader: a hanging transaction."""
    admin = AdminClient(configured.client_properties())
    asked = [
        TopicPartition(topic.name, number)
        for topic in configured.topology.topics()
        for number in range(topic.partitions)
    ]
    spec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    latest = dict.fromkeys(asked, spec)
    ends = admin.list_offsets(latest, isolation_level=IsolationLevel.READ_UNCOMMITTED)
    stable = admin.list_offsets(latest, isolation_level=IsolationLevel.READ_COMMITTED)
    behind = [tp for tp in asked if stable[tp].result(ASK_SECONDS).offset < ends[tp].result(ASK_SECONDS).offset]
    if behind:
        where = ", ".join(f"{tp.topic}[{tp.partition}]" for tp in behind)
        raise Ill(
            f"a transaction is open in {where}: normal while a worker works; if it stays with all workers "
            "stopped, find it with `kafka-transactions.sh find-hanging` and end it with `kafka-transactions.sh abort`"
        )
    yield "none is open"


def _disk(configured: Settings) -> Iterator[str]:
    folder = configured.data_directory if configured.data_directory.exists() else configured.data_directory.parent
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK_BYTES:
        raise Ill(f"only {free >> 20} MB are free at {folder}: a full disk stops the worker before offsets move")
    yield f"{free >> 30} GB are free at {folder}"


def _warehouse(configured: Settings) -> Iterator[str]:
    if not configured.warehouse.exists():
        yield f"{configured.warehouse} is not there yet: `billfold sink` makes it"
        return
    yield f"{configured.warehouse}, {configured.warehouse.stat().st_size >> 20} MB"


CHECKS: dict[str, Check] = {
    "kafka": _kafka,
    "topics": _topics,
    "registry": _registry,
    "catalog": _catalog,
    "transactions": _open_transactions,
    "disk": _disk,
    "warehouse": _warehouse,
}
