"""What of a customer's rows concerns subscriptions: found by id, or listed in the order that the rules state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from processors.view.rows import subscriptions as rows
from schemas.fields import Entity
from schemas.provisioning import Distributor, InstalledItem
from schemas.rosters import Charge, Member, Numbers, ReferenceRow, Tally
from schemas.rows import Family
from schemas.schedule import ScheduledAction
from schemas.subscriptions import Subscription, SubscriptionService
from schemas.wallets import Wallet

Found = TypeVar("Found", bound=Entity)


class Holdings:
    """The part of a customer's view that knows subscriptions. Reads rows as the view shows them, keeps nothing."""

    customer_id: str

    def entity(self, kind: str, entity_id: str) -> Entity | None:
        """One entity as it is now."""
        raise NotImplementedError

    def index(self, family: Family, member: bytes) -> bytes | None:
        """The value of one index row."""
        raise NotImplementedError

    def scan(self, family: Family) -> Iterator[tuple[bytes, bytes]]:
        """The index rows of a family, each with its place there, in their order."""
        raise NotImplementedError

    def _of(self, word: type[Found], entity_id: str) -> Found | None:
        raise NotImplementedError

    def _there(self, word: type[Found], entity_id: str) -> Found:
        found = self._of(word, entity_id)
        assert found is not None, f"an index names {word.__name__} {entity_id}, which is not there"
        return found

    def _listed(self, word: type[Found], *family: str) -> tuple[Found, ...]:
        """What the rows of a family name, in their order."""
        return tuple(self._there(word, row.decode()) for _, row in self.scan(family))

    def _ids_in(self, *family: str) -> list[str]:
        """The ids that stand in a family, in their order."""
        return [member.decode() for member, _ in self.scan(family)]

    # -- subscriptions and services

    def subscription(self, subscription_id: str) -> Subscription | None:
        """A subscription by its id."""
        return self._of(Subscription, subscription_id)

    def subscriptions_of(self, account_id: str) -> tuple[Subscription, ...]:
        """An account's live subscriptions, by id."""
        found = self._ids_in(rows.SUBSCRIPTION_OF, account_id)
        return tuple(self._there(Subscription, subscription_id) for subscription_id in found)

    def service(self, service_id: str) -> SubscriptionService | None:
        """A service by its id, those that ended included."""
        return self._of(SubscriptionService, service_id)

    def services(self, subscription_id: str) -> tuple[SubscriptionService, ...]:
        """All services of a subscription by number, those that ended included. Grows with its age: for people."""
        return self._listed(SubscriptionService, rows.SERVICE_OF, subscription_id)

    def live_services(self, subscription_id: str) -> tuple[SubscriptionService, ...]:
        """Its live services by number, in full: for rules that change all of them."""
        return tuple(self._there(SubscriptionService, member.service_id) for member in self.members(subscription_id))

    def members(self, subscription_id: str) -> tuple[Member, ...]:
        """Its live services by number, as small rows."""
        return self._members(rows.LIVE_SERVICE, subscription_id)

    def top_level(self, subscription_id: str) -> tuple[Member, ...]:
        """Its live services that belong to no bundle, by number."""
        return self._members(rows.TOP_LEVEL, subscription_id)

    def planned_services(self, subscription_id: str) -> tuple[SubscriptionService, ...]:
        """Its services that have plans, by number."""
        return self._listed(SubscriptionService, rows.PLANNED, subscription_id)

    def components(self, bundle_service_id: str) -> tuple[Member, ...]:
        """A bundle's live components, by number."""
        return self._members(rows.COMPONENT, bundle_service_id)

    def _members(self, *family: str) -> tuple[Member, ...]:
        return tuple(rows.decode_member(row) for _, row in self.scan(family))

    def tallies(self, subscription_id: str) -> dict[str, Tally]:
        """How many live services a subscription has, product by product."""
        found = self.scan((rows.TALLY, subscription_id))
        return {product.decode(): rows.decode_tally(row) for product, row in found}

    def numbers(self, subscription_id: str) -> Numbers:
        """The last numbers given on a subscription."""
        raw = self.index((rows.NUMBERS,), subscription_id.encode())
        return Numbers() if raw is None else rows.decode_numbers(raw)

    def reference(self, owner_id: str, reference: str) -> ReferenceRow | None:
        """The accepted action of a subscription (or top-up of a wallet) that had this reference (ABS-12, WAL-14)."""
        raw = self.index((rows.REFERENCE, owner_id), reference.encode())
        return None if raw is None else rows.decode_reference(raw)

    # -- wallets

    def wallet(self, wallet_id: str) -> Wallet | None:
        """A wallet by its id."""
        return self._of(Wallet, wallet_id)

    def charges(self, service_id: str) -> tuple[Charge, ...]:
        """What a service was charged lately, the latest last; nothing that was free."""
        raw = self.index((rows.CHARGES,), service_id.encode())
        return () if raw is None else rows.decode_charges(raw)

    # -- provisioning

    def distributor(self, distributor_id: str) -> Distributor | None:
        """A distributor by its id, removed ones included."""
        return self._of(Distributor, distributor_id)

    def distributors(self, subscription_id: str) -> tuple[Distributor, ...]:
        """The distributors that a subscription has now, by age."""
        return self._listed(Distributor, rows.DISTRIBUTOR_OF, subscription_id)

    def distributed_services(self, distributor_id: str) -> tuple[SubscriptionService, ...]:
        """Services that are on a distributor, by number."""
        return self._listed(SubscriptionService, rows.SERVICE_ON, distributor_id)

    def distributed_items(self, distributor_id: str) -> tuple[InstalledItem, ...]:
        """Installed items that are on a distributor, by number."""
        return self._listed(InstalledItem, rows.ITEM_ON, distributor_id)

    def item(self, item_id: str) -> InstalledItem | None:
        """An installed item by its id."""
        return self._of(InstalledItem, item_id)

    def items(self, subscription_id: str) -> tuple[InstalledItem, ...]:
        """The installed items of a subscription, by number."""
        return self._listed(InstalledItem, rows.ITEM_OF, subscription_id)

    def items_by_serial(self, serial_number: str) -> tuple[InstalledItem, ...]:
        """Installed items with a serial number, whatever became of their subscriptions."""
        return tuple(self._there(InstalledItem, item_id) for item_id in self._ids_in(rows.SERIAL, serial_number))

    # -- scheduled actions

    def action(self, action_id: str) -> ScheduledAction | None:
        """A scheduled action by its id, whatever became of it."""
        return self._of(ScheduledAction, action_id)

    def actions(self, subscription_id: str) -> tuple[ScheduledAction, ...]:
        """All scheduled actions of a subscription by number. Grows with its age: for people."""
        return self._listed(ScheduledAction, rows.ACTION_OF, subscription_id)

    def pending(self, subscription_id: str) -> tuple[ScheduledAction, ...]:
        """Actions of a subscription that wait, in the order (due, number) in which they are to run."""
        return self._listed(ScheduledAction, rows.PENDING, subscription_id)
