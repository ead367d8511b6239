"""`billfold audit`: read everything, judge it, tell the first record that is wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from schemas.partition import partition_of
from state.changelogs import Span
from state.source import SourceEntry
from state.warehouse import Server
from streams import settings
from streams.audit.copies import compare_copy
from streams.audit.findings import Finding
from streams.audit.partition import Judge, Letter, PartitionLog, Tally, audit_partition
from streams.audit.reading import Source, digest_of
from streams.audit.scratch import in_folder
from streams.audit.warehouse import Follow, audit_warehouse
from streams.catalogs import CatalogUnavailable, Shelf
from streams.engine.boundary import SourceRecord
from streams.schema_ids import use_registry
from streams.settings import Settings
from streams.sink_place import place_of
from streams.worker import Worker

SHOW_EVERY = 500
INVARIANTS = ("I1", "I2", "I3", "I5", "I7")
COUNTS = ("commands", "outcomes", "transactions", "dead_letters", "rows", "customers", "waiting")


def run_audit(customer: str | None) -> int:
    """Audit the installation of the settings; returns the exit code, 0 when everything is sound."""
    configured = settings.load()
    use_registry(configured)
    console = Console()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:

        def follow(what: str, total: int) -> Callable[[int], None]:
            task = progress.add_task(what, total=total)
            return lambda done: progress.update(task, advance=done)

        tallies = audit(configured, customer, follow)
        findings = [finding for tally in tallies.values() for finding in tally.findings]
        checked = list(INVARIANTS)
        place = place_of(configured)
        if customer is None and (isinstance(place, Server) or place.exists()):
            findings += audit_warehouse(configured, follow)
            checked.append("I4")
    print_tallies(tallies, console)
    for finding in findings:
        console.print(f"[red]{escape(finding.sentence())}[/]", highlight=False, soft_wrap=True)
    if not findings:
        console.print(f"Sound: {', '.join(checked)} hold.")
    if "I4" not in checked:
        console.print(f"Not checked: I4, for one customer or without the warehouse {place_of(configured)}.")
    return 1 if findings else 0


def audit(
    configured: Settings,
    customer: str | None = None,
    follow: Follow = lambda _, __: lambda _: None,
    directories: Sequence[Path] = (),
) -> dict[int, Tally]:
    """Audit every partition, or a customer in his; workers may go on meanwhile.

    `directories` are those of stopped workers: where a copy is as far as its changelogs, it must equal them.

    1. Add up the changelogs: they say how far the commands are decided, in the same transaction as everything else.
    2. Read the dead letters. 3. Read a partition's commands, transactions and outcomes side by side, and judge.
    What is published behind 1 is passed over, if it is there for a reason.
    """
    topology = configured.topology
    numbers = range(topology.partitions) if customer is None else [partition_of(customer, topology.partitions)]
    with ExitStack() as leaving:
        folder = Path(leaving.enter_context(tempfile.TemporaryDirectory(prefix="billfold-audit-")))
        source = Source(configured.consumer_properties(), topology)
        leaving.callback(source.close)
        judge = make_judge(configured, folder)
        pinned = source.spans(*topology.changelogs.values())  # 1
        advance = follow("Adding up changelogs", len(numbers))
        reaches = {}
        for number in numbers:
            reaches[number] = source.changelogs(number, folder / changelogs_of(number), pinned)
            advance(1)
        letters = source.letters()  # 2
        advance = follow("Deciding every command again", sum(reach.source.offset for reach in reaches.values()))
        tallies = {}
        for number in numbers:  # 3
            since = pinned[topology.changelogs["state"], number]
            with partition_log(source, judge, number, reaches[number].source, since, customer) as opened:
                opened.letters = letters.pop(number, {})
                tallies[number] = audit_partition(opened, judge, in_steps(advance))
                for directory in directories:
                    tallies[number].findings += compare_copy(directory, opened, judge, reaches[number].ends)
        for strays in letters.values() if customer is None else ():
            tallies[numbers[0]].findings.extend(stray(letter) for each in strays.values() for letter in each)
        return tallies


def make_judge(configured: Settings, folder: Path) -> Judge:
    """The worker's own eyes, and every catalog version there is."""
    topology = configured.topology
    shelf = Shelf(configured.consumer_properties(), topology.catalog, configured.catalog)
    try:
        shelf.read_to_end()
    finally:
        shelf.close()
    if not shelf.versions:
        raise CatalogUnavailable(f"{topology.catalog} holds no version of catalog {configured.catalog}")
    return Judge(
        topology=topology,
        catalogs={version.version: version for version in shelf.versions},
        read=Worker(configured, shelf).read,
        digest=digest_of,
        scratch=lambda name: in_folder(folder / name),
        now=datetime.now(UTC),
    )


@contextmanager
def partition_log(
    source: Source, judge: Judge, number: int, reach: SourceEntry, since: Span, customer: str | None
) -> Iterator[PartitionLog]:
    """One partition, ready to be read."""
    topology = judge.topology
    spans = source.spans(topology.commands, topology.transactions, topology.outcomes)

    def stream(topic: str) -> Iterator[SourceRecord]:
        records = source.records(topic, number, spans[topic, number])
        return records if customer is None else (record for record in records if record.key == customer.encode())

    changelogs = judge.scratch(changelogs_of(number))
    try:
        yield PartitionLog(
            number=number,
            commands=stream(topology.commands),
            transactions=stream(topology.transactions),
            outcomes=stream(topology.outcomes),
            letters={},
            changelogs=changelogs,
            reach=reach,
            later=partial(source.later, number, since, reach),
            only=customer,
        )
    finally:
        changelogs.close()


def changelogs_of(number: int) -> str:
    """Where the rows of a partition's changelogs are kept."""
    return f"changelogs-{number}"


def stray(letter: Letter) -> Finding:
    """A dead letter about a partition that there is not."""
    record = letter.record
    return Finding(
        invariant="I1",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        expected="headers that name the command that it is about",
        found="none, or a partition that there is not",
    )


def in_steps(advance: Callable[[int], None]) -> Callable[[], None]:
    """A bar that moves every now and then: drawing it costs more than a command."""
    done = 0

    def one() -> None:
        nonlocal done
        done += 1
        if done % SHOW_EVERY == 0:
            advance(SHOW_EVERY)

    return one


def print_tallies(tallies: dict[int, Tally], console: Console) -> None:
    """What was looked at, a line per partition."""
    table = Table("partition", *(name.replace("_", " ") for name in COUNTS), "sound")
    for number, tally in tallies.items():
        sound = "[red]no[/]" if tally.findings else "[green]yes[/]"
        table.add_row(str(number), *(str(getattr(tally, name)) for name in COUNTS), sound)
    console.print(table)
