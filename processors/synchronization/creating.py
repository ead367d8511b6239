"""What is missing is made, what is there is not touched: accounts (CRE-1 .. CRE-8a, CRE-12, CRE-16, UND-5)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from processors.accounts.creation import create
from processors.bill_cycles.running import begin_periods
from processors.decision import Accepted, Refused
from processors.periods import local_day
from processors.synchronization.brought import Brought
from processors.synchronization.demands import Demand, Demands, named
from processors.synchronization.work import Phase, Task, Work
from schemas.accounts import Account, AccountCreated, AccountState, CreateAccount, Role
from schemas.fields import Event
from schemas.hierarchies import AccountBillingSystemAdded, AccountReopened
from schemas.lineage import Used, UseKind
from schemas.refusals import Code, violation
from schemas.synchronization import AccountData

_COPIED = tuple(field for field in AccountData.__struct_fields__ if field not in {"account_id", "roles"})


def check_lines(work: Work, brought: Brought, tasks: Sequence[Task]) -> list[Task]:
    """What the lines themselves lack (CRE-8, CRE-8a, CRE-16). Answers those whose check goes on."""
    going_on = []
    for task in tasks:
        line = task.line
        if not task.promotion and line.billing_profile is None:
            missing = violation(
                Code.LINE_ATTRIBUTE_MISSING, "CRE-8", "order_id", line_id=line.line_id, field="billing_profile"
            )
            work.refuse(task.place, missing)
            task.stopped = True
            continue
        going_on.append(task)
        _check_price_list(work, task)
        _check_data(work, brought, task)
    return going_on


def _check_price_list(work: Work, task: Task) -> None:
    catalog = work.context.catalog
    system = task.line.billing_system or catalog.switches.default_billing_system
    given = task.line.attributes.get("price_list")
    known = (entry.price_list for entry in catalog.billing_systems if entry.billing_system == system)
    expected = next(known, None)
    if given is not None and expected is not None and given != expected:
        mismatch = violation(
            Code.PRICE_LIST_MISMATCH,
            "CRE-8a",
            "order_id",
            line_id=task.line.line_id,
            given=given,
            expected=expected,
        )
        work.refuse(task.place, mismatch)


ROLE_ORDER = ("service_account", "billing_account", "customer_account", "owner_account")


def _check_data(work: Work, brought: Brought, task: Task) -> None:
    """Each account that the line names is there, or its data is; one that stands in two fields is told once."""
    told = []
    unknown = {found.role: found.ref for found in named(work, brought, task) if found.account_id is None}
    for role in ROLE_ORDER:
        ref = unknown.get(role)
        if ref is None or ref in told:
            continue
        told.append(ref)
        missing = violation(
            Code.ACCOUNT_DATA_MISSING,
            "CRE-16",
            "accounts",
            line_id=task.line.line_id,
            role=role,
            account=brought.shown(ref),
        )
        work.refuse(task.place, missing)


def use_accounts(work: Work, brought: Brought, demands: Demands, tasks: Sequence[Task]) -> None:
    """Make, open again or complete every account that lines name, in the order of CRE-15."""
    for account_id, demand in demands.accounts.items():
        provide_account(work, brought, account_id, demand)
    for task in tasks:
        for found in named(work, brought, task):
            if found.account_id is not None:
                task.use(UseKind.ACCOUNT, found.account_id)


def provide_account(work: Work, brought: Brought, account_id: str, demand: Demand) -> None:
    """See that an account is there and known to the billing systems of the lines that need it."""
    account = work.view.account(account_id)
    if account is None:
        _create(work, brought, account_id, demand)
        return
    if account.state is AccountState.DEACTIVATED:
        if account.closed_by is None:
            ended = violation(Code.ACCOUNT_DEACTIVATED, "CRE-12", "order_id", account_id=account_id)
            work.refuse(demand.task.place, ended)
        else:
            _reopen(work, account, demand)
        return
    added = tuple(system for system in demand.systems if system not in account.billing_systems)
    if added:
        known = AccountBillingSystemAdded(
            account_id=account_id,
            added=added,
            billing_systems=(*account.billing_systems, *added),
            lineage=demand.task.lineage,
        )
        work.record(Phase.ACCOUNTS, known)


def _create(work: Work, brought: Brought, account_id: str, demand: Demand) -> None:
    data = brought.accounts[account_id]
    task, path = demand.task, f"accounts.{brought.places[account_id]}"
    needed = tuple(role for role in Role if role in demand.roles)
    command = CreateAccount(
        account_id=account_id,
        roles=data.roles or needed or None,
        **{field: getattr(data, field) for field in _COPIED},
    )
    decision = create(work.view, command, work.context)
    if isinstance(decision, Refused):
        for broken in decision.violations:
            at = path if broken.path is None else f"{path}.{broken.path}"
            work.refuse(task.place, msgspec.structs.replace(broken, path=at), row="CRE-7")
    if data.roles is not None and not set(needed) <= set(data.roles):
        invalid = violation(
            Code.ACCOUNT_CLASS_INVALID,
            "CRE-7",
            f"{path}.roles",
            account=account_id,
            roles=list(data.roles),
            needed=list(needed),
        )
        work.refuse(task.place, invalid)
    if data.contact is None or not data.contact.last_name:
        missing = violation(Code.PRIMARY_CONTACT_MISSING, "CRE-7a", f"{path}.contact", account=account_id)
        work.refuse(task.place, missing)
    if data.address is None:
        missing = violation(Code.PRIMARY_ADDRESS_MISSING, "CRE-7a", f"{path}.address", account=account_id)
        work.refuse(task.place, missing)
    if isinstance(decision, Refused):
        return
    events = decision.events if isinstance(decision, Accepted) else decision
    work.record(Phase.ACCOUNTS, *(_made(event, demand) for event in events))
    work.made.add(account_id)
    task.created.append(Used(kind=UseKind.ACCOUNT, id=account_id))


def _made(event: Event, demand: Demand) -> Event:
    if not isinstance(event, AccountCreated):
        return event
    return msgspec.structs.replace(event, created_by=demand.task.lineage, billing_systems=tuple(demand.systems))


def _reopen(work: Work, account: Account, demand: Demand) -> None:
    """An account that was closed unused is opened again, with all that it had (UND-5)."""
    context = work.context
    day = local_day(context.at, context.zone)
    systems = dict.fromkeys((*account.billing_systems, *demand.systems))
    reopened = AccountReopened(
        account_id=account.account_id,
        closed_at=account.state_valid_from,
        closed_by=account.closed_by,
        lineage=demand.task.lineage,
        reason=next(iter(context.catalog.reasons(AccountState.ACTIVE)), account.reason),
        effective_at=context.at,
        effective_date=day,
        billing_systems=tuple(systems),
    )
    after = work.record(Phase.ACCOUNTS, reopened)
    assert isinstance(after, Account)
    work.record(Phase.ACCOUNTS, *begin_periods(after, day, context))
    demand.task.created.append(Used(kind=UseKind.ACCOUNT, id=account.account_id))
