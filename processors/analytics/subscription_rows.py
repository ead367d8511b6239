"""The rows of subscriptions, wallets, scheduled actions and provisioning, one class a table, as in `rows`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple


class SubscriptionStep(NamedTuple):
    """A subscription's first state, or a change of it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    subscription_id: str
    action: str | None
    old_state: str | None
    new_state: str
    effective_at: datetime
    cause: str | None
    action_id: str | None
    reason: str | None
    action_type: str | None
    sub_action_type: str | None
    occurred_at: datetime
    source: str
    performed_by: str
    account_id: str | None = None
    kind: str | None = None
    subscription_type: str | None = None
    definition: str | None = None
    wallet_id: str | None = None


class ServiceAdded(NamedTuple):
    """A service, with what never changes about it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    subscription_id: str
    service_id: str
    number: int
    product: str
    product_type: str | None
    family: str | None
    composition: str
    tier: int
    bundle_service_id: str | None
    added_at: datetime
    provider: str | None
    order_id: str | None
    line_id: str | None
    restores_service_id: str | None
    swapped_from_service_id: str | None


class ServiceStep(NamedTuple):
    """A state that a service came to, in fact."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    point: int
    subscription_id: str
    service_id: str
    old_state: str | None
    new_state: str
    effective_at: datetime
    cause: str | None
    action_id: str | None
    reason: str | None
    occurred_at: datetime
    source: str
    performed_by: str


class PlanVersion(NamedTuple):
    """What was planned for a service, or for the subscription itself, after a transaction."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    subscription_id: str
    service_id: str | None
    plans: str


class ServiceSwapStep(NamedTuple):
    """A service gave its place to another one."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    subscription_id: str
    from_service_id: str
    to_service_id: str
    from_product: str
    to_product: str
    swap_class: str
    effective_at: datetime
    removed_components: int
    action_type: str | None
    sub_action_type: str | None
    occurred_at: datetime
    performed_by: str


class ComponentMoved(NamedTuple):
    """A component that an amendment brought or took away."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    place: int
    subscription_id: str
    bundle_service_id: str
    bundle_product: str
    service_id: str
    product: str
    direction: str
    effective_at: datetime
    charged_amount: Decimal | None
    currency: str | None
    action_id: str | None
    action_type: str | None
    sub_action_type: str | None
    occurred_at: datetime
    performed_by: str


class WalletEntry(NamedTuple):
    """One entry of a wallet's ledger."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    wallet_id: str
    subscription_id: str
    entry_number: int
    kind: str
    amount: Decimal
    currency: str
    balance_before: Decimal
    balance_after: Decimal
    effective_at: datetime
    occurred_at: datetime
    source: str
    performed_by: str
    service_id: str | None = None
    product: str | None = None
    period_start: date | None = None
    action_id: str | None = None
    refunds_entry_number: int | None = None
    reference: str | None = None
    reason: str | None = None


class WalletVersion(NamedTuple):
    """A wallet as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    wallet_id: str
    subscription_id: str
    currency: str
    balance: Decimal
    entry_number: int


class ScheduledActionStep(NamedTuple):
    """One event in the life of a scheduled action."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    subscription_id: str
    action_id: str
    step: str
    occurred_at: datetime
    recorded_at: datetime
    source: str
    performed_by: str
    due: datetime | None = None
    number: int | None = None
    command_type: str | None = None
    target_service_ids: str | None = None
    origin: str | None = None
    parent_action_id: str | None = None
    submitted_at: datetime | None = None
    old_due: datetime | None = None
    ended_at: datetime | None = None
    cause: str | None = None
    cause_action_id: str | None = None
    reason: str | None = None
    codes: str | None = None
    violations: str | None = None


class ProvisioningRequest(NamedTuple):
    """What a network was asked for."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    subscription_id: str
    distributor_id: str
    provider: str
    service_id: str
    product: str
    desired_state: str
    version: int
    requested_at: datetime


class DistributorVersion(NamedTuple):
    """A distributor as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    distributor_id: str
    valid_from: datetime
    subscription_id: str
    number: int
    provider: str
    removed: bool


class InstalledItemVersion(NamedTuple):
    """An installed item as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    item_id: str
    valid_from: datetime
    subscription_id: str
    number: int
    product: str
    ownership: str
    serial_number: str | None
    provider: str | None
    distributor_id: str | None


SubscriptionRow = (
    SubscriptionStep
    | ServiceAdded
    | ServiceStep
    | PlanVersion
    | ServiceSwapStep
    | ComponentMoved
    | WalletEntry
    | WalletVersion
    | ScheduledActionStep
    | ProvisioningRequest
    | DistributorVersion
    | InstalledItemVersion
)
