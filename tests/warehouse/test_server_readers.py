"""People read a warehouse on a server as they read a file: the same exports, answers, plain values and contract."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from state.warehouse import Server, Warehouse, copy_path, publish
from state.warehouse.catalog import DESCRIBED, VIEWS
from state.warehouse.databases.postgres_sql import TYPES
from state.warehouse.definitions import Kind
from state.warehouse.documents.contract import contract
from state.warehouse.export import Format
from streams.command_line import app
from streams.sealing import seal_text
from streams.unsealing import unsealed
from streams.vault import KeyVault
from streams.warehouse_export import export
from tests.warehouse.customer_data import synchronized
from tests.warehouse.household import firm_and_household
from tests.warehouse.ordering import ordered
from tests.warehouse.places import fresh_database
from tests.warehouse.played import Played
from tests.warehouse.switchboard import switchboard
from tests.warehouse.tools import run, tool

KEY = bytes(range(32))
NAME = "Margit Ångström"
ODD = '\' "quoted", and\r\nbelow \\N'


class Kept(NamedTuple):
    """The same in a file and on a server, and the vault of both."""

    copy: Path
    server: Server
    vault: Path


@pytest.fixture(scope="module")
def kept(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    played = firm_and_household(switchboard())
    vault = KeyVault(folder / "vault" / "keys", KEY)
    played.account("private", contact={"last_name": seal_text(NAME, "Contact.last_name", "private", vault)})
    vault.close()
    databases = fresh_database(postgres)
    server = next(databases)
    for place in (folder / "w.duckdb", server):
        warehouse = played.into(place)
        for column, value in (("custom_name", ODD), ("external_id", ""), ("reason", "NULL")):
            warehouse.rows(f"UPDATE log_account SET {column} = $1 WHERE account_id = 'home'", [value])
        publish(warehouse, datetime.now(UTC))
        warehouse.close()
    yield Kept(copy_path(folder / "w.duckdb"), server, folder / "vault" / "keys")
    for _ in databases:
        pass


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("names", [(), [name for name, view in VIEWS.items() if "now()" not in view.query]])
def test_an_export_is_that_of_a_file(kept: Kept, tmp_path: Path, names: tuple[str, ...]) -> None:
    files, live = tmp_path / "file", tmp_path / "server"
    done = export(kept.copy, files, Format.CSV, names)
    assert export(kept.server, live, Format.CSV, names) == done
    told = {name: sorted(text.splitlines()) for name, text in contents(files).items()}
    assert {name: sorted(text.splitlines()) for name, text in contents(live).items()} == told
    if not names:
        assert contents(live) == contents(files), "in the same order"


def test_parquet_keeps_what_no_csv_tells_apart(kept: Kept, tmp_path: Path) -> None:
    export(kept.server, tmp_path, Format.PARQUET, ["log_account"])
    found = duckdb.execute(
        f"SELECT DISTINCT custom_name, external_id, reason, contact_email FROM '{tmp_path}/log_account/*/rows.parquet' "
        "WHERE account_id = 'home'"
    ).fetchall()
    assert found == [(ODD, "", "NULL", None)]
    assert not (tmp_path / ".spill").exists()


@pytest.mark.parametrize("history", [ordered, synchronized], ids=lambda history: history.__name__)
def test_an_export_of_orders_is_that_of_a_file(tmp_path: Path, database: Server, history: Callable[[], Played]) -> None:
    played = history()
    warehouse = played.into(tmp_path / "w.duckdb")
    copy = publish(warehouse, datetime.now(UTC))
    warehouse.close()
    played.into(database).close()
    assert copy is not None
    assert export(database, tmp_path / "server", Format.CSV) == export(copy, tmp_path / "file", Format.CSV)
    assert contents(tmp_path / "server") == contents(tmp_path / "file")


def test_plain_values_of_a_server(kept: Kept) -> None:
    vault = KeyVault(kept.vault, KEY)
    with unsealed(kept.server, vault, ["dim_account", "raw_transaction", "no_such"]) as session:
        named = "SELECT customer_id FROM plain.dim_account WHERE contact_last_name LIKE 'Margit%'"
        assert session.execute(named).fetchall() == [("private",)]
        opened = "SELECT unseal(changes, customer_id) FROM raw_transaction WHERE customer_id = 'private'"
        assert NAME in session.execute(opened).fetchall()[0][0]
        assert "sealed:v1:" in str(session.execute("SELECT contact_last_name FROM dim_account").fetchall())
    vault.close()


def surroundings(kept: Kept) -> dict[str, str]:
    return {
        "BILLFOLD_WAREHOUSE": kept.server.url,
        "BILLFOLD_VAULT": str(kept.vault),
        "BILLFOLD_KEY_ENCRYPTION_KEY": base64.b64encode(KEY).decode(),
        "COLUMNS": "200",
    }


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["ask", "wallets_running_dry"], "nordlys"),
        (["ask", "orders_in_flight"], "No rows."),
        (["ask", "log_account", "--limit", "1"], "kafka_offset"),
        (["gaps"], "No gaps"),
        (["unseal", "SELECT contact_last_name FROM plain.dim_account WHERE customer_id = 'private'"], NAME),
        (["unseal"], "plain.dim_account"),
    ],
)
def test_a_command(kept: Kept, asked: list[str], told: str) -> None:
    shown = CliRunner(env=surroundings(kept)).invoke(app, ["warehouse", *asked])
    assert shown.exit_code == 0, shown.output
    assert told in shown.output


def test_the_export_command(kept: Kept, tmp_path: Path) -> None:
    asked = ["warehouse", "export", "--to", str(tmp_path / "lake"), "raw_transaction"]
    shown = CliRunner(env=surroundings(kept)).invoke(app, asked)
    assert shown.exit_code == 0, shown.output
    assert list((tmp_path / "lake" / "raw_transaction").glob("month=*/rows.parquet"))


def test_the_contract_names_the_server_and_its_types(kept: Kept) -> None:
    shown = CliRunner(env=surroundings(kept)).invoke(app, ["warehouse", "contract"])
    made = yaml.safe_load(shown.stdout)
    assert (made["servers"][0]["type"], made["servers"][0]["schema"]) == ("postgres", "billfold")
    told = {(each["name"], one["name"]): one["physicalType"] for each in made["schema"] for one in each["properties"]}
    columns = ((each.name, column) for each in DESCRIBED.values() for column in each.columns)
    assert told == {(name, column.name): TYPES[column.kind] for name, column in columns}
    assert TYPES[Kind.TEXT] == "TEXT"


def test_a_server_keeps_its_contract(kept: Kept, tmp_path: Path) -> None:
    with contextlib.closing(Warehouse.open(kept.server, [])) as warehouse:
        publish(warehouse, datetime.now(UTC))
    (tmp_path / "contract.yaml").write_text(contract(kept.server))
    who = {"DATACONTRACT_POSTGRES_USERNAME": "postgres", "DATACONTRACT_POSTGRES_PASSWORD": "any"}
    told = run(tool("datacontract") / "datacontract", "test", "contract.yaml", within=tmp_path, surroundings=who)
    assert told.returncode == 0, told.stdout[-5000:]
    checks = re.search(r"Data contract is valid. Ran (\d+) checks", told.stdout)
    assert checks, told.stdout[-500:]
    assert int(checks[1]) > sum(len(each.columns) for each in DESCRIBED.values())


@pytest.mark.parametrize(("option", "value"), [("--database", "x.duckdb"), ("--copy-to", "x.duckdb")])
def test_a_contract_of_a_server_takes_no_file(kept: Kept, option: str, value: str) -> None:
    refused = CliRunner(env=surroundings(kept)).invoke(app, ["warehouse", "contract", option, value])
    assert refused.exit_code == 1
    assert "is on a server" in str(refused.exception)
