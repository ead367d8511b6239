"""The warehouse: one writer, rows and offsets in one database transaction, whatever the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from state.warehouse.batches import Advance, Batch, Source, WarehouseUnfit, difference
from state.warehouse.catalog import FACTS, TABLES, VIEWS
from state.warehouse.columns import Rows, arranged
from state.warehouse.databases.database import Database, Dialect
from state.warehouse.databases.places import Place, Server
from state.warehouse.databases.statements import add_column, comments, create_table, create_view
from state.warehouse.definitions import Table, View
from state.warehouse.digest import Tally, by_offset_sql, summed, sums_sql
from state.warehouse.migrations import LATEST, MIGRATIONS

_SOURCES = "SELECT topic, cluster_id, topic_id, partitions FROM sink_source"
BESIDE = "rebuild__"
"""Begins the name of a table that is being built anew."""


class Warehouse:
    """An open warehouse. One thread. Any method may raise WarehouseAway: then close it, and open it anew."""

    def __init__(self, place: Place, database: Database) -> None:
        self.place = place
        self.outgrown: tuple[str, ...] = ()
        """Tables that this start made, or gave columns, and that lack what was read before: a rebuild fills them."""
        self._database = database

    @classmethod
    def open(cls, place: Place, sources: Iterable[Source]) -> Self:
        """Open for writing what these topics fill; make it if it is not there.

        Raises WarehouseLocked, and WarehouseUnfit where there is something else or where it comes from other topics:
        nothing was changed then.
        """
        warehouse = cls(place, _connected(place, writing=True))
        try:
            warehouse._prepare(tuple(sources))
            if warehouse.file is not None:  # nobody else is there who could be building anew
                warehouse.drop_beside()
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    @classmethod
    def open_to_rebuild(cls, place: Place, sources: Iterable[Source]) -> Self:
        """Open to build tables anew. A server's sink may go on meanwhile; a file must be free.

        Raises WarehouseLocked, and WarehouseUnfit also where a sink of this release was never started.
        """
        warehouse = cls(place, _connected(place, writing=isinstance(place, Path)))
        try:
            warehouse._database.hold_rebuild()
            warehouse._check(tuple(sources), warehouse._current())
        except BaseException:
            warehouse.close()
            raise
        return warehouse

    @classmethod
    def read(cls, place: Place) -> Self:
        """Open for reading. Raises WarehouseLocked, and WarehouseUnfit where there is no warehouse."""
        if isinstance(place, Path) and not place.exists():
            raise WarehouseUnfit(f"{place} does not exist: start `billfold sink`.")
        warehouse = cls(place, _connected(place, writing=False))
        if "sink_version" not in warehouse._database.tables():
            warehouse.close()
            raise WarehouseUnfit(f"{place} holds no warehouse of Billfold yet: start `billfold sink`.")
        return warehouse

    def close(self) -> None:
        """Leave; uncommitted rows are gone."""
        self._database.close()

    @property
    def file(self) -> Path | None:
        """The file that it is, if it is one."""
        return self._database.file

    @property
    def dialect(self) -> Dialect:
        """The SQL that it speaks."""
        return self._database.dialect

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._database.rows(query, parameters)

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
        self._database.begin()  # 1
        try:
            for table, rows in batch.rows.items():  # 2
                self._append(table, rows)
            self._append("sink_gap", batch.gaps)
            self._advance(batch.advances)  # 3
            self._commit()  # 4
        except BaseException:
            self._database.rollback()
            raise

    def _append(self, table: str, rows: Rows, name: str | None = None) -> None:
        if len(rows):
            columns = rows if isinstance(rows, pa.Table) else pa.table(arranged(TABLES[table], rows))
            self._database.append(TABLES[table], columns, name or table)

    def _advance(self, advances: Sequence[Advance]) -> None:
        if not advances:
            return
        moved = self.rows(
            """
            UPDATE sink_offset SET next_offset = after
            FROM (SELECT unnest($1::VARCHAR[]) AS moved_topic, unnest($2::BIGINT[]) AS moved_partition,
                         unnest($3::BIGINT[]) AS before, unnest($4::BIGINT[]) AS after) AS moved
            WHERE topic = moved_topic AND kafka_partition = moved_partition AND next_offset = before
            RETURNING kafka_partition
            """,
            [list(column) for column in zip(*advances, strict=True)],
        )
        assert len(moved) == len(advances), f"offsets moved under the sink: {advances}"

    def _commit(self) -> None:
        self._database.commit()

    def note_publication(self, at: datetime) -> None:
        """Note until when what is committed can be read."""
        self._database.begin()
        self.rows("DELETE FROM sink_publication")
        self.rows("INSERT INTO sink_publication (published_at) VALUES ($1)", [at])
        self._database.commit()

    def checkpoint(self) -> None:
        """Bring everything into the file itself, so that a copy of the file alone is complete."""
        self._database.checkpoint()

    # -- building anew

    def begin_beside(self, tables: Iterable[str]) -> None:
        """Make empty tables beside these; what an earlier attempt left goes."""
        self._database.begin()
        self._drop_leftovers()
        for name in tables:
            self.rows(create_table(TABLES[name], self.dialect, BESIDE + name))
        self._database.commit()

    def append_beside(self, rows: Mapping[str, Rows]) -> None:
        """Add rows to the tables beside; they are there if this returns."""
        self._database.begin()
        try:
            for table, each in rows.items():
                self._append(table, each, BESIDE + table)
            self._database.commit()
        except BaseException:
            self._database.rollback()
            raise

    def swap(self, tables: Sequence[str], offsets: Mapping[tuple[str, int], int]) -> bool:
        """Give the tables the rows beside them, if those go exactly as far as the warehouse; False if they do not.

        1. Begin; hold the offsets, so that a sink waits with its batch.
        2. Compare. A sink that was faster: the rows in between have to be read first.
        3. All tables, in one database transaction with 1. A crash before its commit leaves everything as it was.
        """
        self._database.begin()  # 1
        try:
            self.rows("UPDATE sink_offset SET next_offset = next_offset")
            now = self.offsets()  # 2
            if any(now[place] != offset for place, offset in offsets.items()):
                self._database.rollback()
                return False
            for name in tables:  # 3
                self._database.replace_rows(name, BESIDE + name)
            self._commit()
        except BaseException:
            self._database.rollback()
            raise
        return True

    def drop_beside(self) -> None:
        """Drop what an attempt to build anew leaves."""
        self._database.begin()
        self._drop_leftovers()
        self._database.commit()

    def _drop_leftovers(self) -> None:
        for name in self._database.tables():
            if name.startswith(BESIDE):
                self.rows(f'DROP TABLE "{name}"')

    # -- looking

    def tallies(self, table: str, before: Mapping[int, int]) -> dict[int, Tally]:
        """Rows, digest and sums of a table by partition, of the rows below an offset for each partition."""
        names = summed(TABLES[table])
        found = self.rows(sums_sql(TABLES[table], self.dialect), [list(before), list(before.values())])
        return {
            partition: Tally(rows, int(digest), {name: Decimal(each) for name, each in zip(names, sums, strict=True)})
            for partition, rows, digest, *sums in found
        }

    def tallies_by_offset(self, table: str, partition: int, first: int, before: int) -> dict[int, Tally]:
        """Rows and digest of a table by offset, of one partition's rows in [first, before)."""
        found = self.rows(by_offset_sql(TABLES[table], self.dialect), [partition, first, before])
        return {offset: Tally(rows, int(digest)) for offset, rows, digest in found}

    # -- the first moments

    def _prepare(self, sources: Sequence[Source]) -> None:
        """Compare before anything is written; then migrate, make views anew, remember new topics: all or nothing."""
        version = self._version()
        known = self._check(sources, version)

        self._database.begin()
        try:
            self._migrate(version)
            for source in sources:
                if source.topic not in known:
                    self._append("sink_source", [source])
                    places = [(source.topic, partition, 0) for partition in range(source.partitions)]
                    self._append("sink_offset", places)
            self._database.commit()
        except BaseException:
            self._database.rollback()
            raise
        if any(self.offsets().values()):
            later = MIGRATIONS[version:]
            grown = [name for each in later for name in (*each.tables, *(table for table, _ in each.columns))]
            self.outgrown = tuple(name for name in dict.fromkeys(grown) if name in FACTS)

    def _check(self, sources: Sequence[Source], version: int) -> dict[str, Source]:
        """The topics that the rows come from. Raises WarehouseUnfit where these are others."""
        known = {row[0]: Source(*row) for row in self.rows(_SOURCES)} if version else {}
        for source in sources:
            if source.topic in known and (told := difference(known[source.topic], source)) is not None:
                raise WarehouseUnfit(
                    f"{self.place} was filled from another {source.topic}: {told}. Nothing was written. Point "
                    "the setting `warehouse` elsewhere, or `bootstrap_servers` to the right cluster."
                )
        return known

    def _version(self) -> int:
        """The last migration that was done; 0 where nothing is yet."""
        tables = self._database.tables()
        if tables and "sink_version" not in tables:
            raise WarehouseUnfit(
                f"{self.place} is a database, but no warehouse of Billfold. Point the setting `warehouse` elsewhere."
            )
        version = int(self.rows("SELECT max(version) FROM sink_version")[0][0]) if tables else 0
        if version > LATEST:
            raise WarehouseUnfit(
                f"{self.place} has version {version}, this release knows {LATEST}: start the newer release."
            )
        return version

    def _current(self) -> int:
        version = self._version()
        if version < LATEST:
            raise WarehouseUnfit(
                f"{self.place} has version {version}, this release needs {LATEST}: start its `billfold sink` first."
            )
        return version

    def _migrate(self, version: int) -> None:
        for migration in MIGRATIONS[version:]:
            for name in migration.tables:
                self.rows(create_table(TABLES[name], self.dialect))
            for table, column in migration.columns:
                self.rows(add_column(TABLES[table], column, self.dialect))
            self._append("sink_version", [(migration.version, migration.what)])
        made = dict(self.rows("SELECT name, digest FROM sink_definition"))
        described: tuple[Table | View, ...] = (*TABLES.values(), *VIEWS.values())
        wanted = {each.name: _digest(each, self.dialect) for each in described}
        changed = [each for each in described if made.get(each.name) != wanted[each.name]]
        if not changed and wanted.keys() == made.keys():
            return
        for gone in made.keys() - wanted.keys():
            self.rows(f'DROP VIEW IF EXISTS "{gone}"')
        if any(isinstance(each, View) for each in changed):
            self._database.replace_views(VIEWS.values())
        for each in described:
            for statement in comments(each):
                self.rows(statement)
        self.rows("DELETE FROM sink_definition")
        self._append("sink_definition", list(wanted.items()))


def _digest(described: Table | View, dialect: Dialect) -> str:
    """What a definition comes to in the database, in short."""
    statements = list(comments(described))
    if isinstance(described, View):
        statements.append(create_view(described, dialect))
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()


def _connected(place: Place, *, writing: bool) -> Database:
    if isinstance(place, Server):
        from state.warehouse.databases.postgres import PostgreSQL  # noqa: PLC0415 - who has a file needs no PostgreSQL

        return PostgreSQL(place, writing=writing)
    from state.warehouse.databases.duckdb_file import DuckDBFile  # noqa: PLC0415 - who has a server needs no DuckDB

    return DuckDBFile(place, writing=writing)
