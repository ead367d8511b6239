"""Plain values for those who hold the key, in their own session, and nowhere on disk."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from state.warehouse import publish
from state.warehouse.catalog import DESCRIBED
from streams.command_line import app
from streams.sealing import seal_text
from streams.unsealing import open_vault, plain_views, unsealed
from streams.vault import KeyVault, VaultError
from tests.warehouse.played import BEGIN, Played

KEY = bytes(range(32))
NAME = "Margit Ångström"


class Kept:
    """A published copy and the vault that its values are sealed with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "warehouse.duckdb"
        self.place = folder / "vault" / "keys"
        self.vault = KeyVault(self.place, KEY)
        played = Played().on("2026-03-02")
        for customer, of in (("nordlys", "nordlys"), ("moved", "nordlys"), ("erased", "erased")):
            sealed = seal_text(NAME, "Contact.last_name", of, self.vault)
            played.account(customer, contact={"last_name": sealed})
        played.account("nobody", "a-2")
        self.vault.erase("erased")
        warehouse = played.into(self.warehouse)
        copy = publish(warehouse, BEGIN)
        warehouse.close()
        assert copy is not None
        self.copy = copy


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    kept = Kept(tmp_path_factory.mktemp("kept"))
    yield kept
    kept.vault.close()


def test_whoever_holds_the_key_reads_and_filters(kept: Kept) -> None:
    with unsealed(kept.copy, kept.vault) as session:
        found = session.execute("SELECT customer_id, contact_last_name FROM plain.dim_account ORDER BY 1").fetchall()
        assert found == [("erased", "erased"), ("moved", "unreadable"), ("nobody", None), ("nordlys", NAME)]
        query = "SELECT customer_id FROM plain.dim_account WHERE contact_last_name LIKE 'Margit%'"
        assert session.execute(query).fetchall() == [("nordlys",)]
        sealed = session.execute("SELECT DISTINCT left(contact_last_name, 10) FROM dim_account").fetchall()
        assert set(sealed) == {("sealed:v1:",), (None,)}


def test_other_texts_open_through_a_function(kept: Kept) -> None:
    with unsealed(kept.copy, kept.vault) as session:
        query = "SELECT unseal(changes, customer_id) FROM raw_transaction WHERE customer_id = 'nordlys'"
        assert NAME in session.execute(query).fetchall()[0][0]


@pytest.mark.parametrize(
    "writing",
    [
        "COPY (FROM plain.dim_account) TO '{folder}/leak.csv'",
        "EXPORT DATABASE '{folder}/leak'",
        "ATTACH '{folder}/leak.duckdb'",
        "SET temp_directory = '{folder}'",
        "CREATE TABLE warehouse.main.leak AS FROM plain.dim_account",
    ],
)
def test_the_session_writes_nothing(kept: Kept, tmp_path: Path, writing: str) -> None:
    with unsealed(kept.copy, kept.vault) as session, pytest.raises(duckdb.Error):
        session.execute(writing.format(folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_nothing_plain_is_on_disk_afterwards(kept: Kept) -> None:
    with unsealed(kept.copy, kept.vault) as session:
        session.execute("CREATE TABLE mine AS FROM plain.dim_account")
        found = session.execute("SELECT count(*) FROM mine WHERE contact_last_name = ?", [NAME]).fetchone()
        assert found == (1,)
        written = [file for file in kept.folder.rglob("*") if file.is_file() and NAME.encode() in file.read_bytes()]
    assert written == []


def test_there_is_a_plain_view_of_all_that_is_personal_and_each_knows_its_customer() -> None:
    personal = {name for name, each in DESCRIBED.items() if any(column.pii for column in each.columns)}
    assert set(plain_views()) == personal
    for name in personal:
        assert "customer_id" in {column.name for column in DESCRIBED[name].columns}


def test_a_copy_of_an_older_release_opens_too(kept: Kept, tmp_path: Path) -> None:
    older = tmp_path / "older.read.duckdb"
    older.write_bytes(kept.copy.read_bytes())
    with duckdb.connect(older) as database:
        database.execute("DROP VIEW dim_installed_item; DROP TABLE log_installed_item")
    with unsealed(older, kept.vault) as session:
        assert session.execute("SELECT count(*) FROM plain.dim_account").fetchall() == [(4,)]


def test_a_reader_makes_no_vault(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="There is no key vault"):
        open_vault(tmp_path / "keys", KEY)
    assert list(tmp_path.iterdir()) == []


def surroundings(kept: Kept, key: bytes) -> dict[str, str]:
    return {
        "BILLFOLD_WAREHOUSE": str(kept.warehouse),
        "BILLFOLD_VAULT": str(kept.place),
        "BILLFOLD_KEY_ENCRYPTION_KEY": base64.b64encode(key).decode(),
        "COLUMNS": "200",
    }


def test_the_command(kept: Kept) -> None:
    runner = CliRunner(env=surroundings(kept, KEY))
    asked = "SELECT customer_id, contact_last_name FROM plain.dim_account"
    shown = runner.invoke(app, ["warehouse", "unseal", asked])
    assert shown.exit_code == 0, shown.output
    assert NAME in shown.output
    assert "plain.dim_account" in runner.invoke(app, ["warehouse", "unseal"]).output
    cut = runner.invoke(app, ["warehouse", "unseal", "--limit", "1", f"{asked} ORDER BY customer_id DESC"])
    assert NAME in cut.output
    assert "and more" in cut.output


def test_without_the_key_there_is_a_sentence_and_no_value(kept: Kept) -> None:
    runner = CliRunner(env=surroundings(kept, bytes(32)))
    refused = runner.invoke(app, ["warehouse", "unseal", "FROM plain.dim_account"])
    assert refused.exit_code == 1
    assert "The key-encryption key does not open" in str(refused.exception)
    assert NAME not in refused.output
