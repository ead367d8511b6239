"""What actions make of a subscription: a draft that its services change in, and the events in the stated order.

An order changes several services of a subscription as one action (BSU-22). So a making takes any number of actions:
each is judged by its own rules and changes the draft, and what is judged on the result is judged once, at the end. A
single action is the case of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from processors.acting import ACTIVATED_FROM, LIVE, ON, Action, Effect
from processors.bundles import dependencies
from processors.context import Context
from processors.provisioning import placing
from processors.schedule import endings
from processors.subscriptions import opening
from processors.subscriptions.previews import preview
from processors.subscriptions.states import CANCELLED, DRAFT, EFFECTIVE, NOT_EFFECTIVE, OF_SERVICES, REGRETTED, STEADY
from processors.view.customer import CustomerView
from processors.wallets import charging
from schemas.actions import ServiceState, StatePoint
from schemas.catalog import Product
from schemas.fields import Event
from schemas.previews import PreviewedRow
from schemas.refusals import Violation
from schemas.subscriptions import (
    ChangeServiceState,
    CreateSubscription,
    NewComponent,
    ServiceAction,
    ServiceCause,
    Subscription,
    SubscriptionService,
    SubscriptionServiceAdded,
    SubscriptionServiceStateChanged,
    SubscriptionStateChanged,
)

Codes = tuple[str | None, str | None]

ENDS = {ServiceAction.CANCEL.value: CANCELLED, ServiceAction.REGRET.value: REGRETTED}
"""What a subscription comes to whose last service has ended (SST-2)."""


def _more(action: Action) -> int:
    """By how many an action changes the number of top-level services; a swap leaves it."""
    match action.command:
        case CreateSubscription(services=services) | ChangeServiceState(action=ServiceAction.ADD, services=services):
            return len(services)
        case ChangeServiceState(action=name, service_ids=service_ids) if OF_SERVICES[name].services_to not in LIVE:
            return -len(service_ids)
        case _:
            return 0


class Making:
    """Actions under way. Violations are collected, never raised; what is wrong is left out of the draft."""

    def __init__(self, view: CustomerView, actions: Sequence[Action], context: Context) -> None:
        self.view, self.actions, self.context = view, actions, context
        self.action = actions[0]
        """The one under way."""
        self.subscription_id = self.action.subscription_id
        self.draft = view.draft()
        self.violations: list[Violation] = []
        self.composition: list[PreviewedRow] = []
        self._causes: list[tuple[int, ...]] = []
        self._stopped = False
        self._place = 0
        self._changed_by: dict[str, int] = {}
        self._to_follow: list[tuple[str, Codes]] = []
        self._heads: list[Event] = []
        self._followed: list[Event] = []
        self._changed: list[Event] = []
        self._added: list[Event] = []
        self._activated: list[str] = []
        self._ended: list[str] = []
        self._paid_back: list[SubscriptionService] = []
        self._wishes: dict[str, str] = {}
        self._number = view.numbers(self.subscription_id).service

    @cached_property
    def more_services(self) -> int:
        """By how many all actions together change the number of top-level services (DEF-2)."""
        return sum(map(_more, self.actions))

    def one_by_one(self) -> Iterator[Action]:
        """Each action, to be judged and done before the next; what is found meanwhile is laid at its door."""
        for place, action in enumerate(self.actions):
            self._place, self.action = place, action
            yield action
            self._causes += [(place,)] * (len(self.violations) - len(self._causes))

    def stop(self, *violations: Violation) -> None:
        """Note violations that end the check: nothing of the action can be done, so there is no result to judge."""
        self.violations += violations
        self._stopped = True

    @property
    def subscription(self) -> Subscription:
        """The subscription as it is in the draft."""
        found = self.draft.subscription(self.subscription_id)
        assert found is not None, "an action is one on a subscription that is there"
        return found

    def begin(self, event: Event) -> None:
        """Note what the action is as a whole; stands before everything else."""
        self.draft.record(event)
        self._heads.append(event)

    # -- services

    def change(  # what a state event says
        self,
        service: SubscriptionService,
        to: ServiceState,
        cause: ServiceCause | None = None,
        *,
        returns_to: ServiceState | None = None,
        cancels_plans: bool = False,
        paid_back: bool = False,
    ) -> None:
        """Bring a service to another state; a bundle takes its live components along (ABS-24).

        `cancels_plans`: actions that wait for it are cancelled too (SCH-10). `paid_back`: see WAL-8.
        """
        components = self.draft.components(service.service_id) if service.bundle_service_id is None else ()
        self._change(service, to, cause or self.action.cause, returns_to)
        for member in components:
            component = self.draft.service(member.service_id)
            assert component is not None, "a bundle's components are there"
            self._change(component, to, self._of_component(cause), returns_to)
        if cancels_plans:
            self._ended += [service.service_id, *(member.service_id for member in components)]
        if paid_back and self.action.undoing is None:
            self._paid_back.append(service)

    def _of_component(self, cause: ServiceCause | None) -> ServiceCause:
        """Components follow their bundle; where the action itself names a cause for all, that one."""
        if self.action.cause is ServiceCause.ORDER:
            return ServiceCause.ORDER
        return cause if cause is ServiceCause.SWAPPED else ServiceCause.BUNDLE

    def _change(
        self,
        service: SubscriptionService,
        to: ServiceState,
        cause: ServiceCause,
        returns_to: ServiceState | None,
    ) -> None:
        if self.action.cause is ServiceCause.ORDER:
            cause = ServiceCause.ORDER
        event = SubscriptionServiceStateChanged(
            subscription_id=self.subscription_id,
            service_id=service.service_id,
            product=service.product,
            bundle_service_id=service.bundle_service_id,
            old_state=service.state,
            new_state=to,
            effective_at=self.action.effective_at,
            cause=cause,
            action_id=self.action.action_id,
            returns_to=returns_to,
            reason=self.action.command.reason,
        )
        self.draft.record(event)
        self._changed.append(event)
        self._changed_by[service.service_id] = self._place
        if to in ON and service.state in ACTIVATED_FROM and self.action.undoing is None:
            self._activated.append(service.service_id)

    def add(  # noqa: PLR0913  # what a new service is made of
        self,
        asked: NewComponent,
        product: Product | SubscriptionService,
        state: ServiceState,
        place: tuple[object, ...],
        *,
        cause: ServiceCause | None = None,
        bundle_service_id: str | None = None,
        like: SubscriptionService | None = None,
        restores: str | None = None,
        swapped_from: str | None = None,
        charged: bool = True,
    ) -> str:
        """Add a service. `place` in the command derives its id; `like` gives it its later points (ABS-22, SWP-4)."""
        action = self.action
        service_id = self.id_of(asked, place)
        self._number += 1
        cause = ServiceCause.ORDER if action.cause is ServiceCause.ORDER else cause or action.cause
        first = StatePoint(from_=action.effective_at, state=state, action_id=action.action_id, cause=cause)
        later = () if like is None else (point for point in like.history if point.from_ > action.effective_at)
        event = SubscriptionServiceAdded(
            subscription_id=self.subscription_id,
            service_id=service_id,
            number=self._number,
            product=product.product,
            product_type=product.product_type,
            family=product.family,
            composition=product.composition,
            tier=product.tier,
            bundle_service_id=bundle_service_id,
            state=state,
            history=(first, *later),
            added_at=action.effective_at,
            provider=product.provider,
            order_id=asked.order_id,
            line_id=asked.line_id,
            restores_service_id=restores,
            swapped_from_service_id=swapped_from,
        )
        self.draft.record(event)
        self._added.append(event)
        self._changed_by[service_id] = self._place
        if charged and state in ON and action.undoing is None:
            self._activated.append(service_id)
        if asked.distributor_id is not None:
            self._wishes[service_id] = asked.distributor_id
        return service_id

    def id_of(self, asked: NewComponent, place: tuple[object, ...]) -> str:
        """The id of a service that is to come: as given, else derived from its place. A taken one (SUB-2) is left."""
        if asked.service_id is None or self.draft.service(asked.service_id) is not None:
            return self.action.derived_id(self.context, "service", *place)
        return asked.service_id

    # -- the subscription

    def move(self, to: ServiceState, name: str, cause: ServiceCause | None = None) -> None:
        """Bring the subscription to another state; nothing where it is there already."""
        self._move(to, name, self.codes, cause)

    def _move(self, to: ServiceState, name: str, codes: Codes, cause: ServiceCause | None) -> None:
        subscription, action = self.subscription, self.action
        if subscription.state is to:
            return
        # An action may reach back to before the last fact of a subscription, but not of the services that it touches
        # (CLS-4): the subscription follows them when its own history is that far.
        effective_at = max(action.effective_at, opening.last_fact(subscription.history))
        if action.cause is ServiceCause.ORDER:
            cause = ServiceCause.ORDER
        event = SubscriptionStateChanged(
            subscription_id=self.subscription_id,
            action=name,
            old_state=subscription.state,
            new_state=to,
            effective_at=effective_at,
            cause=cause or action.cause,
            action_id=action.action_id,
            reason=action.command.reason,
            action_type=codes[0],
            sub_action_type=codes[1],
            performed_by=action.performed_by,
        )
        self.draft.record(event)
        self._followed.append(event)

    codes: Codes = (None, None)
    """Action type and sub action type to be written down (CLS-1)."""

    def follow(self, name: str) -> None:
        """Have the subscription follow its services, once all actions are done (SST-2)."""
        self._to_follow.append((name, self.codes))

    def _follow(self) -> None:
        """SST-2. What ends a subscription is an action that ends services; else the last one is said to move it."""
        subscription = self.subscription
        if subscription.state not in LIVE or not self._to_follow:
            return
        tallies = self.draft.tallies(self.subscription_id).values()
        live, effective = sum(tally.live for tally in tallies), sum(tally.effective for tally in tallies)
        ends = [(name, codes) for name, codes in self._to_follow if name in ENDS]
        if live == 0 and ends:
            name, codes = ends[-1]
            self._move(ENDS[name], name, codes, ServiceCause.SERVICES)
        elif subscription.state in STEADY:
            name, codes = self._to_follow[-1]
            to = EFFECTIVE if effective else NOT_EFFECTIVE if subscription.ever_left_draft else DRAFT
            self._move(to, name, codes, ServiceCause.SERVICES)

    # -- the end

    def effect(self) -> Effect:
        """Judge what is judged on the result (ABS-6, PRV, WAL), and put the events in order."""
        if self._stopped:
            return Effect(violations=tuple(self.violations), causes=tuple(self._causes))
        self._follow()
        action, context, draft = self.action, self.context, self.draft
        subscription = self.subscription
        for broken, service_ids in dependencies.violations(self.view, draft, self.subscription_id, context.catalog):
            self._object(broken, service_ids)
        objections, provisioned = placing.settle(self.view, draft, subscription, self._wishes, action, context)
        activated = self._services(self._activated)
        self._record(provisioned)
        for broken in objections:
            self._object(broken, self._on(broken.carries.get("distributor_id")))
        objections, paid = charging.charge(draft, subscription, activated, action, context)
        for broken in objections:
            of = broken.carries.get("service_id")
            self._object(broken, self._activated if of is None else (of,))
        self._record(paid)
        refunded = charging.refund(draft, subscription, self._paid_back, action, context)
        self._record(refunded)
        cancelled = endings.ended(
            draft,
            self.subscription_id,
            self._ended,
            action,
            context,
            whole_subscription=subscription.state not in LIVE,
        )
        self._record(cancelled)
        events = (
            *self._heads,
            *self._followed,
            *self._changed,
            *self._added,
            *paid,
            *refunded,
            *provisioned,
            *cancelled,
        )
        shown = (
            preview(self.view, draft, action, context, events, activated, tuple(self.composition))
            if context.preview and action.action_id is None
            else None
        )
        return Effect(violations=tuple(self.violations), events=events, preview=shown, causes=tuple(self._causes))

    def _object(self, broken: Violation, service_ids: Iterable[str]) -> None:
        """Note a violation of the result, and which actions changed the services that it is about."""
        places = {self._changed_by[service_id] for service_id in service_ids if service_id in self._changed_by}
        self.violations.append(broken)
        self._causes.append(tuple(sorted(places)) or tuple(range(len(self.actions))))

    def _on(self, distributor_id: str | None) -> list[str]:
        """Services that the actions have put on a distributor, or turned on there."""
        return [
            service.service_id
            for service in self._services(self._changed_by)
            if service.distributor_id == distributor_id
            and ((known := self.view.service(service.service_id)) is None or known.state not in ON)
        ]

    def _services(self, service_ids: Iterable[str]) -> tuple[SubscriptionService, ...]:
        found = (self.draft.service(service_id) for service_id in service_ids)
        return tuple(service for service in found if service is not None)

    def _record(self, events: Iterable[Event]) -> None:
        for event in events:
            self.draft.record(event)
