"""Plain values of the warehouse, for those who hold the vault's key: in their own session, and nowhere else.

    with unsealed(copy, vault) as session:
        session.sql("SELECT contact_email FROM plain.dim_account WHERE is_current").show()

The session is a database in memory that has the published copy attached, read only, as `warehouse`. Schema `plain` has
each table and view with personal data again, with that data opened; a function `unseal(value, customer_id)` opens any
other text, JSON included. What was erased reads `erased`, what does not open `unreadable`.

Of a server there is what `names` asks for, brought into memory as it was at one moment.

Nothing plain is stored: the session may not spill to disk, and can neither write files nor open others. What its owner
does with the answer is up to him: the key is what decides who may.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from state.warehouse import Place, Server, Warehouse, WarehouseUnfit
from state.warehouse.catalog import DESCRIBED
from state.warehouse.databases.statements import quoted
from state.warehouse.definitions import Column
from streams.sealing import unseal
from streams.vault import KeyVault, Vault, VaultError
from streams.warehouse_origins import literal, names_in, snapshot

PLAIN = "plain"
MEMORY_LIMIT = "2GB"
"""Nothing may go to disk, so all that a query sorts or groups has to fit."""


class UnsealingImpossible(WarehouseUnfit):
    """Something that a session needs is not there. The sentence says what."""


def open_vault(path: Path, key_encryption_key: bytes) -> KeyVault:
    """Open a vault that is there: a reader makes none. Raises VaultError."""
    if not path.is_file():
        raise VaultError(f"There is no key vault {path}: set BILLFOLD_VAULT to the one that the doors seal with.")
    return KeyVault(path, key_encryption_key)


@contextlib.contextmanager
def unsealed(place: Place, vault: Vault, names: Iterable[str] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a session on a published copy, or on what `names` names of a server.

    Raises WarehouseUnfit, WarehouseLocked, UnsealingImpossible.
    """
    Warehouse.read(place).close()  # says what is wrong with it, if anything is
    with duckdb.connect(":memory:") as session:
        session.execute(f"SET TimeZone = 'UTC'; SET memory_limit = '{MEMORY_LIMIT}'; SET temp_directory = ''")
        if isinstance(place, Server):
            _bring(session, place, names)
        else:
            session.execute(f"ATTACH {literal(place)} AS warehouse (READ_ONLY)")
        _teach(session, vault)
        session.execute(f"CREATE SCHEMA {PLAIN}")
        there = names_in(session, "warehouse")
        for name in plain_views():
            if name in there:  # a copy of an older release has fewer
                session.execute(_plain_view(name))
        session.execute("SET search_path = 'memory.main,warehouse.main'")
        session.execute("SET enable_external_access = false; SET lock_configuration = true")
        yield session


def plain_views() -> tuple[str, ...]:
    """The tables and views that have personal data."""
    return tuple(name for name, each in DESCRIBED.items() if any(column.pii for column in each.columns))


def _bring(session: duckdb.DuckDBPyConnection, server: Server, names: Iterable[str]) -> None:
    """Bring tables and views of a server, sealed as they are."""
    session.execute("ATTACH ':memory:' AS warehouse")
    with snapshot(server) as read, tempfile.TemporaryDirectory(prefix="billfold-") as spill:
        for name in sorted(read.names() & DESCRIBED.keys() & set(names)):
            columns = DESCRIBED[name].columns
            chosen = ", ".join(quoted(column.name) for column in columns)
            rows = read.relation(f"SELECT {chosen} FROM {quoted(name)}", columns, Path(spill))  # noqa: S608 - made of definitions
            try:
                session.execute(f"CREATE TABLE warehouse.main.{quoted(name)} AS FROM {rows}")
            except duckdb.OutOfMemoryException:
                raise UnsealingImpossible(
                    f"{name} does not fit into {MEMORY_LIMIT} of memory, and may not go to disk: ask for a smaller one."
                ) from None


def _teach(session: duckdb.DuckDBPyConnection, vault: Vault) -> None:
    """Give the session `unseal`. Its results are constant for the session: an erasure shows in the next one."""

    def opened(value: str, customer_id: str) -> str:
        return unseal(value, customer_id, vault)

    try:
        session.create_function("unseal", opened, ["VARCHAR", "VARCHAR"], "VARCHAR")
    except duckdb.InvalidInputException as missing:
        raise UnsealingImpossible(f"{missing}: `pip install 'billfold[unsealing]'`.") from missing


def _plain_view(name: str) -> str:
    columns = ", ".join(_plain(column) for column in DESCRIBED[name].columns)
    return f"CREATE VIEW memory.{PLAIN}.{quoted(name)} AS SELECT {columns} FROM warehouse.main.{quoted(name)}"  # noqa: S608 - made of definitions


def _plain(column: Column) -> str:
    name = quoted(column.name)
    return f"unseal({name}, customer_id) AS {name}" if column.pii else name
