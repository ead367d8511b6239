"""Answers on the terminal: a table where it fits, a block a row where it does not, and nobody reads sealed letters."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

from rich.console import Console

from streams.warehouse_shown import show

NAMES = ("customer_id", "amount", "at", "name", "on", "nothing")
ROW = ("nordlys", Decimal("12.500000000"), datetime(2026, 3, 2, 8, tzinfo=UTC), "sealed:v1:" + "x" * 300, True, None)


def told(width: int, rows: int, limit: int = 50) -> str:
    out = StringIO()
    show(NAMES, [ROW] * rows, limit, Console(file=out, width=width))
    return out.getvalue()


def test_a_table_where_it_fits() -> None:
    head, row = told(100, 1).splitlines()
    assert head.split() == list(NAMES)
    assert row.split() == ["nordlys", "12.5", "2026-03-02", "08:00:00", "(sealed)", "yes"]


def test_a_block_for_each_row_where_it_does_not() -> None:
    lines = [line.split() for line in told(40, 2).splitlines()]
    assert lines[0] == ["1"]
    assert lines[1:6] == [
        ["customer_id", "nordlys"],
        ["amount", "12.5"],
        ["at", "2026-03-02", "08:00:00"],
        ["name", "(sealed)"],
        ["on", "yes"],
    ]
    assert lines[6] == ["2"], "what is null is left out"


def test_more_and_none() -> None:
    assert told(100, 3, 2).splitlines()[-1] == "... and more: --limit 20"
    assert told(100, 0) == "No rows.\n"
