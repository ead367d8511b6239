"""`billfold warehouse export`: the warehouse as files, a folder a table, a folder a month.

    DIR/<table>/month=2026-03/rows.parquet
    DIR/export.json                         where it comes from, how far it goes, how many rows each month has

A month is written beside its place and renamed: a reader sees a whole month or the one before. Running it again
replaces every month that the warehouse has. A folder that holds the export of another warehouse is refused.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from state.warehouse import Place, WarehouseUnfit
from state.warehouse.catalog import DESCRIBED, FACTS
from state.warehouse.definitions import Table, View
from state.warehouse.export import Format, plan
from streams.warehouse_documents import NameUnknown
from streams.warehouse_origins import Origin, literal, origin

NOTE = "export.json"
SPILL = ".spill"
"""Where a month goes that does not fit into memory, or comes from a server; gone when the export ends."""
_SOURCES = "SELECT topic, cluster_id, topic_id FROM sink_source ORDER BY 1"
_OFFSETS = "SELECT topic, kafka_partition, next_offset FROM sink_offset ORDER BY 1, 2"

Progress = Callable[[str, int, int], None]
"""Given a table, the months of it that are written, and how many it has."""


class ExportRefused(WarehouseUnfit):
    """The folder cannot take this export. The sentence says what to do; nothing in it was changed."""


@dataclass(frozen=True)
class Exported:
    """What was written of a table."""

    table: str
    files: int
    rows: int


def export(
    place: Place,
    folder: Path,
    kind: Format = Format.PARQUET,
    names: Iterable[str] = (),
    *,
    since: str | None = None,
    progress: Progress = lambda _table, _done, _whole: None,
) -> list[Exported]:
    """Export tables and views of a published copy or a server; without names all that is filled from the topics.

    1. Names, folder and its note are checked: a mistake changes nothing.
    2. Each month is written beside its place, then renamed over it.
    3. The note is written last. After a crash before it the next run writes the same months again.

    `since` is a month, 2026-03: earlier ones stay as they are. Raises NameUnknown, ExportRefused, WarehouseUnfit.
    """
    wanted = [_described(name) for name in dict.fromkeys(names)] or list(FACTS.values())
    with origin(place) as (read, session):
        there = read.names()
        if missing := [each.name for each in wanted if each.name not in there]:
            raise ExportRefused(
                f"{place} lacks {', '.join(missing)}: an older release published it. Start this one's `billfold sink`."
            )
        note = _fitting_note(folder, kind, read)  # 1
        session.execute(f"SET temp_directory = {literal(folder / SPILL)}")  # a reader may not write beside the copy
        try:
            done = {
                each.name: _Writing(read, session, folder, kind).write(each, since, progress) for each in wanted
            }  # 2
            for name, months in done.items():
                kept = {} if since is None else note["rows"].get(name, {})
                note["rows"][name] = dict(sorted({**kept, **months}.items()))
            note["offsets"] = read.rows(_OFFSETS)
            _replace(folder / NOTE, json.dumps(note, indent=1))  # 3
        except (OSError, duckdb.IOException) as failure:
            raise ExportRefused(f"{folder} cannot be written: {failure}") from failure
        finally:
            shutil.rmtree(folder / SPILL, ignore_errors=True)
    return [Exported(name, len(months), sum(months.values())) for name, months in done.items()]


def _described(name: str) -> Table | View:
    if name not in DESCRIBED:
        raise NameUnknown(name)
    return DESCRIBED[name]


def _fitting_note(folder: Path, kind: Format, read: Origin) -> dict[str, Any]:
    """The folder's note, or a new one. Raises ExportRefused for a folder of something else."""
    sources = [list(source) for source in read.rows(_SOURCES)]
    fresh: dict[str, Any] = {"format": kind.value, "sources": sources, "offsets": [], "rows": {}}
    if not folder.exists():
        return fresh
    if not folder.is_dir():
        raise ExportRefused(f"{folder} is a file: name a folder with --to.")
    if not (folder / NOTE).exists():
        if any(entry.name not in {*DESCRIBED, SPILL} for entry in folder.iterdir()):
            raise ExportRefused(f"{folder} holds other files: name an empty folder, or one of an earlier export.")
        return fresh
    try:
        note = json.loads((folder / NOTE).read_text())
        told_format, told_sources = note["format"], note["sources"]
        note["rows"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ExportRefused(f"{folder / NOTE} cannot be read: name another folder, or remove this one.") from None
    if told_sources != sources:
        raise ExportRefused(f"{folder} holds the export of another warehouse: name another folder with --to.")
    if told_format != kind.value:
        raise ExportRefused(f"{folder} holds an export as {told_format}: name another folder with --to.")
    return dict(note)


@dataclass(frozen=True)
class _Writing:
    read: Origin
    session: duckdb.DuckDBPyConnection
    folder: Path
    kind: Format

    def write(self, described: Table | View, since: str | None, progress: Progress) -> Mapping[str, int]:
        """Write the months of one table; return the rows of each."""
        planned, folder = plan(described, self.read.dialect), self.folder / described.name
        counted: list[tuple[str, int]] = self.read.rows(planned.months)
        months = {month: rows for month, rows in counted if since is None or not planned.monthly or month >= since}
        folder.mkdir(parents=True, exist_ok=True)
        for done, month in enumerate(months):
            progress(planned.name, done, len(months))
            within = folder / f"month={month}" if planned.monthly else folder
            within.mkdir(exist_ok=True)
            place = within / f"rows.{self.kind}"
            beside = within / f".rows.{self.kind}.new"
            # COPY takes no parameter: the month is one of those that the database has just counted.
            query = planned.rows.replace("$1", literal(month))
            rows = self.read.relation(query, described.columns, self.folder / SPILL)
            self.session.execute(f"COPY (FROM {rows}) TO {literal(beside)} ({self.kind.options})")
            beside.replace(place)
        if since is None:
            _remove_others(folder, {f"month={month}" for month in months} if planned.monthly else {f"rows.{self.kind}"})
        progress(planned.name, len(months), len(months))
        return months


def _remove_others(folder: Path, wanted: set[str]) -> None:
    """A month that the warehouse no longer has, of an export of ours."""
    for entry in folder.iterdir():
        if entry.name not in wanted and entry.name.startswith("month="):
            shutil.rmtree(entry)


def _replace(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.new")
    beside.write_text(text)
    beside.replace(place)


def default_folder(warehouse: Path, kind: Format) -> Path:
    """Beside the warehouse: `data/export/parquet`."""
    return warehouse.parent / "export" / kind.value
