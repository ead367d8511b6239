"""What an answer names beside its events and violations; a repeat of the command names it again."""

from __future__ import annotations

import msgspec

from schemas.order_lines import AlreadyBilled
from schemas.synchronization import SyncedLine, Unused


class Remarks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Each field is one of the outcome, by the same name and of the same type (`CommandOutcome` says what it means)."""

    duplicate_of: str | None = None
    already_billed: tuple[AlreadyBilled, ...] = ()
    lines: tuple[SyncedLine, ...] = ()
    unused: tuple[Unused, ...] = ()


NONE = Remarks()
