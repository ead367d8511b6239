"""What may happen to an order in flight and to its lines."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from schemas.accounts import DetailChange
from schemas.fields import Event, Word, doc
from schemas.lineage import LineId, LineRef, OrderId
from schemas.order_lines import (
    AlreadyBilled,
    Billed,
    GroupId,
    LineCancellation,
    LineProvisioning,
    Lock,
    OrderLine,
    Scope,
)
from schemas.orders import Dimension, GroupState, OrderReason, OrderState


class LineChangeCause(StrEnum):
    """By what a line was changed."""

    MODIFIED = "MODIFIED"
    REVISED = "REVISED"


class GroupNamed(Word, frozen=True, kw_only=True):
    """A group, its key and its state."""

    group_id: GroupId
    key: Annotated[dict[str, str | None], doc("The values that its lines have in common, by dimension")]
    state: Annotated[GroupState, doc("State")]


class GroupChange(Word, frozen=True, kw_only=True):
    """A group that came or is in another state."""

    group_id: GroupId
    key: Annotated[dict[str, str | None], doc("The values that its lines have in common, by dimension")]
    state: Annotated[GroupState, doc("State after")]
    old_state: Annotated[GroupState | None, doc("State before; null where it is new")] = None


class UpdateFilters(Word, frozen=True, kw_only=True):
    """By what an update chose its lines."""

    service_actions: Annotated[tuple[str, ...] | None, doc("Service actions")] = None
    service_catalogs: Annotated[tuple[str, ...] | None, doc("Service catalogs")] = None
    service_items: Annotated[tuple[str, ...] | None, doc("Service items")] = None


class OrderSubmitted(Event, frozen=True, kw_only=True):
    """An order is in flight."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    line_ids: Annotated[tuple[str, ...], doc("Its lines")]
    custom: Annotated[dict[str, str], doc("Free names and values of the caller")] = msgspec.field(default_factory=dict)
    submitted_at: Annotated[datetime, doc("When")]
    compensates_order_id: Annotated[str | None, doc("The order that it undoes")] = None


class OrderRevised(Event, frozen=True, kw_only=True):
    """An order has another revision."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    revision: Annotated[int, doc("Revision that counts now")]
    previous_revision: Annotated[int, doc("Revision before")]
    reason: OrderReason | None = None
    added: Annotated[tuple[str, ...], doc("Lines that came")] = ()
    changed: Annotated[tuple[str, ...], doc("Lines that differ")] = ()
    cancelled: Annotated[tuple[str, ...], doc("Lines that went")] = ()
    unchanged: Annotated[tuple[str, ...], doc("Lines that stay as they are")] = ()


class OrderContentChanged(Event, frozen=True, kw_only=True):
    """An order has other lines or groups."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    line_ids_added: Annotated[tuple[str, ...], doc("Lines that came, at the end")] = ()
    groups_changed: Annotated[tuple[GroupChange, ...], doc("Groups that came or changed their state")] = ()


class OrderSplit(Event, frozen=True, kw_only=True):
    """An order is split into groups."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    number: Annotated[int, doc("1, 2, 3 ... per order")]
    dimensions: Annotated[tuple[Dimension, ...] | None, doc("The dimensions of the key")] = None
    attribute: Annotated[str | None, doc("With ATTRIBUTE: which")] = None
    explicit: Annotated[bool, doc("Whether the groups were given")] = False
    at: Annotated[datetime, doc("When")]
    by: Annotated[str, doc("Who did it")]
    groups: Annotated[tuple[GroupNamed, ...], doc("Groups that hold its live lines now")]
    dissolved: Annotated[tuple[str, ...], doc("Groups that hold no line any more")] = ()


class OrderStateChanged(Event, frozen=True, kw_only=True):
    """An order is in another state."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    from_: Annotated[OrderState, doc("State before")] = msgspec.field(name="from")
    to: Annotated[OrderState, doc("State after")]
    at: Annotated[datetime, doc("When")]


class BillingSystemUpdated(Event, frozen=True, kw_only=True):
    """Lines of an order reached the billing system."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    scope: Annotated[Scope, doc("How much of the order")]
    group_id: GroupId | None = None
    filters: Annotated[UpdateFilters | None, doc("By what the lines were chosen")] = None
    line_ids: Annotated[tuple[str, ...], doc("Lines that were billed")]
    already_billed: Annotated[tuple[AlreadyBilled, ...], doc("Lines of the scope that were billed before")] = ()
    effective_at: Annotated[datetime, doc("From when the services changed")]
    number: Annotated[int, doc("1, 2, 3 ... per order")]


class OrderLocked(Event, frozen=True, kw_only=True):
    """An order is read-only as a whole."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    lock: Annotated[Lock, doc("Who, when, by which command, why")]


class OrderCancelled(Event, frozen=True, kw_only=True):
    """What was not billed of an order is cancelled."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    reason: OrderReason
    at: Annotated[datetime, doc("When")]
    billed_line_ids: Annotated[tuple[str, ...], doc("Lines that stay, because they are billed")] = ()


class OrderCompensated(Event, frozen=True, kw_only=True):
    """An order was generated that undoes lines of this one."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    compensating_order_id: Annotated[str, doc("The generated order")]
    line_ids: Annotated[tuple[str, ...], doc("Lines that it undoes")]
    bill_now: Annotated[bool, doc("Whether it was brought to the billing system at once")]
    reason: OrderReason


class OrderLineAdded(Event, frozen=True, kw_only=True):
    """An order has another line."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    line: Annotated[OrderLine, doc("The whole line")]
    revision: Annotated[int, doc("Revision in which it came")]


class OrderLineChanged(Event, frozen=True, kw_only=True):
    """A line says something else."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    version: Annotated[int, doc("Version after")]
    cause: Annotated[LineChangeCause, doc("By what")]
    past_soft_point: Annotated[bool, doc("It was confirmed by provisioning already (RVN-13)")] = False
    changes: Annotated[tuple[DetailChange, ...], doc("Each field that differs, in the order of the line's fields")]
    provisioning: Annotated[LineProvisioning, doc("What is awaited of the provisioning side now")]
    customer_data_revision: Annotated[int, doc("Revision that last set customer data")]
    editable_fields: Annotated[tuple[str, ...], doc("Fields that may be changed now")] = ()


class OrderLineGrouped(Event, frozen=True, kw_only=True):
    """A line is in another group."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    from_group_id: Annotated[str | None, doc("Group before")] = None
    to_group_id: Annotated[str, doc("Group after")]


class OrderLineProvisioningConfirmed(Event, frozen=True, kw_only=True):
    """The provisioning side has answered for a line."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    old: Annotated[LineProvisioning, doc("Before")]
    new: Annotated[LineProvisioning, doc("After")]
    line_version: Annotated[int, doc("Version that was implemented")]
    reference: Annotated[str | None, doc("The provisioning side's own number")] = None
    at: Annotated[datetime, doc("When")]


class OrderLineLocked(Event, frozen=True, kw_only=True):
    """A line is billed, and read-only from now on."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    lock: Annotated[Lock, doc("Who, when, by which command, why")]
    billed: Annotated[Billed, doc("What it did to services")]


class OrderLineCancelled(Event, frozen=True, kw_only=True):
    """A line is cancelled."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    because: Annotated[LineCancellation, doc("Why")]
    replaced_by: Annotated[str | None, doc("The line that takes its place")] = None
    past_soft_point: Annotated[bool, doc("It was confirmed by provisioning already (RVN-13)")] = False


class OrderLineCompensated(Event, frozen=True, kw_only=True):
    """A billed line is undone by another one, or is not any more."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    compensated_by: Annotated[LineRef | None, doc("The line that undoes it")] = None


OrderEvent = (
    OrderSubmitted
    | OrderRevised
    | OrderContentChanged
    | OrderSplit
    | OrderStateChanged
    | BillingSystemUpdated
    | OrderLocked
    | OrderCancelled
    | OrderCompensated
    | OrderLineAdded
    | OrderLineChanged
    | OrderLineGrouped
    | OrderLineProvisioningConfirmed
    | OrderLineLocked
    | OrderLineCancelled
    | OrderLineCompensated
)
