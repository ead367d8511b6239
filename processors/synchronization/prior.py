"""Prior values: filled from who pays now, compared with it, or what an assignment begins with (PVL-1 .. PVL-4)."""

from __future__ import annotations

import msgspec

from processors.synchronization.brought import Brought
from processors.synchronization.matrix import BILLING_ACCOUNT, BILLING_PROFILE, SERVICE_ACCOUNT
from processors.synchronization.work import Holding, Task, Work
from schemas.billing_profiles import ProfileState
from schemas.lineage import LineSync
from schemas.order_lines import OrderLine
from schemas.references import AccountRef
from schemas.refusals import Code, violation

Given = dict[str, str | None]


def given(brought: Brought, line: OrderLine, tracked: tuple[str, ...]) -> Given:
    """The prior values that the line names, as ids; null is a value."""
    if line.prior_values is None:
        return {}
    found: Given = {}
    for name in tracked:
        value = getattr(line.prior_values, name)
        if value is not msgspec.UNSET:
            found[name] = brought.value(value) if isinstance(value, AccountRef) else value
    return found


def compare(work: Work, brought: Brought, task: Task, given_values: Given, holding: Holding) -> None:
    """A prior value that differs from who pays now (PVL-2)."""
    for name, value in given_values.items():
        current = holding.values.get(name)
        if value != current:
            mismatch(work, brought, task, "PVL-2", (name, value, current))


def require(work: Work, task: Task, given_values: Given) -> None:
    """The vendor wants each changed attribute's prior value, known or not (PVL-1)."""
    missing = [name for name in task.changed if name not in given_values]
    if work.strict and missing:
        _required(work, task, "PVL-1", missing)


def compare_revised(work: Work, brought: Brought, task: Task, given_values: Given, base: LineSync) -> None:
    """A revision may repeat the asset's own value or name the last one (PVL-3)."""
    for name, value in given_values.items():
        known = base.before.get(name)
        applied = base.applied.get(name)
        if value != applied and (known is None or value != known.value):
            mismatch(work, brought, task, "PVL-3", (name, value, applied))


def beginning(work: Work, brought: Brought, task: Task, given_values: Given) -> Given | None:
    """The values that an assignment begins with; None where no prior value is given at all (PVL-1a, PVL-4)."""
    if not given_values:
        _required(work, task, "PVL-1a", list(task.wanted))
        return None
    values = {name: given_values.get(name, task.wanted[name]) for name in task.wanted}
    if BILLING_ACCOUNT in given_values and BILLING_PROFILE in values and BILLING_PROFILE not in given_values:
        values[BILLING_PROFILE] = _profile_of(work, values[SERVICE_ACCOUNT], values[BILLING_ACCOUNT])
    for name, value in given_values.items():
        if value is not None and not _is_there(work, name, value):
            mismatch(work, brought, task, "PVL-4", (name, value, None))
    _check_parent(work, brought, task, (given_values, values))
    return values


def _profile_of(work: Work, service_account: str | None, billing_account: str | None) -> str | None:
    """The profile that pays for an account under a payer today, else the payer's primary one (PVL-1a)."""
    if billing_account is None:
        return None
    theirs = {
        profile.billing_profile_id: profile for profile in work.view.profiles_of(billing_account) if profile.paying
    }
    if service_account is not None and service_account != billing_account:
        for profile in work.view.nonpaying_profiles(service_account):
            if profile.payer_profile_id in theirs and profile.state is ProfileState.ACTIVE:
                return profile.payer_profile_id
    return next((profile_id for profile_id, profile in theirs.items() if profile.primary), None)


def _is_there(work: Work, name: str, value: str) -> bool:
    found = work.view.billing_profile(value) if name == BILLING_PROFILE else work.view.account(value)
    return found is not None


def _check_parent(work: Work, brought: Brought, task: Task, said: tuple[Given, Given]) -> None:
    """A parent link must agree with the prior payer, where the account has one and no tree decides it (PVL-4)."""
    given_values, values = said
    payer, service_account = given_values.get(BILLING_ACCOUNT), values.get(SERVICE_ACCOUNT)
    if payer is None or service_account is None or payer == service_account or work.view.account(payer) is None:
        return
    account = work.view.account(service_account)
    parent = account.parent_account_id if account else None
    if parent is not None and parent != payer and work.view.corporate_of(service_account) is None:
        mismatch(work, brought, task, "PVL-4", (BILLING_ACCOUNT, payer, parent))


def mismatch(work: Work, brought: Brought, task: Task, rule: str, said: tuple[str, str | None, str | None]) -> None:
    """Note a prior value that is not so: `said` is the attribute, its value in the line and what is."""
    attribute, value, current = said
    ref = getattr(task.line.prior_values, attribute)
    found = violation(
        Code.PRIOR_VALUE_MISMATCH,
        rule,
        "order_id",
        line_id=task.line.line_id,
        attribute=attribute,
        given=brought.shown(ref) if isinstance(ref, AccountRef) else value,
        current=current,
    )
    work.refuse(task.place, found)


def _required(work: Work, task: Task, rule: str, attributes: list[str]) -> None:
    found = violation(Code.PRIOR_VALUES_REQUIRED, rule, "order_id", line_id=task.line.line_id, attributes=attributes)
    work.refuse(task.place, found)
