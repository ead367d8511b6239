"""The data that a synchronization brings along, found by the references of the lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from processors.references import as_given, find_account
from schemas.references import AccountRef
from schemas.refusals import Code, Violation, violation
from schemas.synchronization import AccountData, CorporateData, ProfileData, SynchronizeOrderBillingAccounts, Unused

if TYPE_CHECKING:
    from processors.context import Context
    from processors.view.customer import CustomerView
    from schemas.accounts import Account
    from schemas.catalog import AccountProfile


class Brought:
    """Account, profile and tree data of one command, and which of it was needed."""

    def __init__(
        self, view: CustomerView, context: Context, command: SynchronizeOrderBillingAccounts | None = None
    ) -> None:
        self._view, self._context = view, context
        self.accounts: dict[str, AccountData] = {}
        self.places: dict[str, int] = {}
        self.profiles: dict[str, ProfileData] = {}
        self.trees: tuple[CorporateData, ...] = ()
        self.used: set[tuple[str, str]] = set()
        self._by_external_id: dict[str, str] = {}
        self._known: dict[tuple[str | None, str | None], str | None] = {}
        self._conflicts: list[Violation] = []
        if command is not None:
            self._read(command)

    def _read(self, command: SynchronizeOrderBillingAccounts) -> None:
        for place, account in enumerate(command.accounts):
            account_id = account.account_id or self._id_of(account)
            known = self.accounts.setdefault(account_id, account)
            if known is account:
                self.places[account_id] = place
            elif known != account:
                self._conflict(f"accounts.{place}", "ACCOUNT", account_id)
            if account.external_id is not None:
                self._by_external_id.setdefault(account.external_id, account_id)
        for place, profile in enumerate(command.billing_profiles):
            if self.profiles.setdefault(profile.billing_profile_id, profile) != profile:
                self._conflict(f"billing_profiles.{place}", "BILLING_PROFILE", profile.billing_profile_id)
        self.trees = command.corporate_hierarchies

    def _conflict(self, path: str, kind: str, object_id: str) -> None:
        self._conflicts.append(violation(Code.DATA_CONFLICT, "SYN-6", path, kind=kind, id=object_id))

    def _id_of(self, account: AccountData) -> str:
        """Id of an account that only has the CRM's: the holder's, else derived."""
        assert account.external_id is not None, "account data has one of the two"
        holder = self._view.account_by_external_id(account.external_id)
        return holder.account_id if holder else self._context.derived_id("account", account.external_id)

    def conflicts(self) -> Iterator[Violation]:
        """Two entries for one id with different content (SYN-6)."""
        yield from self._conflicts

    def account_id(self, ref: AccountRef) -> str | None:
        """The account that a reference means, whether it exists or is yet to be created; None: neither."""
        found = self._known.get((ref.account_id, ref.external_id))
        if found is None:
            found = self._known[ref.account_id, ref.external_id] = self._resolved(ref)
        return found

    def _resolved(self, ref: AccountRef) -> str | None:
        known = find_account(self._view, ref)
        if known is not None:
            return known.account_id
        if ref.account_id is not None:
            return ref.account_id if ref.account_id in self.accounts else None
        assert ref.external_id is not None, "a reference names one of the two"
        return self._by_external_id.get(ref.external_id)

    def value(self, ref: AccountRef) -> str:
        """The account's id, or what stands in the reference where no account is known."""
        return self.account_id(ref) or ref.account_id or ref.external_id or ""

    def shown(self, ref: AccountRef) -> str | dict[str, str]:
        """An account as refusals carry it: its id, or the reference as given where none is known."""
        return self.account_id(ref) or as_given(ref)

    def type_of(self, account_id: str) -> str | None:
        """Type of an account that exists or is to be created."""
        return self._first_said(account_id, lambda holder: holder.type)

    def currency_of(self, account_id: str) -> str | None:
        """Currency of an account that exists or is to be created, even if something else forbids it."""
        return self._first_said(account_id, lambda holder: holder.currency)

    def _first_said(
        self, account_id: str, said: Callable[[Account | AccountData | AccountProfile], str | None]
    ) -> str | None:
        """What the account says; of one that is to be created its data, else its profile in the catalog (ACC-2)."""
        known = self._view.account(account_id)
        if known is not None:
            return said(known)
        wanted = self.accounts.get(account_id)
        if wanted is None or said(wanted) is not None or wanted.account_profile is None:
            return said(wanted) if wanted else None
        profile = self._context.catalog.profile(wanted.account_profile)
        return said(profile) if profile else None

    def unused(self) -> tuple[Unused, ...]:
        """Data that no processed line needed (CRE-14, CRP-2)."""
        trees = [("CORPORATE_HIERARCHY", self.value(tree.corporate_account)) for tree in self.trees]
        entries = [
            *(("ACCOUNT", account_id) for account_id in self.accounts),
            *(("BILLING_PROFILE", profile_id) for profile_id in self.profiles),
            *trees,
        ]
        return tuple(Unused(kind=kind, id=found) for kind, found in entries if (kind, found) not in self.used)
