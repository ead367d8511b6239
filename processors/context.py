"""What a decision may know beside the customer: the moment, the command's identity, the catalog in force."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from schemas.catalog import Catalog

NAMESPACE = uuid.UUID("6f2c8a1e-9d0b-5b57-8f0e-0b1f01d5ca1e")
"""Every derived id is a uuid5 in this namespace; changing it would change history."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of one decision. Everything in it comes from the log."""

    at: datetime
    """The moment that counts (UTC): never before an earlier decision of the customer; for due work its due moment."""
    command_id: str
    customer_id: str
    catalog: Catalog
    zone: ZoneInfo
    """The customer's time zone, or the catalog's for a customer that does not exist yet."""
    source: str = ""
    performed_by: str = ""
    performed_at: datetime | None = None
    preview: bool = False
    """Nothing will be changed: say what would be, figures included (ABS-30)."""
    rules: str = ""
    """Version of the rules to decide by."""

    def derived_id(self, *parts: object) -> str:
        """Derive an id from the command's, for instance `derived_id("account")` (never random)."""
        return derive(self.customer_id, self.command_id, *parts)


def derive(*parts: object) -> str:
    """Derive an id (a uuid5, RFC 9562) from the parts; the same parts give the same id, always.

    Written out, because the standard library's takes five times as long, and every command derives a few.
    """
    name = "\x1f".join(map(str, parts)).encode()
    digest = bytearray(hashlib.sha1(NAMESPACE.bytes + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
