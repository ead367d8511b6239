"""`billfold doctor`: looks at everything around the core and says, line by line, what is well and what to type."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping

import typer
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.markup import escape

from state.changelogs import KafkaLog, Span
from state.offsets import Offsets, Spot
from state.partition import Damaged, Held, Meta, Partition, Unfit
from state.source import SOURCE_KEY, STATE_VERSION, SourceEntry, decode
from state.warehouse import Server, Warehouse
from streams import settings, topology
from streams.catalogs import read_versions
from streams.mistakes import sentence
from streams.reaching import reach_kafka
from streams.schema_ids import use_registry
from streams.settings import Clock, Settings
from streams.sink_place import place_of

ASK_SECONDS = 10.0
STABLE_SECONDS = 30.0
READ_SECONDS = 600.0
"""Some 300,000 rows a second: longer than any changelog takes."""
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
                console.print(f"[green]well [/] {name}: {escape(line)}", highlight=False, soft_wrap=True)
        except Exception as failure:
            told = str(failure) if isinstance(failure, Ill) else sentence(failure)
            if told is None:
                raise
            wrong += 1
            console.print(f"[red]wrong[/] {name}: {escape(told)}", highlight=False, soft_wrap=True)
            if name == "kafka":
                break
    return 1 if wrong else 0


def _kafka(configured: Settings) -> Iterator[str]:
    found = reach_kafka(configured)
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
    asked = [(topic.name, number) for topic in configured.topology.topics() for number in range(topic.partitions)]
    with (
        contextlib.closing(Offsets(configured.client_properties(), "read_uncommitted")) as all_readers,
        contextlib.closing(Offsets(configured.client_properties(), "read_committed")) as committed,
    ):
        ends, stable = all_readers.ends(asked), committed.ends(asked)
    behind = [spot for spot in asked if stable[spot] < ends[spot]]
    if behind:
        where = ", ".join(f"{topic}[{number}]" for topic, number in behind)
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
    place = place_of(configured)
    if isinstance(place, Server):
        with contextlib.closing(Warehouse.read(place)):
            yield f"{place} answers"
        return
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


def restore_offsets() -> int:
    """Write offsets that the workers' group has lost back, as the state remembers them; answers the exit code.

    1. Nobody is a member of the group. 2. Read the group's offsets, once no transaction is deciding them.
    3. Read from the state's changelog which command is next. 4. Compare the topics' ids with those of the copies here.
    5. Write. Where anything is in doubt, for one partition only, nothing is written.
    """
    console = Console()
    configured = settings.load()
    reach_kafka(configured)
    topology.check(configured.client_properties(), configured.topology)
    log = KafkaLog(configured.consumer_properties(), configured.group, lambda line: console.print(line, style="dim"))
    try:
        _nobody_works(configured)  # 1
        committed = _committed(configured, log)  # 2
        entries = _next_commands(configured, log)  # 3
        lost = {number: entry for number, entry in entries.items() if committed[number] < 0}
        if not lost:
            console.print(f"Group {configured.group} has lost nothing: no partition is without its offset.")
            return 0
        _same_topics(configured, log, lost, console)  # 4
        _right_group(configured, entries)
        _write(configured, lost, console)  # 5
    except Ill as ill:
        console.print(f"[red]Nothing was changed[/]: {escape(str(ill))}.", highlight=False, soft_wrap=True)
        return 1
    finally:
        log.close()
    return 0


def _nobody_works(configured: Settings) -> None:
    admin = AdminClient(configured.client_properties())
    try:
        found = admin.describe_consumer_groups([configured.group])[configured.group].result(ASK_SECONDS)
    except KafkaException as failure:
        if failure.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
            raise
        return
    if found.members:
        names = ", ".join(sorted(member.group_instance_id or member.member_id for member in found.members))
        raise Ill(
            f"workers are members of group {configured.group}: {names}; stop them, "
            f"{configured.session_timeout_seconds:g} s later they are forgotten"
        )


def _committed(configured: Settings, log: KafkaLog) -> dict[int, int]:
    """The group's offsets; negative where there is none."""
    deadline = time.monotonic() + STABLE_SECONDS
    numbers = range(configured.partitions)
    committed = log.committed(configured.topology.commands, numbers, lambda: time.monotonic() < deadline)
    if not committed:
        raise Ill(f"for {STABLE_SECONDS:g} s a transaction has been deciding the offsets of group {configured.group}")
    return committed


def _next_commands(configured: Settings, log: KafkaLog) -> dict[int, SourceEntry]:
    """The `source` entry of each partition that has one, seen to fit what the topics hold."""
    names, numbers = configured.topology, range(configured.partitions)
    state = names.changelogs["state"]
    spans = log.spans([(topic, number) for number in numbers for topic in (state, names.commands)])
    entries: dict[int, SourceEntry] = {}
    deadline = time.monotonic() + READ_SECONDS
    starts = {spot: span.low for spot, span in spans.items() if spot[0] == state and span.low < span.end}
    ends = {spot: spans[spot].end for spot in starts}
    read: set[Spot] = set()
    for pieces in log.read(starts, ends, lambda: time.monotonic() < deadline):
        for spot, piece in pieces.items():
            if (value := piece.rows.get(SOURCE_KEY)) is not None:
                entries[spot[1]] = decode(value)
            if piece.position >= ends[spot]:
                read.add(spot)
    if read != set(ends):
        raise Ill(f"{state} cannot be read to its end: `billfold doctor` looks for open transactions")
    for number, entry in entries.items():
        _fits(entry, number, spans[state, number], spans[names.commands, number], names)
    return entries


def _fits(entry: SourceEntry, number: int, state: Span, commands: Span, names: topology.Topology) -> None:
    if entry.version > STATE_VERSION:
        raise Ill(f"the state of partition {number} was written by a newer version: upgrade first")
    if state.low > 0:
        raise Ill(f"{names.changelogs['state']}[{number}] was cut, the state is incomplete")
    if not commands.low <= entry.offset <= commands.end:
        raise Ill(
            f"the state of partition {number} is at command {entry.offset}, but {names.commands} holds {commands.low} "
            f"to {commands.end}: it was cut, or created again"
        )


def _same_topics(configured: Settings, log: KafkaLog, lost: Mapping[int, SourceEntry], console: Console) -> None:
    """A topic that was created again begins at 0: the state's offsets mean nothing there."""
    names = configured.topology
    cluster, ids = log.identity([names.commands, *names.changelogs.values()])
    compared = set()
    for number in lost:
        for path in configured.data_directory.glob(f"*/partition-{number}"):
            try:
                disk = Partition(path)
            except Held:
                raise Ill(f"{path} is open in another process: stop that worker") from None
            except (Damaged, Unfit) as failure:
                console.print(f"not compared: {failure}", highlight=False, soft_wrap=True, style="dim")
                continue
            try:
                _same(disk.meta(), path.as_posix(), cluster, ids)
                compared.add(number)
            finally:
                disk.close()
    if left := sorted(lost.keys() - compared):
        console.print(f"No copy of partitions {left} below {configured.data_directory} to compare topic ids with.")


def _same(meta: Meta | None, path: str, cluster: str, ids: Mapping[str, str]) -> None:
    if meta is None:
        return
    if meta.cluster != cluster:
        raise Ill(f"{path} is a copy of Kafka cluster {meta.cluster}, this one is {cluster}")
    for name, topic_id in ids.items():
        if meta.topics.get(name) != topic_id:
            raise Ill(f"{path} is a copy of another topic {name}, which was created again since")


def _right_group(configured: Settings, entries: Mapping[int, SourceEntry]) -> None:
    """Two groups that decide the same commands would ruin the state: a mistyped setting `group` must not lead there."""
    admin = AdminClient(configured.client_properties())
    spots = [TopicPartition(configured.topology.commands, number) for number in entries]
    for listed in admin.list_consumer_groups().result(ASK_SECONDS).valid:
        if listed.group_id == configured.group:
            continue
        asked = ConsumerGroupTopicPartitions(listed.group_id, spots)
        found = admin.list_consumer_group_offsets([asked])[listed.group_id].result(ASK_SECONDS).topic_partitions
        if all(spot.offset == entries[spot.partition].offset for spot in found):
            told = f"Group {listed.group_id} stands exactly where the state does."
            if not typer.confirm(f"{told} Is {configured.group} really the workers' group, and that one is not?"):
                raise Ill("the setting `group` names another group than the workers'")


def _write(configured: Settings, lost: Mapping[int, SourceEntry], console: Console) -> None:
    """Kafka takes all of them, or refuses while anybody is a member."""
    admin = AdminClient(configured.client_properties())
    commands = configured.topology.commands
    spots = [TopicPartition(commands, number, entry.offset) for number, entry in sorted(lost.items())]
    request = ConsumerGroupTopicPartitions(configured.group, spots)
    answer = admin.alter_consumer_group_offsets([request])[configured.group].result(ASK_SECONDS)
    for spot in answer.topic_partitions:
        if spot.error is not None:
            raise Ill(f"Kafka refuses the offset of {commands}[{spot.partition}]: {spot.error.str()}")
        console.print(f"Written back: {commands}[{spot.partition}] goes on at command {spot.offset}.", highlight=False)
    console.print("Start the workers again; `billfold audit` tells whether everything is sound.")
