"""Billing profiles and payment methods that lines need (CRE-9 .. CRE-13, SYS-1, UND-5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from processors.billing_profiles.events import state_changed
from processors.synchronization.brought import Brought
from processors.synchronization.demands import Demand, Demands
from processors.synchronization.work import Phase, Task, Work
from processors.view.rows.billing import PROFILE
from schemas.billing_profiles import (
    BillingProfile,
    BillingProfileCreated,
    BillingProfileSystemAdded,
    PaymentMethodCreated,
    PaymentMethodKind,
    PaymentMethodReopened,
    PaymentMethodState,
    ProfileCause,
    ProfileState,
)
from schemas.lineage import Used, UseKind
from schemas.refusals import Code, violation
from schemas.synchronization import PaymentMethodData, ProfileData

_PARTS = {
    PaymentMethodKind.CARD: ("token", "brand", "last_four", "expiry"),
    PaymentMethodKind.DIRECT_DEBIT: ("token", "last_four"),
    PaymentMethodKind.INVOICE: (),
}
"""What each kind of payment method must say of itself."""


def use_profiles(work: Work, brought: Brought, demands: Demands, tasks: Sequence[Task]) -> None:
    """Make, open again or complete every profile that lines name."""
    for profile_id, demand in demands.profiles.items():
        _provide(work, brought, profile_id, demand)
    for task in tasks:
        if not task.promotion:
            _check_use(work, brought, task)
    if work.context.catalog.switches.agent_assisted_billing_care:
        for profile_id, demand in demands.profiles.items():
            _check_systems(work, profile_id, demand, tasks)


def _check_use(work: Work, brought: Brought, task: Task) -> None:
    """The line's profile is one of its billing account, and pays (CRE-9, CRE-11, CRE-12)."""
    line = task.line
    profile_id = line.billing_profile
    assert profile_id is not None, "a line without a profile was stopped"
    task.use(UseKind.BILLING_PROFILE, profile_id)
    named = {"line_id": line.line_id, "billing_profile_id": profile_id}
    profile = work.view.billing_profile(profile_id)
    if profile is None:
        data = brought.profiles.get(profile_id)
        if data is None:
            missing = violation(Code.BILLING_PROFILE_DATA_MISSING, "CRE-9", "billing_profiles", **named)
            work.refuse(task.place, missing)
        elif brought.value(data.account) != brought.value(line.billing_account):
            work.refuse(task.place, violation(Code.PROFILE_NOT_ON_BILLING_ACCOUNT, "CRE-11", "order_id", **named))
        return
    if profile.payment_method_id is not None:
        task.use(UseKind.PAYMENT_METHOD, profile.payment_method_id)
    if profile.account_id != brought.value(line.billing_account):
        work.refuse(task.place, violation(Code.PROFILE_NOT_ON_BILLING_ACCOUNT, "CRE-11", "order_id", **named))
    if not profile.paying:
        work.refuse(task.place, violation(Code.PROFILE_NOT_PAYING, "CRE-11", "order_id", **named))
    if profile.state is not ProfileState.ACTIVE:
        inactive = violation(Code.PROFILE_NOT_ACTIVE, "CRE-12", "order_id", **named, state=profile.state)
        work.refuse(task.place, inactive)


def _provide(work: Work, brought: Brought, profile_id: str, demand: Demand) -> None:
    profile = work.view.billing_profile(profile_id)
    if profile is None:
        data = brought.profiles.get(profile_id)
        if data is not None:
            _create(work, brought, data, demand)
        return
    if profile.state is ProfileState.CLOSED and profile.closed_by is not None:
        _reopen(work, profile, demand)
    if not profile.paying or (profile.state is ProfileState.CLOSED and profile.closed_by is None):
        return
    added = tuple(system for system in demand.systems if system not in profile.billing_systems)
    if added:
        known = BillingProfileSystemAdded(
            billing_profile_id=profile_id,
            added=added,
            billing_systems=(*profile.billing_systems, *added),
            lineage=demand.task.lineage,
        )
        work.record(Phase.PROFILES, known)
        for nonpaying in work.view.paid_by(profile_id):
            _add_systems(work, nonpaying, demand)


def _add_systems(work: Work, nonpaying: BillingProfile, demand: Demand) -> None:
    """A nonpaying profile is known wherever its payer's is (HIE-11), however the lines come (SYN-9)."""
    added = tuple(system for system in demand.systems if system not in nonpaying.billing_systems)
    if added:
        known = BillingProfileSystemAdded(
            billing_profile_id=nonpaying.billing_profile_id,
            added=added,
            billing_systems=(*nonpaying.billing_systems, *added),
            lineage=demand.task.lineage,
        )
        work.record(Phase.PROFILES, known)


def _reopen(work: Work, profile: BillingProfile, demand: Demand) -> None:
    """A profile that was closed unused is opened again, its payment method too (UND-5)."""
    task = demand.task
    _check_others(work, task, profile.account_id, profile, "billing_profiles")
    if profile.payment_method_id is not None:
        _reopen_method(work, profile.payment_method_id, task)
    reopened = state_changed(profile, ProfileState.ACTIVE, ProfileCause.REOPENED, task.ref)
    work.record(Phase.PROFILES, reopened)
    task.created.append(Used(kind=UseKind.BILLING_PROFILE, id=profile.billing_profile_id))


def _reopen_method(work: Work, method_id: str, task: Task) -> None:
    method = work.view.payment_method(method_id)
    if method is None or method.state is PaymentMethodState.ACTIVE:
        return
    reopened = PaymentMethodReopened(
        payment_method_id=method_id, line=task.ref, old_state=method.state, new_state=PaymentMethodState.ACTIVE
    )
    work.record(Phase.METHODS, reopened)
    task.created.append(Used(kind=UseKind.PAYMENT_METHOD, id=method_id))


# -- new profiles


def _create(work: Work, brought: Brought, data: ProfileData, demand: Demand) -> None:
    """A new paying profile on its account (CRE-9, CRE-10, CRE-13).

    What the draft refuses is made there all the same, so that the rest of it can be judged too: a profile that lacks a
    part, and one on an account that may not be made. Only a currency that nobody knows leaves it out.
    """
    task = demand.task
    path = f"billing_profiles.{list(brought.profiles).index(data.billing_profile_id)}"
    for field in _missing(data):
        incomplete = violation(
            Code.BILLING_PROFILE_INCOMPLETE,
            "CRE-9",
            f"{path}.{field}",
            billing_profile_id=data.billing_profile_id,
            field=field,
        )
        work.refuse(task.place, incomplete)
    account_id = brought.value(data.account)
    expected = brought.currency_of(account_id)
    _check_others(work, task, account_id, data, path)
    currency = data.currency or expected
    if currency is None:
        return
    if expected not in (None, currency):
        mismatch = violation(
            Code.CURRENCY_MISMATCH,
            "CRE-13",
            f"{path}.currency",
            of="ACCOUNT",
            given=currency,
            expected=expected,
        )
        work.refuse(task.place, mismatch)
    method = data.payment_method
    created = BillingProfileCreated(
        billing_profile_id=data.billing_profile_id,
        account_id=account_id,
        paying=True,
        payment_method_id=None if method is None else _provide_method(work, data, method, account_id, task),
        frequency=data.frequency,
        currency=currency,
        primary=data.primary or not (work.view.had_profile(account_id) or _is_claimed(brought, data)),
        contact=data.contact,
        address=data.address,
        billing_systems=tuple(demand.systems),
        lineage=task.lineage,
    )
    work.record(Phase.PROFILES, created)
    task.created.append(Used(kind=UseKind.BILLING_PROFILE, id=data.billing_profile_id))


def _is_claimed(brought: Brought, data: ProfileData) -> bool:
    """Whether other data of the command says which profile of the account is its primary one (CRE-10a)."""
    account_id = brought.value(data.account)
    named = (other for found, other in brought.profiles.items() if ("BILLING_PROFILE", found) in brought.used)
    return any(other.primary and brought.value(other.account) == account_id for other in named)


def _missing(data: ProfileData) -> Iterator[str]:
    for field in ("contact", "address", "payment_method"):
        if getattr(data, field) is None:
            yield field
    method = data.payment_method
    if method is not None:
        yield from (f"payment_method.{part}" for part in _PARTS[method.kind] if not getattr(method, part))


def _check_others(  # an account, its new profile, and where the command says it
    work: Work, task: Task, account_id: str, data: ProfileData | BillingProfile, path: str
) -> None:
    """One frequency and one primary profile per account (CRE-10, CRE-10a)."""
    others = [profile for profile in work.view.profiles_of(account_id) if profile.paying]
    differing = next((profile for profile in others if profile.frequency is not data.frequency), None)
    if differing is not None:
        mismatch = violation(
            Code.PROFILE_FREQUENCY_MISMATCH,
            "CRE-10",
            f"{path}.frequency",
            billing_profile_id=data.billing_profile_id,
            given=data.frequency,
            existing=differing.frequency,
        )
        work.refuse(task.place, mismatch)
    if data.primary and any(profile.primary for profile in others):
        second = violation(
            Code.PRIMARY_PROFILE_EXISTS,
            "CRE-10a",
            f"{path}.primary",
            account_id=account_id,
            billing_profile_id=data.billing_profile_id,
        )
        work.refuse(task.place, second)


def _provide_method(work: Work, data: ProfileData, method: PaymentMethodData, account_id: str, task: Task) -> str:
    method_id = method.payment_method_id or work.context.derived_id("payment_method", data.billing_profile_id)
    if work.view.payment_method(method_id) is not None:
        _reopen_method(work, method_id, task)
        return method_id
    created = PaymentMethodCreated(
        payment_method_id=method_id,
        account_id=account_id,
        kind=method.kind,
        token=method.token,
        brand=method.brand,
        last_four=method.last_four,
        expiry=method.expiry,
        lineage=task.lineage,
    )
    work.record(Phase.METHODS, created)
    task.created.append(Used(kind=UseKind.PAYMENT_METHOD, id=method_id))
    return method_id


def _check_systems(work: Work, profile_id: str, demand: Demand, tasks: Sequence[Task]) -> None:
    """One profile, one billing system, where agents care for bills (SYS-1)."""
    profile = work.view.billing_profile(profile_id)
    systems = profile.billing_systems if profile is not None else tuple(demand.systems)
    if len(systems) <= 1:
        return
    concerned = {task.line.line_id for task in tasks if task.line.billing_profile == profile_id}
    concerned |= {line.line_id for line in work.view.lines_naming(PROFILE + profile_id)}
    here = [line_id for line_id in work.order.line_ids if line_id in concerned]
    multiple = violation(
        Code.PROFILE_IN_MULTIPLE_BILLING_SYSTEMS,
        "SYS-1",
        "order_id",
        billing_profile_id=profile_id,
        systems=list(systems),
        line_ids=[*here, *sorted(concerned.difference(here))],
    )
    work.refuse(demand.task.place, multiple)
