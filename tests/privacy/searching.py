"""Looks for texts in everything that an installation has written, compressed or not."""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from schemas import codec, wire
from state.partition import TABLES, Partition
from state.warehouse import copy_path
from streams.engine.boundary import SourceRecord
from tests.faults.rig import Rig

Traces = Iterator[tuple[str, str]]
"""Where, and what stands there."""


def files(folder: Path, texts: Collection[str]) -> Traces:
    """Raw bytes of every file: what is not compressed, also where no reader looks any more."""
    for path in sorted(found for found in folder.rglob("*") if found.is_file() and found.stat().st_size):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield from ((str(path), text) for text in texts if content.find(text.encode()) >= 0)


def topics(rig: Rig) -> Iterator[tuple[str, str]]:
    """Every record of every topic: key, value and headers as they stand there, and what a contract reads of it."""
    contracts: dict[str, codec.Codec[Any]] = {
        rig.topology.commands: codec.COMMAND,
        rig.topology.transactions: codec.TRANSACTION,
        rig.topology.outcomes: codec.OUTCOME,
    }
    for topic in rig.topology.topics():
        for record in rig.records(topic.name) if topic.name != rig.topology.catalog else ():
            yield f"{topic.name}[{record.partition}] {record.offset}", shown(record, contracts.get(topic.name))


def shown(record: SourceRecord, contract: codec.Codec[Any] | None) -> str:
    raw = [record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers)]
    text = "\n".join(part.decode(errors="replace") for part in raw)
    if contract is None:
        return text
    try:
        schema_id, payload = wire.unframe(record.value or b"")
        return text + msgspec.json.encode(contract.decode(payload, schema_id)).decode()
    except codec.Unreadable:
        return text  # what became a dead letter


def copies(rig: Rig) -> Iterator[tuple[str, str]]:
    """Every row of every table of a stopped worker's RocksDB."""
    for path in (rig.folder / "data").glob("*/partition-*"):
        disk = Partition(path)
        for table in TABLES:
            for key, value in disk.scan(table, b""):
                yield f"{path} {table}", (key + b" " + value).decode(errors="replace")
        disk.close()


def warehouse(rig: Rig) -> Iterator[tuple[str, str]]:
    """Every value of every table and view, in the sink's own file and in the copy for readers."""
    for file in (rig.settings.warehouse, copy_path(rig.settings.warehouse)):
        with duckdb.connect(str(file), read_only=True) as database:
            for (name,) in database.execute("SELECT table_name FROM information_schema.tables").fetchall():
                for row in database.execute(f'FROM "{name}"').fetchall():
                    yield f"{file.name} {name}", "\n".join(str(value) for value in row)
