"""The key vault keeps keys wrapped, forgets them for good, and says in one sentence what is wrong with it."""

import base64
import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streams import vault as vault_module
from streams.sealing import seal_text, unseal_text
from streams.vault import (
    CustomerErasedError,
    KeyEncryptionKeyError,
    KeyVault,
    VaultError,
    read_key_encryption_key,
)

KEY = bytes(range(32))
OTHER_KEY = bytes(32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault" / "keys.sqlite"


def bytes_on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_a_key_outlives_the_process(path: Path) -> None:
    vault = KeyVault(path, KEY)
    sealed = seal_text("Mayer", "name", "c-1", vault)
    vault.close()

    again = KeyVault(path, KEY)
    assert unseal_text(sealed, "c-1", again) == "Mayer"
    assert seal_text("Mayer", "name", "c-1", again) == sealed


def test_a_customer_without_a_key_has_none_to_open_with(path: Path) -> None:
    assert KeyVault(path, KEY).opening_key("c-1") is None


def test_no_plain_key_is_on_disk_or_in_a_repr(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = b"\xa7" * 32
    with monkeypatch.context() as patched:
        patched.setattr(os, "urandom", lambda size: secret[:size])
        vault = KeyVault(path, KEY)
        key = vault.sealing_key("c-1")

    written = bytes_on_disk(path)
    assert b"c-1" in written
    for hidden in (secret, KEY):
        assert hidden not in written
        assert base64.b64encode(hidden) not in written
    shown = f"{vault!r} {key!r} {vault} {key}"
    assert "a7" not in shown
    assert KEY.hex() not in shown
    assert not hasattr(key, "__dict__")


def test_erasure_deletes_the_key_and_the_tombstone_refuses_a_new_one(path: Path) -> None:
    vault = KeyVault(path, KEY)
    sealed = seal_text("Mayer", "name", "c-1", vault)
    kept = seal_text("Huber", "name", "c-2", vault)
    row = sqlite3.connect(path).execute("SELECT wrapped FROM data_key WHERE customer_id = 'c-1'").fetchone()
    assert row[0] in bytes_on_disk(path)

    assert vault.erase("c-1")
    assert not vault.erase("c-1")

    assert row[0] not in bytes_on_disk(path)
    for use in (lambda: vault.sealing_key("c-1"), lambda: unseal_text(sealed, "c-1", vault)):
        with pytest.raises(CustomerErasedError):
            use()
    assert unseal_text(kept, "c-2", vault) == "Huber"
    vault.close()
    with pytest.raises(CustomerErasedError):
        KeyVault(path, KEY).sealing_key("c-1")


def test_a_customer_that_never_had_a_key_can_be_erased(path: Path) -> None:
    vault = KeyVault(path, KEY)
    assert vault.erase("c-1")
    with pytest.raises(CustomerErasedError):
        vault.sealing_key("c-1")


def test_the_erasure_of_another_process_empties_the_cache(path: Path) -> None:
    vault = KeyVault(path, KEY)
    vault.sealing_key("c-1")
    erase = (
        "import sys; from pathlib import Path; from streams.vault import KeyVault;"
        "KeyVault(Path(sys.argv[1]), bytes(range(32))).erase('c-1')"
    )
    subprocess.run([sys.executable, "-c", erase, str(path)], check=True)

    with pytest.raises(CustomerErasedError):
        vault.sealing_key("c-1")


def test_doors_that_ask_at_once_get_the_same_key(path: Path) -> None:
    vaults = [KeyVault(path, KEY) for _ in range(3)]

    def seal(turn: int) -> tuple[int, str]:
        customer = turn // 3 % 20
        return customer, seal_text("Mayer", "name", f"c-{customer}", vaults[turn % 3])

    with ThreadPoolExecutor(8) as doors:
        sealed = set(doors.map(seal, range(120)))
    assert len(sealed) == 20


def test_the_cache_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "CACHED_KEYS", 2)
    vault = KeyVault(path, KEY)
    first = seal_text("Mayer", "name", "c-0", vault)
    for number in range(5):
        vault.sealing_key(f"c-{number}")
    assert len(vault._keys) <= 2
    assert unseal_text(first, "c-0", vault) == "Mayer"


def test_another_key_encryption_key_is_refused_in_a_sentence(path: Path) -> None:
    KeyVault(path, KEY).close()
    with pytest.raises(KeyEncryptionKeyError, match="it was made with another one"):
        KeyVault(path, OTHER_KEY)
    with pytest.raises(KeyEncryptionKeyError, match="32 bytes"):
        KeyVault(path, b"short")


def test_rewrapping_changes_the_key_encryption_key_and_no_data_key(path: Path) -> None:
    vault, bystander = KeyVault(path, KEY), KeyVault(path, KEY)
    sealed = seal_text("Mayer", "name", "c-1", vault)
    assert unseal_text(sealed, "c-1", bystander) == "Mayer"
    vault.erase("c-2")

    assert vault.rewrap(OTHER_KEY) == 1

    assert unseal_text(sealed, "c-1", vault) == "Mayer"
    with pytest.raises(KeyEncryptionKeyError):
        unseal_text(sealed, "c-1", bystander)
    with pytest.raises(KeyEncryptionKeyError):
        bystander.sealing_key("c-3")
    vault.close()
    with pytest.raises(KeyEncryptionKeyError):
        KeyVault(path, KEY)
    again = KeyVault(path, OTHER_KEY)
    assert unseal_text(sealed, "c-1", again) == "Mayer"
    with pytest.raises(CustomerErasedError):
        again.sealing_key("c-2")


def test_a_wrapped_key_does_not_serve_another_customer(path: Path) -> None:
    vault = KeyVault(path, KEY)
    vault.sealing_key("c-1")
    with sqlite3.connect(path) as intruder:
        intruder.execute("UPDATE data_key SET customer_id = 'c-2'")
    with pytest.raises(KeyEncryptionKeyError):
        vault.sealing_key("c-2")


def test_file_and_directory_belong_to_one_user(path: Path) -> None:
    vault = KeyVault(path, KEY)
    vault.sealing_key("c-1")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize("place", ["file", "directory"])
def test_a_vault_that_others_may_read_is_refused(path: Path, place: str) -> None:
    KeyVault(path, KEY).close()
    (path if place == "file" else path.parent).chmod(0o755)
    with pytest.raises(VaultError, match="chmod"):
        KeyVault(path, KEY)


def test_a_newer_vault_is_refused(path: Path) -> None:
    KeyVault(path, KEY).close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 2")
    with pytest.raises(VaultError, match="newer"):
        KeyVault(path, KEY)


def test_the_key_encryption_key_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    text = base64.b64encode(KEY).decode()
    file = tmp_path / "key"
    file.write_text(text + os.linesep)
    assert read_key_encryption_key({"BILLFOLD_KEY_ENCRYPTION_KEY": text}) == KEY
    assert read_key_encryption_key({"BILLFOLD_KEY_ENCRYPTION_KEY_FILE": str(file)}) == KEY


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "There is no key-encryption key"),
        ({"BILLFOLD_KEY_ENCRYPTION_KEY": "hunter2"}, "not the base64 text of 32 bytes"),
        ({"BILLFOLD_KEY_ENCRYPTION_KEY": "aHVudGVyMg=="}, "not the base64 text of 32 bytes"),
        ({"BILLFOLD_KEY_ENCRYPTION_KEY_FILE": "/nowhere/key"}, "cannot be read"),
    ],
)
def test_a_missing_or_malformed_key_is_said_without_showing_it(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(KeyEncryptionKeyError, match=sentence) as refused:
        read_key_encryption_key(environment)
    assert "hunter2" not in str(refused.value)
    assert "aHVudGVyMg" not in str(refused.value)
