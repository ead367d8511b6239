"""The words of an order's line: what is ordered, for whom, how far it has come, and what locked it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from schemas.actions import ServiceState
from schemas.catalog import ProductCode
from schemas.fields import Attributes, CommandId, Entity, Word, doc
from schemas.lineage import LineAction, LineId, LineRef, LineSync, OrderId
from schemas.references import AccountRef
from schemas.subscriptions import SubscriptionKind

GroupId = Annotated[str, doc("Id of the group, unique within the customer")]
FeatureId = Annotated[str, doc("Id of the feature, unique within the line")]
ServiceCatalog = Annotated[str, doc("Service type, for instance DATA or VOICE")]
ServiceItem = Annotated[str, doc("The ordered service as the CRM names it")]
LineProductType = Annotated[str, doc("Type of the product, for instance PROMOTION")]
ServiceAccount = Annotated[AccountRef, doc("Account that gets the service")]
BillingAccount = Annotated[AccountRef, doc("Account that is billed")]
CustomerAccount = Annotated[AccountRef, doc("Account of the customer")]
OwnerAccount = Annotated[AccountRef, doc("Account that owns the billing account's debts")]
BillingType = Annotated[str, doc("Kind of line for billing, for instance SERVICE_BUNDLE or ITEM")]
BillingProfileName = Annotated[str, doc("Billing profile that pays")]
BillingSystem = Annotated[str, doc("Billing system that the line is for")]
LineAmount = Annotated[Decimal, doc("Amount, for information: no rule reads it")]

PROMOTION = "PROMOTION"
"""Product type of a line that names who is billed, and is no service."""


class LineServiceAction(StrEnum):
    """What the Billing System Update does to the service."""

    ADD = "ADD"
    CHANGE = "CHANGE"
    DISCONNECT = "DISCONNECT"
    SUSPEND = "SUSPEND"
    RESTORE = "RESTORE"


class FeatureAction(StrEnum):
    """What the Billing System Update does to a component."""

    ADD = "ADD"
    DISCONNECT = "DISCONNECT"


class LineState(StrEnum):
    """The life of a line. BILLED and CANCELLED are terminal; a line is live in the other two."""

    PENDING = "PENDING"
    IN_GROUP = "IN_GROUP"
    BILLED = "BILLED"
    CANCELLED = "CANCELLED"


class LineProvisioning(StrEnum):
    """What the provisioning side has said of a line."""

    NOT_REQUIRED = "NOT_REQUIRED"
    AWAITED = "AWAITED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"


class LineCancellation(StrEnum):
    """Why a line was cancelled."""

    REMOVED = "REMOVED"
    REVISED = "REVISED"
    REPLACED = "REPLACED"
    ORDER_CANCELLED = "ORDER_CANCELLED"


class LockReason(StrEnum):
    """Why something is read-only."""

    BILLING_SYSTEM_UPDATE = "BILLING_SYSTEM_UPDATE"
    ORDER_CLOSED = "ORDER_CLOSED"


class Scope(StrEnum):
    """How much of an order an update took."""

    LINES = "LINES"
    GROUP = "GROUP"
    ORDER = "ORDER"


class Feature(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A component service of a line's flexible bundle (ORD-8, ORD-17)."""

    feature_id: FeatureId | None = None
    product_id: ProductCode
    service_action: Annotated[FeatureAction, doc("Add or disconnect it")] = FeatureAction.ADD
    service_id: Annotated[str | None, doc("The component; required for DISCONNECT")] = None


class PriorValues(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values that hold before a line; an explicit null is a value, what is not given is not known (PVL-1)."""

    service_account: ServiceAccount | msgspec.UnsetType | None = msgspec.UNSET
    billing_account: BillingAccount | msgspec.UnsetType | None = msgspec.UNSET
    customer_account: CustomerAccount | msgspec.UnsetType | None = msgspec.UNSET
    owner_account: OwnerAccount | msgspec.UnsetType | None = msgspec.UNSET
    billing_profile: BillingProfileName | msgspec.UnsetType | None = msgspec.UNSET


PriorValuesField = Annotated[PriorValues, doc("Customer data before the line")]
LineAttributes = Annotated[dict[str, str], doc("Names and values; may be used for splitting")]


class Line(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line as a command gives it."""

    line_id: LineId | None = None
    action: Annotated[LineAction | None, doc("What happens to customer data; of a new line default NONE")] = None
    service_action: Annotated[LineServiceAction, doc("What the Billing System Update does to the service")]
    service_catalog: ServiceCatalog
    product_id: ProductCode
    service_item: ServiceItem | None = None
    product_type: LineProductType | None = None
    features: Annotated[tuple[Feature, ...], doc("Component services")] = ()
    service_id: Annotated[str | None, doc("The existing service; ADD: id of the new one")] = None
    subscription_id: Annotated[str | None, doc("Subscription of an ADD (BSU-20)")] = None
    subscription_kind: Annotated[SubscriptionKind | None, doc("Kind to look for or to create")] = None
    service_account: ServiceAccount
    billing_account: BillingAccount | None = None
    customer_account: CustomerAccount | None = None
    owner_account: OwnerAccount | None = None
    billing_type: BillingType | None = None
    billing_profile: BillingProfileName | None = None
    billing_system: BillingSystem | None = None
    prior_values: PriorValuesField | None = None
    amount: LineAmount | None = None
    attributes: LineAttributes | None = None


class LineChange(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New values of a line's fields: what is not given stays, an explicit null clears, a map is replaced whole.

    What a line cannot be without cannot be cleared either.
    """

    action: Annotated[LineAction | msgspec.UnsetType | None, doc("What happens to customer data")] = msgspec.UNSET
    service_action: Annotated[LineServiceAction | msgspec.UnsetType, doc("What the update does to the service")] = (
        msgspec.UNSET
    )
    service_catalog: ServiceCatalog | msgspec.UnsetType = msgspec.UNSET
    product_id: ProductCode | msgspec.UnsetType = msgspec.UNSET
    service_item: ServiceItem | msgspec.UnsetType | None = msgspec.UNSET
    product_type: LineProductType | msgspec.UnsetType | None = msgspec.UNSET
    service_id: Annotated[str | msgspec.UnsetType | None, doc("The existing service")] = msgspec.UNSET
    subscription_id: Annotated[str | msgspec.UnsetType | None, doc("Subscription of an ADD")] = msgspec.UNSET
    subscription_kind: Annotated[SubscriptionKind | msgspec.UnsetType | None, doc("Kind to look for or to create")] = (
        msgspec.UNSET
    )
    service_account: Annotated[AccountRef | msgspec.UnsetType, doc("Account that gets the service")] = msgspec.UNSET
    billing_account: BillingAccount | msgspec.UnsetType | None = msgspec.UNSET
    customer_account: CustomerAccount | msgspec.UnsetType | None = msgspec.UNSET
    owner_account: OwnerAccount | msgspec.UnsetType | None = msgspec.UNSET
    billing_type: BillingType | msgspec.UnsetType | None = msgspec.UNSET
    billing_profile: BillingProfileName | msgspec.UnsetType | None = msgspec.UNSET
    billing_system: BillingSystem | msgspec.UnsetType | None = msgspec.UNSET
    prior_values: PriorValuesField | msgspec.UnsetType | None = msgspec.UNSET
    amount: LineAmount | msgspec.UnsetType | None = msgspec.UNSET
    attributes: LineAttributes | msgspec.UnsetType | None = msgspec.UNSET


class Lock(Word, frozen=True, kw_only=True):
    """Who made something read-only, when, by which command and why (LCK-1)."""

    at: Annotated[datetime, doc("Since when")]
    by: Annotated[str, doc("Who did it")]
    command_id: CommandId
    why: Annotated[LockReason, doc("Why")]
    scope: Annotated[Scope, doc("How much was locked with it")]


class BilledState(Word, frozen=True, kw_only=True):
    """A service as it stood before or after an update."""

    state: Annotated[ServiceState, doc("State")]
    product: ProductCode
    components: Annotated[tuple[str, ...], doc("Products of its live components, in their order")] = ()


class BilledService(Word, frozen=True, kw_only=True):
    """What an update did to one service; `before` is what a compensation restores (CPO-5)."""

    service_id: Annotated[str, doc("Service")]
    subscription_id: Annotated[str, doc("Its subscription")]
    before: Annotated[BilledState | None, doc("Before; null where it was not there")] = None
    after: Annotated[BilledState | None, doc("After; null where it is gone")] = None


class Billed(Word, frozen=True, kw_only=True):
    """That a line reached the billing system, and with which version."""

    at: Annotated[datetime, doc("When it was decided")]
    command_id: CommandId
    effective_at: Annotated[datetime, doc("From when the services changed")]
    version: Annotated[int, doc("Version of the line that was billed")]
    services: Annotated[tuple[BilledService, ...], doc("Services, as they were and as they are")] = ()


class AlreadyBilled(Word, frozen=True, kw_only=True):
    """A line of the scope that an earlier update has billed (BSU-9)."""

    line_id: LineId
    command_id: CommandId
    at: Annotated[datetime, doc("When")]


class OrderLine(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an order: what the CRM ordered, then what the core says of it."""

    identity: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    action: Annotated[LineAction, doc("What happens to customer data")] = LineAction.NONE
    service_action: Annotated[LineServiceAction, doc("What the Billing System Update does to the service")]
    service_catalog: ServiceCatalog
    product_id: ProductCode
    service_item: ServiceItem
    product_type: LineProductType | None = None
    features: Annotated[tuple[Feature, ...], doc("Component services, each with its id")] = ()
    service_id: Annotated[str | None, doc("The service; null until it is found or derived")] = None
    subscription_id: Annotated[str | None, doc("Subscription of an ADD (BSU-20)")] = None
    subscription_kind: Annotated[SubscriptionKind | None, doc("Kind to look for or to create")] = None
    service_account: ServiceAccount
    billing_account: Annotated[AccountRef, doc("Account that is billed")]
    customer_account: Annotated[AccountRef, doc("Account of the customer")]
    owner_account: OwnerAccount | None = None
    billing_type: BillingType | None = None
    billing_profile: BillingProfileName | None = None
    billing_system: BillingSystem | None = None
    prior_values: PriorValuesField | None = None
    amount: LineAmount | None = None
    attributes: Attributes = msgspec.field(default_factory=dict)
    # what only the core writes
    state: Annotated[LineState, doc("State")] = LineState.PENDING
    custom_state: Annotated[str | None, doc("The integrator's own sub-state; decides nothing")] = None
    group_id: GroupId | None = None
    version: Annotated[int, doc("1, and one more per change")] = 1
    locked: Annotated[Lock | None, doc("Lock, once it is billed")] = None
    editable: Annotated[bool, doc("Whether it may be changed now")] = True
    editable_fields: Annotated[tuple[str, ...], doc("Fields that ModifyOrderLine may set now")] = ()
    provisioning: Annotated[LineProvisioning, doc("What the provisioning side has said")] = (
        LineProvisioning.NOT_REQUIRED
    )
    customer_data_revision: Annotated[int, doc("Revision that last set customer data")] = 1
    synchronized_revision: Annotated[int | None, doc("Revision that was last synchronized")] = None
    sync: Annotated[LineSync | None, doc("What a synchronization has in force for it")] = None
    billed: Annotated[Billed | None, doc("That it reached the billing system")] = None
    restores_service_id: Annotated[str | None, doc("The service that it brings back (CPO-5)")] = None
    compensated_by: Annotated[LineRef | None, doc("The line that undoes it")] = None
    replaces_line_id: Annotated[str | None, doc("The line that it replaces (RVN-12)")] = None
    added_in_revision: Annotated[int, doc("Revision in which it came")] = 1
    cancelled_because: Annotated[LineCancellation | None, doc("Why it was cancelled")] = None
