"""Rows of an answer on the terminal: a table where it fits, else a block for each row. Moments are UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from schemas.sealed import PREFIX

SEALED = "(sealed)"
"""What stands for a sealed value: hundreds of characters that tell nobody anything."""
BETWEEN = 2


def show(names: Sequence[str], rows: Sequence[Sequence[Any]], limit: int, console: Console) -> None:
    """Print at most so many rows of those given, and whether there are more."""
    if not rows:
        console.print("No rows.")
        return
    texts = [[shown(value) for value in row] for row in rows[:limit]]
    widths = [max(map(len, column)) for column in zip(names, *texts, strict=True)]
    lines = any("\n" in text for row in texts for text in row)
    if sum(widths) + BETWEEN * (len(widths) - 1) <= console.width and not lines:
        _show_table(names, texts, rows[0], console)
    else:
        _show_blocks(names, texts, console)
    if len(rows) > limit:
        console.print(f"[dim]... and more: --limit {limit * 10}[/]", highlight=False)


def shown(value: Any) -> str:
    """One value as people write it; nothing for null."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
        case Decimal():
            return f"{value.normalize():f}"
        case float():
            return f"{value:.6g}"
        case str() if value.startswith(PREFIX):
            return SEALED
        case _:
            return str(value)


def _show_table(names: Sequence[str], texts: Sequence[Sequence[str]], first: Sequence[Any], console: Console) -> None:
    grid = Grid(box=None, pad_edge=False, padding=(0, BETWEEN, 0, 0))
    for name, value in zip(names, first, strict=True):
        number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        grid.add_column(name, no_wrap=True, justify="right" if number else "left")
    for row in texts:
        grid.add_row(*map(escape, row))
    console.print(grid)


def _show_blocks(names: Sequence[str], texts: Sequence[Sequence[str]], console: Console) -> None:
    """What is null is left out."""
    for place, row in enumerate(texts, 1):
        console.print(f"[bold]{place}[/]", highlight=False)
        grid = Grid(box=None, pad_edge=False, show_header=False, padding=(0, BETWEEN, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in zip(names, row, strict=True):
            if value:
                grid.add_row(f"  {name}", escape(value))
        console.print(grid)
