"""A subscription with distributors in memory: facts are given as events, functions of the domain are asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from processors.acting import LIVE
from processors.provisioning import effects, placing
from processors.view.customer import CustomerView
from schemas.actions import ServiceState
from schemas.catalog import Catalog, Classification, Composition, Product, ProviderRules
from schemas.fields import Event
from schemas.provisioning import (
    ChangeDistribution,
    ProvisioningCommand,
    ProvisioningDistributionAdded,
    ProvisioningDistributionRemoved,
    ProvisioningDistributorCreated,
    ProvisioningDistributorRemoved,
    ProvisioningRequested,
    RegisterInstalledItem,
)
from schemas.refusals import Violation
from schemas.subscriptions import ServiceCause, SubscriptionServiceStateChanged
from tests.wallets.prepaid import SUBSCRIPTION, Prepaid, catalog, product

ON, OFF, DRAFT, GONE = (
    ServiceState.EFFECTIVE,
    ServiceState.NOT_EFFECTIVE,
    ServiceState.DRAFT,
    ServiceState.REMOVED,
)

PHONE = Product(
    product="PHONE",
    classification=Classification.PHYSICAL_GOOD,
    composition=Composition.FLAT,
    product_type="DEVICE",
    provider="SWITCH",
    traceable=True,
)

SOLD = catalog(
    product("LINE", None, provider="SWITCH"),
    product("FAX", None, provider="SWITCH", product_type="FAX"),
    product("TRUNK", None, provider="TRUNKS", product_type="TRUNK"),
    product("QUEUE", None),
    PHONE,
    msgspec.structs.replace(PHONE, product="BOX", provider=None),
    msgspec.structs.replace(PHONE, product="CABLE", traceable=False),
    providers=(
        ProviderRules(provider="SWITCH", max_services=3, allowed_product_types=("LINE",)),
        ProviderRules(provider="TRUNKS", item_required=True),
    ),
)


class Networks(Prepaid):
    """One subscription; what is done to its services is settled at once."""

    def __init__(self, catalog: Catalog = SOLD) -> None:
        super().__init__(catalog, balance=None)

    def settle(
        self, change: Callable[[CustomerView], object], wishes: Mapping[str, str] | None = None
    ) -> tuple[list[Violation], list[Event]]:
        """Change services on a draft, and settle what that means; without violations it happens."""
        draft = self.view.draft()
        change(draft)
        assert draft.touched, "something is to change"
        action = self.action()
        violations, events = placing.settle(self.view, draft, self.subscription(), wishes or {}, action, self.context())
        if not violations:
            change(self.view)
            self.given(*events)
        return violations, events

    def added(
        self, service_id: str, sold: str = "LINE", state: ServiceState = ON, on: str | None = None, **more: Any
    ) -> tuple[list[Violation], list[Event]]:
        return self.settle(
            lambda view: self.add(service_id, sold, state, view=view, **more), {} if on is None else {service_id: on}
        )

    def turn(self, view: CustomerView, service_id: str, state: ServiceState) -> None:
        service = view.service(service_id)
        assert service is not None
        view.record(
            SubscriptionServiceStateChanged(
                subscription_id=SUBSCRIPTION,
                service_id=service_id,
                product=service.product,
                bundle_service_id=service.bundle_service_id,
                old_state=service.state,
                new_state=state,
                effective_at=self.at,
                cause=ServiceCause.COMMAND,
            )
        )

    def turned(self, service_id: str, state: ServiceState) -> tuple[list[Violation], list[Event]]:
        return self.settle(lambda view: self.turn(view, service_id, state))

    def do(self, command: ProvisioningCommand) -> tuple[list[Violation], list[Event]]:
        violations, events = effects.effect(self.view, command, self.action(), self.context())
        if not violations:
            self.given(*events)
        return violations, events

    def change(self, *changes: dict[str, str]) -> tuple[list[Violation], list[Event]]:
        return self.do(msgspec.convert({"subscription_id": SUBSCRIPTION, "changes": changes}, ChangeDistribution))

    def register(self, **more: str) -> tuple[list[Violation], list[Event]]:
        body = {"subscription_id": SUBSCRIPTION, "product": "PHONE"} | more
        return self.do(msgspec.convert(body, RegisterInstalledItem))

    def distributors(self) -> dict[str, list[str]]:
        """What is on each distributor: services, then items."""
        return {
            distributor.distributor_id: [
                *(service.service_id for service in self.view.distributed_services(distributor.distributor_id)),
                *(item.item_id for item in self.view.distributed_items(distributor.distributor_id)),
            ]
            for distributor in self.view.distributors(SUBSCRIPTION)
        }

    def on(self, service_id: str) -> str:
        found = self.service(service_id).distributor_id
        assert found is not None
        return found


ALLOWED = json.dumps([state.value for state in LIVE], separators=(",", ":"))
"""How a refusal carries the live states."""


def told(events: list[Event]) -> list[tuple[str, ...]]:
    """Events in short: what happened, to whom."""
    short: list[tuple[str, ...]] = []
    for event in events:
        match event:
            case ProvisioningDistributorCreated():
                short.append(("created", event.provider))
            case ProvisioningDistributionRemoved():
                short.append(("off", event.service_id or event.item_id or ""))
            case ProvisioningDistributionAdded():
                short.append(("on", event.service_id or event.item_id or ""))
            case ProvisioningDistributorRemoved():
                short.append(("removed", event.provider))
            case ProvisioningRequested():
                short.append((event.desired_state.value, event.service_id, str(event.version)))
            case _:
                short.append((type(event).__name__,))
    return short


def why(violations: list[Violation]) -> list[tuple[str, dict[str, str | None]]]:
    """Violations without what is null."""
    return [
        (found.code, {name: text for name, text in found.carries.items() if text is not None}) for found in violations
    ]
