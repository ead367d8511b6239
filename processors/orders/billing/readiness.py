"""Whether lines may reach the billing system yet: implemented, and with its customer data (BSU-8, RVN-9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from processors.context import Context
from processors.references import as_given, find_account
from processors.view.customer import CustomerView
from schemas.order_lines import LineProvisioning, OrderLine
from schemas.references import AccountRef
from schemas.refusals import Code, Violation, violation

MISSING, CHANGED_SINCE = "MISSING", "CHANGED_SINCE"

_NAMED = ("service_account", "billing_account", "billing_profile")
"""Customer data that a line cannot be billed without, where it names it."""


def provisioning_violations(lines: Sequence[OrderLine], context: Context) -> Iterator[Violation]:
    """With the guard on, nothing is billed that the networks have not confirmed (BSU-8)."""
    if not context.catalog.switches.require_provisioning_before_billing:
        return
    for line in lines:
        if line.provisioning in (LineProvisioning.AWAITED, LineProvisioning.FAILED):
            yield _about(
                line,
                Code.SERVICE_NOT_IMPLEMENTED,
                "BSU-8",
                product=line.product_id,
                provisioning=line.provisioning,
            )


def customer_data_violations(view: CustomerView, lines: Sequence[OrderLine]) -> Iterator[Violation]:
    """Accounts and profiles that are not there yet, or were synchronized as something else (RVN-9)."""
    for line in lines:
        missing = [field for field in _judged(line) if not _is_there(view, getattr(line, field))]
        for field in missing:
            yield _unready(view, line, field, MISSING)
        if not missing and _is_outdated(line):
            for field in _changed_since(view, line):
                yield _unready(view, line, field, CHANGED_SINCE)


def _judged(line: OrderLine) -> Iterator[str]:
    """Fields with a value of their own: a billing account that is the service account is judged as that."""
    for field in _NAMED:
        is_default = field == "billing_account" and line.billing_account == line.service_account
        if getattr(line, field) is not None and not is_default:
            yield field


def _is_there(view: CustomerView, value: AccountRef | str) -> bool:
    if isinstance(value, AccountRef):
        return find_account(view, value) is not None
    return view.entity("billing_profile", value) is not None


def _is_outdated(line: OrderLine) -> bool:
    return line.synchronized_revision is not None and line.synchronized_revision < line.customer_data_revision


def _changed_since(view: CustomerView, line: OrderLine) -> list[str]:
    """Fields of which something else is in force than the line says.

    What a synchronization passed over left nothing in force to compare with: then who pays, if the line says so.
    """
    applied = {} if line.sync is None else line.sync.applied
    judged = list(_judged(line))
    found = [field for field in judged if field in applied and applied[field] != _id_of(view, getattr(line, field))]
    return found or judged[1:] or judged


def _id_of(view: CustomerView, value: AccountRef | str) -> str | None:
    if isinstance(value, str):
        return value
    account = find_account(view, value)
    return None if account is None else account.account_id


def _unready(view: CustomerView, line: OrderLine, field: str, why: str) -> Violation:
    value: AccountRef | str = getattr(line, field)
    known = _id_of(view, value)
    shown = as_given(value) if isinstance(value, AccountRef) and known is None else known
    return _about(line, Code.BILLING_BEFORE_ACCOUNT_SYNC, "RVN-9", field=field, value=shown, why=why)


def _about(line: OrderLine, code: Code, rule: str, **carries: object) -> Violation:
    return violation(code, rule, None, order_id=line.order_id, line_id=line.line_id, **carries)
