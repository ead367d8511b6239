"""Events about a billing profile that several rules record."""

from __future__ import annotations

from schemas.billing_profiles import (
    BillingProfile,
    BillingProfileStateChanged,
    BillingProfileSwitchDropped,
    PlannedSwitch,
    ProfileCause,
    ProfileState,
)
from schemas.lineage import LineRef


def state_changed(
    profile: BillingProfile, state: ProfileState, cause: ProfileCause, line: LineRef | None = None
) -> BillingProfileStateChanged:
    """A profile is opened again, or stops paying. `line`: the order line because of which it does."""
    return BillingProfileStateChanged(
        billing_profile_id=profile.billing_profile_id,
        account_id=profile.account_id,
        old_state=profile.state,
        new_state=state,
        cause=cause,
        line=line,
    )


def switch_dropped(profile: BillingProfile, plan: PlannedSwitch, line: LineRef | None) -> BillingProfileSwitchDropped:
    """Its account changes its payer no more at its next period (HIE-13)."""
    return BillingProfileSwitchDropped(
        billing_profile_id=profile.billing_profile_id,
        account_id=profile.account_id,
        own_profile_id=plan.own_profile_id,
        to=plan.to,
        effective_at=plan.effective_at,
        line=line,
    )
