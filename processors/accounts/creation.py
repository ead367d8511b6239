"""CreateAccount: a new account, its defaults, and everything that may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from processors.accounts.evolution import evolve
from processors.accounts.moments import is_planned, is_too_far_back
from processors.accounts.tree import new_child_violations
from processors.bill_cycles.running import begin_periods
from processors.bill_cycles.settings import setting_violations
from processors.context import Context
from processors.decision import Decision, Refused
from processors.periods import local_day
from processors.references import find_account
from processors.view.customer import CustomerView
from schemas.accounts import AccountCreated, AccountState, AccountStateChangePlanned, CreateAccount, Role
from schemas.bill_cycles import BillCycleSetting
from schemas.catalog import AccountProfile, Catalog
from schemas.fields import Event
from schemas.refusals import Code, Violation, violation

INITIAL_STATES = (AccountState.INACTIVE, AccountState.ACTIVE)
NO_PROFILE = AccountProfile(profile="")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the new account is to be, once command, profile and catalog have spoken (ACC-2, ACC-16)."""

    account_id: str
    type: str | None
    segment: str | None
    currency: str | None
    bill_cycle: BillCycleSetting | None
    state: AccountState
    reason: str | None
    """None: the catalog has no reason for the state."""
    valid_from: datetime | None
    payment_responsible: bool


def create(customer: CustomerView, command: CreateAccount, context: Context) -> Decision:
    """Create an account; one that becomes ACTIVE gets its first billing period (ACC-1 .. ACC-16)."""
    code = command.account_profile
    profile = NO_PROFILE if code is None else context.catalog.profile(code)
    if profile is None:
        unknown = violation(Code.ACCOUNT_PROFILE_UNKNOWN, "ACC-1", "account_profile", account_profile=code)
        return Refused((unknown,))

    wanted = _wanted(command, profile, context)
    violations = (
        *_code_violations(wanted, context),
        *_state_violations(wanted, context),
        *_place_violations(customer, command, wanted, context),
        *_date_violations(wanted, context),
    )
    if violations:
        return Refused(violations)

    return _created(customer, command, wanted, context)


def _wanted(command: CreateAccount, profile: AccountProfile, context: Context) -> Wanted:
    """Fill in what the command leaves open. A profile's reason belongs to the profile's state."""
    given = command.state
    profile_state = profile.state or AccountState.ACTIVE
    state = given.state if given else profile_state
    reason = given.reason if given else None
    if reason is None and state is profile_state:
        reason = profile.reason
    account_type = profile.type if command.type is None else command.type
    segment = profile.segment if command.segment is None else command.segment
    responsible = profile.payment_responsible if command.payment_responsible is None else command.payment_responsible
    return Wanted(
        account_id=command.account_id or context.derived_id("account"),
        type=account_type,
        segment=segment,
        currency=profile.currency if command.currency is None else command.currency,
        bill_cycle=command.bill_cycle or profile.bill_cycle or _default_cycle(account_type, segment, context),
        state=state,
        reason=_default_reason(context.catalog, state) if reason is None else reason,
        valid_from=given.valid_from if given else None,
        payment_responsible=responsible is not False,
    )


def _default_reason(catalog: Catalog, state: AccountState) -> str | None:
    return next(iter(catalog.reasons(state)), None)


def _default_cycle(account_type: str | None, segment: str | None, context: Context) -> BillCycleSetting | None:
    """The first matching row of the catalog, by the local day of month on which the command counts (ACC-16)."""
    today = local_day(context.at, context.zone).day
    for row in context.catalog.default_bill_cycles:
        if (
            row.type in (None, account_type)
            and row.segment in (None, segment)
            and (row.from_day is None or row.from_day <= today)
            and (row.to_day is None or today <= row.to_day)
        ):
            return BillCycleSetting(code=row.bill_cycle)
    return None


def _code_violations(wanted: Wanted, context: Context) -> Iterator[Violation]:
    """Type, segment, currency and bill cycle against the catalog (ACC-3 .. ACC-6)."""
    catalog = context.catalog
    if wanted.type not in catalog.account_types:
        yield violation(Code.ACCOUNT_TYPE_UNKNOWN, "ACC-3", "type", type=wanted.type)
    if wanted.segment is not None and wanted.segment not in catalog.segments:
        yield violation(Code.SEGMENT_UNKNOWN, "ACC-4", "segment", segment=wanted.segment)
    if wanted.currency is None or catalog.currency(wanted.currency) is None:
        yield violation(Code.CURRENCY_UNKNOWN, "ACC-5", "currency", currency=wanted.currency)
    if wanted.bill_cycle is None:
        yield violation(Code.BILL_CYCLE_REQUIRED, "ACC-6", "bill_cycle", type=wanted.type, segment=wanted.segment)
    else:
        yield from setting_violations(wanted.bill_cycle, None, catalog, path="bill_cycle", account_id=wanted.account_id)


def _state_violations(wanted: Wanted, context: Context) -> Iterator[Violation]:
    """Reason and initial state (ACC-7, ACC-8). An account that waits for its activation needs a reason to wait."""
    waits = is_planned(wanted.valid_from, context) and _default_reason(context.catalog, AccountState.INACTIVE) is None
    allowed = wanted.state in INITIAL_STATES
    if (wanted.reason is not None or allowed) and wanted.reason not in context.catalog.reasons(wanted.state):
        yield violation(Code.STATE_REASON_UNKNOWN, "ACC-7", "state.reason", state=wanted.state, reason=wanted.reason)
    elif waits:
        yield violation(Code.STATE_REASON_UNKNOWN, "ACC-7", "state", state=AccountState.INACTIVE, reason=None)
    if not allowed:
        yield violation(Code.INITIAL_STATE_INVALID, "ACC-8", "state.state", state=wanted.state)


def _date_violations(wanted: Wanted, context: Context) -> Iterator[Violation]:
    """How far back an account may begin: as far as any other state (ACC-34), for its first period begins there too."""
    if wanted.valid_from is not None and is_too_far_back(wanted.valid_from, context):
        today = local_day(context.at, context.zone)
        yield violation(
            Code.VALID_FROM_IN_PAST,
            "ACC-34",
            "state.valid_from",
            valid_from=wanted.valid_from,
            today=today,
            account_id=wanted.account_id,
        )


def _place_violations(
    customer: CustomerView, command: CreateAccount, wanted: Wanted, context: Context
) -> Iterator[Violation]:
    """Ids that are taken, the parent, and how much there may be (ACC-9 .. ACC-13)."""
    if customer.account(wanted.account_id) is not None:
        yield violation(Code.ACCOUNT_ID_TAKEN, "ACC-9", "account_id", account_id=wanted.account_id)
    if command.external_id is not None:
        holder = customer.account_by_external_id(command.external_id)
        if holder is not None:
            yield violation(
                Code.EXTERNAL_ID_TAKEN,
                "ACC-10",
                "external_id",
                external_id=command.external_id,
                account_id=holder.account_id,
            )
    if command.parent is not None:
        yield from new_child_violations(customer, command.parent, wanted.currency, context)
    head = customer.head()
    reached, limit = (head.accounts if head else 0) + 1, context.catalog.switches.accounts_max
    if reached > limit:
        yield violation(Code.LIMIT_EXCEEDED, "ACC-13", limit_rule="ACCOUNTS", limit=limit, found=reached)


def _created(customer: CustomerView, command: CreateAccount, wanted: Wanted, context: Context) -> tuple[Event, ...]:
    assert wanted.type is not None
    assert wanted.currency is not None
    assert wanted.bill_cycle is not None
    assert wanted.reason is not None
    planned = is_planned(wanted.valid_from, context)
    since = context.at if planned or wanted.valid_from is None else wanted.valid_from
    waiting_reason = _default_reason(context.catalog, AccountState.INACTIVE) if planned else None
    parent = find_account(customer, command.parent) if command.parent else None
    created = AccountCreated(
        account_id=wanted.account_id,
        customer_id=context.customer_id,
        external_id=command.external_id,
        type=wanted.type,
        roles=tuple(Role) if command.roles is None else command.roles,
        segment=wanted.segment,
        bill_cycle=wanted.bill_cycle,
        bill_cycle_valid_from=local_day(since, context.zone),
        currency=wanted.currency,
        state=AccountState.INACTIVE if planned else wanted.state,
        reason=waiting_reason or wanted.reason,
        state_valid_from=since,
        payment_responsible=wanted.payment_responsible,
        test_account=command.test_account,
        parent_account_id=parent.account_id if parent else None,
        custom_name=command.custom_name,
        custom_attributes=command.custom_attributes or {},
        contact=command.contact,
        address=command.address,
        tax_residence=command.tax_residence,
        tax_exemption=command.tax_exemption,
        account_profile=command.account_profile,
    )
    account = evolve(None, created)
    if planned:
        return created, *_activation(created, wanted, context)
    if account.state is AccountState.ACTIVE:
        return created, *begin_periods(account, created.bill_cycle_valid_from, context)
    return (created,)


def _activation(created: AccountCreated, wanted: Wanted, context: Context) -> tuple[Event, ...]:
    """The plan of an initial state that lies in the future (ACC-15); none if waiting is all that is asked for."""
    assert wanted.reason is not None
    assert wanted.valid_from is not None
    if (wanted.state, wanted.reason) == (created.state, created.reason):
        return ()
    return (
        AccountStateChangePlanned(
            account_id=created.account_id,
            change_id=context.derived_id("state_change", created.account_id),
            from_=created.state,
            to=wanted.state,
            reason=wanted.reason,
            due_at=wanted.valid_from,
            include_subordinates=False,
        ),
    )
