"""Putting services and items on distributors. Clean-up is judged once, on the final set (PRV-3 to PRV-6, PRV-9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from processors.acting import ON
from processors.context import Context
from processors.view.customer import CustomerView
from processors.view.rows.subscriptions import ITEM_ON, SERVICE_ON
from schemas.catalog import ProviderRules
from schemas.fields import Event
from schemas.provisioning import (
    Distributor,
    InstalledItem,
    ProvisioningDistributionAdded,
    ProvisioningDistributionRemoved,
    ProvisioningDistributorCreated,
    ProvisioningDistributorRemoved,
)
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import SubscriptionService

Thing = SubscriptionService | InstalledItem
"""What may be on a distributor."""

Judged = tuple[list[Violation], list[Event]]
"""What stands against a command, and what it does: where something does, as far as it can be computed."""


class Arrangement:
    """What one command does to a subscription's distributions: collected first, then told in the rule book's order.

    `view` shows services and items as the command leaves them; it is not changed. `derived_id` makes the ids of new
    distributors from what they are made for.
    """

    def __init__(self, view: CustomerView, subscription_id: str, derived_id: Callable[[str], str]) -> None:
        self.subscription_id = subscription_id
        self._derived_id = derived_id
        self._view = view
        self._distributors = list(view.distributors(subscription_id))
        self._last_number = view.numbers(subscription_id).distributor
        self._created: list[Distributor] = []
        self._taken: list[tuple[Thing, str]] = []
        self._given: list[tuple[Thing, Distributor]] = []
        self._places: dict[str, Distributor] = {}

    # -- what is to be done

    def distributor(self, distributor_id: str) -> Distributor | None:
        """A distributor of the subscription, also one that this command will empty."""
        return next((found for found in self._distributors if found.distributor_id == distributor_id), None)

    def oldest(self, provider: str) -> Distributor | None:
        """The oldest distributor of a provider, as they are before clean-up (PRV-6)."""
        return next((found for found in self._distributors if found.provider == provider), None)

    def place_of(self, service: SubscriptionService) -> Distributor | None:
        """The distributor that a service is on, or that this command has put it on."""
        given = self._places.get(service.service_id)
        if given is not None:
            return given
        return None if service.distributor_id is None else self.distributor(service.distributor_id)

    def new(self, provider: str, thing: Thing) -> Distributor:
        """One more distributor of a provider."""
        self._last_number += 1
        made = Distributor(
            distributor_id=self._derived_id(_id_of(thing)),
            subscription_id=self.subscription_id,
            number=self._last_number,
            provider=provider,
        )
        self._created.append(made)
        self._distributors.append(made)
        return made

    def take(self, thing: Thing) -> None:
        """Take a thing's distribution away."""
        assert thing.distributor_id is not None
        self._taken.append((thing, thing.distributor_id))

    def give(self, thing: Thing, distributor: Distributor) -> None:
        """Put a thing, that is on none or taken away, on a distributor."""
        self._given.append((thing, distributor))
        if isinstance(thing, SubscriptionService):
            self._places[thing.service_id] = distributor

    # -- what follows

    def outcome(self) -> tuple[list[Event], CustomerView]:
        """The events, and the customer after them.

        Distributors created, distributions removed, then added, distributors removed; services before items.
        """
        after = self._view.draft()
        events: list[Event] = [*self._creations(), *self._removals(), *self.additions()]
        for event in events:
            after.record(event)
        emptied = self._emptied(after)
        for event in emptied:
            after.record(event)
        return [*events, *emptied], after

    def violations(
        self, after: CustomerView, turned_on: Iterable[SubscriptionService], context: Context
    ) -> list[Violation]:
        """PRV-9 on the result, for the distributors that the command burdens; oldest first.

        What was so before and is only made less is let pass: a limit that was lowered must not keep services alive.
        """
        gained: dict[str, list[SubscriptionService]] = {}
        for thing, distributor in self._given:
            if isinstance(thing, SubscriptionService):
                gained.setdefault(distributor.distributor_id, []).append(thing)
        unattended = {distributor_id for thing, distributor_id in self._taken if isinstance(thing, InstalledItem)}
        served = {on for service in turned_on if (on := service.distributor_id) is not None}
        found: list[Violation] = []
        for distributor in self._distributors:
            rules = _rules_of(distributor, context)
            if rules is None:
                continue
            new = gained.get(distributor.distributor_id, [])
            found += _overfull(after, distributor, rules, new)
            if rules.item_required and (new or distributor.distributor_id in served | unattended):
                found += _without_item(after, distributor)
        return found

    def _creations(self) -> Iterator[Event]:
        for distributor in self._created:
            yield ProvisioningDistributorCreated(
                subscription_id=self.subscription_id,
                distributor_id=distributor.distributor_id,
                number=distributor.number,
                provider=distributor.provider,
            )

    def _removals(self) -> Iterator[Event]:
        for thing, distributor_id in sorted(self._taken, key=lambda taken: _order(taken[0])):
            left = self.distributor(distributor_id)
            assert left is not None, f"{_id_of(thing)} is on a distributor that is gone: {distributor_id}"
            yield ProvisioningDistributionRemoved(
                subscription_id=self.subscription_id,
                distributor_id=distributor_id,
                provider=left.provider,
                **_named(thing),
            )

    def additions(self) -> Iterator[Event]:
        """What was given, services before items."""
        for thing, distributor in sorted(self._given, key=lambda given: _order(given[0])):
            yield ProvisioningDistributionAdded(
                subscription_id=self.subscription_id,
                distributor_id=distributor.distributor_id,
                provider=distributor.provider,
                **_named(thing),
            )

    def _emptied(self, after: CustomerView) -> list[Event]:
        """PRV-3: what lost something and holds neither service nor item."""
        left = {distributor_id for _, distributor_id in self._taken}
        return [
            ProvisioningDistributorRemoved(
                subscription_id=self.subscription_id,
                distributor_id=distributor.distributor_id,
                provider=distributor.provider,
            )
            for distributor in self._distributors
            if distributor.distributor_id in left and not _holds_anything(after, distributor)
        ]


def _rules_of(distributor: Distributor, context: Context) -> ProviderRules | None:
    rules = context.catalog.providers
    return next((found for found in rules if found.provider == distributor.provider), None)


def _holds_anything(after: CustomerView, distributor: Distributor) -> bool:
    return _count(after, distributor, SERVICE_ON) > 0 or _count(after, distributor, ITEM_ON) > 0


def _count(after: CustomerView, distributor: Distributor, kind: str) -> int:
    """How many services or items are on a distributor; none of them is read."""
    return sum(1 for _ in after.scan((kind, distributor.distributor_id)))


def _overfull(
    after: CustomerView, distributor: Distributor, rules: ProviderRules, new: Iterable[SubscriptionService]
) -> list[Violation]:
    """MAX_SERVICES and PRODUCT_TYPE, where services came."""
    types = {service.product_type for service in new}
    if not types:
        return []
    found: list[Violation] = []
    if rules.max_services is not None:
        services = _count(after, distributor, SERVICE_ON)
        if services > rules.max_services:
            found.append(_broken(distributor, "MAX_SERVICES", rules.max_services, services))
    if rules.allowed_product_types is not None and (strange := types - set(rules.allowed_product_types)):
        named = sorted(str(product_type) for product_type in strange)
        found.append(_broken(distributor, "PRODUCT_TYPE", None, named[0] if len(named) == 1 else named))
    return found


def _without_item(after: CustomerView, distributor: Distributor) -> list[Violation]:
    """ITEM_REQUIRED."""
    if _count(after, distributor, ITEM_ON) > 0:
        return []
    if not any(service.state in ON for service in after.distributed_services(distributor.distributor_id)):
        return []
    return [_broken(distributor, "ITEM_REQUIRED", None, 0)]


def _broken(distributor: Distributor, limit_rule: str, limit: int | None, found: object) -> Violation:
    return violation(
        Code.DISTRIBUTOR_RULE_VIOLATED,
        "PRV-9",
        distributor_id=distributor.distributor_id,
        provider=distributor.provider,
        limit_rule=limit_rule,
        limit=limit,
        found=found,
    )


def _id_of(thing: Thing) -> str:
    return thing.item_id if isinstance(thing, InstalledItem) else thing.service_id


def _named(thing: Thing) -> dict[str, str]:
    return {"item_id": thing.item_id} if isinstance(thing, InstalledItem) else {"service_id": thing.service_id}


def _order(thing: Thing) -> tuple[bool, int]:
    """Services by their number, then items by theirs."""
    return isinstance(thing, InstalledItem), thing.number
