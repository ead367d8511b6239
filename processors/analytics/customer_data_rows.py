"""The rows of customer data that orders make, and of their payments. One class a table, as in `rows`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple


class LineSyncFact(NamedTuple):
    """What one synchronization did with one line."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    order_id: str
    line_id: str
    revision: int
    matrix_row: str | None
    original_action: str | None
    compensation_action: str | None
    service_id: str | None
    changed_attributes: str
    prior_values: str
    new_values: str
    kept: str
    kept_count: int
    ignored: bool
    skip_reason: str | None
    untracked_changes: str
    sync_state: str | None
    occurred_at: datetime
    source: str
    performed_by: str


class OrderObjectFact(NamedTuple):
    """An object came, stayed or went because of an order line."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    kind: str
    object_id: str
    order_id: str | None
    line_id: str | None
    happened: str
    reason: str | None
    needed_by_order_id: str | None
    needed_by_line_id: str | None
    occurred_at: datetime
    source: str
    performed_by: str


class AssignmentChangeFact(NamedTuple):
    """One attribute of a billing assignment has another value, or another line holds it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    place: int
    service_id: str
    step: str
    attribute: str
    old_value: str | None
    new_value: str | None
    old_set_by_order_id: str | None
    old_set_by_line_id: str | None
    set_by_order_id: str | None
    set_by_line_id: str | None
    set_by_revision: int | None
    cause: str | None
    effective_at: datetime
    source: str
    performed_by: str


class AssignmentVersion(NamedTuple):
    """A billing assignment as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    service_id: str
    valid_from: datetime
    product: str
    service_account_id: str | None
    billing_account_id: str | None
    billing_profile_id: str | None
    owner_account_id: str | None
    set_by: str
    state: str


class ProfileVersion(NamedTuple):
    """A billing profile as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    billing_profile_id: str
    valid_from: datetime
    account_id: str
    paying: bool
    payment_method_id: str | None
    payer_profile_id: str | None
    covers_all: bool
    covers: str
    frequency: str
    currency: str
    is_primary: bool
    state: str
    billing_systems: str
    billing_system_count: int
    switch_to: str | None
    switch_at: datetime | None
    own_profile_id: str | None
    made_by_order_id: str | None
    made_by_line_id: str | None
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


class PaymentMethodVersion(NamedTuple):
    """A payment method as a transaction left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    payment_method_id: str
    valid_from: datetime
    account_id: str
    kind: str
    state: str
    brand: str | None
    expiry: str | None
    last_four: str | None
    made_by_order_id: str | None
    made_by_line_id: str | None


class AccountLinkVersion(NamedTuple):
    """An account has another parent."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    child_account_id: str
    valid_from: datetime
    parent_account_id: str | None
    cause: str
    made_by_order_id: str | None
    made_by_line_id: str | None


class CollectionsMemberVersion(NamedTuple):
    """An account came into a collections group, or left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    collections_group_id: str
    member_account_id: str
    valid_from: datetime
    owner_account_id: str
    is_member: bool
    by_order_id: str | None
    by_line_id: str | None


class CorporateNodeVersion(NamedTuple):
    """An account came into a corporate tree, has another parent in it, or left it."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    corporate_account_id: str
    node_account_id: str
    valid_from: datetime
    parent_account_id: str | None
    is_node: bool
    by_order_id: str | None
    by_line_id: str | None


class PaymentStep(NamedTuple):
    """A payment was recorded, failed or was reversed."""

    kafka_partition: int
    kafka_offset: int
    customer_id: str
    sequence: int
    position: int
    payment_id: str
    order_id: str
    state: str
    billing_profile_id: str | None
    happened_at: datetime
    occurred_at: datetime
    source: str
    performed_by: str
    account_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    received_at: datetime | None = None
    failure_reason: str | None = None
    disposition: str | None = None
    reason: str | None = None


CustomerDataRow = (
    LineSyncFact
    | OrderObjectFact
    | AssignmentChangeFact
    | AssignmentVersion
    | ProfileVersion
    | PaymentMethodVersion
    | AccountLinkVersion
    | CollectionsMemberVersion
    | CorporateNodeVersion
    | PaymentStep
)

TABLE_OF_CUSTOMER_DATA: dict[type[Any], str] = {
    LineSyncFact: "fact_order_line_sync",
    OrderObjectFact: "fact_order_object",
    AssignmentChangeFact: "fact_billing_assignment_change",
    AssignmentVersion: "log_billing_assignment",
    ProfileVersion: "log_billing_profile",
    PaymentMethodVersion: "log_payment_method",
    AccountLinkVersion: "log_account_link",
    CollectionsMemberVersion: "log_collections_member",
    CorporateNodeVersion: "log_corporate_node",
    PaymentStep: "log_payment",
}
