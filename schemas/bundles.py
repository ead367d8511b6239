"""The words of flexible bundles: services whose components the customer may choose within limits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.actions import ActionCommand, ActionId, ActionType, PerformedBy, SubActionType, SubscriptionId
from schemas.catalog import ProductCode
from schemas.fields import Event, Word, doc
from schemas.subscriptions import NewComponent, ServiceNamed


class RemovedComponent(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A component to take away, by its id or by its product, exactly one of them."""

    service_id: Annotated[str | None, doc("The component")] = None
    product: Annotated[str | None, doc("The product; names its live component")] = None

    def __post_init__(self) -> None:
        if (self.service_id is None) == (self.product is None):
            raise ValueError("Expected exactly one of `service_id` and `product`")


class AmendBundleServices(ActionCommand, frozen=True, kw_only=True):
    """Add components to a bundle and take some away, all or nothing (ABS-1 .. ABS-30)."""

    bundle_service_id: Annotated[str, doc("The flexible bundle")]
    add: Annotated[tuple[NewComponent, ...], doc("Components to add, in the order in which money is allotted")] = ()
    remove: Annotated[tuple[RemovedComponent, ...], doc("Components to take away")] = ()


class BundleServicesAmended(Event, frozen=True, kw_only=True):
    """A bundle has other components."""

    about: ClassVar = ("service", "bundle_service_id")

    subscription_id: SubscriptionId
    bundle_service_id: Annotated[str, doc("The flexible bundle")]
    product: ProductCode
    added: Annotated[tuple[ServiceNamed, ...], doc("Components that came")] = ()
    removed: Annotated[tuple[ServiceNamed, ...], doc("Components that went")] = ()
    effective_at: Annotated[datetime, doc("Since when")]
    rows_checked: Annotated[tuple[str, ...], doc("Rows of the composition that were in force")] = ()
    action_id: ActionId | None = None
    action_type: ActionType | None = None
    sub_action_type: SubActionType | None = None
    performed_by: PerformedBy


BundleCommand = AmendBundleServices
BundleEvent = BundleServicesAmended
