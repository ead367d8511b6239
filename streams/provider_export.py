"""What a provider says that it has: an export of its network's actual state, as CSV or JSON lines."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from schemas.provisioning import DesiredState


class ExportUnfit(Exception):
    """An export that cannot be compared, in one sentence."""


class Actual(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One service as the provider's network has it. Ids of services are unique only within a customer."""

    service_id: str
    state: DesiredState
    version: int
    customer_id: str | None = None


def read_export(path: Path) -> Iterator[Actual]:
    """The services in an export: JSON lines if its first character is a brace, else CSV with a line of names.

    Other columns are passed over. Raises ExportUnfit.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            begin = file.read(1)
            file.seek(0)
            yield from _json_lines(path, file) if begin == "{" else _csv(path, file)
    except (OSError, UnicodeDecodeError, csv.Error) as failure:
        raise ExportUnfit(f"{path} cannot be read: {failure}") from failure


def _json_lines(path: Path, lines: Iterable[str]) -> Iterator[Actual]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield msgspec.json.decode(line, type=Actual)
            except msgspec.DecodeError as problem:
                raise ExportUnfit(f"{path}, line {number}: {problem}") from problem


def _csv(path: Path, lines: Iterable[str]) -> Iterator[Actual]:
    reader = csv.DictReader(lines)
    missing = {"service_id", "state", "version"} - set(reader.fieldnames or ())
    if missing:
        raise ExportUnfit(f"{path} has no column {', '.join(sorted(missing))}: its first line must name the columns")
    for row in reader:
        given: dict[str, Any] = {name: row[name] for name in Actual.__struct_fields__ if row.get(name)}
        try:
            yield msgspec.convert(given, Actual, strict=False)
        except msgspec.ValidationError as problem:
            raise ExportUnfit(f"{path}, line {reader.line_num}: {problem}") from problem
