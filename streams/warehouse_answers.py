"""What `billfold warehouse ask`, `export`, `unseal` and `contract` print."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from sqlglot import exp
from sqlglot.errors import SqlglotError

from state.warehouse import Place, Warehouse, WarehouseUnfit, copy_path
from state.warehouse.catalog import DESCRIBED
from state.warehouse.databases.statements import quoted
from state.warehouse.documents.contract import contract
from state.warehouse.export import Format
from state.warehouse.questions import VIEWS as QUESTIONS
from streams.settings import Settings, load
from streams.sink_place import place_of
from streams.unsealing import PLAIN, open_vault, plain_views, unsealed
from streams.vault import read_key_encryption_key
from streams.warehouse_copies import portable_copy
from streams.warehouse_documents import NameUnknown
from streams.warehouse_export import default_folder, export
from streams.warehouse_shown import show, shown

_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")


class QueryUnfit(WarehouseUnfit):
    """The SQL cannot be run. The sentence is the database's."""


def readable(configured: Settings) -> Place:
    """Where people read: the published copy of a file, or the server."""
    place = place_of(configured)
    return copy_path(place) if isinstance(place, Path) else place


def ask(question: str | None, limit: int) -> None:
    """Print the answer to a question, or the list of questions. Raises NameUnknown, WarehouseUnfit."""
    console = Console()
    if question is None:
        for view in QUESTIONS:
            console.print(f"{view.name}  [dim]{escape(view.doc)}[/]", highlight=False, soft_wrap=True)
        console.print("Any other table or view, too: `billfold warehouse dictionary` lists them.", style="dim")
        return
    if question not in DESCRIBED:
        raise NameUnknown(question)
    names = [column.name for column in DESCRIBED[question].columns]
    order = ", ".join(str(place) for place in range(1, len(names) + 1))
    with contextlib.closing(Warehouse.read(readable(load()))) as warehouse:
        rows = warehouse.rows(f"SELECT * FROM {quoted(question)} ORDER BY {order} LIMIT {limit + 1}")  # noqa: S608 - a name of ours
        published = warehouse.rows("SELECT max(published_at) FROM sink_publication")[0][0]
        live = warehouse.file is None
    console.print(escape(DESCRIBED[question].doc), style="dim", highlight=False)
    show(names, rows, limit, console)
    if published is not None and not live:
        console.print(f"As of {shown(published.replace(microsecond=0))} UTC.", style="dim", highlight=False)


def run_unseal(query: str | None, limit: int) -> None:
    """Print the answer to SQL over plain values. Raises VaultError, WarehouseUnfit."""
    console = Console()
    configured = load()
    vault = open_vault(configured.vault, read_key_encryption_key(os.environ))
    try:
        with unsealed(readable(configured), vault, _named(query)) as session:
            if query is None:
                for name in plain_views():
                    console.print(f"{PLAIN}.{name}", highlight=False)
                return
            show(*_answer(session, query, limit), limit, console)
    finally:
        vault.close()


def run_export(names: Sequence[str], kind: str, to: Path | None, since: str | None) -> None:
    """Export with a bar for each table. Raises NameUnknown, ExportRefused, WarehouseUnfit."""
    if since is not None and _MONTH.fullmatch(since) is None:
        raise typer.BadParameter(f"{since} is no month: write 2026-03.", param_hint="--since")
    configured = load()
    chosen = Format(kind)
    folder = to or default_folder(configured.warehouse, chosen)
    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Exporting", total=None)

        def advance(table: str, done: int, whole: int) -> None:
            progress.update(bar, description=table, completed=done, total=whole)

        written = export(readable(configured), folder, chosen, names, since=since, progress=advance)
    for each in written:
        console.print(f"{each.table}: {each.rows:,} rows, files: {each.files}", highlight=False, soft_wrap=True)
    console.print(f"Written to {escape(str(folder))}", highlight=False, soft_wrap=True)


def run_contract(database: Path | None, copy_to: Path | None) -> None:
    """Print the contract; write the portable copy first, if one is wanted. Raises WarehouseUnfit."""
    place = readable(load())
    if isinstance(place, Path):
        if copy_to is not None:
            portable_copy(place, copy_to)
        place = database or copy_to or place
    elif database or copy_to:
        raise WarehouseUnfit("The warehouse is on a server: --database and --copy-to are for DuckDB files.")
    sys.stdout.write(contract(place))


def _named(query: str | None) -> tuple[str, ...]:
    """The tables and views that SQL names; what cannot be parsed, the database will refuse."""
    try:
        parsed = sqlglot.parse(query or "", dialect="duckdb")
    except SqlglotError:
        return ()
    return tuple(table.name for each in parsed if each is not None for table in each.find_all(exp.Table))


def _answer(session: duckdb.DuckDBPyConnection, query: str, limit: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows, one more than the limit if there are more. Raises QueryUnfit."""
    try:
        rows = session.execute(query).fetchmany(limit + 1)
    except duckdb.Error as failure:
        raise QueryUnfit(f"The database refuses: {failure}") from failure
    return [name for name, *_ in session.description or ()], rows
