"""The words of provisioning: what is asked of the networks, and on which distributor a service is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from schemas.actions import ActionCommand, ServiceId, SubscriptionId
from schemas.catalog import ProductCode, ProviderCode
from schemas.fields import Entity, Event, Word, doc, pii

DistributorId = Annotated[str, doc("Id of the provisioning distributor")]
ItemId = Annotated[str, doc("Id of the installed item")]


class Ownership(StrEnum):
    """Whose an installed item is."""

    CUSTOMER = "CUSTOMER"
    PROVIDER = "PROVIDER"


class DistributionOperation(StrEnum):
    """What is done to a distribution."""

    MOVE = "MOVE"
    ENABLE = "ENABLE"
    REMOVE = "REMOVE"


class DesiredState(StrEnum):
    """What a network is to make of a service."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class DistributionChange(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done to the distribution of one service or item."""

    operation: Annotated[DistributionOperation, doc("What is to be done")]
    service_id: ServiceId | None = None
    item_id: ItemId | None = None
    distributor_id: DistributorId | None = None
    provider: ProviderCode | None = None

    def __post_init__(self) -> None:
        if (self.service_id is None) == (self.item_id is None):
            raise ValueError("Expected exactly one of `service_id` and `item_id`")


class RegisterInstalledItem(ActionCommand, frozen=True, kw_only=True):
    """Note a piece of hardware that the customer has (ITM-1 .. ITM-3)."""

    item_id: ItemId | None = None
    product: ProductCode
    ownership: Annotated[Ownership, doc("Whose it is")] = Ownership.PROVIDER
    serial_number: Annotated[str | None, pii("Serial number")] = None
    distributor_id: DistributorId | None = None


class ChangeDistribution(ActionCommand, frozen=True, kw_only=True):
    """Put services and items on other distributors (PRV-7, PRV-8)."""

    changes: Annotated[tuple[DistributionChange, ...], doc("Applied together")]


class Distributor(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """Where a provider's network serves a subscription."""

    identity: ClassVar = ("distributor", "distributor_id")

    distributor_id: DistributorId
    subscription_id: SubscriptionId
    number: Annotated[int, doc("1, 2, 3 ... by age, per subscription")]
    provider: ProviderCode
    removed: Annotated[bool, doc("It is gone")] = False


class InstalledItem(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of hardware that the customer has."""

    identity: ClassVar = ("item", "item_id")

    item_id: ItemId
    subscription_id: SubscriptionId
    number: Annotated[int, doc("1, 2, 3 ... per subscription")]
    product: ProductCode
    ownership: Annotated[Ownership, doc("Whose it is")]
    serial_number: Annotated[str | None, pii("Serial number")] = None
    provider: ProviderCode | None = None
    distributor_id: DistributorId | None = None


class ProvisioningDistributorCreated(Event, frozen=True, kw_only=True):
    """A subscription has another distributor."""

    about: ClassVar = ("distributor", "distributor_id")

    subscription_id: SubscriptionId
    distributor_id: DistributorId
    number: Annotated[int, doc("1, 2, 3 ... by age, per subscription")]
    provider: ProviderCode


class _Distribution(Event, frozen=True, kw_only=True):
    subscription_id: SubscriptionId
    distributor_id: DistributorId
    provider: ProviderCode
    service_id: ServiceId | None = None
    item_id: ItemId | None = None

    @property
    def about(self) -> tuple[str, str]:  # type: ignore[override]
        """The service, or the item where no service is named."""
        return ("service", "service_id") if self.service_id is not None else ("item", "item_id")


class ProvisioningDistributionAdded(_Distribution, frozen=True, kw_only=True):
    """A service or an item is on a distributor."""


class ProvisioningDistributionRemoved(_Distribution, frozen=True, kw_only=True):
    """A service or an item is no longer on a distributor."""


class ProvisioningDistributorRemoved(Event, frozen=True, kw_only=True):
    """A distributor with nothing on it is gone."""

    about: ClassVar = ("distributor", "distributor_id")

    subscription_id: SubscriptionId
    distributor_id: DistributorId
    provider: ProviderCode


class ProvisioningRequested(Event, frozen=True, kw_only=True):
    """The network is asked for a state; a newer version replaces every older one."""

    about: ClassVar = ("service", "service_id")

    subscription_id: SubscriptionId
    distributor_id: DistributorId
    provider: ProviderCode
    service_id: ServiceId
    product: ProductCode
    desired_state: Annotated[DesiredState, doc("What it is to be")]
    version: Annotated[int, doc("1, 2, 3 ... per service")]
    requested_at: Annotated[datetime, doc("When")]


class InstalledItemRegistered(Event, frozen=True, kw_only=True):
    """The customer has a piece of hardware."""

    about: ClassVar = ("item", "item_id")

    subscription_id: SubscriptionId
    item_id: ItemId
    number: Annotated[int, doc("1, 2, 3 ... per subscription")]
    product: ProductCode
    ownership: Annotated[Ownership, doc("Whose it is")]
    serial_number: Annotated[str | None, pii("Serial number")] = None


ProvisioningCommand = RegisterInstalledItem | ChangeDistribution
ProvisioningEvent = (
    ProvisioningDistributorCreated
    | ProvisioningDistributionAdded
    | ProvisioningDistributionRemoved
    | ProvisioningDistributorRemoved
    | ProvisioningRequested
    | InstalledItemRegistered
)
