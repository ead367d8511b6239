"""The words of subscriptions: what an account has, and how its services change."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from schemas.actions import (
    ActionCommand,
    ActionId,
    ActionType,
    PerformedBy,
    Reason,
    Reference,
    ServiceId,
    ServiceState,
    StatePoint,
    SubActionType,
    SubscriptionId,
)
from schemas.catalog import Composition, ProductCode, ProductFamily, ProductType, ProviderCode, SwapClass
from schemas.fields import AccountId, Command, CommandId, Entity, Event, Word, doc
from schemas.references import AccountRef


class SubscriptionKind(StrEnum):
    """How a subscription is paid."""

    POSTPAID = "POSTPAID"
    PREPAID = "PREPAID"


class InitialServiceState(StrEnum):
    """The state to begin with."""

    DRAFT = "DRAFT"
    EFFECTIVE = "EFFECTIVE"


class SubscriptionAction(StrEnum):
    """What is done to a subscription as a whole."""

    START = "START"
    STOP = "STOP"
    REST = "REST"
    END_RESTING = "END_RESTING"
    ACTIVATE_SHORT_TERM = "ACTIVATE_SHORT_TERM"
    END_SHORT_TERM_ACTIVATION = "END_SHORT_TERM_ACTIVATION"
    DEACTIVATE_SHORT_TERM = "DEACTIVATE_SHORT_TERM"
    END_SHORT_TERM_DEACTIVATION = "END_SHORT_TERM_DEACTIVATION"
    CANCEL = "CANCEL"
    REGRET = "REGRET"


class ServiceAction(StrEnum):
    """What is done to services."""

    ADD = "ADD"
    START = "START"
    STOP = "STOP"
    CANCEL = "CANCEL"
    REGRET = "REGRET"
    UNDO_ADD = "UNDO_ADD"


class AskedSwapClass(StrEnum):
    """The class that a swap is said to have; ANY leaves it to the tiers."""

    ANY = "ANY"
    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    SWITCH = "SWITCH"


class ServiceCause(StrEnum):
    """Why a subscription or a service changed its state."""

    COMMAND = "COMMAND"
    SCHEDULED = "SCHEDULED"
    AUTOMATIC = "AUTOMATIC"
    SERVICES = "SERVICES"
    ACCOUNT = "ACCOUNT"
    ORDER = "ORDER"
    WALLET_SHORT = "WALLET_SHORT"
    WALLET_FUNDED = "WALLET_FUNDED"
    BUNDLE = "BUNDLE"
    AMENDED = "AMENDED"
    SWAPPED = "SWAPPED"


BundleServiceId = Annotated[str, doc("The bundle that the service is a component of")]


class NewComponent(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A component to add to a bundle."""

    product: ProductCode
    service_id: ServiceId | None = None
    distributor_id: Annotated[str | None, doc("Distributor to put it on")] = None
    order_id: Annotated[str | None, doc("Order that it comes from")] = None
    line_id: Annotated[str | None, doc("Line of the order")] = None


class NewService(NewComponent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service to add."""

    components: Annotated[tuple[NewComponent, ...] | None, doc("Components, of a flexible bundle")] = None


# -- commands


class CreateSubscription(Command, frozen=True, kw_only=True):
    """Create a subscription with its services (SUB-1 .. SUB-7)."""

    subscription_id: SubscriptionId | None = None
    account: AccountRef
    kind: Annotated[SubscriptionKind, doc("How it is paid; PREPAID gets a wallet")]
    subscription_type: Annotated[str, doc("Selects the definition")] = "DEFAULT"
    initial_state: Annotated[InitialServiceState, doc("State of it and of all services given")] = (
        InitialServiceState.DRAFT
    )
    services: Annotated[tuple[NewService, ...], doc("Services; empty only in DRAFT")] = ()
    wallet_id: Annotated[str | None, doc("Id of the wallet, PREPAID only")] = None
    reference: Reference | None = None
    action_type: ActionType | None = None
    sub_action_type: SubActionType | None = None
    reason: Reason | None = None


class ChangeSubscriptionState(ActionCommand, frozen=True, kw_only=True):
    """Change the state of a subscription and of its services (SST-1 .. SST-5)."""

    action: Annotated[SubscriptionAction, doc("What is to be done")]
    until: Annotated[datetime | None, doc("Moment of the automatic return")] = None


class ChangeServiceState(ActionCommand, frozen=True, kw_only=True):
    """Add services or change the state of some (SVC-1, SVC-2, RMV-1 .. RMV-4)."""

    action: Annotated[ServiceAction, doc("What is to be done")]
    service_ids: Annotated[tuple[str, ...], doc("Top-level services; all or nothing")] = ()
    services: Annotated[tuple[NewService, ...], doc("ADD: the services")] = ()
    initial_state: Annotated[InitialServiceState, doc("ADD: their state")] = InitialServiceState.DRAFT


class SwapService(ActionCommand, frozen=True, kw_only=True):
    """Put a service in another one's place (SWP-1 .. SWP-4)."""

    from_service_id: Annotated[str, doc("Top-level service that goes")]
    to_service: Annotated[NewService, doc("What takes its place")]
    swap_class: Annotated[AskedSwapClass, doc("The class that it is said to have")] = AskedSwapClass.ANY


SubscriptionCommand = CreateSubscription | ChangeSubscriptionState | ChangeServiceState | SwapService


# -- entities


class Subscription(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """What an account has taken out: the row of the subscription itself."""

    identity: ClassVar = ("subscription", "subscription_id")

    subscription_id: SubscriptionId
    account_id: AccountId
    kind: Annotated[SubscriptionKind, doc("How it is paid")]
    subscription_type: Annotated[str, doc("Selects the definition")]
    definition: Annotated[str, doc("The definition when it was created")]
    state: Annotated[ServiceState, doc("State of the last fact")]
    history: Annotated[tuple[StatePoint, ...], doc("Facts and plans in time order; the latest 100 facts")]
    wallet_id: Annotated[str | None, doc("Its wallet, if PREPAID")] = None
    ever_left_draft: Annotated[bool, doc("It was in another state than DRAFT (SST-2)")] = False
    first_on_at: Annotated[datetime | None, doc("First moment in an on state (RMV-2)")] = None


class SubscriptionService(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """A service of a subscription; with a bundle_service_id a component of that bundle."""

    identity: ClassVar = ("service", "service_id")

    service_id: ServiceId
    subscription_id: SubscriptionId
    number: Annotated[int, doc("1, 2, 3 ... in the order of adding, per subscription")]
    product: ProductCode
    product_type: ProductType | None = None
    family: ProductFamily | None = None
    composition: Annotated[Composition, doc("Whether it holds others")]
    tier: Annotated[int, doc("Rank by which a swap is an upgrade or a downgrade")] = 0
    bundle_service_id: BundleServiceId | None = None
    state: Annotated[ServiceState, doc("State of the last fact")]
    history: Annotated[tuple[StatePoint, ...], doc("Facts and plans in time order; the latest 100 facts")]
    cause: Annotated[ServiceCause | None, doc("Why it is in its state")] = None
    returns_to: Annotated[ServiceState | None, doc("State before resting or short-term off")] = None
    added_at: Annotated[datetime, doc("When it was added")]
    first_on_at: Annotated[datetime | None, doc("First moment in an on state (RMV-2)")] = None
    last_amended_at: Annotated[datetime | None, doc("A bundle's last amendment (CLS-4)")] = None
    provider: ProviderCode | None = None
    distributor_id: Annotated[str | None, doc("Distributor that it is on")] = None
    last_distributor_id: Annotated[str | None, doc("Distributor that it is or was on last (PRV-10)")] = None
    desired_state: Annotated[str | None, doc("What was last asked of the network; null is nothing")] = None
    desired_version: Annotated[int, doc("Version of that wish")] = 0
    order_id: Annotated[str | None, doc("Order that it came from")] = None
    line_id: Annotated[str | None, doc("Line of the order")] = None
    restores_service_id: Annotated[str | None, doc("The service that it restores (RMV-4)")] = None
    swapped_from_service_id: Annotated[str | None, doc("The service whose place it took")] = None
    swapped_components: Annotated[tuple[str, ...], doc("Products of its components when it was swapped (RMV-4)")] = ()


# -- events


class SubscriptionCreated(Event, frozen=True, kw_only=True):
    """A subscription exists."""

    about: ClassVar = ("subscription", "subscription_id")

    subscription_id: SubscriptionId
    account_id: AccountId
    kind: Annotated[SubscriptionKind, doc("How it is paid")]
    subscription_type: Annotated[str, doc("Selects the definition")]
    definition: Annotated[str, doc("The definition in force")]
    state: Annotated[ServiceState, doc("State to begin with")]
    effective_at: Annotated[datetime, doc("Since when")]
    wallet_id: Annotated[str | None, doc("Its wallet, if PREPAID")] = None
    reason: Reason | None = None
    action_type: ActionType | None = None
    sub_action_type: SubActionType | None = None
    performed_by: PerformedBy


class SubscriptionStateChanged(Event, frozen=True, kw_only=True):
    """A subscription is in another state."""

    about: ClassVar = ("subscription", "subscription_id")

    subscription_id: SubscriptionId
    action: Annotated[str, doc("What was done")]
    old_state: Annotated[ServiceState, doc("State before")]
    new_state: Annotated[ServiceState, doc("State after")]
    effective_at: Annotated[datetime, doc("Since when")]
    cause: Annotated[ServiceCause, doc("Why")]
    action_id: ActionId | None = None
    reason: Reason | None = None
    action_type: ActionType | None = None
    sub_action_type: SubActionType | None = None
    performed_by: PerformedBy


class SubscriptionServiceAdded(Event, frozen=True, kw_only=True):
    """A subscription has another service."""

    about: ClassVar = ("service", "service_id")

    subscription_id: SubscriptionId
    service_id: ServiceId
    number: Annotated[int, doc("1, 2, 3 ... in the order of adding, per subscription")]
    product: ProductCode
    product_type: ProductType | None = None
    family: ProductFamily | None = None
    composition: Annotated[Composition, doc("Whether it holds others")]
    tier: Annotated[int, doc("Rank by which a swap is an upgrade or a downgrade")] = 0
    bundle_service_id: BundleServiceId | None = None
    state: Annotated[ServiceState, doc("State to begin with")]
    history: Annotated[tuple[StatePoint, ...], doc("Its points: the first fact, and what is planned for it")]
    added_at: Annotated[datetime, doc("When")]
    provider: ProviderCode | None = None
    order_id: Annotated[str | None, doc("Order that it came from")] = None
    line_id: Annotated[str | None, doc("Line of the order")] = None
    restores_service_id: Annotated[str | None, doc("The service that it restores (RMV-4)")] = None
    swapped_from_service_id: Annotated[str | None, doc("The service whose place it took")] = None


class SubscriptionServiceStateChanged(Event, frozen=True, kw_only=True):
    """A service is in another state."""

    about: ClassVar = ("service", "service_id")

    subscription_id: SubscriptionId
    service_id: ServiceId
    product: ProductCode
    bundle_service_id: BundleServiceId | None = None
    old_state: Annotated[ServiceState, doc("State before")]
    new_state: Annotated[ServiceState, doc("State after")]
    effective_at: Annotated[datetime, doc("Since when")]
    cause: Annotated[ServiceCause, doc("Why")]
    action_id: ActionId | None = None
    returns_to: Annotated[ServiceState | None, doc("State before resting or short-term off")] = None
    reason: Reason | None = None


class ServiceNamed(Word, frozen=True, kw_only=True):
    """A service with its product."""

    service_id: ServiceId
    product: ProductCode


class ServiceSwapped(Event, frozen=True, kw_only=True):
    """A service gave its place to another one."""

    about: ClassVar = ("service", "from_service_id")

    subscription_id: SubscriptionId
    from_service_id: Annotated[str, doc("Service that went")]
    to_service_id: Annotated[str, doc("Service that took its place")]
    from_product: ProductCode
    to_product: ProductCode
    swap_class: Annotated[SwapClass, doc("What the swap is, by the tiers")]
    effective_at: Annotated[datetime, doc("Since when")]
    removed_components: Annotated[tuple[ServiceNamed, ...], doc("Components that went along")] = ()
    action_type: ActionType | None = None
    sub_action_type: SubActionType | None = None
    performed_by: PerformedBy


class PlannedStatesChanged(Event, frozen=True, kw_only=True):
    """What is planned for a service (or for the subscription itself) differs."""

    subscription_id: SubscriptionId
    service_id: ServiceId | None = None
    old: Annotated[tuple[StatePoint, ...], doc("Plans before")] = ()
    new: Annotated[tuple[StatePoint, ...], doc("Plans after; they replace all before")] = ()

    @property
    def about(self) -> tuple[str, str]:  # type: ignore[override]
        """The service, or the subscription where no service is named."""
        return ("service", "service_id") if self.service_id is not None else ("subscription", "subscription_id")


class ActionReferenceRecorded(Event, frozen=True, kw_only=True):
    """The caller's number of an accepted action, so that it is accepted once (ABS-12, WAL-14)."""

    subscription_id: SubscriptionId | None = None
    wallet_id: Annotated[str | None, doc("Wallet, of a top-up")] = None
    reference: Reference
    command_id: CommandId
    command_type: Annotated[str, doc("Name of the command")]
    body_digest: Annotated[str, doc("SHA-256 of the canonical body, hexadecimal")]

    @property
    def about(self) -> tuple[str, str]:  # type: ignore[override]
        """The subscription, or the wallet where no subscription is named."""
        if self.subscription_id is not None:
            return "subscription", "subscription_id"
        return "wallet", "wallet_id"


SubscriptionEvent = (
    SubscriptionCreated
    | SubscriptionStateChanged
    | SubscriptionServiceAdded
    | SubscriptionServiceStateChanged
    | ServiceSwapped
    | PlannedStatesChanged
    | ActionReferenceRecorded
)
