"""`billfold warehouse rebuild`: tables are filled anew from the topics, while people go on reading the old ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from processors.analytics import OUTCOME_TABLES
from state.warehouse import Warehouse, WarehouseUnfit, publish
from state.warehouse.catalog import FACTS, TABLES, VIEWS
from state.warehouse.columns import together
from streams.schema_ids import use_registry
from streams.settings import Settings, load
from streams.sink_batch import BATCH_ROWS
from streams.sink_decoding import decoders
from streams.sink_place import place_of
from streams.sink_reading import Place, read_below
from streams.sink_records import SinkStopped, decode_to_columns
from streams.sink_sources import sources
from streams.warehouse_documents import NameUnknown

Say = Callable[[int, int], None]
"""Told how many records are done, and how many there are to do."""


def run_rebuild(tables: Sequence[str], settings: Settings | None = None) -> int:
    """Rebuild these tables, or all, and say what was done; the exit code."""
    configured = settings or load()
    use_registry(configured)
    console = Console()
    wanted = tables_of(tables)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Reading the topics", total=None)
        rows = rebuild(configured, wanted, lambda done, whole: progress.update(task, completed=done, total=whole))
    for name in wanted:
        console.print(f"{name}: {rows[name]:,} rows", highlight=False)
    console.print("Rebuilt. `billfold warehouse receipt` compares them with the topics.", style="dim")
    return 0


def tables_of(names: Sequence[str]) -> tuple[str, ...]:
    """The tables of these names, all if there are none. Raises WarehouseUnfit for what cannot be rebuilt."""
    for name in names:
        if name in VIEWS:
            raise WarehouseUnfit(f"{name} is a view: it is computed when it is asked, there is nothing to rebuild.")
        if name in TABLES and name not in FACTS:
            raise WarehouseUnfit(f"{name} is the sink's own: no topic fills it, there is nothing to rebuild it from.")
        if name not in FACTS:
            raise NameUnknown(name, FACTS)
    return tuple(dict.fromkeys(names)) or tuple(FACTS)


def rebuild(settings: Settings, tables: Sequence[str], say: Say = lambda _done, _all: None) -> dict[str, int]:
    """Fill tables anew; how many rows each has got. An interruption leaves them as they were.

    1. Open: a file must be free of the sink, on a server it may go on. Empty tables beside those to rebuild.
    2. Read the topics up to where the warehouse stands, and fill the tables beside.
    3. Swap, in one database transaction, if the warehouse stands there still; else read on from where 2 ended.
    4. Publish: readers of a file's copy see it now.

    Raises SinkStopped, WarehouseUnfit, WarehouseLocked.
    """
    rows = dict.fromkeys(tables, 0)
    with contextlib.closing(Warehouse.open_to_rebuild(place_of(settings), sources(settings))) as warehouse:
        warehouse.begin_beside(tables)  # 1
        try:
            done: dict[Place, int] = {}
            while not (done and warehouse.swap(tables, done)):  # 3
                done = _read(settings, warehouse, tables, done, rows, say)  # 2
        except BaseException:
            warehouse.drop_beside()
            raise
        publish(warehouse, datetime.now(UTC))  # 4
    return rows


def _read(
    settings: Settings,
    warehouse: Warehouse,
    tables: Sequence[str],
    begins: Mapping[Place, int],
    rows: dict[str, int],
    say: Say,
) -> dict[Place, int]:
    """Fill the tables beside from these offsets on; returns how far that went."""
    topics = {
        settings.topology.outcomes if name in OUTCOME_TABLES else settings.topology.transactions for name in tables
    }
    ends = {place: offset for place, offset in warehouse.offsets().items() if place[0] in topics}
    to_do, done = sum(ends.values()) - sum(begins.values()), 0
    waiting: dict[str, list[pa.RecordBatch]] = {}

    def write() -> None:
        warehouse.append_beside({table: together(TABLES[table], batches) for table, batches in waiting.items()})
        waiting.clear()

    with decoders(settings) as decoding:
        bunches = read_below(settings, "rebuild", ends, begins)
        for count, columns in decoding.in_turn(partial(decode_to_columns, only=tuple(tables)), bunches):
            if columns.decoded.failure is not None:
                raise SinkStopped(columns.decoded.failure)
            for table, batch in columns.tables.items():
                waiting.setdefault(table, []).append(batch)
                rows[table] += batch.num_rows
            if sum(batch.num_rows for batches in waiting.values() for batch in batches) >= BATCH_ROWS:
                write()
            done += count
            say(done, to_do)
    write()
    say(to_do, to_do)
    return ends
