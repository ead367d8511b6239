"""`python -m bench.decisions`: what each kind of command costs from its bytes to the bytes of its answers, no Kafka.

Rows stand in a dict: what is measured is decoding, deciding, evolving, encoding, the chain.
"""

from __future__ import annotations

import bisect
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.load import CHANGES, CREATE
from processors.answering import Memory, Received, answer
from schemas import codec
from schemas.cards import may_hold_card_number
from schemas.catalog_file import read_catalog
from schemas.envelope import CommandRecord
from schemas.malformed import Misfit, read_body

CATALOG = Path("compose/catalogs/nordlys.yaml")
CUSTOMERS = 1_000
BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Rows:
    """A table in memory, its keys in order."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.keys: list[bytes] = []

    def get(self, row_key: bytes) -> bytes | None:
        """The row under this key."""
        return self.rows.get(row_key)

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key begins so."""
        for place in range(bisect.bisect_left(self.keys, start), len(self.keys)):
            found = self.keys[place]
            if not found.startswith(start):
                return
            yield found, self.rows[found]

    def apply(self, changes: dict[bytes, bytes | None]) -> None:
        """Store, or delete."""
        for found, row in changes.items():
            if row is None:
                if self.rows.pop(found, None) is not None:
                    del self.keys[bisect.bisect_left(self.keys, found)]
            else:
                if found not in self.rows:
                    bisect.insort(self.keys, found)
                self.rows[found] = row


def figures() -> dict[str, float]:
    """Median microseconds by kind of command, the answer's encoding included."""
    catalog = read_catalog(CATALOG)
    state, answers = Rows(), Rows()
    memory = Memory(state, answers, lambda _: catalog)
    took: dict[str, float] = {}
    for turn, (name, body) in enumerate((CREATE, *CHANGES)):
        parsed = read_body(name, body)
        assert not isinstance(parsed, Misfit)
        spent = []
        for customer in range(CUSTOMERS):
            payload = codec.COMMAND.encode(
                CommandRecord(
                    command_id=f"b-{customer}-{turn}",
                    customer_id=f"customer-{customer}",
                    source="bench",
                    performed_by="bench",
                    body=parsed,
                )
            )
            began = time.perf_counter()
            received = Received(
                command=codec.COMMAND.decode(payload),
                timestamp=BEGIN + timedelta(minutes=turn),
                partition=0,
                offset=turn * CUSTOMERS + customer,
                may_hold_card=may_hold_card_number(payload),
            )
            given = list(answer(received, memory))
            spent.append(time.perf_counter() - began)
            for one in given:
                state.apply(one.state)
                answers.apply(one.answers)
        took[f"{turn + 1} {name}"] = statistics.median(spent) * 1e6
    return took


def main() -> None:
    """Print the table."""
    table = Table("command", "us", title="From a command's bytes to the bytes of its answers")
    for name, microseconds in figures().items():
        table.add_row(name, f"{microseconds:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
