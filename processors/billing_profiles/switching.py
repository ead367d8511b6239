"""Changes of payer that wait for an account's next billing period: executed with it, or dropped (HIE-13)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from processors.periods import start_of_day
from schemas.billing_profiles import BillingProfile, BillingProfileSwitchDropped, BillingProfileSwitched, PlannedSwitch

if TYPE_CHECKING:
    from processors.context import Context
    from processors.view.customer import CustomerView


def period_started(
    customer: CustomerView, account_id: str, day: date, context: Context
) -> tuple[BillingProfileSwitched, ...]:
    """What an account planned for its next period, which begins on `day`."""
    return tuple(
        BillingProfileSwitched(
            billing_profile_id=profile.billing_profile_id,
            account_id=account_id,
            own_profile_id=plan.own_profile_id,
            to=plan.to,
            effective_at=start_of_day(day, context.zone),
            line=plan.line,
        )
        for profile, plan in _planned(customer, account_id)
    )


def drop_switches(customer: CustomerView, account_id: str) -> tuple[BillingProfileSwitchDropped, ...]:
    """An account that is deactivated changes its payer no more (ACC-41)."""
    return tuple(
        BillingProfileSwitchDropped(
            billing_profile_id=profile.billing_profile_id,
            account_id=account_id,
            own_profile_id=plan.own_profile_id,
            to=plan.to,
            effective_at=plan.effective_at,
            line=plan.line,
        )
        for profile, plan in _planned(customer, account_id)
    )


def _planned(customer: CustomerView, account_id: str) -> list[tuple[BillingProfile, PlannedSwitch]]:
    found = customer.planned_switches(account_id)
    return [(profile, profile.planned_switch) for profile in found if profile.planned_switch is not None]
