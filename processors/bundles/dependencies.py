"""Services that need another one beside them, judged for what an action adds, turns on, ends or turns off (ABS-6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from processors.acting import LIVE, ON
from processors.view.customer import CustomerView
from processors.view.rows.subscriptions import member as _as_member
from schemas.actions import ServiceState
from schemas.catalog import Catalog, Dependency, DependencyScope, Selector
from schemas.refusals import Code, Violation, violation
from schemas.rosters import Member
from schemas.subscriptions import SubscriptionService


class Turned(NamedTuple):
    """A service before and after an action."""

    before: ServiceState | None
    after: SubscriptionService

    @property
    def came(self) -> bool:
        """Whether it has needs that it had not: it is new, or in an on state."""
        return self.after.state in LIVE and (self.before not in LIVE or (self.after.state in ON and not self.was_on))

    @property
    def was_on(self) -> bool:
        """Whether it was in an on state."""
        return self.before in ON

    @property
    def went(self) -> bool:
        """Whether others may miss it: it ended, or left its on state."""
        if self.before not in LIVE:
            return False
        return self.after.state not in LIVE or (self.was_on and self.after.state not in ON)


Broken = tuple[Violation, tuple[str, ...]]
"""A violation, and the services whose coming or going is its cause."""


def violations(before: CustomerView, after: CustomerView, subscription_id: str, catalog: Catalog) -> list[Broken]:
    """Dependencies that an action breaks; `after` is a draft over `before` that holds its services."""
    if not catalog.dependencies:
        return []
    touched = sorted(
        (entity for entity in after.touched.values() if isinstance(entity, SubscriptionService)),
        key=lambda service: service.number,
    )
    turned = []
    for service in touched:
        known = before.service(service.service_id)
        turned.append(Turned(None if known is None else known.state, service))
    judge = _Judge(before, after, subscription_id, turned)
    return [broken for dependency in catalog.dependencies for broken in judge.broken(dependency)]


class _Judge:
    """One subscription before and after an action."""

    def __init__(
        self, before: CustomerView, after: CustomerView, subscription_id: str, turned: Sequence[Turned]
    ) -> None:
        self.views = (before, after)
        self.subscription_id = subscription_id
        self.came = [entry.after for entry in turned if entry.came]
        self.went = [entry.after for entry in turned if entry.went]

    def broken(self, dependency: Dependency) -> Iterator[Broken]:
        """Dependents without what they need, by number, each once."""
        lost = [service for service in self.went if _any(dependency.needs_any_of, service)]
        new = {service.service_id for service in self.came if _matches(dependency.dependent, service)}
        members: dict[int, Member] = {}
        for service_id in new:
            found = self.views[1].service(service_id)
            assert found is not None
            members[found.number] = _as_member(found)
        for service in lost:
            members |= {member.number: member for member in self._left_behind(dependency, service)}
        for _, member in sorted(members.items()):
            if self._has(dependency, member, 1):
                continue
            if member.service_id not in new and not self._had(dependency, member):
                continue  # broken before, and not touched
            needs = [_named(selector) for selector in dependency.needs_any_of]
            broken = violation(
                Code.DEPENDENCY_VIOLATED,
                "ABS-6",
                service_id=member.service_id,
                product=member.product,
                needs=needs,
                missing=needs,
                scope=dependency.scope,
                broken_by=next(iter(lost)).service_id if lost else None,
            )
            causes = (*(service.service_id for service in lost), *new.intersection((member.service_id,)))
            yield broken, causes

    def _left_behind(self, dependency: Dependency, service: SubscriptionService) -> Iterator[Member]:
        """Live dependents that may have leaned on a service that went."""
        after = self.views[1]
        if dependency.scope is DependencyScope.SUBSCRIPTION:
            live, on = self._counts(dependency, 1)
            if live > 1 and on > 1:
                return  # enough is left for anybody, even for one that counts itself
            members: Iterable[Member] = after.members(self.subscription_id)
        else:
            members = after.components(service.bundle_service_id or service.service_id)
        yield from (member for member in members if _matches(dependency.dependent, member))

    def _had(self, dependency: Dependency, member: Member) -> bool:
        known = self.views[0].service(member.service_id)
        return known is not None and self._has(dependency, _as_member(known), 0)

    def _has(self, dependency: Dependency, member: Member, when: int) -> bool:
        """Whether a service has what it needs: a live one, if it is in an on state one that is too; never itself."""
        needs_on = member.state in ON
        if dependency.scope is DependencyScope.SUBSCRIPTION:
            live, on = self._counts(dependency, when)
            own = _any(dependency.needs_any_of, member)
            return (on if needs_on else live) > int(own)
        return any(
            (other.state in ON or not needs_on) and _any(dependency.needs_any_of, other)
            for other in self._beside(member, when)
        )

    def _beside(self, member: Member, when: int) -> Iterator[Member]:
        """What is in the same bundle, itself left out: the other components, and the bundle."""
        view = self.views[when]
        bundle_id = member.bundle_service_id or member.service_id
        yield from (other for other in view.components(bundle_id) if other.service_id != member.service_id)
        bundle = view.service(bundle_id)
        if member.bundle_service_id is not None and bundle is not None and bundle.state in LIVE:
            yield _as_member(bundle)

    def _counts(self, dependency: Dependency, when: int) -> tuple[int, int]:
        """Live services of the subscription that are needed, and those of them in an on state."""
        live = on = 0
        for tally in self._tallies[when]:
            if _any(dependency.needs_any_of, tally):
                live += tally.live
                on += tally.on
        return live, on

    @cached_property
    def _tallies(self) -> tuple[tuple[_Tallied, ...], tuple[_Tallied, ...]]:
        before, after = (
            tuple(
                _Tallied(product, tally.product_type, tally.family, tally.live, tally.on)
                for product, tally in view.tallies(self.subscription_id).items()
            )
            for view in self.views
        )
        return before, after


class _Tallied(NamedTuple):
    product: str
    product_type: str | None
    family: str | None
    live: int
    on: int


Selected = SubscriptionService | Member | _Tallied


def _matches(selector: Selector, service: Selected) -> bool:
    if selector.product is not None:
        return selector.product == service.product
    if selector.product_type is not None:
        return selector.product_type == service.product_type
    return selector.family is not None and selector.family == service.family


def _any(selectors: Iterable[Selector], service: Selected) -> bool:
    return any(_matches(selector, service) for selector in selectors)


def _named(selector: Selector) -> dict[str, str]:
    named = {"product": selector.product, "product_type": selector.product_type, "family": selector.family}
    return {name: value for name, value in named.items() if value is not None}
