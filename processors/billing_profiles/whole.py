"""Who pays for all services of an account: a line that changes it remembers who did before (INV-OBA-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.billing_profiles import BillingProfile, SwitchTo
from schemas.lineage import CoveredBefore

if TYPE_CHECKING:
    from processors.synchronization.work import Task, Work


def remember(work: Work, task: Task, account_id: str) -> None:
    """A line that changes who pays for all services of an account remembers who did before it."""
    if task.is_cancelled or any(was.account_id == account_id for was in task.covered):
        return
    whole = (found for found in work.view.nonpaying_profiles(account_id) if is_whole(found))
    payer = next((found.payer_profile_id for found in whole), None)
    task.covered.append(CoveredBefore(account_id=account_id, payer_profile_id=payer))


def is_whole(profile: BillingProfile) -> bool:
    """Whether a profile covers all services of its account, and is to go on doing so."""
    return profile.covers is not None and profile.covers.all and not leaves(profile)


def leaves(profile: BillingProfile) -> bool:
    """Whether its account is to pay itself from the next period on (HIE-13)."""
    return profile.planned_switch is not None and profile.planned_switch.to is SwitchTo.OWN
