"""What of a customer's rows concerns subscriptions: found by id, or listed in the order that the rules state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from processors.view.rows import subscriptions as rows
from schemas.fields import Entity
from schemas.provisioning import Distributor, InstalledItem
from schemas.rosters import ActivationCharge, Member, Numbers, ReferenceRow, Tally
from schemas.rows import key, within
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

    def index(self, index_key: bytes) -> bytes | None:
        """The value of one index row."""
        raise NotImplementedError

    def scan(self, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Index rows whose key begins so, in key order."""
        raise NotImplementedError

    def _of(self, word: type[Found], entity_id: str) -> Found | None:
        found = self.entity(word.identity[0], entity_id)
        assert found is None or isinstance(found, word)
        return found

    def _there(self, word: type[Found], entity_id: str) -> Found:
        found = self._of(word, entity_id)
        assert found is not None, f"an index names {word.__name__} {entity_id}, which is not there"
        return found

    def _listed(self, word: type[Found], kind: str, owner: str) -> tuple[Found, ...]:
        start = within(self.customer_id, kind, owner)
        return tuple(self._there(word, row.decode()) for _, row in self.scan(start))

    # -- subscriptions and services

    def subscription(self, subscription_id: str) -> Subscription | None:
        """A subscription by its id."""
        return self._of(Subscription, subscription_id)

    def subscriptions_of(self, account_id: str) -> tuple[Subscription, ...]:
        """An account's live subscriptions, by id."""
        start = within(self.customer_id, "subscription_of", account_id)
        return tuple(self._there(Subscription, found[len(start) :].decode()) for found, _ in self.scan(start))

    def service(self, service_id: str) -> SubscriptionService | None:
        """A service by its id, those that ended included."""
        return self._of(SubscriptionService, service_id)

    def services(self, subscription_id: str) -> tuple[SubscriptionService, ...]:
        """All services of a subscription by number, those that ended included. Grows with its age: for people."""
        return self._listed(SubscriptionService, "service_of", subscription_id)

    def live_services(self, subscription_id: str) -> tuple[SubscriptionService, ...]:
        """Its live services by number, in full: for rules that change all of them."""
        return tuple(self._there(SubscriptionService, member.service_id) for member in self.members(subscription_id))

    def members(self, subscription_id: str) -> tuple[Member, ...]:
        """Its live services by number, as small rows."""
        return self._members("live_service", subscription_id)

    def top_level(self, subscription_id: str) -> tuple[Member, ...]:
        """Its live services that belong to no bundle, by number."""
        return self._members("top_level", subscription_id)

    def planned_services(self, subscription_id: str) -> tuple[SubscriptionService, ...]:
        """Its services that have plans, by number."""
        return self._listed(SubscriptionService, "planned", subscription_id)

    def components(self, bundle_service_id: str) -> tuple[Member, ...]:
        """A bundle's live components, by number."""
        return self._members("component", bundle_service_id)

    def _members(self, kind: str, owner: str) -> tuple[Member, ...]:
        start = within(self.customer_id, kind, owner)
        return tuple(rows.decode_member(row) for _, row in self.scan(start))

    def tallies(self, subscription_id: str) -> dict[str, Tally]:
        """How many live services a subscription has, product by product."""
        start = within(self.customer_id, "tally", subscription_id)
        return {found[len(start) :].decode(): rows.decode_tally(row) for found, row in self.scan(start)}

    def numbers(self, subscription_id: str) -> Numbers:
        """The last numbers given on a subscription."""
        raw = self.index(key(self.customer_id, "numbers", subscription_id))
        return Numbers() if raw is None else rows.decode_numbers(raw)

    def reference(self, owner_id: str, reference: str) -> ReferenceRow | None:
        """The accepted action of a subscription (or top-up of a wallet) that had this reference (ABS-12, WAL-14)."""
        raw = self.index(within(self.customer_id, "reference", owner_id) + reference.encode())
        return None if raw is None else rows.decode_reference(raw)

    # -- wallets

    def wallet(self, wallet_id: str) -> Wallet | None:
        """A wallet by its id."""
        return self._of(Wallet, wallet_id)

    def activation_charge(self, service_id: str) -> ActivationCharge | None:
        """What the service's last activation cost; None if it was never charged."""
        raw = self.index(key(self.customer_id, "activation_charge", service_id))
        return None if raw is None else rows.decode_charge(raw)

    # -- provisioning

    def distributor(self, distributor_id: str) -> Distributor | None:
        """A distributor by its id, removed ones included."""
        return self._of(Distributor, distributor_id)

    def distributors(self, subscription_id: str) -> tuple[Distributor, ...]:
        """The distributors that a subscription has now, by age."""
        return self._listed(Distributor, "distributor_of", subscription_id)

    def distributed_services(self, distributor_id: str) -> tuple[SubscriptionService, ...]:
        """Services that are on a distributor, by number."""
        return self._on_distributor(SubscriptionService, distributor_id)

    def distributed_items(self, distributor_id: str) -> tuple[InstalledItem, ...]:
        """Installed items that are on a distributor, by number."""
        return self._on_distributor(InstalledItem, distributor_id)

    def _on_distributor(self, word: type[Found], distributor_id: str) -> tuple[Found, ...]:
        start = rows.distributed(self.customer_id, distributor_id, word.identity[0])
        return tuple(self._there(word, row.decode()) for _, row in self.scan(start))

    def item(self, item_id: str) -> InstalledItem | None:
        """An installed item by its id."""
        return self._of(InstalledItem, item_id)

    def items(self, subscription_id: str) -> tuple[InstalledItem, ...]:
        """The installed items of a subscription, by number."""
        return self._listed(InstalledItem, "item_of", subscription_id)

    def items_by_serial(self, serial_number: str) -> tuple[InstalledItem, ...]:
        """Installed items with a serial number, whatever became of their subscriptions."""
        start = within(self.customer_id, "serial", serial_number)
        return tuple(self._there(InstalledItem, found[len(start) :].decode()) for found, _ in self.scan(start))

    # -- scheduled actions

    def action(self, action_id: str) -> ScheduledAction | None:
        """A scheduled action by its id, whatever became of it."""
        return self._of(ScheduledAction, action_id)

    def actions(self, subscription_id: str) -> tuple[ScheduledAction, ...]:
        """All scheduled actions of a subscription by number. Grows with its age: for people."""
        return self._listed(ScheduledAction, "action_of", subscription_id)

    def pending(self, subscription_id: str) -> tuple[ScheduledAction, ...]:
        """Actions of a subscription that wait, in the order (due, number) in which they are to run."""
        return self._listed(ScheduledAction, "pending", subscription_id)
