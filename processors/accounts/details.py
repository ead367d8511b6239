"""UpdateAccountDetails: other details, another place in the tree."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from processors.accounts.states import addressed
from processors.accounts.tree import move_violations
from processors.context import Context
from processors.decision import Decision, Refused
from processors.references import find_account
from processors.view.customer import CustomerView
from schemas.accounts import Account, AccountDetailsChanged, Address, Contact, DetailChange, UpdateAccountDetails
from schemas.references import AccountRef
from schemas.refusals import Code, Violation, as_text, violation

Detail = str | dict[str, str] | Contact | Address | None

PLAIN = (
    "external_id",
    "custom_name",
    "custom_attributes",
    "segment",
    "contact",
    "address",
    "tax_residence",
    "tax_exemption",
)
"""The details in the order of the command's fields, which is the order of an event's changes; the parent follows."""


def update(customer: CustomerView, command: UpdateAccountDetails, context: Context) -> Decision:
    """Change what is given and differs, and nothing else (ACC-20 .. ACC-27)."""
    account = addressed(customer, command.account, "ACC-20")
    if isinstance(account, Violation):
        return Refused((account,))
    given = _given(account, command)
    violations = (
        *_external_id_violations(customer, account, command),
        *_segment_violations(command, context),
        *(
            move_violations(customer, account, command.parent, context)
            if isinstance(command.parent, AccountRef)
            else ()
        ),
        *(() if given or command.parent is not msgspec.UNSET else (violation(Code.EMPTY_UPDATE, "ACC-27"),)),
    )
    if violations:
        return Refused(violations)

    if command.parent is not msgspec.UNSET:
        parent = find_account(customer, command.parent) if command.parent else None
        given["parent_account_id"] = parent.account_id if parent else None
    changes = tuple(
        DetailChange(field=field, old=_text(getattr(account, field)), new=_text(new))
        for field, new in given.items()
        if new != getattr(account, field)
    )
    if not changes:
        return ()
    moved = any(change.field == "parent_account_id" for change in changes)
    sequence = customer.next_sequence() if moved else None
    return (AccountDetailsChanged(account_id=account.account_id, changes=changes, sequence=sequence),)


def _given(account: Account, command: UpdateAccountDetails) -> dict[str, Detail]:
    """The details that the command gives, as they would be after it.

    Null is nothing to have: it clears a detail. So null attributes are a map without names: all names go where it
    replaces (ACC-22), and nothing differs where it is merged (ACC-23).
    """
    given: dict[str, Detail] = {}
    for field in PLAIN:
        value = getattr(command, field)
        if value is msgspec.UNSET:
            continue
        if field == "custom_attributes":
            merged = (account.custom_attributes if command.merge else {}) | (value or {})
            value = {name: kept for name, kept in merged.items() if kept is not None}
        given[field] = value
    return given


def _external_id_violations(
    customer: CustomerView, account: Account, command: UpdateAccountDetails
) -> Iterator[Violation]:
    """An external id has one holder (ACC-21)."""
    if not isinstance(command.external_id, str):
        return
    holder = customer.account_by_external_id(command.external_id)
    if holder is not None and holder.account_id != account.account_id:
        yield violation(
            Code.EXTERNAL_ID_TAKEN,
            "ACC-21",
            "external_id",
            external_id=command.external_id,
            account_id=holder.account_id,
        )


def _segment_violations(command: UpdateAccountDetails, context: Context) -> Iterator[Violation]:
    """A segment is a code of the catalog (ACC-24)."""
    if isinstance(command.segment, str) and command.segment not in context.catalog.segments:
        yield violation(Code.SEGMENT_UNKNOWN, "ACC-24", "segment", segment=command.segment)


def _text(value: Detail) -> str | None:
    """Canonical text of a detail; of a contact or an address only what is there."""
    if isinstance(value, Contact | Address):
        there = {name: part for name, part in msgspec.to_builtins(value).items() if part is not None}
        return as_text(there)
    return as_text(value)
