"""`billfold warehouse gaps`: transactions that do not continue their customer's sequence."""

from __future__ import annotations

import contextlib

from rich.console import Console

from state.warehouse import Gap, Warehouse
from streams.settings import Settings, load
from streams.sink_place import opened_to_read
from streams.warehouse_shown import show

NOTED = "SELECT kafka_partition, kafka_offset, published_at, customer_id, expected, found FROM sink_gap"
"""What the sink saw when it came."""
STANDING = """
    SELECT kafka_partition, kafka_offset, published_at, customer_id, coalesce(before, 0) + 1, sequence
    FROM (
        SELECT kafka_partition, kafka_offset, published_at, customer_id, sequence,
               lag(sequence) OVER (PARTITION BY customer_id ORDER BY kafka_offset) AS before
        FROM raw_transaction
    ) AS told
    WHERE sequence <> coalesce(before, 0) + 1
"""
"""What the rows themselves say; a customer's transactions are all in one partition."""

MEND = (
    "Has the topic what is missing? `billfold warehouse receipt` tells, and how to mend it. What the topic itself lost,"
    " doubled or moved, `billfold audit` tells."
)


def run_gaps(settings: Settings | None = None) -> int:
    """Print them; 1 if there are any, else 0."""
    console = Console()
    with contextlib.closing(opened_to_read(settings or load())) as warehouse:
        found = gaps(warehouse)
        transactions = warehouse.rows("SELECT count(*) FROM raw_transaction")[0][0]
    if not found:
        console.print(f"No gaps: {transactions:,} transactions, each continues its customer's sequence.")
        return 0
    names = ("customer", "expected", "found", "partition", "offset", "published_at")
    places = [(g.customer_id, g.expected, g.found, g.kafka_partition, g.kafka_offset, g.published_at) for g in found]
    show(names, places, len(places), console)
    console.print(MEND, style="dim", highlight=False)
    return 1


def gaps(warehouse: Warehouse) -> list[Gap]:
    """All gaps, by place: those that the sink noted, and those that the rows show."""
    found = {Gap(*row) for query in (NOTED, STANDING) for row in warehouse.rows(query)}
    return sorted(found)
