"""Seals personal data at the doors and opens it for those who may read it (SECURITY.md).

AES-GCM-SIV, deterministic: the nonce is an HMAC of kind and plaintext under the customer's key, so a retry of a command
seals to the same bytes (and keeps its digest), and equal values of a kind compare equal. The associated data is the
customer and the kind, so a value neither opens for another customer nor as another kind. What remains visible is the
length of the plaintext, and that two values of one customer are equal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import TypeVar, cast

import msgspec
from cryptography.exceptions import InvalidTag

from schemas.sealed import (
    LONGEST_KIND_BYTES,
    PREFIX,
    SealedValue,
    is_sealed,
    key_id_of,
    map_personal,
    map_personal_json,
    read_sealed,
    write_sealed,
)
from streams.vault import CustomerErasedError, Vault

ERASED = "erased"
"""Shown for a value whose key was destroyed."""
UNREADABLE = "unreadable"
"""Shown for a value that is no work of this vault: of another customer, of another vault, or tampered with."""

Body = TypeVar("Body", bound=msgspec.Struct)
Value = TypeVar("Value")


class SealBrokenError(Exception):
    """A sealed value that does not open with its customer's key. The message holds nothing of the value."""


def seal_text(text: str, kind: str, customer_id: str, vault: Vault) -> str:
    """Seal one value of a kind (`Contact.email`). A sealed value stays. Raises CustomerErasedError."""
    if is_sealed(text):
        return text

    key = vault.sealing_key(customer_id)
    kind = _bounded(kind)
    plain = text.encode(errors="surrogatepass")
    nonce = key.nonce(_prefixed(kind) + plain)
    ciphertext = key.cipher.encrypt(nonce, plain, _context(customer_id, kind))
    return write_sealed(SealedValue(key.key_id, kind, nonce, ciphertext))


def unseal_text(text: str, customer_id: str, vault: Vault) -> str:
    """Open one sealed value; plain text stays. Raises CustomerErasedError, SealBrokenError."""
    if not is_sealed(text):
        return text

    value = read_sealed(text)
    if value is None or value.key_id != key_id_of(customer_id):
        raise SealBrokenError(f"A value was not sealed for customer {customer_id}.")
    key = vault.opening_key(customer_id)
    if key is None:
        raise SealBrokenError(f"The key vault holds no key for customer {customer_id}.")
    try:
        plain = key.cipher.decrypt(value.nonce, value.ciphertext, _context(customer_id, value.kind))
    except InvalidTag:
        raise SealBrokenError(f"A sealed value of customer {customer_id} is not authentic.") from None
    return plain.decode(errors="surrogatepass")


def seal_command(body: Body, customer_id: str, vault: Vault) -> Body:
    """Seal every plain string in a field marked pii. The same body seals equally. Raises CustomerErasedError."""

    def seal(_path: str, kind: str, text: str) -> str:
        return seal_text(text, kind, customer_id, vault)

    return map_personal(body, seal)


def seal_unparsed(body: object, of: type[msgspec.Struct] | None, customer_id: str, vault: Vault) -> object:
    """Seal a JSON-like body that does not fit its contract `of`, before it is written into `Unparsed`.

    What the contract does not know is sealed too, and numbers in such places become 0. Raises CustomerErasedError.
    """

    def seal(_path: str, kind: str, text: str) -> str:
        return seal_text(text, kind, customer_id, vault)

    return map_personal_json(body, of, seal)


def unseal(value: Value, customer_id: str, vault: Vault) -> Value:
    """Open every sealed string in a struct or a JSON-like value, those inside JSON text too (AccountDetailsChanged).

    Erased ones read `erased`, ones that are not authentic `unreadable`: whoever looks at an account must see the rest.
    """
    return cast("Value", _unseal(value, partial(_shown, customer_id=customer_id, vault=vault)))


def _shown(text: str, customer_id: str, vault: Vault) -> str:
    try:
        return unseal_text(text, customer_id, vault)
    except CustomerErasedError:
        return ERASED
    except SealBrokenError:
        return UNREADABLE


def _unseal(value: object, shown: partial[str]) -> object:
    if type(value) is str:
        return _unseal_string(value, shown) if PREFIX in value else value
    if isinstance(value, msgspec.Struct):
        members = {name: _unseal(getattr(value, name), shown) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **members)
    if isinstance(value, Mapping):
        return {key: _unseal(member, shown) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_unseal(member, shown) for member in value)
    return value


def _unseal_string(text: str, shown: partial[str]) -> str:
    if text.startswith(PREFIX):
        return shown(text)
    try:
        inside = json.loads(text)
    except ValueError:
        return text
    if not isinstance(inside, (dict, list)):
        return text
    return json.dumps(_unseal(inside, shown), ensure_ascii=False, separators=(",", ":"))


def _bounded(kind: str) -> str:
    """Shorten a kind that a caller's map key made long."""
    encoded = kind.encode(errors="surrogatepass")
    return kind if len(encoded) <= LONGEST_KIND_BYTES else hashlib.sha256(encoded).hexdigest()


def _prefixed(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def _context(customer_id: str, kind: str) -> bytes:
    return b"billfold seal 1" + _prefixed(customer_id) + _prefixed(kind)
