"""The warehouse in a DuckDB file: one writer, rows and offsets in one database transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import duckdb

from state.warehouse.catalog import TABLES, VIEWS
from state.warehouse.definitions import Table, View
from state.warehouse.digest import Tally, by_offset_sql, summed, sums_sql
from state.warehouse.migrations import LATEST, MIGRATIONS
from state.warehouse.statements import comments, create_view

MEMORY_LIMIT = "1GB"
"""DuckDB would take 80 % of the machine; a batch needs a tenth of this, a checkpoint about half."""
CHECKPOINT_BYTES = "256MB"
"""How long the write-ahead log may grow before a commit also checkpoints; every published copy checkpoints anyway."""

_SOURCES = "SELECT topic, cluster_id, topic_id, partitions FROM sink_source"
_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<process>\d+)\)")


class WarehouseUnfit(Exception):
    """The database cannot be the warehouse of these topics. The sentence says what to do."""


class WarehouseLocked(Exception):
    """Another process has the file open. `holder` names it."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"{path} is in use by {holder}: a DuckDB file has one writer. Close that program; "
            "to look at data, open the published copy (*.read.duckdb)."
        )
        self.holder = holder


class Source(NamedTuple):
    """A topic that rows come from."""

    topic: str
    cluster_id: str
    topic_id: str
    partitions: int


class Gap(NamedTuple):
    """A transaction that does not continue its customer's sequence."""

    kafka_partition: int
    kafka_offset: int
    published_at: datetime
    customer_id: str
    expected: int
    found: int


class Advance(NamedTuple):
    """How far a batch moves one partition."""

    topic: str
    partition: int
    before: int
    after: int


@dataclass
class Batch:
    """What one database transaction writes."""

    rows: dict[str, list[Sequence[Any]]] = field(default_factory=dict)
    """Table -> rows, with the table's columns in its order."""
    gaps: list[Gap] = field(default_factory=list)
    advances: list[Advance] = field(default_factory=list)


class Warehouse:
    """An open warehouse. One thread."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path, sources: Iterable[Source]) -> Self:
        """Open for writing what these topics fill; make it if it is not there.

        Raises WarehouseLocked, and WarehouseUnfit where the file holds something else or comes from other topics:
        nothing was changed then.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        warehouse = cls(path, _connect(path, read_only=False))
        try:
            warehouse._prepare(tuple(sources))
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open for reading. Raises WarehouseLocked, and WarehouseUnfit where there is no warehouse."""
        if not path.exists():
            raise WarehouseUnfit(f"{path} does not exist: start `billfold sink`.")
        return cls(path, _connect(path, read_only=True))

    def close(self) -> None:
        """Leave; uncommitted rows are gone."""
        self._connection.close()

    def rows(self, query: str, parameters: object = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._connection.execute(query, parameters).fetchall()

    # -- where rows come from

    def offsets(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> the first offset that is not in the warehouse yet."""
        found = self.rows("SELECT topic, kafka_partition, next_offset FROM sink_offset")
        return {(topic, partition): offset for topic, partition, offset in found}

    def sequences(self, customers: Iterable[str]) -> dict[str, int]:
        """The latest sequence of each of these customers; those without a transaction are missing."""
        wanted = list(customers)
        if not wanted:
            return {}
        return dict(
            self.rows(
                "SELECT customer_id, max(sequence) FROM raw_transaction "
                "WHERE customer_id IN (SELECT unnest($1::VARCHAR[])) GROUP BY 1",
                [wanted],
            )
        )

    # -- writing

    def write(self, batch: Batch) -> None:
        """Write a batch, all or nothing.

        1. Begin.
        2. Rows and gaps. A crash here leaves nothing.
        3. Offsets, each from where the batch began: were it not there any more, another sink would have written.
        4. Commit. *This is the commit point*: before it, the next start reads the same records again and writes the
           same rows; after it, it begins behind them.
        """
        self._connection.begin()  # 1
        try:
            for table, rows in batch.rows.items():  # 2
                self._append(table, rows)
            self._append("sink_gap", batch.gaps)
            self._advance(batch.advances)  # 3
            self._commit()  # 4
        except BaseException:
            self._connection.rollback()
            raise

    def _append(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            names = [column.name for column in TABLES[table].columns]
            with self._connection.appender(table, columns=names) as appender:
                appender.append_rows(map(tuple, rows))  # a plain tuple is read a fifth faster than one with names

    def _advance(self, advances: Sequence[Advance]) -> None:
        if not advances:
            return
        moved = self.rows(
            """
            UPDATE sink_offset SET next_offset = after
            FROM (SELECT unnest($1::VARCHAR[]) AS moved_topic, unnest($2::BIGINT[]) AS moved_partition,
                         unnest($3::BIGINT[]) AS before, unnest($4::BIGINT[]) AS after)
            WHERE topic = moved_topic AND kafka_partition = moved_partition AND next_offset = before
            """,
            [list(column) for column in zip(*advances, strict=True)],
        )
        assert moved == [(len(advances),)], f"offsets moved under the sink: {advances}"

    def _commit(self) -> None:
        self._connection.commit()

    def checkpoint(self, published_at: datetime) -> None:
        """Bring everything into the file itself, so that a copy of the file alone is complete; note the moment."""
        self._connection.begin()
        self._connection.execute("DELETE FROM sink_publication")
        self._connection.execute("INSERT INTO sink_publication (published_at) VALUES (?)", [published_at])
        self._connection.commit()
        self._connection.execute("CHECKPOINT")

    # -- looking

    def tallies(self, table: str, before: Mapping[int, int]) -> dict[int, Tally]:
        """Rows, digest and sums of a table by partition, of the rows below an offset for each partition."""
        names = summed(TABLES[table])
        found = self.rows(sums_sql(TABLES[table]), [list(before), list(before.values())])
        return {
            partition: Tally(rows, int(digest), {name: int(each) for name, each in zip(names, sums, strict=True)})
            for partition, rows, digest, *sums in found
        }

    def tallies_by_offset(self, table: str, partition: int, first: int, before: int) -> dict[int, Tally]:
        """Rows and digest of a table by offset, of one partition's rows in [first, before)."""
        found = self.rows(by_offset_sql(TABLES[table]), [partition, first, before])
        return {offset: Tally(rows, int(digest)) for offset, rows, digest in found}

    # -- the first moments

    def _prepare(self, sources: Sequence[Source]) -> None:
        """Compare before anything is written; then migrate, make views anew, remember new topics: all or nothing."""
        version = self._version()
        known = {row[0]: Source(*row) for row in self.rows(_SOURCES)} if version else {}
        for source in sources:
            if source.topic in known and (difference := _difference(known[source.topic], source)) is not None:
                raise WarehouseUnfit(
                    f"{self.path} was filled from another {source.topic}: {difference}. Nothing was written. Point "
                    "the setting `warehouse` to another file, or `bootstrap_servers` to the right cluster."
                )

        self._connection.begin()
        self._migrate(version)
        for source in sources:
            if source.topic not in known:
                self._append("sink_source", [source])
                self._append("sink_offset", [(source.topic, partition, 0) for partition in range(source.partitions)])
        self._connection.commit()

    def _version(self) -> int:
        """The last migration that was done; 0 for an empty file."""
        tables = {name for (name,) in self.rows("SELECT table_name FROM duckdb_tables()")}
        if tables and "sink_version" not in tables:
            raise WarehouseUnfit(
                f"{self.path} is a database, but no warehouse of Billfold. Point the setting `warehouse` elsewhere."
            )
        version = int(self.rows("SELECT max(version) FROM sink_version")[0][0]) if tables else 0
        if version > LATEST:
            raise WarehouseUnfit(
                f"{self.path} has version {version}, this release knows {LATEST}: start the newer release."
            )
        return version

    def _migrate(self, version: int) -> None:
        for migration in MIGRATIONS[version:]:
            for statement in migration.statements:
                self._connection.execute(statement)
            self._append("sink_version", [(migration.version, migration.what)])
        for view in VIEWS.values():
            self._connection.execute(create_view(view))
        described: tuple[Table | View, ...] = (*TABLES.values(), *VIEWS.values())
        for each in described:
            for statement in comments(each):
                self._connection.execute(statement)


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(path, read_only=read_only)
    except duckdb.IOException as failure:
        held = _HOLDER.search(str(failure))
        if held is None:
            raise WarehouseUnfit(f"{path} cannot be opened: {failure}") from failure
        raise WarehouseLocked(path, f"{held['program']} (process {held['process']})") from failure
    connection.execute("SET TimeZone = 'UTC'")  # else days of moments depend on the machine
    connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    if not read_only:
        connection.execute(f"SET checkpoint_threshold = '{CHECKPOINT_BYTES}'")
    return connection


def _difference(known: Source, found: Source) -> str | None:
    if known.cluster_id != found.cluster_id:
        return f"its cluster was {known.cluster_id}, this one is {found.cluster_id}"
    if known.topic_id != found.topic_id:
        return f"its id was {known.topic_id}, this one has {found.topic_id}: the topic was deleted and made anew"
    if known.partitions != found.partitions:
        return f"it had {known.partitions} partitions, this one has {found.partitions}"
    return None
