"""The rows of the warehouse's tables, one class a table. Fields are columns; `state/warehouse` describes them.

A row says what one record said and nothing else, so rows are only ever added, and a rebuild gives the same ones.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from processors.analytics.customer_data_rows import TABLE_OF_CUSTOMER_DATA, CustomerDataRow
from processors.analytics.order_rows import OUTCOME_ROWS as OUTCOME_ROWS_OF_ORDERS
from processors.analytics.order_rows import TABLE_OF_ORDERS, OrderRow
from processors.analytics.subscription_rows import (
    ComponentMoved,
    DistributorVersion,
    InstalledItemVersion,
    PlanVersion,
    ProvisioningRequest,
    ScheduledActionStep,
    ServiceAdded,
    ServiceStep,
    ServiceSwapStep,
    SubscriptionRow,
    SubscriptionStep,
    WalletEntry,
    WalletVersion,
)
from schemas.envelope import BusinessTransaction


class Origin(NamedTuple):
    """Where a record stands in its topic."""

    partition: int
    offset: int
    published_at: datetime
    """Kafka's timestamp of the record, UTC."""


def place(transaction: BusinessTransaction, origin: Origin, position: int) -> tuple[int, int, str, int, int]:
    """Return what every row of an event begins with."""
    return origin.partition, origin.offset, transaction.customer_id, transaction.sequence, position


class RawTransaction(NamedTuple):
    """A business transaction with its changes as JSON."""

    kafka_partition: int
    kafka_offset: int
    published_at: datetime
    customer_id: str
    sequence: int
    transaction_id: str
    command_id: str
    command_type: str
    source: str
    performed_by: str
    performed_at: datetime | None
    occurred_at: datetime
    recorded_at: datetime
    catalog_version: int
    rules_version: str
    cause_partition: int
    cause_offset: int
    cause_position: int
    previous_hash: str
    hash: str
    change_count: int
    unknown_events: int
    changes: str


class BillCycleStep(NamedTuple):
    """One event in the life of a bill cycle change."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    account_id: str
    change_id: str
    step: str
    occurred_at: datetime
    recorded_at: datetime
    source: str
    performed_by: str
    from_code: str | None = None
    to_code: str | None = None
    requested_at: datetime | None = None
    planned_for: date | None = None
    due_at: datetime | None = None
    executed_at: datetime | None = None
    trigger: str | None = None
    reason: str | None = None
    superseded_by: str | None = None
    codes: str | None = None


class BillingPeriodStep(NamedTuple):
    """One event in the life of a billing period."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    account_id: str
    number: int
    step: str
    occurred_at: datetime
    start: date | None
    end: date | None
    kind: str | None
    bill_cycle: str | None
    days: int | None
    of_days: int | None


class AccountStateStep(NamedTuple):
    """An account's first state, or a change of it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    account_id: str
    change_id: str | None
    from_state: str | None
    from_reason: str | None
    to_state: str
    reason: str
    cause: str | None
    effective_at: datetime
    effective_date: date
    root_account_id: str | None
    occurred_at: datetime
    source: str
    performed_by: str


class AccountVersion(NamedTuple):
    """An account as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    account_id: str
    valid_from: datetime
    external_id: str | None
    type: str
    roles: str
    segment: str | None
    state: str
    reason: str
    state_valid_from: datetime
    currency: str
    bill_cycle: str
    billing_day: int | None
    billing_month: int | None
    billing_year: int | None
    parent_account_id: str | None
    payment_responsible: bool
    test_account: bool
    account_profile: str | None
    custom_name: str | None
    custom_attributes: str
    tax_residence: str | None
    tax_exemption: str | None
    contact_first_name: str | None
    contact_last_name: str | None
    contact_email: str | None
    contact_phone: str | None
    address_street: str | None
    address_street_2: str | None
    address_city: str | None
    address_postal_code: str | None
    address_region: str | None
    address_country: str | None


class CustomerVersion(NamedTuple):
    """A customer as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    valid_from: datetime
    time_zone: str
    name: str | None
    custom_attributes: str
    erased: bool


class CommandOutcomeFact(NamedTuple):
    """The answer to one command record."""

    kafka_partition: int
    kafka_offset: int
    published_at: datetime
    customer_id: str
    command_id: str
    command_type: str
    source: str
    performed_by: str
    mode: str
    status: str
    changed: bool
    repeated: bool
    transaction_id: str | None
    sequence: int | None
    decided_at: datetime
    recorded_at: datetime
    catalog_version: int
    rules_version: str
    cause_partition: int
    cause_offset: int
    cause_position: int
    violation_count: int
    first_code: str | None
    violations: str


Row = (
    RawTransaction
    | BillCycleStep
    | BillingPeriodStep
    | AccountStateStep
    | AccountVersion
    | CustomerVersion
    | CommandOutcomeFact
    | SubscriptionRow
    | OrderRow
    | CustomerDataRow
)

TABLE_OF: dict[type[Row], str] = {
    RawTransaction: "raw_transaction",
    BillCycleStep: "log_bill_cycle_change",
    BillingPeriodStep: "log_billing_period",
    AccountStateStep: "log_account_state",
    AccountVersion: "log_account",
    CustomerVersion: "log_customer",
    CommandOutcomeFact: "fact_command_outcome",
    SubscriptionStep: "log_subscription_state",
    ServiceAdded: "log_service",
    ServiceStep: "log_service_state",
    PlanVersion: "log_service_plan",
    ServiceSwapStep: "log_service_swap",
    ComponentMoved: "fact_bundle_amendment",
    WalletEntry: "log_wallet_entry",
    WalletVersion: "log_wallet",
    ScheduledActionStep: "log_scheduled_action",
    ProvisioningRequest: "fact_provisioning_request",
    DistributorVersion: "log_distributor",
    InstalledItemVersion: "log_installed_item",
    **TABLE_OF_ORDERS,
    **TABLE_OF_CUSTOMER_DATA,
}
"""Row class -> the table that it belongs to."""

OUTCOME_TABLES = tuple(TABLE_OF[row] for row in (CommandOutcomeFact, *OUTCOME_ROWS_OF_ORDERS))
"""What is filled from the topic of outcomes; all others are from that of transactions."""
