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


class LineStep(Word, frozen=True, kw_only=True, omit_defaults=True):
    """What a line once said of a service: who has it, who pays. Later steps of other lines may stand over it.

    A line that is cancelled takes its steps with it, so that its accounts stand as if it had never been (INV-OBA-2).
    """

    sequence: Annotated[int, doc("Number of the customer's transaction")]
    place: Annotated[int, doc("Place of the line in its command: new assignments come before those that change")]
    revision: OrderRevision
    command_id: CommandId
    service_id: Annotated[str, doc("The service: the line's own, or one that moved along (HIE-9)")]
    account_id: Annotated[str | None, doc("Account that has the service after it")] = None
    values: Annotated[
        dict[str, str | None], doc("service_account, billing_account, billing_profile: those that it set")
    ]
    begun: Annotated[dict[str, str | None] | None, doc("What the assignment began with; null: it was there")] = None
    in_tree: Annotated[bool, doc("Whether a corporate tree decided the account's parent then (CRP-5)")] = False


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
    steps: Annotated[tuple[LineStep, ...], doc("What it said of services, over all its revisions")] = ()


class OrderPayment(Word, frozen=True, kw_only=True):
    """A payment as its order knows it."""

    payment_id: Annotated[str, doc("The CRM's id of the payment")]
    state: Annotated[PaymentState, doc("What became of it")]
