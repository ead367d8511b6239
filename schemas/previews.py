"""What a preview of an action on a subscription says beside its events and entities (ABS-30)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from schemas.actions import ServiceId, ServiceState
from schemas.catalog import ProductCode
from schemas.fields import CurrencyCode, Word, doc
from schemas.refusals import Violation


class PreviewedService(Word, frozen=True, kw_only=True):
    """A service that would come or go."""

    service_id: ServiceId
    product: ProductCode
    bundle_service_id: Annotated[str | None, doc("The bundle that it is a component of")] = None


class PreviewedState(Word, frozen=True, kw_only=True):
    """A service that would change its state."""

    service_id: ServiceId
    from_: Annotated[ServiceState | None, doc("State before; null where it would be new")] = msgspec.field(
        default=None, name="from"
    )
    to: Annotated[ServiceState, doc("State after")]


class PreviewedRow(Word, frozen=True, kw_only=True):
    """A row of a bundle's composition, before and after."""

    row_id: Annotated[str, doc("Row of the composition")]
    required_min: Annotated[int, doc("Least number that it asks for")]
    required_max: Annotated[int | None, doc("Greatest number; null is unlimited")] = None
    found_before: Annotated[int, doc("Components that match it now")]
    found_after: Annotated[int, doc("Components that would match it")]


class ServiceCost(Word, frozen=True, kw_only=True):
    """What the activation of one service would cost."""

    service_id: ServiceId
    product: ProductCode
    price: Annotated[Decimal, doc("Price of its activation")]


class PreviewedCost(Word, frozen=True, kw_only=True):
    """What an action would cost."""

    currency: CurrencyCode
    total: Annotated[Decimal, doc("Sum of all")]
    per_service: Annotated[tuple[ServiceCost, ...], doc("Service by service, in the order of adding")] = ()


class PreviewedWallet(Word, frozen=True, kw_only=True):
    """What an action would leave in the wallet."""

    balance_before: Annotated[Decimal, doc("Balance now")]
    balance_after: Annotated[Decimal, doc("Balance after; below 0 where it does not suffice")]


class PreviewedDistributors(Word, frozen=True, kw_only=True):
    """Distributors that would come and go."""

    created: Annotated[tuple[str, ...], doc("Ids of those that would be created")] = ()
    removed: Annotated[tuple[str, ...], doc("Ids of those that would be removed")] = ()


class Preview(Word, frozen=True, kw_only=True):
    """The difference that an action would make."""

    effective_at: Annotated[datetime | None, doc("From when it would hold")] = None
    added: Annotated[tuple[PreviewedService, ...], doc("Services that would come")] = ()
    removed: Annotated[tuple[PreviewedService, ...], doc("Services that would end")] = ()
    states: Annotated[tuple[PreviewedState, ...], doc("Services that would change their state")] = ()
    composition: Annotated[tuple[PreviewedRow, ...], doc("Rows of the touched bundles")] = ()
    cost: PreviewedCost | None = None
    recurring_change: Annotated[Decimal | None, doc("Added less removed, per full billing period")] = None
    wallet: PreviewedWallet | None = None
    distributors: PreviewedDistributors | None = None
    cancelled_actions: Annotated[tuple[str, ...], doc("Scheduled actions that would be cancelled")] = ()


class Conflict(Word, frozen=True, kw_only=True):
    """A scheduled action that would now fail (SCH-13)."""

    action_id: Annotated[str, doc("The scheduled action")]
    due: Annotated[datetime, doc("When it is due")]
    violations: Annotated[tuple[Violation, ...], doc("Every rule that it would break")] = ()
