"""What the lines need to be there: accounts with their roles, and for which billing systems (SYS-1 .. SYS-3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from processors.synchronization.brought import Brought
from processors.synchronization.matrix import OWNER_ACCOUNT
from processors.synchronization.work import Named, Task, Work
from schemas.accounts import Role
from schemas.lineage import LineAction
from schemas.order_lines import LineState, OrderLine
from schemas.references import AccountRef
from schemas.refusals import Code, violation

PROMOTION_OF = "promotion_line_id"
"""Attribute of a component line that names its promotion (SYS-3)."""

_ROLES = {"customer_account": Role.CUSTOMER, "billing_account": Role.BILLING, "service_account": Role.SERVICE}


class Demand:
    """An object that lines need: the first line, the roles of all of them, and their billing systems."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.roles: set[Role] = set()
        self.systems: list[str] = []

    def add(self, systems: Sequence[str], role: Role | None = None) -> None:
        """One more line that needs it."""
        if role is not None:
            self.roles.add(role)
        for system in systems:
            if system not in self.systems:
                self.systems.append(system)


class Demands:
    """What all processed lines need, in the order in which it is made (CRE-15)."""

    def __init__(self, work: Work, brought: Brought, tasks: Sequence[Task]) -> None:
        self._work, self._brought = work, brought
        self.accounts: dict[str, Demand] = {}
        self.profiles: dict[str, Demand] = {}
        self.systems: dict[str, tuple[str, ...]] = {}
        """Per line the billing systems that it is for."""
        lines = work.view.lines(work.order.order_id) if any(task.promotion for task in tasks) else ()
        components = components_of(lines)
        for task in tasks:
            self._read(task, components)
        brought.used.update(("ACCOUNT", account_id) for account_id in self.accounts)
        brought.used.update(("BILLING_PROFILE", profile_id) for profile_id in self.profiles)

    def _read(self, task: Task, components: Mapping[str, Sequence[OrderLine]]) -> None:
        line = task.line
        systems = self._systems(task, components.get(line.line_id, ()))
        self.systems[line.line_id] = systems
        for role, _, account_id in reversed(named(self._work, self._brought, task)):
            if account_id is not None:
                self._add(self.accounts, account_id, task).add(systems, _ROLES.get(role))
        if not task.promotion and line.billing_profile is not None:
            self._add(self.profiles, line.billing_profile, task).add(systems)

    @staticmethod
    def _add(demands: dict[str, Demand], needed_id: str, task: Task) -> Demand:
        found = demands.get(needed_id)
        if found is None:
            found = demands[needed_id] = Demand(task)
        return found

    def _systems(self, task: Task, components: Sequence[OrderLine]) -> tuple[str, ...]:
        """A line is for one billing system, a promotion for every system of its components (SYS-2, SYS-3)."""
        default = self._work.context.catalog.switches.default_billing_system
        found = [line.billing_system or default for line in components or [task.line]]
        systems = tuple(dict.fromkeys(system for system in found if system is not None))
        if not systems:
            missing = violation(Code.TARGET_SYSTEM_MISSING, "SYS-2", "order_id", line_id=task.line.line_id)
            self._work.refuse(task.place, missing)
        return systems


def components_of(lines: Iterable[OrderLine]) -> dict[str, list[OrderLine]]:
    """The component lines of each promotion of an order, in their order (SYS-3)."""
    found: dict[str, list[OrderLine]] = {}
    for line in lines:
        promotion = line.attributes.get(PROMOTION_OF)
        ignored = line.action in (LineAction.DELETE, LineAction.NONE) or line.state is LineState.CANCELLED
        if promotion is not None and not ignored:
            found.setdefault(promotion, []).append(line)
    return found


def named(work: Work, brought: Brought, task: Task) -> tuple[Named, ...]:
    """The accounts that the line names; read backwards in the order in which they are made (CRE-15).

    A customer account that is only the default, the service account, does not count.
    """
    if not task.named:
        task.named = tuple(Named(role, ref, brought.account_id(ref)) for role, ref in _fields(work, task))
    return task.named


def _fields(work: Work, task: Task) -> Iterator[tuple[str, AccountRef]]:
    line = task.line
    if task.promotion:
        yield "billing_account", line.billing_account
        return
    yield "service_account", line.service_account
    if line.owner_account is not None and OWNER_ACCOUNT in work.tracked:
        yield "owner_account", line.owner_account
    yield "billing_account", line.billing_account
    if line.customer_account != line.service_account:
        yield "customer_account", line.customer_account
