"""How a command names an account."""

from __future__ import annotations

from schemas.fields import AccountId, ExternalId, Word


class AccountRef(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account by its own id or by the CRM's, exactly one of them."""

    account_id: AccountId | None = None
    external_id: ExternalId | None = None

    def __post_init__(self) -> None:
        if (self.account_id is None) == (self.external_id is None):
            raise ValueError("Expected exactly one of `account_id` and `external_id`")
