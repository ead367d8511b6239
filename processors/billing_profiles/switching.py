"""Changes of payer that wait for an account's next billing period: executed with it, or dropped (HIE-13)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from processors.billing_profiles.events import state_changed, switch_dropped
from processors.billing_profiles.whole import leaves
from processors.periods import start_of_day
from schemas.accounts import Account
from schemas.billing_profiles import (
    BillingProfile,
    BillingProfileSwitched,
    PlannedSwitch,
    ProfileCause,
    ProfileState,
)
from schemas.fields import Event
from schemas.lineage import LineAction

if TYPE_CHECKING:
    from processors.billing_profiles.payers import Desk
    from processors.context import Context
    from processors.synchronization.work import Task, Work
    from processors.view.customer import CustomerView


def waits_for_period(task: Task, account: Account) -> bool:
    """Whether a change of payer waits for the next period: not for a new service, not where no period runs (HIE-13)."""
    return task.original is not LineAction.ADD and account.current_period is not None


def pays_itself(work: Work, desk: Desk, account: Account) -> bool:
    """Whether the account has a service that it pays for all the time: then nothing has to wait for its period (HIE-8).

    Services of the same order do not count: they come back together, in whatever portions (INV-OBA-10). Nor do those
    that a payer pays for until the period ends.
    """
    leaving = [profile.covers for profile in work.nonpaying(account.account_id) if leaves(profile)]
    own = desk.now(account.account_id).paid_by_account(account.account_id)
    return any(
        service not in work.services and not any(covers and (covers.all or covers.lists(service)) for covers in leaving)
        for service in own
    )


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


def drop_switches(customer: CustomerView, account_id: str) -> Iterator[Event]:
    """An account that is deactivated changes its payer no more (ACC-41); a profile that covers nothing is closed."""
    for profile, plan in _planned(customer, account_id):
        yield switch_dropped(profile, plan, plan.line)
        if leaves(profile):
            yield state_changed(profile, ProfileState.CLOSED, ProfileCause.COVERS_NOTHING)


def _planned(customer: CustomerView, account_id: str) -> list[tuple[BillingProfile, PlannedSwitch]]:
    found = customer.planned_switches(account_id)
    return [(profile, profile.planned_switch) for profile in found if profile.planned_switch is not None]
