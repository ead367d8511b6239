"""Random commands on random subscriptions: what must hold at any moment (INV-SUB-1 to INV-SUB-6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from processors.acting import LIVE, ON
from processors.answering import Answered
from processors.bundles.composition import check, existing_piece
from schemas.actions import ServiceState, StatePoint
from schemas.catalog import Dependency, DependencyScope, Selector
from schemas.envelope import Mode, Status
from schemas.subscriptions import Subscription, SubscriptionService
from tests.subscriptions.small import Shelf

pytestmark = pytest.mark.slow

DRAFT, EFFECTIVE, NOT_EFFECTIVE = ServiceState.DRAFT, ServiceState.EFFECTIVE, ServiceState.NOT_EFFECTIVE

subscription_ids = st.sampled_from(["s-1", "s-1", "s-2"])
states = st.sampled_from(["DRAFT", "EFFECTIVE", "EFFECTIVE"])
some_parts = st.sampled_from(
    [
        ["LINE_A"],
        ["LINE_A", "QUEUE"],
        ["LINE_A", "LINE_B"],
        ["LINE_A", "REC_1", "REC_2"],
        ["LINE_B", "REC_1"],
        [],
        ["NET"],
    ]
)
amendments = st.sampled_from(
    [
        *((["LINE_B"], []), (["REC_1", "REC_2"], []), ([], ["QUEUE"]), (["QUEUE"], []), (["LINE_B"], ["LINE_A"])),
        *(
            ([], ["LINE_A"]),
            (["LINE_A"], ["LINE_B"]),
            ([], ["REC_1", "REC_2"]),
            ([], ["REC_1"]),
            (["LINE_A"], ["LINE_A"]),
        ),
        *((["NET"], []), ([], [])),
    ]
)
tops = st.sampled_from(["LINE_A", "LINE_B", "NET", "GUARD", "PACK", "PBX", "PBX"])
places = st.integers(0, 7)
whens = st.one_of(st.none(), st.none(), st.integers(1, 20).map(lambda days: {"when": "AFTER_DAYS", "days": days}))
agos = st.one_of(st.none(), st.none(), st.integers(1, 12).map(lambda hours: timedelta(hours=hours)))
"""How long before it is asked for an action was performed."""


class Subscriptions(RuleBasedStateMachine):
    """A customer on whose subscriptions anything may be done."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf()

    @initialize()
    def two_subscriptions(self) -> None:
        for subscription_id in ("s-1", "s-2"):
            self.tried(
                "CreateSubscription",
                subscription_id=subscription_id,
                account={"account_id": "a-1"},
                kind="POSTPAID",
                initial_state="EFFECTIVE",
                services=[
                    {"product": "PBX", "components": [{"product": "LINE_A"}, {"product": "QUEUE"}]},
                    {"product": "NET"},
                ],
            )

    # -- what happens

    def tried(self, command_type: str, ago: timedelta | None = None, **body: Any) -> Answered:
        """Preview the command, then give it: the preview promises what comes, and a refusal changes nothing."""
        self.shelf.passes(hours=1)
        body = {name: value for name, value in body.items() if value is not None}
        performed_at = None if ago is None else self.shelf.at - ago
        preview = self.shelf.ask(command_type, mode=Mode.PREVIEW, performed_at=performed_at, **body)
        self.shelf.asked -= 1  # the same id: derived ids must be the same too
        before = dict(self.shelf.state.scan(b""))
        answered = self.shelf.ask(command_type, performed_at=performed_at, **body)
        assert preview.outcome is not None
        assert answered.outcome is not None
        assert preview.outcome.violations == answered.outcome.violations
        assert preview.outcome.events == tuple(
            change.event for change in (answered.transaction.changes if answered.transaction else ())
        )
        if answered.outcome.status is Status.REJECTED:
            moved = {found for found, value in self.shelf.state.scan(b"") if before.get(found) != value}
            assert all(b"head" in found for found in moved), "a refusal changes nothing (INV-SUB-6)"
        return answered

    def service(self, subscription_id: str, place: int, *, flexible: bool = False) -> str:
        """A top-level service of a subscription, live or not."""
        found = [
            service.service_id
            for service in self.shelf.view().services(subscription_id)
            if service.bundle_service_id is None
            and (not flexible or service.product == "PBX")
            and (place == 0 or service.state in LIVE)
        ]
        return found[-1 - place % len(found)] if found else "nobody"

    @rule(subscription_id=subscription_ids, product=tops, components=some_parts, state=states, schedule=whens, ago=agos)
    def add(
        self,
        subscription_id: str,
        product: str,
        components: list[str],
        state: str,
        schedule: Any,
        ago: timedelta | None,
    ) -> None:
        service: dict[str, Any] = {"product": product}
        if product == "PBX":
            service["components"] = [{"product": part} for part in components]
        self.tried(
            "ChangeServiceState",
            subscription_id=subscription_id,
            action="ADD",
            initial_state=state,
            services=[service],
            schedule=schedule,
            ago=ago,
        )

    @rule(
        subscription_id=subscription_ids,
        action=st.sampled_from(["START", "STOP", "STOP", "CANCEL", "REGRET", "UNDO_ADD"]),
        chosen=st.lists(places, min_size=1, max_size=2, unique=True),
        schedule=whens,
        ago=agos,
    )
    def change(
        self, subscription_id: str, action: str, chosen: list[int], schedule: Any, ago: timedelta | None
    ) -> None:
        self.tried(
            "ChangeServiceState",
            subscription_id=subscription_id,
            action=action,
            service_ids=[self.service(subscription_id, place) for place in chosen],
            schedule=schedule,
            ago=ago,
        )

    @rule(
        subscription_id=subscription_ids,
        action=st.sampled_from(
            [
                *("START", "STOP", "REST", "END_RESTING", "ACTIVATE_SHORT_TERM", "DEACTIVATE_SHORT_TERM"),
                *("END_SHORT_TERM_ACTIVATION", "END_SHORT_TERM_DEACTIVATION", "START", "END_RESTING"),
            ]
        ),
        days=st.none() | st.integers(1, 30),
        schedule=whens,
        ago=agos,
    )
    def change_all(
        self, subscription_id: str, action: str, days: int | None, schedule: Any, ago: timedelta | None
    ) -> None:
        until = None if days is None else (self.shelf.at + timedelta(days=days)).isoformat()
        self.tried(
            "ChangeSubscriptionState",
            subscription_id=subscription_id,
            action=action,
            until=until,
            schedule=schedule,
            ago=ago,
        )

    @rule(subscription_id=st.just("s-2"), action=st.sampled_from(["CANCEL", "REGRET"]), schedule=whens, ago=agos)
    def end(self, subscription_id: str, action: str, schedule: Any, ago: timedelta | None) -> None:
        self.tried(
            "ChangeSubscriptionState", subscription_id=subscription_id, action=action, schedule=schedule, ago=ago
        )

    @rule(subscription_id=subscription_ids, place=places, product=tops, components=some_parts, schedule=whens, ago=agos)
    def swap(
        self,
        subscription_id: str,
        place: int,
        product: str,
        components: list[str],
        schedule: Any,
        ago: timedelta | None,
    ) -> None:
        to_service: dict[str, Any] = {"product": product}
        if product == "PBX":
            to_service["components"] = [{"product": part} for part in components]
        self.tried(
            "SwapService",
            subscription_id=subscription_id,
            from_service_id=self.service(subscription_id, place),
            to_service=to_service,
            schedule=schedule,
            ago=ago,
        )

    @rule(subscription_id=subscription_ids, place=places, amendment=amendments, schedule=whens, ago=agos)
    def amend(
        self,
        subscription_id: str,
        place: int,
        amendment: tuple[list[str], list[str]],
        schedule: Any,
        ago: timedelta | None,
    ) -> None:
        add, remove = amendment
        self.tried(
            "AmendBundleServices",
            subscription_id=subscription_id,
            bundle_service_id=self.service(subscription_id, place, flexible=True),
            add=[{"product": part} for part in add],
            remove=[{"product": part} for part in remove],
            schedule=schedule,
            ago=ago,
        )

    @rule(subscription_id=subscription_ids, hours=st.integers(0, 3))
    def stop_and_hear_of_what_began_before(self, subscription_id: str, hours: int) -> None:
        """What is told late touches no service that has stopped, but turns the subscription (CLS-4, SST-2)."""
        self.tried("ChangeSubscriptionState", subscription_id=subscription_id, action="STOP")
        self.tried(
            "ChangeServiceState",
            subscription_id=subscription_id,
            action="ADD",
            initial_state="EFFECTIVE",
            services=[{"product": "LINE_B"}],
            ago=timedelta(hours=hours),
        )

    @rule(state=st.sampled_from(["SUSPENDED", "ACTIVE", "ACTIVE", "ACTIVE"]))
    def the_account(self, state: str) -> None:
        reason = {"SUSPENDED": "UNPAID", "ACTIVE": "PAID"}[state]
        self.tried("ChangeAccountState", account={"account_id": "a-1"}, state=state, reason=reason)

    @rule(days=st.integers(0, 12))
    def pass_time(self, days: int) -> None:
        self.shelf.passes(days=days, minutes=1)
        self.shelf.ask("RegisterCustomer")  # whatever is due runs before it

    # -- what must hold

    def everything(self) -> Iterator[tuple[Subscription, tuple[SubscriptionService, ...]]]:
        view = self.shelf.view()
        for subscription_id in ("s-1", "s-2"):
            subscription = view.subscription(subscription_id)
            if subscription is not None:
                yield subscription, view.services(subscription_id)

    @invariant()
    def histories_are_in_order(self) -> None:
        """INV-SUB-1."""
        for subscription, services in self.everything():
            for history in (subscription.history, *(service.history for service in services)):
                assert all(one.from_ <= other.from_ for one, other in pairwise(history)), history
                facts = [point for point in history if not point.planned]
                assert all(point.state in LIVE for point in facts[:-1]), "no fact follows a terminal fact"
                assert all(point.from_ <= self.shelf.at for point in facts)

    @invariant()
    def components_are_as_their_bundle(self) -> None:
        """INV-SUB-2."""
        for _, services in self.everything():
            by_id = {service.service_id: service for service in services}
            for component in services:
                if component.bundle_service_id is None or component.state not in LIVE:
                    continue
                bundle = by_id[component.bundle_service_id]
                assert component.state is bundle.state
                assert component.returns_to is bundle.returns_to
                # Its first point stands for what the bundle was at that moment; from then on both have the same points,
                # until an amendment that waits takes it out.
                own = [point for point in component.history[1:] if point.state is not ServiceState.REMOVED]
                end = component.history[-1].from_ if len(own) < len(component.history) - 1 else None
                bundles = [point for point in bundle.history if end is None or point.from_ < end]
                assert _points(own) == _points(bundles[len(bundles) - len(own) :])

    @invariant()
    def subscriptions_are_as_their_services(self) -> None:
        """INV-SUB-3."""
        view = self.shelf.view()
        for subscription, services in self.everything():
            live = {service.state for service in services if service.state in LIVE}
            if subscription.state is DRAFT:
                assert live <= {DRAFT}
            if subscription.state is EFFECTIVE:
                assert EFFECTIVE in live
            if subscription.state is NOT_EFFECTIVE:
                assert not live & set(ON)
            if subscription.state not in LIVE:
                assert not live
                assert not view.pending(subscription.subscription_id)

    @invariant()
    def bundles_hold_what_they_may(self) -> None:
        """INV-SUB-4, with a catalog that never changes: at any moment."""
        view, catalog = self.shelf.view(), self.shelf.catalog
        for subscription, services in self.everything():
            for bundle in services:
                product = catalog.product(bundle.product)
                if product is None or bundle.state not in LIVE or bundle.product != "PBX":
                    continue
                pieces = [existing_piece(member, catalog) for member in view.components(bundle.service_id)]
                assert check(product.rows, pieces, doubles=bundle.service_id) == []
            if subscription.state in LIVE:
                for dependency in catalog.dependencies:
                    assert list(_broken(dependency, services)) == []

    @invariant()
    def rows_say_what_services_say(self) -> None:
        """The small rows and the counts are those of the live services."""
        view = self.shelf.view()
        for subscription, services in self.everything():
            live = [service for service in services if service.state in LIVE]
            members = view.members(subscription.subscription_id)
            assert [(member.service_id, member.state) for member in members] == [
                (service.service_id, service.state) for service in live
            ]
            tallies = view.tallies(subscription.subscription_id)
            assert {code: tally.live for code, tally in tallies.items()} == {
                code: sum(service.product == code for service in live) for code in {one.product for one in live}
            }
            assert sum(tally.on for tally in tallies.values()) == sum(service.state in ON for service in live)
            assert sum(tally.top_level for tally in tallies.values()) == sum(not one.bundle_service_id for one in live)
            assert [service.number for service in services] == list(range(1, len(services) + 1))


def _points(history: Any) -> list[tuple[object, ...]]:
    points: list[StatePoint] = list(history)
    return [(point.from_, point.state, point.planned, point.action_id) for point in points]


def _matches(selector: Selector, service: SubscriptionService) -> bool:
    return service.product == selector.product or any(
        asked is not None and asked == has
        for asked, has in ((selector.product_type, service.product_type), (selector.family, service.family))
    )


def _broken(dependency: Dependency, services: tuple[SubscriptionService, ...]) -> Iterator[str]:
    live = [service for service in services if service.state in LIVE]
    for service in live:
        if not _matches(dependency.dependent, service):
            continue
        beside = [
            other
            for other in live
            if other is not service
            and (
                dependency.scope is DependencyScope.SUBSCRIPTION or other.bundle_service_id == service.bundle_service_id
            )
            and (service.state not in ON or other.state in ON)
        ]
        if not any(_matches(selector, other) for selector in dependency.needs_any_of for other in beside):
            yield service.service_id


Subscriptions.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestSubscriptions = Subscriptions.TestCase
