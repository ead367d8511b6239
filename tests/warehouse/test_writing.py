"""Rows and offsets together or not at all; the right topics or none; one writer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.warehouse import (
    Advance,
    Batch,
    Place,
    Source,
    Warehouse,
    WarehouseLocked,
    WarehouseUnfit,
    copy_path,
    publish,
)
from state.warehouse import warehouse as module
from state.warehouse.catalog import FACTS, TABLES, VIEWS
from state.warehouse.databases.statements import quoted
from state.warehouse.definitions import text
from state.warehouse.digest import Tallying, row_number_sql
from state.warehouse.migrations import LATEST, MIGRATIONS, Migration
from tests.warehouse.played import BEGIN, SOURCES, Played
from tests.warehouse.switchboard import switchboard, television

OTHERS = "import duckdb; duckdb.connect({!r}, read_only={})"


def opens(path: Path, *, read_only: bool = False) -> bool:
    """Whether another process can open the file."""
    program = OTHERS.format(str(path), read_only)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def played() -> Played:
    played = Played()
    played.on("2026-03-02").account("nordlys", contact={"last_name": "sealed:v1:AAAAAAAAAAAA:" + "x" * 60})
    played.on("2026-06-03").ask("nordlys", "UpdateAccountBillCycle", account={"account_id": "a-1"}, bill_cycle="DAILY")
    played.on("2026-06-09").ask("nordlys", "UpdateAccountBillCycle", account={"account_id": "a-1"}, bill_cycle="NONE")
    return played


def test_a_batch_that_fails_leaves_nothing(place: Place, played: Played) -> None:
    warehouse = Warehouse.open(place, SOURCES)
    rows = played.rows()
    rows["fact_command_outcome"].append(("not", "a", "row"))
    with pytest.raises((duckdb.Error, psycopg.Error, ValueError)):
        warehouse.write(Batch(rows=rows, advances=[Advance("transactions", 0, 0, 9)]))
    assert warehouse.rows("SELECT count(*) FROM raw_transaction") == [(0,)]
    assert warehouse.offsets() == {("transactions", 0): 0, ("outcomes", 0): 0}
    warehouse.close()


def test_offsets_move_only_from_where_the_batch_began(place: Place, played: Played) -> None:
    warehouse = played.into(place)
    before = warehouse.rows("SELECT count(*) FROM raw_transaction")
    with pytest.raises(AssertionError, match="offsets moved"):
        warehouse.write(Batch(rows=played.rows(), advances=[Advance("transactions", 0, 0, 9)]))
    assert warehouse.rows("SELECT count(*) FROM raw_transaction") == before
    warehouse.close()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Source("transactions", "cluster-2", "id-1", 1), "its cluster was cluster, this one is cluster-2"),
        (Source("transactions", "cluster", "id-9", 1), "the topic was deleted and made anew"),
        (Source("transactions", "cluster", "id-1", 2), "it had 1 partitions, this one has 2"),
    ],
)
def test_a_warehouse_of_other_topics_is_refused_and_unchanged(
    place: Place, played: Played, other: Source, said: str
) -> None:
    played.into(place).close()
    before = place.read_bytes() if isinstance(place, Path) else b""
    with pytest.raises(WarehouseUnfit, match=said):
        Warehouse.open(place, [other])
    with pytest.raises(WarehouseUnfit, match=said):
        Warehouse.open_to_rebuild(place, [other])
    assert (place.read_bytes() if isinstance(place, Path) else b"") == before


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(path) as theirs:
        theirs.execute("CREATE TABLE precious (x INTEGER)")
    with pytest.raises(WarehouseUnfit, match="no warehouse of Billfold"):
        Warehouse.open(path, SOURCES)


def test_a_newer_warehouse_is_refused(place: Place, played: Played) -> None:
    newer = played.into(place)
    newer.rows("INSERT INTO sink_version VALUES (99, 'of tomorrow')")
    newer.close()
    with pytest.raises(WarehouseUnfit, match="start the newer release"):
        Warehouse.open(place, SOURCES)


def first_release(place: Place) -> Warehouse:
    """A warehouse as the first release made it, one column short, open."""
    older = Warehouse.open(place, SOURCES)
    for view in reversed(VIEWS):
        older.rows(f'DROP VIEW IF EXISTS "{view}"')
    for name in TABLES.keys() - set(MIGRATIONS[0].tables):
        older.rows(f'DROP TABLE "{name}"')
    older.rows("DELETE FROM sink_version WHERE version > 1")
    return older


def test_a_warehouse_of_the_first_release_gets_what_is_new(place: Place, played: Played) -> None:
    older = first_release(place)
    older.rows("UPDATE sink_offset SET next_offset = 5 WHERE topic = 'outcomes'")
    older.close()
    warehouse = played.into(place)
    assert set(warehouse.outgrown) == {name for each in MIGRATIONS[1:] for name in each.tables if name in FACTS}
    assert warehouse.rows("SELECT count(*) FROM dim_account")[0][0] > 0
    for table in TABLES.values():
        warehouse.rows(f"SELECT {', '.join(quoted(column.name) for column in table.columns)} FROM {table.name}")
    assert warehouse.rows("SELECT max(version) FROM sink_version") == [(LATEST,)]
    warehouse.close()
    again = Warehouse.open(place, SOURCES)
    assert again.outgrown == ()
    again.close()


def test_a_later_migration_adds_a_column(place: Place, played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    played.into(place).close()
    table = TABLES["log_customer"]
    wider = replace(table, columns=(*table.columns, text("colour", "Of tomorrow", required=False)))
    monkeypatch.setitem(TABLES, "log_customer", wider)
    tomorrow = Migration(LATEST + 1, "colours", columns=(("log_customer", "colour"),))
    monkeypatch.setattr(module, "MIGRATIONS", (*MIGRATIONS, tomorrow))
    monkeypatch.setattr(module, "LATEST", tomorrow.version)
    warehouse = Warehouse.open(place, SOURCES)
    assert warehouse.outgrown == ("log_customer",)
    assert warehouse.rows("SELECT count(*), count(colour) FROM log_customer")[0][1] == 0
    rows: list[Sequence[Any]] = [[*row, "green"] for row in played.rows()["log_customer"]]
    warehouse.write(Batch(rows={"log_customer": rows}))
    assert warehouse.rows("SELECT DISTINCT colour FROM log_customer WHERE colour IS NOT NULL") == [("green",)]
    warehouse.close()


def test_every_table_is_made_by_a_migration() -> None:
    made = [name for migration in MIGRATIONS for name in migration.tables]
    assert sorted(made) == sorted(TABLES)
    assert [migration.version for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_text("shopping list")
    with pytest.raises(WarehouseUnfit, match="cannot be opened"):
        Warehouse.open(path, SOURCES)


def test_who_holds_the_file_is_named(tmp_path: Path, played: Played) -> None:
    path = tmp_path / "w.duckdb"
    played.into(path).close()
    program = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(WarehouseLocked, match=f"process {other.pid}"):
            Warehouse.open(path, SOURCES)
        other.communicate()
    Warehouse.open(path, SOURCES).close()


# -- the digest


def test_database_and_reader_count_the_same(place: Place) -> None:
    for_money = switchboard()
    warehouse = for_money.into(place)
    for table in FACTS.values():
        counting = Tallying(table, warehouse.dialect)
        expected = counting.nothing()
        for row in for_money.rows().get(table.name, []):
            counting.add(expected, row)
        assert warehouse.tallies(table.name, {0: 1000}) == ({0: expected} if expected.rows else {})
    ledger = warehouse.tallies("log_wallet_entry", {0: 1000})[0]
    assert ledger.sums["amount"] == Decimal(3)  # what is left in the wallet
    warehouse.close()


def test_any_text_comes_back_and_counts_the_same(place: Place, played: Played) -> None:
    """The character 0 too, which PostgreSQL keeps nowhere: it gets another one in its place, and so does the count."""
    texts = ["", "\x00", "a\x00b", "tab\tnew\nline\\N", "\N{GRINNING FACE}'\"", "-1:", "\ufeff\u200b"]
    customer = played.rows()["log_customer"][0]
    rows: list[Sequence[Any]] = [
        (0, number, *customer[2:5], each, each, "{}", False) for number, each in enumerate(texts)
    ]
    warehouse = Warehouse.open(place, SOURCES)
    warehouse.write(Batch(rows={"log_customer": rows, "log_account": played.rows()["log_account"]}))
    counting = Tallying(FACTS["log_customer"], warehouse.dialect)
    expected = counting.nothing()
    for row in rows:
        counting.add(expected, row)
    assert warehouse.tallies("log_customer", {0: 1000}) == {0: expected}
    found = [text for (text,) in warehouse.rows("SELECT name FROM log_customer ORDER BY kafka_offset")]
    assert found == [warehouse.dialect.kept_text(each) for each in texts]
    warehouse.close()


@settings(max_examples=25, deadline=None)
@given(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    st.one_of(st.none(), st.text("|:-0", max_size=9)),
)
def test_any_text_has_the_same_number_on_both_sides(name: str, maybe: str | None) -> None:
    table = FACTS["log_customer"]
    row = (0, 1, "c", 1, BEGIN, name, maybe, "{}", False)
    counting = Tallying(table)
    expected = counting.nothing()
    counting.add(expected, row)
    with duckdb.connect() as memory:
        memory.execute("SET TimeZone = 'UTC'")
        values = "SELECT ?::INTEGER, ?::BIGINT, ?, ?::BIGINT, ?::TIMESTAMPTZ, ?, ?::VARCHAR, ?, ?::BOOLEAN"
        names = ", ".join(column.name for column in table.columns)
        query = f"SELECT {row_number_sql(table)} FROM ({values}) AS one ({names})"
        assert memory.execute(query, row).fetchall() == [(expected.digest,)]


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM raw_transaction WHERE sequence = 2",
        "INSERT INTO raw_transaction SELECT * FROM raw_transaction WHERE sequence = 2",
        "UPDATE raw_transaction SET performed_by = 'eve' WHERE sequence = 2",
        "UPDATE raw_transaction SET changes = changes || ' ' WHERE sequence = 2",
        "UPDATE raw_transaction SET occurred_at = occurred_at + INTERVAL '1 MICROSECOND' WHERE sequence = 2",
    ],
)
def test_any_harm_shows_in_the_tally(place: Place, played: Played, harm: str) -> None:
    warehouse = played.into(place)
    before = warehouse.tallies("raw_transaction", {0: 1000})
    warehouse.rows(harm)
    assert warehouse.tallies("raw_transaction", {0: 1000}) != before
    warehouse.close()


@pytest.mark.parametrize("history", [switchboard, television])
def test_the_keys_of_tables_are_unique(tmp_path: Path, history: Callable[[], Played]) -> None:
    warehouse = history().into(tmp_path / "w.duckdb")
    for table in FACTS.values():
        double = f"SELECT 1 FROM {table.name} GROUP BY {', '.join(table.key)} HAVING count(*) > 1"
        assert warehouse.rows(double) == [], table.name
    warehouse.close()


def test_filled_twice_comes_out_identical(tmp_path: Path, played: Played) -> None:
    first, second = played.into(tmp_path / "1.duckdb"), played.into(tmp_path / "2.duckdb")
    for table in FACTS:
        assert first.tallies(table, {0: 1000}) == second.tallies(table, {0: 1000})
        assert first.rows(f"FROM {table} ORDER BY ALL") == second.rows(f"FROM {table} ORDER BY ALL")
    first.close()
    second.close()


# -- the copy that people read


def test_the_copy_has_everything_and_the_sink_keeps_its_lock(tmp_path: Path, played: Played) -> None:
    warehouse = played.into(tmp_path / "w.duckdb")
    copy = publish(warehouse, BEGIN)
    assert copy == copy_path(tmp_path / "w.duckdb") == tmp_path / "w.read.duckdb"
    assert not opens(tmp_path / "w.duckdb"), "publishing must not let go of the sink's lock"
    assert opens(copy, read_only=True)
    assert copy is not None
    reading = Warehouse.read(copy)
    for table in FACTS:
        assert reading.tallies(table, {0: 1000}) == warehouse.tallies(table, {0: 1000})
    assert reading.rows("SELECT published_at, age_seconds > 0, transactions > 0 FROM warehouse_age") == [
        (BEGIN, True, True)
    ]
    reading.close()
    warehouse.close()


def test_a_reader_keeps_its_copy_while_a_new_one_is_published(tmp_path: Path, played: Played) -> None:
    warehouse = played.into(tmp_path / "w.duckdb")
    reading = Warehouse.read(publish(warehouse, BEGIN) or tmp_path)
    before = reading.rows("SELECT count(*) FROM raw_transaction")
    warehouse.write(Batch(rows={"raw_transaction": played.rows()["raw_transaction"]}))
    leftover = tmp_path / "w.read.duckdb.wal"
    leftover.write_text("of a reader who wrote")
    copy = publish(warehouse, BEGIN)
    assert copy is not None
    assert not leftover.exists()
    assert reading.rows("SELECT count(*) FROM raw_transaction") == before
    reading.close()
    with duckdb.connect(copy, read_only=True) as fresh:
        assert fresh.execute("SELECT count(*) FROM raw_transaction").fetchone() == (2 * before[0][0],)
    warehouse.close()


def test_a_copy_that_cannot_be_made_leaves_the_old_one(tmp_path: Path, played: Played) -> None:
    warehouse = played.into(tmp_path / "w.duckdb")
    copy = publish(warehouse, BEGIN)
    assert copy is not None
    (tmp_path / "w.read.duckdb.new").mkdir()
    before = copy.stat().st_ino
    with pytest.raises(OSError, match="new"):
        publish(warehouse, BEGIN)
    assert copy.stat().st_ino == before
    warehouse.close()
