"""How the sink works off a backlog, and whether its memory stays flat: `python -m bench.sink_backlog`.

A few thousand lives are decided once; their encoded answers are copied, with other customers, ids and hashes, until the
topics of a real Kafka hold so many transactions, with the outcome of each. Then the sink reads them all. Printed are
rates, and CPU by process: on cores that others use too, microseconds per transaction say more than rates.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from confluent_kafka import Producer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench.sink import Answer, lives, place_in
from compose import discovery
from schemas import codec, wire
from schemas.partition import partition_of
from state.warehouse import Batch, Place, Server
from streams import topology
from streams.completeness import completeness
from streams.settings import Settings
from streams.sink import fill

PARTITIONS = 8
CUSTOMERS = 2_000
"""So many lives are decided; each copy has as many customers of its own."""
TRANSACTION_RECORDS = 4_000
SAMPLE_SECONDS = 10.0
GROUPS = {"python": "decoding", "java": "broker", "postgres": "server"}
"""What a child process is, by its name. A given Kafka, a given PostgreSQL are not seen."""


class Copied(NamedTuple):
    """An answer, and what of it differs from copy to copy: always texts and bytes of the same length."""

    answer: Answer
    transaction_id: bytes
    hashes: tuple[bytes, ...]

    def copy(self, number: int) -> tuple[str, bytes | None, bytes]:
        """Customer, transaction and outcome of one copy."""
        mine = self.answer.customer_id.encode()
        customer = f"customer-{int(mine[-6:]) + number * CUSTOMERS:06}"
        mark = b"%08x" % number
        changed = [self.answer.transaction or b"", self.answer.outcome]
        for place, value in enumerate(changed):
            changed[place] = value.replace(mine, customer.encode())
            if self.transaction_id:
                changed[place] = changed[place].replace(self.transaction_id, mark + self.transaction_id[8:])
            for each in self.hashes:
                changed[place] = changed[place].replace(each, number.to_bytes(4) + each[4:])
        return customer, changed[0] or None, changed[1]


def copied(answer: Answer) -> Copied:
    """Find what differs between copies."""
    if answer.transaction is None:
        return Copied(answer, b"", ())
    told = codec.TRANSACTION.decode(answer.transaction)
    return Copied(
        answer, told.transaction_id.encode(), tuple(each for each in (told.previous_hash, told.hash) if any(each))
    )


def backlog(transactions: int) -> Iterator[tuple[str, bytes | None, bytes]]:
    """So many transactions, and all outcomes up to the last of them."""
    originals = [copied(answer) for answer in lives(CUSTOMERS)]
    number = 0
    while transactions > 0:
        for each in originals:
            yield each.copy(number)
            transactions -= each.answer.transaction is not None
            if transactions == 0:
                return
        number += 1


def send(transactions: int, settings: Settings) -> int:
    """Fill the topics as the worker would, in transactions of Kafka. How many records there are."""
    names = settings.topology
    if not topology.create(settings.client_properties(), names):
        return 0  # they are there from another run
    producer = Producer(
        {
            **settings.client_properties(),
            "transactional.id": names.prefix,
            "compression.type": "zstd",
            "linger.ms": 50,
            "batch.size": 1 << 20,
            "queue.buffering.max.kbytes": 64 << 10,
        }
    )
    producer.init_transactions()
    ids = wire.local_id("BusinessTransaction"), wire.local_id("CommandOutcome")
    count = 0
    producer.begin_transaction()
    for number, (customer, transaction, outcome) in enumerate(backlog(transactions), 1):
        partition, key = partition_of(customer, PARTITIONS), customer.encode()
        if transaction is not None:
            producer.produce(names.transactions, wire.frame(ids[0], transaction), key, partition)
        producer.produce(names.outcomes, wire.frame(ids[1], outcome), key, partition)
        count += 1 + (transaction is not None)
        if number % TRANSACTION_RECORDS == 0:
            producer.commit_transaction()
            producer.begin_transaction()
    producer.commit_transaction()
    return count


@dataclass
class Watch:
    """What every process took, as it was at some moments."""

    transactions: int = 0
    moments: list[tuple[float, int, dict[str, tuple[float, float]]]] = field(default_factory=list)
    """Seconds since the beginning, transactions written, group -> (CPU seconds, MB of its own)."""
    began: float = field(default_factory=time.perf_counter)
    over: threading.Event = field(default_factory=threading.Event)

    def wrote(self, batch: Batch) -> None:
        """Count a batch."""
        self.transactions += len(batch.rows.get("raw_transaction", ()))

    def look(self) -> None:
        """Note how it is now."""
        took: dict[str, tuple[float, float]] = {}
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            try:
                group = "sink" if process == me else GROUPS.get(process.name().split("-")[0].split("3")[0], "")
                times, memory = process.cpu_times(), process.memory_info()
            except psutil.NoSuchProcess:
                continue
            before = took.get(group, (0.0, 0.0))
            own = memory.rss - (memory.shared if group == "server" else 0)  # its buffers are shared, and bounded
            took[group] = before[0] + times.user + times.system, before[1] + own / 1e6
        self.moments.append((time.perf_counter() - self.began, self.transactions, took))

    def keep_looking(self) -> None:
        """Look every SAMPLE_SECONDS until it is over."""
        while not self.over.wait(SAMPLE_SECONDS):
            self.look()


def work_off(settings: Settings, transactions: int) -> Watch:
    """Let the sink run until all is written."""
    watch = Watch()
    watch.look()
    watching = threading.Thread(target=watch.keep_looking)
    watching.start()

    def done() -> bool:
        if watch.transactions < transactions:
            return False
        watch.over.set()
        watch.look()  # before the processes that decode have gone
        return True

    try:
        fill(settings, done, watch.wrote)
    finally:
        watch.over.set()
        watching.join()
    return watch


def show(watch: Watch, title: str) -> None:
    """Print the way, tenth by tenth, and what a transaction took of every process."""
    moments = sorted(watch.moments, key=lambda moment: moment[0])
    groups = [group for group in ("sink", "decoding", "server", "broker") if any(group in took for *_, took in moments)]
    table = Table("seconds", "transactions", "transactions/s", *(f"{group} MB" for group in groups), title=title)
    for column in table.columns:
        column.justify = "right"
    step = max(1, (len(moments) - 1) // 20)
    shown = [*moments[:-1:step], moments[-1]]
    for before, moment in zip([moments[0], *shown], shown, strict=False):
        rate = (moment[1] - before[1]) / (moment[0] - before[0]) if moment[0] > before[0] else 0.0
        memory = (f"{moment[2].get(group, (0.0, 0.0))[1]:,.0f}" for group in groups)
        table.add_row(f"{moment[0]:,.0f}", f"{moment[1]:,}", f"{rate:,.0f}", *memory)
    Console(width=110).print(table)
    seconds, transactions, _ = moments[-1]
    print(f"{transactions / seconds:,.0f} transactions/s over all; CPU a transaction:", end=" ")
    spent = {group: _spent(moments, group) / transactions * 1e6 for group in groups}
    print(", ".join(f"{group} {each:.1f} us" for group, each in spent.items()), f"= {sum(spent.values()):.1f} us")
    for group in groups:
        seen = [took[group][1] for *_, took in moments if group in took]
        tenths = [max(seen[len(seen) * tenth // 10 : len(seen) * (tenth + 1) // 10 + 1]) for tenth in range(10)]
        print(f"{group}: most MB in each tenth:", *(f"{each:,.0f}" for each in tenths))


def _spent(moments: list[tuple[float, int, dict[str, tuple[float, float]]]], group: str) -> float:
    """CPU seconds of a group; processes that decode may have been started anew."""
    seen = [took.get(group, (0.0, 0.0))[0] for *_, took in moments]
    return sum(max(after - before, 0.0) for before, after in pairwise(seen))


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=200_000, help="how many the backlog has")
    parser.add_argument("--target", choices=("duckdb", "postgresql"), default="duckdb", help="where rows go")
    parser.add_argument("--postgres", help="URL of an empty PostgreSQL database; without it one is started")
    parser.add_argument("--processes", type=int, help="processes that decode, as the setting sink_processes")
    parser.add_argument("--kafka", help="address of a running Kafka; without it one is started")
    parser.add_argument("--prefix", default="bench-backlog", help="of the topics; those that are there are read again")
    parser.add_argument("--folder", type=Path, help="where files go instead of a temporary folder")
    parser.add_argument("--receipt", action="store_true", help="compare everything with the topics afterwards")
    parser.add_argument("--only-send", action="store_true", help="only fill the topics")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="billfold-bench-", dir=options.folder) as scratch:
        folder = Path(scratch)
        with (
            place_in(options.target, options.postgres, folder) as place,
            discovery.kafka(folder / "kafka", given=options.kafka) as server,
        ):
            settings = settings_for(place, server.address, options.prefix, options.processes)
            began = time.perf_counter()
            if count := send(options.transactions, settings):
                print(f"sent {count:,} records in {time.perf_counter() - began:.0f} s")
            if options.only_send:
                return
            show(work_off(settings, options.transactions), f"{options.target}: {options.transactions:,} transactions")
            if isinstance(place, Path):
                print(f"the file: {place.stat().st_size / 1e6:,.0f} MB")
            if options.receipt:
                receipts = completeness(settings)
                print("complete" if all(receipt.complete for receipt in receipts) else "NOT COMPLETE")


def settings_for(place: Place, bootstrap: str, prefix: str, processes: int | None) -> Settings:
    """An installation with its warehouse there."""
    where: dict[str, Any] = {"warehouse": place}
    if isinstance(place, Server):
        where = {"warehouse_server": SecretStr(place.url)}
    if processes is not None:
        where["sink_processes"] = processes
    return Settings(bootstrap_servers=bootstrap, topic_prefix=prefix, partitions=PARTITIONS, **where)


if __name__ == "__main__":
    main()
