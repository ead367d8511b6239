"""How fast transactions and outcomes become rows: `python -m bench.sink`. Prints one table; a row is a table row.

`--target postgresql` fills a PostgreSQL instead of a DuckDB file. CPU is that of this process, all threads, without the
processes that decode and without a database server: on a machine that others use too, rows per CPU second say more than
rows per second.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil
import psycopg
from confluent_kafka import Producer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from compose import discovery
from processors.analytics import TABLE_OF, Origin, outcome_rows, transaction_rows
from processors.answering import Memory, Received, answer
from schemas import codec, wire
from schemas.accounts import AccountState, ChangeAccountState, CreateAccount
from schemas.bill_cycles import CancelAccountBillCycleChange, PerformAccountBillCycleChange, UpdateAccountBillCycle
from schemas.catalog_file import read_catalog
from schemas.envelope import CommandRecord
from schemas.fields import Command
from schemas.partition import partition_of
from schemas.references import AccountRef
from state.warehouse import Advance, Batch, Place, Server, Source, Warehouse, publish
from streams import topology
from streams.completeness import completeness
from streams.settings import Settings
from streams.sink import fill
from streams.sink_batch import BATCH_ROWS
from streams.stories.pure import KeptRows

NORDLYS = Path(__file__).parents[1] / "compose" / "catalogs" / "nordlys.yaml"
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PARTITIONS = 8


class Moment(NamedTuple):
    """A point, or a span, on two clocks, in seconds."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> Moment:
        """The present."""
        return cls(time.perf_counter(), time.process_time())

    def until_now(self) -> Moment:
        """What has passed since."""
        return Moment(time.perf_counter() - self.wall, time.process_time() - self.processor)


class Answer(NamedTuple):
    """What the core sent for one command."""

    customer_id: str
    transaction: bytes | None
    outcome: bytes


def life(customer_id: str, memory_of: Callable[[KeptRows], Memory]) -> Iterator[Answer]:
    """One customer's account: planned, cancelled and performed changes, months of periods, a suspension, a refusal."""
    rows = KeptRows()
    account = AccountRef(account_id="a-1")
    steps: list[tuple[int, Command]] = [
        (0, CreateAccount(account_id="a-1", account_profile="mobile")),
        (1, UpdateAccountBillCycle(account=account, bill_cycle="MONTHLY_15", valid_from=BEGIN + timedelta(days=20))),
        (2, CancelAccountBillCycleChange(account=account)),
        (3, UpdateAccountBillCycle(account=account, bill_cycle="NO_SUCH_CYCLE")),
        (4, UpdateAccountBillCycle(account=account, bill_cycle="MONTHLY_15", valid_from=BEGIN + timedelta(days=40))),
        (5, PerformAccountBillCycleChange(account=account)),
        (50, UpdateAccountBillCycle(account=account, bill_cycle="MONTHLY_1")),
        (80, ChangeAccountState(account=account, state=AccountState.SUSPENDED, reason="UNPAID")),
        (120, ChangeAccountState(account=account, state=AccountState.ACTIVE, reason="PAID")),
        (200, UpdateAccountBillCycle(account=account, bill_cycle="MONTHLY_15")),
    ]
    for number, (day, body) in enumerate(steps):
        record = CommandRecord(
            command_id=f"{customer_id}-{number}", customer_id=customer_id, source="crm", performed_by="bench", body=body
        )
        received = Received(command=record, timestamp=BEGIN + timedelta(days=day), partition=0, offset=number)
        for answered in answer(received, memory_of(rows)):
            rows.apply(answered.state)
            rows.apply(answered.answers)
            yield Answer(customer_id, answered.transaction_payload or None, answered.outcome_payload)


def lives(customers: int) -> list[Answer]:
    """The lives of so many customers, mixed as they would come: everybody's first command, everybody's second ..."""
    catalog = msgspec.structs.replace(read_catalog(NORDLYS), version=1)
    told = [
        list(life(f"customer-{number:06}", lambda rows: Memory(rows, rows, lambda _: catalog)))
        for number in range(customers)
    ]
    return [answers[step] for step in range(max(map(len, told))) for answers in told if step < len(answers)]


# -- three measurements


def decoded(answers: list[Answer]) -> list[list[Any]]:
    """Rows of every answer, record by record."""
    origin = Origin(0, 0, BEGIN)
    rows: list[list[Any]] = []
    for each in answers:
        if each.transaction:
            rows.append(list(transaction_rows(codec.TRANSACTION.decode(each.transaction, unknown="skip"), origin)))
        rows.append(list(outcome_rows(codec.OUTCOME.decode(each.outcome, unknown="skip"), origin)))
    return rows


def written(rows: list[list[Any]], place: Place) -> tuple[Moment, Moment]:
    """Time to write rows that are there already, with offsets, in batches as the sink makes them.

    Without what a published copy costs, and with it. (From some 300,000 rows on, commits begin to checkpoint, too.)
    """
    warehouse = Warehouse.open(place, [Source("t", "cluster", "id", 1)])
    batches: list[Batch] = [Batch()]
    count = 0
    for record in rows:
        for row in record:
            batches[-1].rows.setdefault(TABLE_OF[type(row)], []).append(row)
        count += len(record)
        if count >= BATCH_ROWS:
            batches.append(Batch())
            count = 0
    began = Moment.now()
    for number, batch in enumerate(batches):
        batch.advances.append(Advance("t", 0, number, number + 1))
        warehouse.write(batch)
    took = began.until_now()
    copy = publish(warehouse, BEGIN)
    published = began.until_now()
    if copy is not None:
        print(f"publishing {copy.stat().st_size / 1e6:,.0f} MB took {published.wall - took.wall:.2f} s")
    warehouse.close()
    return took, published


def from_topics(
    answers: list[Answer], place: Place, bootstrap: str, processes: int | None
) -> tuple[Moment, int, list[float]]:
    """Time, rows, and megabytes of memory at each quarter of the way, for all that stands in real topics."""
    where: dict[str, Any] = {"warehouse": place}
    if isinstance(place, Server):
        where = {"warehouse_server": SecretStr(place.url)}
    if processes is not None:
        where["sink_processes"] = processes
    settings = Settings(
        bootstrap_servers=bootstrap, topic_prefix=f"bench-sink-{os.getpid()}", partitions=PARTITIONS, **where
    )
    send(answers, settings)
    wanted = sum(1 + (each.transaction is not None) for each in answers)
    seen: list[int] = []
    memory: list[float] = []

    def wrote(batch: Batch) -> None:
        seen.append(sum(len(batch.rows.get(table, [])) for table in ("raw_transaction", "fact_command_outcome")))
        alive = [psutil.Process(), *psutil.Process().children()]
        memory.append(sum(each.memory_info().rss for each in alive if each.name().startswith("python")) / 1e6)

    starting = Moment.now()
    fill(settings, lambda: sum(seen) >= wanted, wrote)
    took = starting.until_now()
    began = time.perf_counter()
    receipts = completeness(settings)
    assert all(receipt.complete for receipt in receipts), [each.sentence for each in receipts if not each.complete]
    rows = sum(tally.rows for receipt in receipts for tally in receipt.found.values())
    print(f"receipt: complete, {rows:,} rows compared in {time.perf_counter() - began:.1f} s")
    return took, rows, [memory[(len(memory) - 1) * quarter // 4] for quarter in range(5)]


def send(answers: list[Answer], settings: Settings) -> None:
    """Write the answers to topics as the worker would, in transactions."""
    names = settings.topology
    topology.create(settings.client_properties(), names)
    producer = Producer({**settings.client_properties(), "transactional.id": names.prefix, "compression.type": "zstd"})
    producer.init_transactions()
    ids = wire.local_id("BusinessTransaction"), wire.local_id("CommandOutcome")
    producer.begin_transaction()
    for number, each in enumerate(answers, 1):
        partition, key = partition_of(each.customer_id, PARTITIONS), each.customer_id.encode()
        if each.transaction:
            producer.produce(names.transactions, wire.frame(ids[0], each.transaction), key, partition)
        producer.produce(names.outcomes, wire.frame(ids[1], each.outcome), key, partition)
        if number % 2000 == 0:
            producer.commit_transaction()
            producer.begin_transaction()
    producer.commit_transaction()


@contextlib.contextmanager
def places(target: str, given: str | None, folder: Path) -> Iterator[tuple[Place, Place]]:
    """Two places for warehouses; on a server two databases."""
    if target == "duckdb":
        yield folder / "decoded.duckdb", folder / "from-topics.duckdb"
        return
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    server = discovery.start_postgres(folder / "postgres", given=given, settings={"fsync": "on"})
    try:
        with psycopg.connect(server.address, autocommit=True) as connection:
            connection.execute("CREATE DATABASE billfold_bench")
            yield Server(server.address), Server(server.address.rpartition("/")[0] + "/billfold_bench")
            connection.execute("DROP DATABASE billfold_bench WITH (FORCE)")
    finally:
        server.stop()


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=5_000, help="each has about 20 transactions")
    parser.add_argument("--rate-only", action="store_true", help="only print the rate of writing, as a number")
    parser.add_argument("--target", choices=("duckdb", "postgresql"), default="duckdb", help="where rows go")
    parser.add_argument("--postgres", help="URL of an empty PostgreSQL database; without it one is started")
    parser.add_argument("--processes", type=int, help="processes that decode, as the setting sink_processes")
    parser.add_argument("--kafka", help="address of a running Kafka; without it one is started")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="billfold-bench-") as scratch:
        folder = Path(scratch)
        answers = lives(options.customers)
        transactions = sum(1 for each in answers if each.transaction)
        gc.disable()  # as the sink does
        began = Moment.now()
        rows = decoded(answers)
        decoding = began.until_now()
        count = sum(map(len, rows))
        with places(options.target, options.postgres, folder) as (first, second):
            writing, publishing = written(rows, first)
            del rows
            if options.rate_only:
                print(f"RESULT {count / next(iter(writing)):.0f}")
                return
            with discovery.kafka(folder / "kafka", given=options.kafka) as server:
                whole, all_rows, memory = from_topics(answers, second, server.address, options.processes)
    assert all_rows == count
    table = Table(
        "step", title=f"{options.target}: {transactions:,} transactions, {len(answers):,} outcomes, {count:,} rows"
    )
    for name in ("rows/s", "rows/CPU s", "transactions/s", "transactions/CPU s"):
        table.add_column(name, justify="right")
    for step, took in (
        ("rows into the database, with offsets", writing),
        ("the same, and a published copy", publishing),
        ("records into rows", decoding),
        ("topics into the database, all of it", whole),
    ):
        rates = (each / spent for each in (count, transactions) for spent in took)
        table.add_row(step, *(f"{rate:,.0f}" for rate in rates))
    Console(width=110).print(table)
    print("MB of memory at each quarter of the way from the topics:", *(f"{each:.0f}" for each in memory))


if __name__ == "__main__":
    main()
