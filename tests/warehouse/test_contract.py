"""The data contract is valid, true of a warehouse that is whole, and broken by one that is not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from state.warehouse.catalog import DESCRIBED
from state.warehouse.definitions import Table
from state.warehouse.documents.contract import FRESH_MINUTES, contract
from streams.command_line import app
from streams.sink import IDLE_PUBLISH_SECONDS
from streams.warehouse_copies import CopyRefused, portable_copy
from tests.warehouse.tools import everything, run, tool


def checked(folder: Path, *harms: str) -> subprocess.CompletedProcess[str]:
    """What datacontract-cli says of a warehouse."""
    portable_copy(everything(folder, *harms), folder / "copy.duckdb")
    (folder / "contract.yaml").write_text(contract(folder / "copy.duckdb"))
    programs = tool("datacontract")
    return run(programs / "datacontract", "test", "contract.yaml", within=folder, surroundings={})


@pytest.mark.kafka  # not that it needs Kafka: the tool is fetched first, which is nothing for `make check`
def test_a_whole_warehouse_keeps_it(tmp_path: Path) -> None:
    told = checked(tmp_path)
    assert told.returncode == 0, told.stdout[-5000:]
    checks = re.search(r"Data contract is valid. Ran (\d+) checks", told.stdout)
    assert checks, told.stdout[-500:]
    assert int(checks[1]) > sum(len(each.columns) for each in DESCRIBED.values())


@pytest.mark.kafka
def test_what_is_broken_is_named(tmp_path: Path) -> None:
    told = checked(
        tmp_path,
        "UPDATE log_wallet_entry SET amount = amount - 0.01 WHERE entry_number = 5",
        "INSERT INTO log_customer FROM log_customer LIMIT 1",
        "UPDATE log_account SET contact_email = 'margit@example.com' WHERE account_id = 'home'",
    )
    assert told.returncode == 1, told.stdout[-5000:]
    found = set(re.findall(r"^\d+\) (\w+) (.+?)\.:", told.stdout, re.MULTILINE))
    assert found >= {
        ("log_account", "Personal data is sealed"),
        ("log_customer", "One row per customer_id, sequence"),
        ("log_wallet_entry", "Every entry of a wallet leads from the balance before to the balance after"),
        ("wallet_reconciliation", "The entries of every wallet sum to its balance, and none is missing"),
    }, told.stdout[-3000:]


def test_the_contract_names_every_column_and_every_key() -> None:
    objects = yaml.safe_load(contract())["schema"]
    assert {each["name"]: [column["name"] for column in each["properties"]] for each in objects} == {
        each.name: [column.name for column in each.columns] for each in DESCRIBED.values()
    }
    unique = {rule["name"] for each in objects for rule in each.get("quality", [])}
    assert unique >= {f"{each.name}_is_unique" for each in DESCRIBED.values() if isinstance(each, Table)}


def test_personal_data_is_classified() -> None:
    classified = {
        (each["name"], column["name"])
        for each in yaml.safe_load(contract())["schema"]
        for column in each["properties"]
        if column.get("classification") == "restricted"
    }
    columns = ((each.name, column) for each in DESCRIBED.values() for column in each.columns)
    assert classified == {(name, column.name) for name, column in columns if column.pii}


def test_freshness_leaves_the_sink_time_for_several_publications() -> None:
    assert 3 * IDLE_PUBLISH_SECONDS <= FRESH_MINUTES * 60


def test_the_command_writes_a_copy_and_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = everything(tmp_path)
    monkeypatch.setenv("BILLFOLD_WAREHOUSE", str(copy.with_name("warehouse.duckdb")))
    shown = CliRunner().invoke(app, ["warehouse", "contract", "--copy-to", str(tmp_path / "copy.duckdb")])
    assert shown.exit_code == 0, shown.output
    assert yaml.safe_load(shown.stdout)["servers"][0]["database"] == str(tmp_path / "copy.duckdb")
    with pytest.raises(CopyRefused, match="is there already"):
        portable_copy(copy, tmp_path / "copy.duckdb")
