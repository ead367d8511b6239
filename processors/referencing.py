"""The caller's own number of an action or a payment: it is accepted once (ABS-12, WAL-14)."""

from __future__ import annotations

import hashlib

import msgspec

from processors.decision import Accepted
from processors.view.customer import CustomerView
from schemas.actions import ActionCommand
from schemas.refusals import Code, Violation, violation
from schemas.remarks import Remarks
from schemas.subscriptions import ActionReferenceRecorded, CreateSubscription
from schemas.wallets import TopUpWallet

Referenced = ActionCommand | CreateSubscription | TopUpWallet

_canonical = msgspec.json.Encoder(order="deterministic").encode


def said_before(customer: CustomerView, owner_id: str, command: Referenced, rule: str) -> Accepted | Violation | None:
    """The answer to a reference that the subscription or wallet knows: a duplicate if the body is the same.

    None where the command has no reference, or a new one.
    """
    known = None if command.reference is None else customer.reference(owner_id, command.reference)
    if known is None:
        return None
    if (known.command_type, known.body_digest) == (type(command).__name__, _digest(command)):
        return Accepted(events=(), remarks=Remarks(duplicate_of=known.command_id))
    return violation(
        Code.DUPLICATE_REFERENCE,
        rule,
        "reference",
        reference=command.reference,
        first_command_id=known.command_id,
    )


def recorded(
    command: Referenced, command_id: str, *, subscription_id: str | None = None, wallet_id: str | None = None
) -> tuple[ActionReferenceRecorded, ...]:
    """The reference of an accepted command, if it has one; of a subscription or of a wallet."""
    if command.reference is None:
        return ()
    return (
        ActionReferenceRecorded(
            subscription_id=subscription_id,
            wallet_id=wallet_id,
            reference=command.reference,
            command_id=command_id,
            command_type=type(command).__name__,
            body_digest=_digest(command),
        ),
    )


def _digest(command: Referenced) -> str:
    """SHA-256 of the canonical body."""
    return hashlib.sha256(_canonical(command)).hexdigest()
