"""The dbt project passes on a warehouse that is whole, and names what is broken on one that is not."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
import yaml

from compose import environments
from state.warehouse.catalog import DESCRIBED
from state.warehouse.documents import dbt_sources
from state.warehouse.quality import rules
from tests.warehouse.tools import everything, run, tool

PROJECT = Path(__file__).parents[2] / "compose" / "dbt"
SOME = ("wallets_add_up", "sequences_have_no_gaps", "log_wallet_entry_has_transactions")


def dbt(folder: Path, copy: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """What dbt says, and each node's name -> status."""
    project = folder / "dbt"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"), dirs_exist_ok=True)
    surroundings = {"BILLFOLD_WAREHOUSE_COPY": str(copy), "BILLFOLD_MARTS": str(folder / "marts.duckdb")}
    programs = tool("dbt")
    told = run(programs / "dbt", *arguments, "--profiles-dir", ".", within=project, surroundings=surroundings)
    results = project / "target" / "run_results.json"
    ran = json.loads(results.read_text())["results"] if results.exists() else []
    return told, {each["unique_id"].split(".")[2]: each["status"] for each in ran}


@pytest.mark.kafka  # not that it needs Kafka: dbt is fetched first, which is nothing for `make check`
def test_a_whole_warehouse_passes(tmp_path: Path) -> None:
    told, status = dbt(tmp_path, everything(tmp_path), "build")
    assert told.returncode == 0, told.stdout
    assert {each.name: status[each.name] for each in rules(DESCRIBED)} == dict.fromkeys(
        (each.name for each in rules(DESCRIBED)), "pass"
    )
    with duckdb.connect(tmp_path / "marts.duckdb", read_only=True) as marts:
        held = marts.execute("SELECT held_at_end FROM wallet_months ORDER BY month").fetchall()
        assert held == [(5,), (3,)]
        accounts = marts.execute("SELECT account_id, services_on FROM accounts_now WHERE services_on > 0").fetchall()
        assert sorted(accounts) == [("a-1", 4), ("home", 1)]


@pytest.mark.kafka
def test_what_is_broken_is_named(tmp_path: Path) -> None:
    harms = (
        "DELETE FROM log_wallet_entry WHERE entry_number = 5",
        "DELETE FROM raw_transaction WHERE customer_id = 'nordlys' AND sequence = 4",
    )
    told, status = dbt(tmp_path, everything(tmp_path, *harms), "test", "--select", *SOME)
    assert told.returncode == 1, told.stdout
    assert status == dict.fromkeys(SOME, "fail")


@pytest.mark.kafka
def test_a_tool_that_cannot_be_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "requirements.txt").write_text("billfold-no-such-tool==1.0\n")
    monkeypatch.setattr(environments, "HERE", tmp_path)
    monkeypatch.setenv("BILLFOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(environments.EnvironmentMissing, match="No matching distribution found"):
        environments.programs("tool")


def test_every_column_is_a_column_of_a_source() -> None:
    sources = yaml.safe_load(dbt_sources.files()["models/sources.yml"])["sources"][0]["tables"]
    assert {each["name"]: [column["name"] for column in each["columns"]] for each in sources} == {
        each.name: [column.name for column in each.columns] for each in DESCRIBED.values()
    }


def test_every_exposure_rests_on_something() -> None:
    exposures = yaml.safe_load(dbt_sources.files()["models/exposures.yml"])["exposures"]
    rests = {each["name"]: each["depends_on"] for each in exposures}
    assert rests["wallets_running_dry"] == [
        "source('warehouse', 'fact_wallet_entry')",
        "source('warehouse', 'wallet_reconciliation')",
    ]
    assert all(rests.values())
