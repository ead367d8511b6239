"""The rows of orders in flight: orders, their lines, updates of the billing system. One class a table, as in `rows`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple


class OrderVersion(NamedTuple):
    """An order as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    order_id: str
    valid_from: datetime
    revision: int
    state: str
    locked: bool
    locked_at: datetime | None
    locked_by: str | None
    lock_why: str | None
    split: bool
    split_number: int | None
    split_dimensions: str | None
    split_attribute: str | None
    account_sync: str
    payment_billing_profile_id: str | None
    submitted_at: datetime
    closed_at: datetime | None
    billing_updates: int
    compensates_order_id: str | None
    compensated_by_order_ids: str
    custom: str


class OrderGroupStep(NamedTuple):
    """A group came, or is in another state."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    place: int
    order_id: str
    group_id: str
    group_key: str | None
    state: str
    occurred_at: datetime


class OrderSplitFact(NamedTuple):
    """An order was split."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    order_id: str
    number: int
    dimensions: str
    attribute: str | None
    explicit: bool
    groups: int
    dissolved_groups: int
    lines_moved: int
    split_at: datetime
    split_by: str
    source: str


class OrderRevisionFact(NamedTuple):
    """An order has another revision."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    order_id: str
    revision: int
    previous_revision: int
    reason: str | None
    added: int
    changed: int
    cancelled: int
    unchanged: int
    past_soft_point: int
    occurred_at: datetime
    source: str
    performed_by: str


class OrderLineVersion(NamedTuple):
    """A line as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    order_id: str
    line_id: str
    valid_from: datetime
    action: str
    service_action: str
    service_catalog: str
    service_item: str
    product: str
    product_type: str | None
    features: str
    service_id: str | None
    subscription_id: str | None
    subscription_kind: str | None
    service_account_id: str | None
    billing_account_id: str | None
    customer_account_id: str | None
    owner_account_id: str | None
    external_accounts: str
    billing_type: str | None
    billing_profile_id: str | None
    billing_system: str | None
    amount: Decimal | None
    attributes: str
    state: str
    custom_state: str | None
    group_id: str | None
    version: int
    editable: bool
    provisioning: str
    customer_data_revision: int
    synchronized_revision: int | None
    locked_at: datetime | None
    locked_by: str | None
    lock_scope: str | None
    effective_at: datetime | None
    version_billed: int | None
    restores_service_id: str | None
    compensated_by_order_id: str | None
    compensated_by_line_id: str | None
    replaces_line_id: str | None
    revision_added: int
    cancelled_because: str | None


class OrderLineStep(NamedTuple):
    """One event in the life of a line."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    order_id: str
    line_id: str
    step: str
    occurred_at: datetime
    source: str
    performed_by: str
    past_soft_point: bool = False
    version: int | None = None
    cause: str | None = None
    changed_fields: str | None = None
    from_group_id: str | None = None
    to_group_id: str | None = None
    reference: str | None = None
    replaced_by_line_id: str | None = None


class BillingUpdateStep(NamedTuple):
    """An update brought lines to the billing system."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    order_id: str
    command_id: str
    command_type: str
    number: int
    scope: str
    group_id: str | None
    filters: str | None
    line_ids: str
    already_billed_line_ids: str
    services_added: int
    services_changed: int
    services_ended: int
    effective_at: datetime
    occurred_at: datetime
    source: str
    performed_by: str


class BillingUpdateAnswer(NamedTuple):
    """An update that was refused, or found all of its lines billed."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    command_id: str
    status: str
    order_id: str | None
    group_id: str | None
    line_id: str | None
    line_ids: str
    codes: str
    decided_at: datetime
    source: str
    performed_by: str


class OrderRefusal(NamedTuple):
    """A rule that refused a command about an order, its customer data or its payments."""

    kafka_partition: int
    kafka_offset: int
    place: int
    customer_id: str
    command_id: str
    command_type: str
    code: str
    rule: str
    order_id: str | None
    line_id: str | None
    decided_at: datetime
    source: str
    performed_by: str


OrderRow = (
    OrderVersion
    | OrderGroupStep
    | OrderSplitFact
    | OrderRevisionFact
    | OrderLineVersion
    | OrderLineStep
    | BillingUpdateStep
    | BillingUpdateAnswer
    | OrderRefusal
)

OUTCOME_ROWS = (BillingUpdateAnswer, OrderRefusal)
"""Those that come from outcomes; all others come from transactions."""

TABLE_OF_ORDERS: dict[type[Any], str] = {
    OrderVersion: "log_order",
    OrderGroupStep: "log_order_group",
    OrderSplitFact: "fact_order_split",
    OrderRevisionFact: "fact_order_revision",
    OrderLineVersion: "log_order_line",
    OrderLineStep: "log_order_line_step",
    BillingUpdateStep: "log_billing_system_update",
    BillingUpdateAnswer: "log_billing_system_update_refusal",
    OrderRefusal: "log_order_refusal",
}
