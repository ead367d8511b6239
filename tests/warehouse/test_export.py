"""Exports: whole months that come out the same, and clear words where a folder cannot take them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from state.warehouse import WarehouseUnfit, publish
from state.warehouse.catalog import FACTS
from state.warehouse.export import Format
from streams.command_line import app
from streams.warehouse_documents import NameUnknown
from streams.warehouse_export import Exported, ExportRefused, export
from tests.warehouse.household import firm_and_household
from tests.warehouse.played import BEGIN, Played
from tests.warehouse.switchboard import switchboard


def published(played: Played, folder: Path, at: datetime = BEGIN) -> Path:
    warehouse = played.into(folder / "warehouse.duckdb")
    copy = publish(warehouse, at)
    warehouse.close()
    assert copy is not None
    return copy


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(switchboard(), tmp_path_factory.mktemp("prepaid"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("kind", Format)
def test_files_hold_what_the_warehouse_holds(tmp_path: Path, copy: Path, kind: Format) -> None:
    export(copy, tmp_path / "lake", kind)
    with duckdb.connect(copy, read_only=True) as warehouse:
        warehouse.execute("SET TimeZone = 'UTC'")
        for name in FACTS:
            files = f"'{tmp_path}/lake/{name}/**/rows.{kind}'"
            if warehouse.execute(f"SELECT count(*) FROM {name}").fetchone() == (0,):
                assert not list((tmp_path / "lake" / name).rglob("rows.*"))
                continue
            read = f"read_{kind}({files}, hive_partitioning=false{', all_varchar=true' if kind is Format.CSV else ''})"
            stored = name if kind is Format.PARQUET else f"(SELECT COLUMNS(*)::VARCHAR FROM {name})"
            differ = f"(FROM {read} EXCEPT ALL FROM {stored}) UNION ALL (FROM {stored} EXCEPT ALL FROM {read})"
            assert warehouse.execute(differ).fetchall() == [], name


def test_a_row_is_in_the_month_of_its_transaction(tmp_path: Path, copy: Path) -> None:
    export(copy, tmp_path, names=["log_wallet", "log_wallet_entry"])
    both = ["month=2026-03", "month=2026-04"]
    assert sorted(each.name for each in (tmp_path / "log_wallet_entry").iterdir()) == both
    assert sorted(each.name for each in (tmp_path / "log_wallet").iterdir()) == both, "it has no moment of its own"


def test_a_row_without_its_transaction_is_not_left_out(tmp_path: Path) -> None:
    warehouse = switchboard().into(tmp_path / "warehouse.duckdb")
    warehouse.rows("DELETE FROM raw_transaction WHERE sequence = 4")
    found = publish(warehouse, BEGIN)
    warehouse.close()
    assert found is not None
    assert export(found, tmp_path / "lake", names=["log_wallet"]) == [Exported("log_wallet", 3, 8)]
    assert (tmp_path / "lake" / "log_wallet" / "month=unknown" / "rows.parquet").exists()


def test_what_has_no_months_is_one_file(tmp_path: Path, copy: Path) -> None:
    assert export(copy, tmp_path, Format.CSV, ["wallets_running_dry"]) == [Exported("wallets_running_dry", 1, 1)]
    lines = (tmp_path / "wallets_running_dry" / "rows.csv").read_text().splitlines()
    assert lines[0].startswith("customer_id,wallet_id,subscription_id,currency,balance")
    assert lines[1].startswith("nordlys,w-1,u-1,EUR,3.000000000,2026-04-01,27.000000000")


@pytest.mark.parametrize("kind", Format)
def test_a_second_run_changes_no_byte(tmp_path: Path, copy: Path, kind: Format) -> None:
    export(copy, tmp_path, kind)
    before = contents(tmp_path)
    export(copy, tmp_path, kind)
    assert contents(tmp_path) == before


def test_a_second_run_heals_a_month_and_ends_what_a_crash_left(tmp_path: Path, copy: Path) -> None:
    export(copy, tmp_path, names=["raw_transaction"])
    before = contents(tmp_path)
    month = tmp_path / "raw_transaction" / "month=2026-03"
    (month / "rows.parquet").write_bytes(b"half")
    (month / ".rows.parquet.new").write_bytes(b"half of another")
    (tmp_path / "raw_transaction" / "month=1999-01").mkdir()
    export(copy, tmp_path, names=["raw_transaction"])
    assert contents(tmp_path) == before


def test_since_leaves_earlier_months_as_they_are(tmp_path: Path, copy: Path) -> None:
    export(copy, tmp_path, names=["raw_transaction"])
    march = tmp_path / "raw_transaction" / "month=2026-03" / "rows.parquet"
    march.write_bytes(b"mine")
    assert export(copy, tmp_path, names=["raw_transaction"], since="2026-04") == [Exported("raw_transaction", 1, 1)]
    assert march.read_bytes() == b"mine"
    note = json.loads((tmp_path / "export.json").read_text())
    assert note["rows"]["raw_transaction"] == {"2026-03": 12, "2026-04": 1}


def test_the_note_says_how_far_the_export_goes(tmp_path: Path, copy: Path) -> None:
    export(copy, tmp_path, names=["raw_transaction"])
    note = json.loads((tmp_path / "export.json").read_text())
    assert note["offsets"] == [["outcomes", 0, 0], ["transactions", 0, 13]]
    assert note["sources"][0] == ["outcomes", "cluster", "id-2"]


def test_progress_comes_to_the_end_of_every_table(tmp_path: Path, copy: Path) -> None:
    told: list[tuple[str, int, int]] = []
    export(copy, tmp_path, names=["raw_transaction"], progress=lambda *each: told.append(each))
    assert told == [("raw_transaction", 0, 2), ("raw_transaction", 1, 2), ("raw_transaction", 2, 2)]


def test_personal_data_leaves_sealed(tmp_path: Path) -> None:
    sealed = "sealed:v1:AAAAAAAAAAAA:" + "x" * 60
    played = Played().on("2026-03-02")
    played.account("nordlys", contact={"last_name": sealed})
    export(published(played, tmp_path), tmp_path / "lake", Format.CSV, ["log_account"])
    assert sealed in (tmp_path / "lake" / "log_account" / "month=2026-03" / "rows.csv").read_text()


def elsewhere(folder: Path) -> Path:
    """The copy of a warehouse that another cluster filled."""
    another = published(firm_and_household(), folder / "elsewhere")
    another.chmod(0o644)
    with duckdb.connect(another) as database:
        database.execute("UPDATE sink_source SET cluster_id = 'elsewhere'")
    return another


def test_mistakes_change_nothing_and_are_told(tmp_path: Path, copy: Path) -> None:
    lake = tmp_path / "lake"
    export(copy, lake, names=["raw_transaction"])
    before = contents(lake)
    with pytest.raises(NameUnknown, match="Did you mean raw_transaction"):
        export(copy, lake, names=["raw_transaction", "raw_transactions"])
    with pytest.raises(WarehouseUnfit, match="does not exist: start `billfold sink`"):
        export(tmp_path / "missing.read.duckdb", lake)
    with pytest.raises(ExportRefused, match="holds an export as parquet"):
        export(copy, lake, Format.CSV)
    with pytest.raises(ExportRefused, match="export of another warehouse"):
        export(elsewhere(tmp_path), lake)
    assert contents(lake) == before


@pytest.mark.parametrize(
    ("entry", "told"),
    [("photos/summer.png", "holds other files"), ("export.json", "export.json cannot be read")],
)
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, copy: Path, entry: str, told: str) -> None:
    theirs = tmp_path / "theirs" / entry
    theirs.parent.mkdir(parents=True)
    theirs.write_text("{")
    with pytest.raises(ExportRefused, match=told):
        export(copy, tmp_path / "theirs")
    assert contents(tmp_path) == {f"theirs/{entry}": b"{"}


def test_a_copy_of_an_older_release_is_told(tmp_path: Path) -> None:
    older = elsewhere(tmp_path)
    with duckdb.connect(older) as database:
        database.execute("DROP TABLE log_wallet")
    with pytest.raises(ExportRefused, match="lacks log_wallet: an older release"):
        export(older, tmp_path / "lake")
    assert export(older, tmp_path / "lake", names=["log_account"])


def test_a_file_is_no_folder(tmp_path: Path, copy: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportRefused, match="is a file: name a folder"):
        export(copy, tmp_path / "file")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, copy: Path) -> None:
    (tmp_path / "raw_transaction").write_text("a file where a folder must be")
    with pytest.raises(ExportRefused, match="cannot be written"):
        export(copy, tmp_path, names=["raw_transaction"])


def test_the_command(tmp_path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLFOLD_WAREHOUSE", str(copy.with_name("warehouse.duckdb")))
    asked = ["warehouse", "export", "--format", "csv", "--to", str(tmp_path / "lake"), "raw_transaction"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "raw_transaction: 13 rows, files: 2" in done.output
    wrong = CliRunner().invoke(app, [*asked, "--since", "March"])
    assert wrong.exit_code == 2
    assert "March is no month: write 2026-03" in wrong.output


def test_a_question_is_answered_on_the_terminal(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLFOLD_WAREHOUSE", str(copy.with_name("warehouse.duckdb")))
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["warehouse", "ask", "wallets_running_dry"])
    assert shown.exit_code == 0, shown.output
    assert re.search(r"EUR +3  2026-04-01 +27 +24$", shown.output, re.MULTILINE), shown.output
    assert "As of 2026-03-02 08:00:00 UTC." in shown.output
    assert "wallets_running_dry" in CliRunner().invoke(app, ["warehouse", "ask"]).output
