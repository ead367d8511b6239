"""Which order line did what: the words that orders and the customer data made by them share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from schemas.fields import CommandId, Word, doc

OrderId = Annotated[str, doc("Id of the order: the CRM's cart")]
LineId = Annotated[str, doc("Id of the order line, unique within the customer")]
OrderRevision = Annotated[int, doc("Revision of the order")]


class LineAction(StrEnum):
    """What happens to customer data because of an order line."""

    ADD = "ADD"
    UPDATE = "UPDATE"
    MOVE_ADD = "MOVE_ADD"
    DELETE = "DELETE"
    NONE = "NONE"


class AccountSync(StrEnum):
    """How far an order's customer data has come (PAY-4)."""

    NONE = "NONE"
    PARTIAL = "PARTIAL"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    COMPLETED = "COMPLETED"


class SyncState(StrEnum):
    """Whether what a line asked of customer data is in force."""

    APPLIED = "APPLIED"
    CANCELLED = "CANCELLED"


class UseKind(StrEnum):
    """What an order line may name, and so create."""

    ACCOUNT = "ACCOUNT"
    BILLING_PROFILE = "BILLING_PROFILE"
    PAYMENT_METHOD = "PAYMENT_METHOD"


class PaymentState(StrEnum):
    """What became of a payment that was taken with an order."""

    RECORDED = "RECORDED"
    REVERSED = "REVERSED"
    FAILED = "FAILED"


class Lineage(Word, frozen=True, kw_only=True):
    """The order line, in its revision, and the command that made an object, a link or a value."""

    order_id: OrderId
    line_id: LineId
    revision: OrderRevision
    command_id: CommandId


class LineRef(Word, frozen=True, kw_only=True):
    """A line of an order."""

    order_id: OrderId
    line_id: LineId


SetBy = Lineage
"""Who set an attribute of a billing assignment; none where it came from prior values."""

TrackedValues = dict[str, str | None]
"""service_account, billing_account, billing_profile, owner_account and their values; absent where not tracked."""


class ValueSet(Word, frozen=True, kw_only=True):
    """A value of a tracked attribute, and who set it."""

    value: Annotated[str | None, doc("Id of the account or billing profile; null is none")] = None
    set_by: Annotated[SetBy | None, doc("The line that set it; null: no order did")] = None


class Used(Word, frozen=True, kw_only=True):
    """Something that an order line has named."""

    kind: Annotated[UseKind, doc("What it is")]
    id: Annotated[str, doc("Its id")]


class ImplicitMove(Word, frozen=True, kw_only=True):
    """A value that a line changed on a service of no line of its own, because both have one payer (HIE-9)."""

    service_id: Annotated[str, doc("Service that moved along")]
    attribute: Annotated[str, doc("The attribute that changed")]
    before: Annotated[ValueSet, doc("What it was")]


class LinkBefore(Word, frozen=True, kw_only=True):
    """Where an account stood before a line first took a service from it, or from its payer there (INV-OBA-2)."""

    account_id: Annotated[str, doc("The account")]
    parent_account_id: Annotated[str | None, doc("Its parent; null: none")] = None
    lineage: Annotated[Lineage | None, doc("The order line that made the parent link; null: none did")] = None
    line_id: Annotated[str | None, doc("The line that had put it there, or whose cancellation had; null: none")] = None
    with_lines: Annotated[tuple[str, ...], doc("Lines that moved the account together with this one")] = ()
    beside: Annotated[tuple[str, ...], doc("Without a parent: who paid for services of it all the same")] = ()


class CoveredBefore(Word, frozen=True, kw_only=True):
    """Whose profile paid for all services of an account, until a line changed that (INV-OBA-2)."""

    account_id: Annotated[str, doc("The account")]
    payer_profile_id: Annotated[str | None, doc("The payer's profile; null: each listed what it paid for")] = None


class LineSync(Word, frozen=True, kw_only=True, omit_defaults=True):
    """What an order line has in force on customer data."""

    state: Annotated[SyncState, doc("In force, or taken back")]
    revision: Annotated[int, doc("Revision of the order that was synchronized last")]
    action: Annotated[LineAction, doc("Action of its first synchronization")]
    row: Annotated[str, doc("Row of the revision matrix that was applied last")]
    service_id: Annotated[str | None, doc("The asset; a promotion has none")] = None
    billing_type: Annotated[str | None, doc("Billing type at its first synchronization")] = None
    product_type: Annotated[str | None, doc("Product type at its first synchronization")] = None
    applied: Annotated[TrackedValues, doc("Tracked values now")] = msgspec.field(default_factory=dict)
    before: Annotated[dict[str, ValueSet], doc("Tracked values before the line's first change of each")] = (
        msgspec.field(default_factory=dict)
    )
    customer_account: Annotated[str | None, doc("Customer account that it named last")] = None
    owner_account: Annotated[str | None, doc("Owner account that it named last, tracked or not")] = None
    uses: Annotated[tuple[Used, ...], doc("What it has named, over all its revisions")] = ()
    implicit: Annotated[tuple[ImplicitMove, ...], doc("What it moved along (HIE-9)")] = ()
    links: Annotated[tuple[LinkBefore, ...], doc("Where accounts stood before it")] = ()
    covered: Annotated[tuple[CoveredBefore, ...], doc("Who paid for all services of an account before it")] = ()


class OrderPayment(Word, frozen=True, kw_only=True):
    """A payment as its order knows it."""

    payment_id: Annotated[str, doc("The CRM's id of the payment")]
    state: Annotated[PaymentState, doc("What became of it")]
