"""Rows of who pays for what: assignments, profiles and payment methods. Personal data is copied as it came: sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

import msgspec

from processors.analytics.accounts import address_columns, contact_columns
from processors.analytics.customer_data_rows import (
    AssignmentChangeFact,
    AssignmentVersion,
    PaymentMethodVersion,
    ProfileVersion,
)
from processors.analytics.rows import Origin, place
from schemas.billing_profiles import (
    AssignmentChange,
    AssignmentEvent,
    BillingAssignment,
    BillingAssignmentChanged,
    BillingAssignmentEnded,
    BillingAssignmentStarted,
    BillingProfile,
    PaymentMethod,
)
from schemas.envelope import BusinessTransaction
from schemas.lineage import SetBy

_json = msgspec.json.Encoder(order="deterministic")

ATTRIBUTES = ("service_account", "billing_account", "billing_profile", "owner_account")


def assignment_changes(
    transaction: BusinessTransaction, origin: Origin, position: int, event: AssignmentEvent
) -> Iterator[AssignmentChangeFact]:
    """Give a row for each attribute that has a value where it had none, another one, or none any more."""
    match event:
        case BillingAssignmentStarted():
            step, cause = "STARTED", None
            changes = _begun(event.values, event.set_by)
        case BillingAssignmentChanged():
            step, cause = "CHANGED", event.cause.value
            changes = list(event.changes)
        case BillingAssignmentEnded():
            step, cause = "ENDED", None
            changes = [AssignmentChange(attribute=name, old=value) for name, value in sorted(event.values.items())]
        case _:
            assert_never(event)
    for number, change in enumerate(changes):
        before, after = change.old_set_by, change.new_set_by
        yield AssignmentChangeFact(
            *place(transaction, origin, position),
            number,
            event.service_id,
            step,
            change.attribute,
            change.old,
            change.new,
            before.order_id if before else None,
            before.line_id if before else None,
            after.order_id if after else None,
            after.line_id if after else None,
            after.revision if after else None,
            cause,
            event.at,
            transaction.source,
            transaction.performed_by,
        )


def assignment_version(
    transaction: BusinessTransaction, origin: Origin, assignment: BillingAssignment
) -> AssignmentVersion:
    """Return a billing assignment as the transaction left it."""
    values = assignment.values
    return AssignmentVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        assignment.service_id,
        transaction.occurred_at,
        assignment.product_id,
        values.get("service_account"),
        values.get("billing_account"),
        values.get("billing_profile"),
        values.get("owner_account"),
        _text(assignment.set_by),
        assignment.state.value,
    )


def profile_version(transaction: BusinessTransaction, origin: Origin, profile: BillingProfile) -> ProfileVersion:
    """Return a billing profile as the transaction left it."""
    covers, planned, made_by = profile.covers, profile.planned_switch, profile.lineage
    return ProfileVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        profile.billing_profile_id,
        transaction.occurred_at,
        profile.account_id,
        profile.paying,
        profile.payment_method_id,
        profile.payer_profile_id,
        covers is not None and covers.all,
        _text(covers.services if covers else ()),
        profile.frequency.value,
        profile.currency,
        profile.primary,
        profile.state.value,
        _text(profile.billing_systems),
        len(profile.billing_systems),
        planned.to.value if planned else None,
        planned.effective_at if planned else None,
        planned.own_profile_id if planned else None,
        made_by.order_id if made_by else None,
        made_by.line_id if made_by else None,
        *contact_columns(profile.contact),
        *address_columns(profile.address),
    )


def method_version(transaction: BusinessTransaction, origin: Origin, method: PaymentMethod) -> PaymentMethodVersion:
    """Return a payment method as the transaction left it."""
    made_by = method.lineage
    return PaymentMethodVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        method.payment_method_id,
        transaction.occurred_at,
        method.account_id,
        method.kind.value,
        method.state.value,
        method.brand,
        method.expiry,
        method.last_four,
        made_by.order_id if made_by else None,
        made_by.line_id if made_by else None,
    )


def _begun(values: Mapping[str, str | None], set_by: Mapping[str, SetBy | None]) -> list[AssignmentChange]:
    """The first values, in the order of the rule book."""
    return [
        AssignmentChange(attribute=name, new=values[name], new_set_by=set_by.get(name))
        for name in ATTRIBUTES
        if name in values
    ]


def _text(value: object) -> str:
    return _json.encode(value).decode()
