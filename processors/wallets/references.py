"""A payment is taken once: the caller's reference names it for good (WAL-14, as ABS-12)."""

from __future__ import annotations

import hashlib

import msgspec

from processors.context import Context
from processors.customer import CustomerView
from processors.decision import Accepted, Refused
from schemas.refusals import Code, violation
from schemas.subscriptions import ActionReferenceRecorded
from schemas.wallets import TopUpWallet

_canonical = msgspec.json.Encoder(order="deterministic").encode


def said_before(view: CustomerView, command: TopUpWallet) -> Accepted | Refused | None:
    """The answer to a reference that the wallet knows: a duplicate where the body is the same, else a refusal."""
    known = None if command.reference is None else view.reference(command.wallet_id, command.reference)
    if known is None:
        return None
    if (known.command_type, known.body_digest) == (type(command).__name__, _digest(command)):
        return Accepted(events=(), duplicate_of=known.command_id)
    return Refused(
        (
            violation(
                Code.DUPLICATE_REFERENCE,
                "WAL-14",
                "reference",
                reference=command.reference,
                first_command_id=known.command_id,
            ),
        )
    )


def recorded(command: TopUpWallet, context: Context) -> tuple[ActionReferenceRecorded, ...]:
    """The reference of an accepted top-up, if it has one."""
    if command.reference is None:
        return ()
    return (
        ActionReferenceRecorded(
            wallet_id=command.wallet_id,
            reference=command.reference,
            command_id=context.command_id,
            command_type=type(command).__name__,
            body_digest=_digest(command),
        ),
    )


def _digest(command: TopUpWallet) -> str:
    return hashlib.sha256(_canonical(command)).hexdigest()
