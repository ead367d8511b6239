"""A profile that stops paying takes those along whose services it paid (HIE-10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from processors.billing_profiles.events import state_changed, switch_dropped
from schemas.accounts import AccountState
from schemas.billing_profiles import ProfileCause, ProfileState
from schemas.fields import Event
from schemas.lineage import LineRef

if TYPE_CHECKING:
    from processors.view.customer import CustomerView


def follow_payer(
    customer: CustomerView, payer_profile_id: str, state: ProfileState, line: LineRef | None = None
) -> tuple[Event, ...]:
    """The events of the nonpaying profiles of a payer that becomes INACTIVE or CLOSED.

    A child's own paying profile stays as it is.
    """
    return tuple(_followed(customer, payer_profile_id, state, line))


def paid_children(customer: CustomerView, account_id: str) -> tuple[str, ...]:
    """Live accounts of which a profile of this account pays something, by account_id (ACC-39)."""
    paid = {
        profile.account_id
        for own in customer.profiles_of(account_id)
        for profile in customer.paid_by(own.billing_profile_id)
    }
    children = (customer.account(found) for found in sorted(paid - {account_id}))
    return tuple(
        child.account_id for child in children if child is not None and child.state is not AccountState.DEACTIVATED
    )


def _followed(
    customer: CustomerView, payer_profile_id: str, state: ProfileState, line: LineRef | None
) -> Iterator[Event]:
    for profile in customer.paid_by(payer_profile_id):
        if profile.state in (state, ProfileState.CLOSED):
            continue
        plan = profile.planned_switch
        if plan is not None and state is ProfileState.CLOSED:
            yield switch_dropped(profile, plan, line)
        yield state_changed(profile, state, ProfileCause.PAYER_CLOSED, line)
