"""How fast transactions and outcomes become rows: `python -m bench.sink`. Prints one table; a row is a table row.

`--target postgresql` fills a PostgreSQL instead of a DuckDB file. CPU is that of this process, all threads, without a
database server: on a machine that others use too, rows per CPU second say more than rows per second. The whole way from
the topics is `python -m bench.sink_backlog`.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from compose import discovery
from processors.answering import Memory, Received, answer
from schemas import wire
from schemas.accounts import AccountState, ChangeAccountState, CreateAccount
from schemas.bill_cycles import CancelAccountBillCycleChange, PerformAccountBillCycleChange, UpdateAccountBillCycle
from schemas.catalog_file import read_catalog
from schemas.envelope import CommandRecord
from schemas.fields import Command
from schemas.references import AccountRef
from state.warehouse import Advance, Batch, Place, Server, Source, Warehouse, publish
from state.warehouse.catalog import TABLES
from state.warehouse.columns import Rows, together
from streams.sink_batch import BATCH_ROWS
from streams.sink_reading import FETCH_RECORDS
from streams.sink_records import Columns, Record, decode_to_columns
from streams.stories.pure import KeptRows

NORDLYS = Path(__file__).parents[1] / "compose" / "catalogs" / "nordlys.yaml"
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TRANSACTIONS = "transactions"


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


# -- two measurements


def records(answers: list[Answer]) -> list[Record]:
    """The answers as the sink reads them."""
    ids = wire.local_id("BusinessTransaction"), wire.local_id("CommandOutcome")
    moment = int(BEGIN.timestamp() * 1000)
    made: list[Record] = []
    for each in answers:
        if each.transaction:
            made.append(Record(TRANSACTIONS, 0, len(made), moment, wire.frame(ids[0], each.transaction)))
        made.append(Record("outcomes", 0, len(made), moment, wire.frame(ids[1], each.outcome)))
    return made


def decoded(read: list[Record]) -> list[Columns]:
    """Columns of all records, in bunches as one poll brings them."""
    bunches = (read[begin : begin + FETCH_RECORDS] for begin in range(0, len(read), FETCH_RECORDS))
    return [decode_to_columns(bunch, TRANSACTIONS) for bunch in bunches]


def written(columns: list[Columns], place: Place) -> tuple[Moment, Moment]:
    """Time to write columns that are there already, with offsets, in batches as the sink makes them.

    Without what a published copy costs, and with it.
    """
    warehouse = Warehouse.open(place, [Source("t", "cluster", "id", 1)])
    began = Moment.now()
    waiting: dict[str, list[pa.RecordBatch]] = {}
    done = 0
    for number, each in enumerate(columns, 1):
        for table, batch in each.tables.items():
            waiting.setdefault(table, []).append(batch)
        if number == len(columns) or sum(len(b) for held in waiting.values() for b in held) >= BATCH_ROWS:
            rows: dict[str, Rows] = {table: together(TABLES[table], held) for table, held in waiting.items()}
            warehouse.write(Batch(rows=rows, advances=[Advance("t", 0, done, number)]))
            waiting, done = {}, number
    took = began.until_now()
    copy = publish(warehouse, BEGIN)
    published = began.until_now()
    if copy is not None:
        print(f"publishing {copy.stat().st_size / 1e6:,.0f} MB took {published.wall - took.wall:.2f} s")
    warehouse.close()
    return took, published


@contextlib.contextmanager
def place_in(target: str, given: str | None, folder: Path) -> Iterator[Place]:
    """A place for a warehouse."""
    if target == "duckdb":
        yield folder / "warehouse.duckdb"
        return
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    server = discovery.start_postgres(folder / "postgres", given=given, settings={"fsync": "on"})
    try:
        yield Server(server.address)
    finally:
        server.stop()


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=5_000, help="each has about 20 transactions")
    parser.add_argument("--rate-only", action="store_true", help="only print the rate of writing, as a number")
    parser.add_argument("--target", choices=("duckdb", "postgresql"), default="duckdb", help="where rows go")
    parser.add_argument("--postgres", help="URL of an empty PostgreSQL database; without it one is started")
    options = parser.parse_args()
    answers = lives(options.customers)
    read = records(answers)
    gc.disable()  # as the sink does
    began = Moment.now()
    columns = decoded(read)
    decoding = began.until_now()
    count = sum(batch.num_rows for each in columns for batch in each.tables.values())
    with (
        tempfile.TemporaryDirectory(prefix="billfold-bench-") as scratch,
        place_in(options.target, options.postgres, Path(scratch)) as place,
    ):
        writing, publishing = written(columns, place)
    if options.rate_only:
        print(f"RESULT {count / writing.wall:.0f}")
        return
    transactions = sum(1 for each in answers if each.transaction)
    table = Table(
        "step", title=f"{options.target}: {transactions:,} transactions, {len(answers):,} outcomes, {count:,} rows"
    )
    for name in ("rows/s", "rows/CPU s", "transactions/s", "us CPU a transaction"):
        table.add_column(name, justify="right")
    for step, took in (
        ("columns into the database, with offsets", writing),
        ("the same, and a published copy", publishing),
        ("records into columns", decoding),
    ):
        cells = count / took.wall, count / took.processor, transactions / took.wall
        micros = took.processor / transactions * 1e6
        table.add_row(step, *(f"{each:,.0f}" for each in cells), f"{micros:.1f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
