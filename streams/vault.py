"""The key vault: one data key per customer, outside Kafka, so that deleting it erases (SECURITY.md, ACC-51).

Invariants:
- A data key is on disk only wrapped by the key-encryption key, and bound to its customer.
- A customer once erased never gets a key again: the tombstone is written in the transaction that deletes the key.
- No key is in a `repr`, an error or a log.

A backup of the vault brings erased keys back. Whoever restores one lets the eraser read its topic from the start.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from schemas.sealed import NONCE_BYTES, key_id_of

KEY_BYTES = 32
KEY_ENCRYPTION_KEY_VARIABLE = "BILLFOLD_KEY_ENCRYPTION_KEY"
VAULT_FORMAT = 1
CACHED_KEYS = 10_000
"""A key and its cipher take about 1 KB: 10 MB. Above it the cache starts anew, which costs 50 us a customer."""
BUSY_TIMEOUT_SECONDS = 10
"""A door waits for another process's write; one takes milliseconds, a rewrap of a million keys some seconds."""

_CHECK_TEXT = b"billfold key vault"
_CHECK_CONTEXT = b"billfold vault check 1"
_PRIVATE = 0o077


class VaultError(Exception):
    """The vault cannot be used. The message is one sentence for the operator."""


class KeyEncryptionKeyError(VaultError):
    """The key-encryption key is missing, malformed or not the one of this vault."""


class CustomerErasedError(Exception):
    """The customer's personal data was erased: nothing of it opens, and nothing more is sealed (CUSTOMER_ERASED)."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"The personal data of customer {customer_id} was erased.")
        self.customer_id = customer_id


class DataKey:
    """What a customer's data key is used for. Holds no byte that `repr` would show."""

    __slots__ = ("_nonce_key", "cipher", "key_id")

    def __init__(self, key_id: str, secret: bytes) -> None:
        self.key_id = key_id
        self.cipher = AESGCMSIV(hmac.digest(secret, b"billfold seal 1 encrypt", "sha256"))
        self._nonce_key = hmac.digest(secret, b"billfold seal 1 nonce", "sha256")

    def __repr__(self) -> str:
        return f"DataKey({self.key_id})"

    def nonce(self, message: bytes) -> bytes:
        """Return the nonce that belongs to `message`, the same for every retry."""
        return hmac.digest(self._nonce_key, message, "sha256")[:NONCE_BYTES]


class Vault(Protocol):
    """Where data keys come from."""

    def sealing_key(self, customer_id: str) -> DataKey:
        """Return the customer's key, made if need be. Raises CustomerErasedError."""

    def opening_key(self, customer_id: str) -> DataKey | None:
        """Return the customer's key, or None where there never was one. Raises CustomerErasedError."""

    def erase(self, customer_id: str) -> bool:
        """Delete the customer's key for good. True unless it was erased already."""


def read_key_encryption_key(environment: Mapping[str, str]) -> bytes:
    """Return the key-encryption key (32 bytes) from BILLFOLD_KEY_ENCRYPTION_KEY or ..._FILE, written in base64."""
    text = environment.get(KEY_ENCRYPTION_KEY_VARIABLE)
    name, path = KEY_ENCRYPTION_KEY_VARIABLE, environment.get(f"{KEY_ENCRYPTION_KEY_VARIABLE}_FILE")
    if text is None and path is not None:
        name = f"{KEY_ENCRYPTION_KEY_VARIABLE}_FILE"
        try:
            text = Path(path).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            raise KeyEncryptionKeyError(f"The file {path}, named by {name}, cannot be read as text.") from None
    if text is None:
        raise KeyEncryptionKeyError(
            f"There is no key-encryption key: set {name} or {name}_FILE, for instance to `openssl rand -base64 32`."
        )

    with contextlib.suppress(binascii.Error, ValueError):
        key = base64.b64decode(text.strip(), validate=True)
        if len(key) == KEY_BYTES:
            return key
    raise KeyEncryptionKeyError(f"The value of {name} is not the base64 text of {KEY_BYTES} bytes.")


class KeyVault:
    """The vault in a SQLite file; several processes and threads may use it at once.

    Build it with the path of the file and the key-encryption key (32 bytes). Raises KeyEncryptionKeyError where the
    file was made with another one, VaultError where others may read it.
    """

    def __init__(self, path: Path, key_encryption_key: bytes) -> None:
        self.path = path
        self._wrapping = AESGCMSIV(_checked(key_encryption_key))
        self._lock = threading.Lock()
        self._keys: dict[str, DataKey] = {}
        _make_private(path)
        self._database = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._open()
        except BaseException:
            self._database.close()
            raise
        self._seen_version = self._data_version()

    def __repr__(self) -> str:
        return f"KeyVault({str(self.path)!r})"

    def close(self) -> None:
        """Close the file and forget every key."""
        with self._lock:
            self._keys.clear()
            self._database.close()

    def sealing_key(self, customer_id: str) -> DataKey:
        """Return the customer's key, made if need be. Raises CustomerErasedError."""
        with self._lock:
            return self._cached(customer_id) or self._remember(customer_id, self._create(customer_id))

    def opening_key(self, customer_id: str) -> DataKey | None:
        """Return the customer's key, or None where there never was one. Raises CustomerErasedError."""
        with self._lock:
            cached = self._cached(customer_id)
            if cached is not None:
                return cached
            secret = self._read(customer_id)
            return None if secret is None else self._remember(customer_id, secret)

    def erase(self, customer_id: str) -> bool:
        """Delete the customer's key and leave the tombstone. True unless it was erased already.

        1. Key and tombstone change in one transaction: a crash before its end leaves the key, and the eraser repeats.
        2. The write-ahead log is emptied, since it may still hold the wrapped key. A crash before leaves it there,
           wrapped; so does a reader in the way. The next erasure, or the last process to close, empties it.
        """
        with self._lock:
            self._keys.pop(customer_id, None)
            with self._transaction():
                self._database.execute("DELETE FROM data_key WHERE customer_id = ?", (customer_id,))
                tombstone = self._database.execute("INSERT OR IGNORE INTO erased VALUES (?)", (customer_id,))
                changed = tombstone.rowcount == 1
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return changed

    def rewrap(self, new_key_encryption_key: bytes) -> int:
        """Wrap every data key with another key-encryption key, all or none; return how many.

        Other processes that still hold the old one end with KeyEncryptionKeyError at their next look into the file.
        """
        wrapping = AESGCMSIV(_checked(new_key_encryption_key))
        with self._lock:
            with self._transaction():
                rows = self._database.execute("SELECT customer_id, wrapped FROM data_key").fetchall()
                self._database.executemany(
                    "UPDATE data_key SET wrapped = ? WHERE customer_id = ?",
                    [(_wrap(wrapping, self._unwrap(wrapped, _context(of)), _context(of)), of) for of, wrapped in rows],
                )
                self._write_check(wrapping)
            self._wrapping = wrapping
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return len(rows)

    def _open(self) -> None:
        execute = self._database.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")  # a key lost with the power would leave unreadable what it sealed
        execute("PRAGMA secure_delete = ON")
        with self._transaction():
            version = execute("PRAGMA user_version").fetchone()[0]
            if version > VAULT_FORMAT:
                raise VaultError(f"The key vault {self.path} was written by a newer version of billfold.")
            if version == 0:
                execute("CREATE TABLE key_check (one INTEGER PRIMARY KEY CHECK (one = 1), wrapped BLOB NOT NULL)")
                execute("CREATE TABLE data_key (customer_id TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID")
                execute("CREATE TABLE erased (customer_id TEXT PRIMARY KEY) WITHOUT ROWID")
                execute(f"PRAGMA user_version = {VAULT_FORMAT}")
                self._write_check(self._wrapping)
            self._verify_wrapping()

    def _verify_wrapping(self) -> None:
        wrapped = self._database.execute("SELECT wrapped FROM key_check").fetchone()[0]
        self._unwrap(wrapped, _CHECK_CONTEXT)

    def _write_check(self, wrapping: AESGCMSIV) -> None:
        check = _wrap(wrapping, _CHECK_TEXT, _CHECK_CONTEXT)
        self._database.execute("INSERT OR REPLACE INTO key_check VALUES (1, ?)", (check,))

    def _cached(self, customer_id: str) -> DataKey | None:
        """Look into the cache, emptied first where another process has written: it may have erased."""
        version = self._data_version()
        if version != self._seen_version:
            self._keys.clear()
            self._seen_version = version
        return self._keys.get(customer_id)

    def _remember(self, customer_id: str, secret: bytes) -> DataKey:
        if len(self._keys) >= CACHED_KEYS:
            self._keys.clear()
        key = DataKey(key_id_of(customer_id), secret)
        self._keys[customer_id] = key
        return key

    def _create(self, customer_id: str) -> bytes:
        secret = self._read(customer_id)
        if secret is not None:
            return secret

        with self._transaction():
            secret = self._read(customer_id)  # another process may have been faster
            if secret is None:
                self._verify_wrapping()  # another process may have rewrapped: one file, one key-encryption key
                secret = os.urandom(KEY_BYTES)
                wrapped = _wrap(self._wrapping, secret, _context(customer_id))
                self._database.execute("INSERT INTO data_key VALUES (?, ?)", (customer_id, wrapped))
        return secret

    def _read(self, customer_id: str) -> bytes | None:
        execute = self._database.execute
        row = execute("SELECT wrapped FROM data_key WHERE customer_id = ?", (customer_id,)).fetchone()
        if row is not None:
            return self._unwrap(row[0], _context(customer_id))
        if execute("SELECT 1 FROM erased WHERE customer_id = ?", (customer_id,)).fetchone() is not None:
            raise CustomerErasedError(customer_id)
        return None

    def _unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return self._wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        except InvalidTag:
            raise KeyEncryptionKeyError(
                f"The key-encryption key does not open the key vault {self.path}: it was made with another one."
            ) from None

    def _data_version(self) -> int:
        return int(self._database.execute("PRAGMA data_version").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


class MemoryVault:
    """A vault without a file: its keys follow from a seed, so that a story seals the same in every run."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._erased: set[str] = set()

    def sealing_key(self, customer_id: str) -> DataKey:
        """Return the customer's key. Raises CustomerErasedError."""
        if customer_id in self._erased:
            raise CustomerErasedError(customer_id)
        return DataKey(key_id_of(customer_id), hmac.digest(self._seed, _context(customer_id), "sha256"))

    def opening_key(self, customer_id: str) -> DataKey | None:
        """Return the customer's key; here there always is one. Raises CustomerErasedError."""
        return self.sealing_key(customer_id)

    def erase(self, customer_id: str) -> bool:
        """Refuse the customer's key from now on. True unless it was erased already."""
        erased_before = customer_id in self._erased
        self._erased.add(customer_id)
        return not erased_before


def _context(customer_id: str) -> bytes:
    return b"billfold data key 1\x00" + customer_id.encode()


def _wrap(wrapping: AESGCMSIV, secret: bytes, context: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + wrapping.encrypt(nonce, secret, context)


def _checked(key_encryption_key: bytes) -> bytes:
    if len(key_encryption_key) != KEY_BYTES:
        raise KeyEncryptionKeyError(f"A key-encryption key has {KEY_BYTES} bytes.")
    return key_encryption_key


def _make_private(path: Path) -> None:
    """Make directory (0700) and file (0600); SQLite gives its side files the mode of the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise VaultError(f"The key vault {path} cannot be opened: {error.strerror}.") from None
    for place, wanted in ((path.parent, "700"), (path, "600")):
        if stat.S_IMODE(place.stat().st_mode) & _PRIVATE:
            raise VaultError(f"{place} is open to other users of this machine: `chmod {wanted} {place}`.")
