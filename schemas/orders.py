"""The words of orders in flight: the order and its groups, how it is changed, billed, cancelled and undone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from schemas.fields import Attributes, Command, Entity, Word, doc
from schemas.lineage import AccountSync, LineId, OrderId, OrderPayment
from schemas.order_lines import Feature, FeatureId, GroupId, Line, LineChange, Lock

OrderReason = Annotated[str, doc("Why, as the caller says")]


class OrderState(StrEnum):
    """The life of an order. COMPLETED and CANCELLED are terminal; before them it is in flight (ORD-10)."""

    SUBMITTED = "SUBMITTED"
    IN_PROGRESS = "IN_PROGRESS"
    PARTIALLY_BILLED = "PARTIALLY_BILLED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


CLOSED = (OrderState.COMPLETED, OrderState.CANCELLED)
"""States of an order that is not in flight any more."""


class GroupState(StrEnum):
    """The life of a group; the last three are its ends."""

    OPEN = "OPEN"
    BILLED = "BILLED"
    CANCELLED = "CANCELLED"
    DISSOLVED = "DISSOLVED"


class LineOperation(StrEnum):
    """What ModifyOrderLine does."""

    ADD = "ADD"
    CHANGE = "CHANGE"
    REMOVE = "REMOVE"


class Dimension(StrEnum):
    """By what an order is split."""

    SERVICE_ACTION = "SERVICE_ACTION"
    SERVICE_CATALOG = "SERVICE_CATALOG"
    SERVICE_ITEM = "SERVICE_ITEM"
    ATTRIBUTE = "ATTRIBUTE"


class ProvisioningResult(StrEnum):
    """The provisioning side's answer."""

    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"


class IfPartlyBilled(StrEnum):
    """What a cancellation does where something is billed already."""

    CANCEL_REST = "CANCEL_REST"
    REFUSE = "REFUSE"


class OnSuperseded(StrEnum):
    """What becomes of a value that a later line has set (FLP-3)."""

    REJECT = "REJECT"
    KEEP_CURRENT = "KEEP_CURRENT"


class AskedGroup(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group as a command gives it."""

    group_id: GroupId | None = None
    line_ids: Annotated[tuple[str, ...], doc("Its lines")]


class ConfirmedLine(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the provisioning side says of one line."""

    line_id: LineId
    result: Annotated[ProvisioningResult, doc("Done, or failed")]
    line_version: Annotated[int | None, doc("Version that was implemented, default the current one")] = None
    reference: Annotated[str | None, doc("The provisioning side's own number")] = None


# -- commands


class SubmitOrder(Command, frozen=True, kw_only=True):
    """Put an order in flight (ORD-1, ORD-2)."""

    order_id: OrderId | None = None
    custom: Attributes | None = None
    lines: Annotated[tuple[Line, ...], doc("1 to 500 lines")]


class ReviseOrder(Command, frozen=True, kw_only=True):
    """Say anew what the whole order is (RVN-*)."""

    order_id: OrderId
    revision: Annotated[int, doc("Greater than the current one")]
    lines: Annotated[tuple[Line, ...], doc("The full order; what is missing is cancelled")]
    replace_changed_products: Annotated[bool, doc("Turn a changed product into cancel and add")] = False
    reason: OrderReason | None = None


class ModifyOrderLine(Command, frozen=True, kw_only=True):
    """Add, change or remove one line (ORD-4, ORD-9, LCK-*)."""

    order_id: OrderId
    operation: Annotated[LineOperation, doc("What is done")]
    line_id: LineId | None = None
    expected_version: Annotated[int | None, doc("The version that the caller believes to be there")] = None
    line: Annotated[Line | None, doc("ADD: the new line")] = None
    group_id: GroupId | None = None
    set: Annotated[LineChange | None, doc("CHANGE: new values")] = None
    add_features: Annotated[tuple[Feature, ...], doc("CHANGE: features that come")] = ()
    remove_features: Annotated[tuple[FeatureId, ...], doc("CHANGE: features that go")] = ()
    custom_state: Annotated[str | None, doc("CHANGE: the integrator's own sub-state")] = None


class SplitOrder(Command, frozen=True, kw_only=True):
    """Put the live lines into groups (SPL-*)."""

    order_id: OrderId
    dimensions: Annotated[tuple[Dimension, ...] | None, doc("The key is the combination of these")] = None
    attribute: Annotated[str | None, doc("With ATTRIBUTE: which")] = None
    groups: Annotated[tuple[AskedGroup, ...] | None, doc("Explicit groups")] = None


class ConfirmLineProvisioning(Command, frozen=True, kw_only=True):
    """What the provisioning side says of lines (PVC-*)."""

    order_id: OrderId
    lines: Annotated[tuple[ConfirmedLine, ...], doc("Lines and their results")]


class UpdateBillingSystem(Command, frozen=True, kw_only=True):
    """Turn the lines of a scope into services, and lock them, all or nothing (BSU-*)."""

    order_id: OrderId | None = None
    group_id: GroupId | None = None
    service_actions: Annotated[tuple[str, ...] | None, doc("Only lines with one of these service actions")] = None
    service_catalogs: Annotated[tuple[str, ...] | None, doc("Only lines with one of these service catalogs")] = None
    service_items: Annotated[tuple[str, ...] | None, doc("Only lines with one of these service items")] = None
    line_ids: Annotated[tuple[str, ...] | None, doc("Exactly these lines; not together with filters")] = None
    effective_at: Annotated[datetime | None, doc("When the services change")] = None


class CancelOrder(Command, frozen=True, kw_only=True):
    """Cancel what is not billed yet (ORD-27 .. ORD-29, REV-18)."""

    order_id: OrderId
    reason: OrderReason
    if_partly_billed: Annotated[IfPartlyBilled, doc("What to do where something is billed")] = (
        IfPartlyBilled.CANCEL_REST
    )
    on_superseded: Annotated[OnSuperseded, doc("What becomes of values that a later line has set")] = (
        OnSuperseded.REJECT
    )


class CompensateOrder(Command, frozen=True, kw_only=True):
    """Undo billed lines by a generated order (CPO-*)."""

    order_id: OrderId
    line_ids: Annotated[tuple[str, ...] | None, doc("Default every billed line not yet compensated")] = None
    compensating_order_id: Annotated[str | None, doc("Id of the generated order")] = None
    reason: OrderReason
    bill_now: Annotated[bool, doc("Bring the generated lines to the billing system at once")] = True


OrderCommand = (
    SubmitOrder
    | ReviseOrder
    | ModifyOrderLine
    | SplitOrder
    | ConfirmLineProvisioning
    | UpdateBillingSystem
    | CancelOrder
    | CompensateOrder
)


# -- entities


class Split(Word, frozen=True, kw_only=True):
    """How an order is split."""

    number: Annotated[int, doc("1, 2, 3 ... per order")]
    dimensions: Annotated[tuple[Dimension, ...] | None, doc("The dimensions of the key")] = None
    attribute: Annotated[str | None, doc("With ATTRIBUTE: which")] = None
    explicit: Annotated[bool, doc("Whether the groups were given")] = False
    at: Annotated[datetime, doc("When")]
    by: Annotated[str, doc("Who did it")]


class Group(Word, frozen=True, kw_only=True):
    """A group of an order's lines; its lines are those with its id."""

    group_id: GroupId
    key: Annotated[dict[str, str | None], doc("The values that its lines have in common, by dimension")]
    state: Annotated[GroupState, doc("State")]


class Order(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """An order of a customer: the CRM's cart."""

    identity: ClassVar = ("order", "order_id")

    order_id: OrderId
    revision: Annotated[int, doc("Revision that counts")] = 1
    state: Annotated[OrderState, doc("State, derived from its lines (ORD-10)")] = OrderState.SUBMITTED
    locked: Annotated[Lock | None, doc("Lock of the whole order")] = None
    split: Annotated[Split | None, doc("How it is split")] = None
    line_ids: Annotated[tuple[str, ...], doc("Lines in their order, cancelled ones included")]
    groups: Annotated[tuple[Group, ...], doc("Groups, also those that have ended")] = ()
    account_sync: Annotated[AccountSync, doc("How far customer data is synchronized (PAY-4)")] = AccountSync.NONE
    payment_billing_profile: Annotated[str | None, doc("Profile that a payment taken with it belongs to")] = None
    payments: Annotated[tuple[OrderPayment, ...], doc("Its payments")] = ()
    custom: Annotated[dict[str, str], doc("Free names and values of the caller")] = msgspec.field(default_factory=dict)
    submitted_at: Annotated[datetime, doc("When it was put in flight")]
    closed_at: Annotated[datetime | None, doc("When it was completed or cancelled")] = None
    billing_updates: Annotated[int, doc("Number of Billing System Updates so far")] = 0
    compensates_order_id: Annotated[str | None, doc("The order that it undoes")] = None
    compensated_by_order_ids: Annotated[tuple[str, ...], doc("Orders that undo it")] = ()
