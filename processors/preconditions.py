"""What every command must meet before its own rules are asked; each objection stands alone."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from processors.view.customer import CustomerView
from schemas.cards import SHORTEST_DIGITS, first_card_path
from schemas.envelope import Unparsed
from schemas.fields import Command
from schemas.malformed import Misfit, read_body
from schemas.refusals import Code, Violation, violation
from schemas.sealed import first_unsealed_path, map_personal

ACCOUNT_MISSING = {
    "UpdateAccountBillCycle": "BCU-1",
    "CancelAccountBillCycleChange": "BCC-1",
    "PerformAccountBillCycleChange": "BCP-1",
}
"""Commands whose rule book says itself that the account must be named."""


_MUCH = Decimal(10) ** (SHORTEST_DIGITS - 1)


def first_objection(customer: CustomerView, body: Command, *, may_hold_card: bool) -> Violation | None:
    """MALFORMED, PAN_NOT_ACCEPTED, PII_NOT_SEALED or CUSTOMER_ERASED, whichever comes first; None if all is well."""
    if isinstance(body, Unparsed):
        return _malformed(body)
    path = first_unsealed_path(body)
    if path is not None:
        return violation(Code.PII_NOT_SEALED, "ENVELOPE", path)
    path = first_card_path(body) if may_hold_card or _names_much_money(body) else None
    if path is not None:
        return violation(Code.PAN_NOT_ACCEPTED, "ENVELOPE", path)
    known = customer.customer()
    if known is not None and known.erased and _carries_personal_data(body):
        return violation(Code.CUSTOMER_ERASED, "ACC-51", customer_id=customer.customer_id)
    return None


def _names_much_money(body: Command) -> bool:
    """Whether an amount has as many digits as a card number: its bytes do not show them (`may_hold_card`)."""
    holders = (body, getattr(body, "line", None), getattr(body, "set", None), *getattr(body, "lines", ()))
    amounts = (getattr(holder, "amount", None) for holder in holders)
    return any(isinstance(amount, Decimal) and abs(amount) >= _MUCH for amount in amounts)


def _malformed(body: Unparsed) -> Violation:
    try:
        found = read_body(body.command_type, msgspec.json.decode(body.json))
    except msgspec.DecodeError:
        found = Misfit("", "JSON")
    misfit = found if isinstance(found, Misfit) else Misfit("", body.command_type)
    rule = ACCOUNT_MISSING.get(body.command_type, "CONTRACT") if misfit.path == "account" else "CONTRACT"
    return violation(Code.MALFORMED, rule, misfit.path, expected=misfit.expected)


def _carries_personal_data(body: Command) -> bool:
    found: list[str] = []

    def note(path: str, _kind: str, text: str) -> str:
        found.append(path)
        return text

    map_personal(body, note)
    return bool(found)
