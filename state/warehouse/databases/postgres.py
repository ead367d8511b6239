"""A warehouse in a PostgreSQL database: read live, in a schema of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import errors

from state.warehouse.batches import WarehouseAway, WarehouseLocked, WarehouseUnfit, WarehouseUnreachable
from state.warehouse.databases.places import Server
from state.warehouse.databases.postgres_sql import AGGREGATES, NUL, POSTGRES, SHOWN_NUL
from state.warehouse.databases.statements import create_view, quoted
from state.warehouse.definitions import Table, View

SCHEMA = "billfold"
CONNECT_SECONDS = 10
SILENCE_MS = 30_000  # a server that is silent for so long is gone: a packet filter tells nobody
COPIED_ROWS = 2_000  # encoded at once
VIEW_LOCK = "60s"  # so long a view that is to be made anew waits for who reads it
_INDEXED = {"raw_transaction": ("customer_id", "sequence")}
"""Where the sink looks for a customer's latest transaction; people look there, too."""
_WRITING, _REBUILDING = 1, 2  # advisory locks, beside the schema's own number


class PostgreSQL:
    """An open connection. Its session holds the locks, so it must not go through a pooler that lends connections."""

    dialect = POSTGRES
    file = None

    def __init__(self, server: Server, *, writing: bool) -> None:
        """Raises WarehouseUnreachable, WarehouseUnfit, and WarehouseLocked where another sink writes."""
        self._server = server
        self._connection = _connect(server)
        try:
            self._enter(writing=writing)
        except BaseException:
            self.close()
            raise

    def _enter(self, *, writing: bool) -> None:
        there = self.rows("SELECT 1 FROM pg_namespace WHERE nspname = $1", [SCHEMA])
        if writing and not there:
            try:
                self.rows(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            except errors.InsufficientPrivilege as refusal:
                raise WarehouseUnfit(
                    f"{self._server}: {_first_line(refusal)}. Let its owner CREATE SCHEMA {SCHEMA} AUTHORIZATION "
                    f"{quoted(self._connection.info.user)}."
                ) from None
        elif not there:
            raise WarehouseUnfit(f"{self._server} holds no warehouse of Billfold yet: start `billfold sink`.")
        if writing:
            self._hold(_WRITING, "has another sink")
            self._make_aggregates()

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it has any."""
        with self._may_fail():
            cursor = self._connection.execute(query, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def append(self, table: Table, rows: pa.Table, name: str) -> None:
        """Add rows, with the table's columns, to the table of that name.

        Texts with the character 0, which PostgreSQL keeps nowhere, get another one in its place.
        """
        self.rows("SAVEPOINT rows")
        try:
            self._copy(table, rows, name)
        except errors.CharacterNotInRepertoire:
            self.rows("ROLLBACK TO rows")
            kept = [
                pc.replace_substring(column, NUL, SHOWN_NUL) if pa.types.is_string(column.type) else column
                for column in rows.columns
            ]
            self._copy(table, pa.table(kept, rows.schema), name)

    def _copy(self, table: Table, rows: pa.Table, name: str) -> None:
        names = ", ".join(quoted(column.name) for column in table.columns)
        statement = f"COPY {quoted(name)} ({names}) FROM STDIN (FORMAT BINARY)"
        encoder = ArrowToPostgresBinaryEncoder(rows.schema)
        with self._may_fail(), self._connection.cursor().copy(statement) as copy:
            copy.write(encoder.write_header())
            for batch in rows.to_batches(max_chunksize=COPIED_ROWS):
                copy.write(encoder.write_batch(batch))
            copy.write(encoder.finish())

    def begin(self) -> None:
        """Begin a database transaction."""
        self.rows("BEGIN")

    def begin_snapshot(self) -> None:
        """Begin a database transaction that reads, and sees nothing of what is committed from now on."""
        self.rows("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def copied(self, query: str) -> Iterator[bytes | bytearray | memoryview]:
        """The rows of a query as CSV, in pieces, without a head; nulls have no quotes, empty texts have."""
        with self._may_fail(), self._connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
            yield from copy

    def commit(self) -> None:
        """Commit it."""
        self.rows("COMMIT")

    def rollback(self) -> None:
        """Undo it."""
        with contextlib.suppress(psycopg.Error, WarehouseAway):  # a lost connection has undone it
            self._connection.rollback()

    def tables(self) -> set[str]:
        """Return the names of all tables in the schema."""
        return {name for (name,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = $1", [SCHEMA])}

    def views(self) -> set[str]:
        """Return the names of all views in the schema."""
        return {name for (name,) in self.rows("SELECT viewname FROM pg_views WHERE schemaname = $1", [SCHEMA])}

    def replace_views(self, views: Iterable[View]) -> None:
        """Make views, in this order, in place of those that are there.

        Those that keep their columns keep what was granted; if one cannot, all are dropped and made.
        """
        made = list(views)
        self.rows(f"SET LOCAL lock_timeout = '{VIEW_LOCK}'")
        self._index()
        self.rows("SAVEPOINT views")
        try:
            for view in made:
                self.rows(create_view(view, POSTGRES))
        except errors.InvalidTableDefinition:
            self.rows("ROLLBACK TO views")
            try:
                self.rows("DROP VIEW IF EXISTS " + ", ".join(quoted(view.name) for view in made))
            except errors.DependentObjectsStillExist as refusal:
                raise WarehouseUnfit(
                    f"{self._server}: this release changes views that others were built on "
                    f"({str(refusal.diag.message_detail).splitlines()[0]}). Drop those, and make them again afterwards."
                ) from None
            for view in made:
                self.rows(create_view(view, POSTGRES))

    def _index(self) -> None:
        for table, columns in _INDEXED.items():
            names = ", ".join(map(quoted, columns))
            self.rows(f"CREATE INDEX IF NOT EXISTS {table}_{'_'.join(columns)} ON {quoted(table)} ({names})")

    def replace_rows(self, table: str, beside: str) -> None:
        """Replace the rows and not the table: views, grants and indexes of others stay, and no reader waits."""
        columns = self.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2",
            [SCHEMA, beside],
        )
        names = ", ".join(quoted(name) for (name,) in columns)
        self.rows(f"DELETE FROM {quoted(table)}")  # noqa: S608 - our own table
        self.rows(f"INSERT INTO {quoted(table)} ({names}) SELECT {names} FROM {quoted(beside)}")  # noqa: S608
        self.rows(f"DROP TABLE {quoted(beside)}")

    def hold_rebuild(self) -> None:
        """Let nobody else rebuild until this connection ends. Raises WarehouseLocked."""
        self._hold(_REBUILDING, "is being rebuilt")

    def checkpoint(self) -> None:
        """Leave that to the server."""

    def close(self) -> None:
        """Leave; what is not committed is gone."""
        self._connection.close()

    def _hold(self, purpose: int, what: str) -> None:
        """Take an advisory lock of the schema, which the server gives back when this session ends, however it ends."""
        schema = self.rows("SELECT oid::BIGINT FROM pg_namespace WHERE nspname = $1", [SCHEMA])[0][0]
        key = schema << 8 | purpose
        if self.rows("SELECT pg_try_advisory_lock($1::BIGINT)", [key])[0][0]:
            return
        found = self.rows(
            "SELECT pid, application_name, host(client_addr) FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND classid::BIGINT = $1 AND objid::BIGINT = $2 AND objsubid = 1 AND granted",
            [key >> 32, key & 0xFFFFFFFF],
        )
        holder = "somebody who has left"
        if found:
            pid, program, host = found[0]
            holder = f"{program or 'a program'} on {host or 'the same machine'} (server process {pid})"
        raise WarehouseLocked(f"{self._server} {what}: {holder}. Stop that one.", holder)

    def _make_aggregates(self) -> None:
        found = "SELECT 1 FROM pg_proc WHERE proname = 'last_known' AND pronamespace::REGNAMESPACE::TEXT = $1"
        if not self.rows(found, [SCHEMA]):
            for statement in AGGREGATES:
                self.rows(statement)

    @contextlib.contextmanager
    def _may_fail(self) -> Iterator[None]:
        """What passes by itself is WarehouseAway: lost connections, restarts, full disks, locks that are not given."""
        try:
            yield
        except psycopg.OperationalError as failure:
            raise WarehouseAway(f"{self._server} does not work now: {_first_line(failure)}.") from failure


def _connect(server: Server) -> psycopg.Connection[tuple[Any, ...]]:
    named = str(server)
    try:
        return psycopg.connect(
            server.url,
            autocommit=True,
            cursor_factory=psycopg.RawCursor,  # `$1`, as DuckDB
            connect_timeout=CONNECT_SECONDS,
            application_name="billfold",
            options=f"{server.parts().get('options', '')} -c search_path={SCHEMA} -c TimeZone=UTC",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=4,
            tcp_user_timeout=SILENCE_MS,
        )
    except psycopg.OperationalError as failure:
        raise WarehouseUnreachable(
            f"{named} cannot be reached: {_reason(failure)}. Is BILLFOLD_WAREHOUSE its address?"
        ) from None


def _reason(failure: psycopg.Error) -> str:
    """What libpq says, without the address, which stands before it."""
    return _first_line(failure).rpartition("failed: ")[2]


def _first_line(failure: psycopg.Error) -> str:
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0].rstrip(".")
