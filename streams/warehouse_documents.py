"""Writes what is made from the warehouse's definitions into the project, and shows it on the terminal."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from state.warehouse import WarehouseUnfit
from state.warehouse.catalog import DESCRIBED, DOMAINS
from state.warehouse.definitions import Table, View
from state.warehouse.documents import MADE_ONLY, documents
from state.warehouse.documents.dictionary import marks

HOUSE = Path(__file__).resolve().parents[1]


class NameUnknown(WarehouseUnfit):
    """Nobody defined a table or view of this name. The sentence says which are near."""

    def __init__(self, name: str, known: Iterable[str] = DESCRIBED) -> None:
        near = difflib.get_close_matches(name, list(known), n=3)
        better = f" Did you mean {' or '.join(near)}?" if near else " `billfold warehouse dictionary` lists all names."
        super().__init__(f"The warehouse has no table or view {name}.{better}")


def write_documents(house: Path = HOUSE) -> list[str]:
    """Write what differs, remove what is no longer made; return the names of both. Raises WarehouseUnfit."""
    if not (house / "pyproject.toml").is_file():
        raise WarehouseUnfit(f"{house} is no checkout of this project: its documents are written where they are kept.")
    changed = stale(house)
    made = documents()
    for name in changed:
        file = house / name
        if name in made:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(made[name])
        else:
            file.unlink()
    return changed


def stale(house: Path = HOUSE) -> list[str]:
    """The names of files that are not as the definitions make them, in order."""
    made = documents()
    differing = {
        name for name, text in made.items() if not (house / name).is_file() or (house / name).read_text() != text
    }
    left = {
        str(file.relative_to(house))
        for folder in MADE_ONLY
        for file in (house / folder).rglob("*")
        if file.is_file() and str(file.relative_to(house)) not in made
    }
    return sorted(differing | left)


def show_dictionary(names: Iterable[str], console: Console | None = None) -> None:
    """Print the columns of some tables and views, or, without names, what there is. Raises NameUnknown."""
    console = console or Console()
    wanted = list(names)
    for name in wanted:
        if name not in DESCRIBED:
            raise NameUnknown(name)
    if not wanted:
        _show_domains(console)
    for name in wanted:
        _show_columns(DESCRIBED[name], console)


def _show_domains(console: Console) -> None:
    for domain in DOMAINS:
        console.print(f"[bold]{domain.title}[/]  [dim]{escape(domain.doc)}[/]", highlight=False, soft_wrap=True)
        for each in domain.described:
            first = each.doc.partition(". ")[0].rstrip(".")
            console.print(f"  {each.name}  [dim]{escape(first)}[/]", highlight=False, soft_wrap=True)


def _show_columns(described: Table | View, console: Console) -> None:
    console.print(f"[bold]{described.name}[/]  {escape(described.doc)}", highlight=False, soft_wrap=True)
    grid = Grid(box=None, pad_edge=False)
    for head in ("column", "kind", "marks", "what"):
        grid.add_column(head, overflow="fold")
    for column in described.columns:
        grid.add_row(column.name, column.kind.value, marks(described, column), escape(column.doc))
    console.print(grid)
