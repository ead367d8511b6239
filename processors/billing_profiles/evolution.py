"""How billing profiles, payment methods and billing assignments evolve."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from schemas.billing_profiles import (
    AssignmentEvent,
    AssignmentState,
    BillingAssignment,
    BillingAssignmentChanged,
    BillingAssignmentEnded,
    BillingAssignmentStarted,
    BillingProfile,
    BillingProfileCreated,
    BillingProfileHierarchyChanged,
    BillingProfileStateChanged,
    BillingProfileSwitchDropped,
    BillingProfileSwitched,
    BillingProfileSwitchPlanned,
    BillingProfileSystemAdded,
    MethodEvent,
    PaymentMethod,
    PaymentMethodClosed,
    PaymentMethodCreated,
    PaymentMethodReopened,
    PlannedSwitch,
    ProfileCause,
    ProfileEvent,
    ProfileState,
    SwitchTo,
)


def evolve_profile(profile: BillingProfile | None, event: ProfileEvent) -> BillingProfile:
    """The billing profile after the event."""
    if isinstance(event, BillingProfileCreated):
        assert profile is None, "a billing profile is created once"
        return _created(event)
    assert profile is not None, "only BillingProfileCreated makes a billing profile"
    match event:
        case BillingProfileSystemAdded():
            return replace(profile, billing_systems=event.billing_systems)
        case BillingProfileHierarchyChanged():
            return replace(
                profile,
                payer_profile_id=event.new.payer_profile_id,
                covers=event.new.covers,
                currency=event.new.currency,
                frequency=event.new.frequency,
                billing_systems=event.billing_systems,
                lineage=event.lineage,
            )
        case BillingProfileStateChanged():
            unused = event.new_state is ProfileState.CLOSED and event.cause is ProfileCause.ORDER_LINE_CANCELLED
            return replace(profile, state=event.new_state, closed_by=event.line if unused else None)
        case BillingProfileSwitchPlanned():
            plan = PlannedSwitch(
                to=event.to, effective_at=event.effective_at, own_profile_id=event.own_profile_id, line=event.line
            )
            return replace(profile, planned_switch=plan)
        case BillingProfileSwitchDropped():
            return replace(profile, planned_switch=None)
        case BillingProfileSwitched():
            state = ProfileState.ACTIVE if event.to is SwitchTo.PAYER else ProfileState.CLOSED
            return replace(profile, planned_switch=None, state=state)
        case _:
            assert_never(event)


def _created(event: BillingProfileCreated) -> BillingProfile:
    return BillingProfile(
        billing_profile_id=event.billing_profile_id,
        account_id=event.account_id,
        paying=event.paying,
        payment_method_id=event.payment_method_id,
        payer_profile_id=event.payer_profile_id,
        covers=event.covers,
        frequency=event.frequency,
        currency=event.currency,
        primary=event.primary,
        contact=event.contact,
        address=event.address,
        billing_systems=event.billing_systems,
        state=event.state,
        lineage=event.lineage,
    )


def evolve_method(method: PaymentMethod | None, event: MethodEvent) -> PaymentMethod:
    """The payment method after the event."""
    if isinstance(event, PaymentMethodCreated):
        assert method is None, "a payment method is created once"
        return PaymentMethod(
            payment_method_id=event.payment_method_id,
            account_id=event.account_id,
            kind=event.kind,
            token=event.token,
            brand=event.brand,
            last_four=event.last_four,
            expiry=event.expiry,
            lineage=event.lineage,
        )
    assert method is not None, "only PaymentMethodCreated makes a payment method"
    match event:
        case PaymentMethodClosed() | PaymentMethodReopened():
            return replace(method, state=event.new_state)
        case _:
            assert_never(event)


def evolve_assignment(assignment: BillingAssignment | None, event: AssignmentEvent) -> BillingAssignment:
    """The billing assignment after the event. One that has ended may start again."""
    if isinstance(event, BillingAssignmentStarted):
        assert assignment is None or assignment.state is AssignmentState.ENDED, "a service has one assignment"
        return BillingAssignment(
            service_id=event.service_id,
            product_id=event.product_id,
            values=event.values,
            set_by=event.set_by,
            since=event.at,
            known_before=not any(event.set_by.values()),
        )
    assert assignment is not None, "only BillingAssignmentStarted makes a billing assignment"
    match event:
        case BillingAssignmentChanged():
            return replace(
                assignment,
                values=assignment.values | {change.attribute: change.new for change in event.changes},
                set_by=assignment.set_by | {change.attribute: change.new_set_by for change in event.changes},
                since=event.at,
            )
        case BillingAssignmentEnded():
            return replace(assignment, state=AssignmentState.ENDED, since=event.at)
        case _:
            assert_never(event)
