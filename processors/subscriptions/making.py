"""What an action makes of a subscription: a draft that its services change in, and the events in the stated order."""

from __future__ import annotations

from collections.abc import Iterable

from processors import provisioning, schedule, wallets
from processors.acting import ACTIVATED_FROM, LIVE, ON, Action, Effect
from processors.bundles import dependencies
from processors.context import Context
from processors.customer import CustomerView
from processors.subscriptions.previews import preview
from processors.subscriptions.states import CANCELLED, DRAFT, EFFECTIVE, NOT_EFFECTIVE, REGRETTED, STEADY
from schemas.actions import ServiceState, StatePoint
from schemas.catalog import Product
from schemas.fields import Event
from schemas.previews import PreviewedRow
from schemas.refusals import Violation
from schemas.subscriptions import (
    NewComponent,
    ServiceCause,
    Subscription,
    SubscriptionService,
    SubscriptionServiceAdded,
    SubscriptionServiceStateChanged,
    SubscriptionStateChanged,
)


class Making:
    """One action under way. Violations are collected, never raised; what is wrong is left out of the draft."""

    def __init__(self, view: CustomerView, action: Action, context: Context) -> None:
        self.view, self.action, self.context = view, action, context
        self.subscription_id = action.subscription_id
        self.draft = view.draft()
        self.violations: list[Violation] = []
        self.composition: list[PreviewedRow] = []
        self._heads: list[Event] = []
        self._followed: list[Event] = []
        self._changed: list[Event] = []
        self._added: list[Event] = []
        self._activated: list[str] = []
        self._ended: list[str] = []
        self._paid_back: list[SubscriptionService] = []
        self._wishes: dict[str, str] = {}
        self._number = view.numbers(action.subscription_id).service

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
        if paid_back:
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
        if to in ON and service.state in ACTIVATED_FROM:
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
        if charged and state in ON:
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
        subscription, action = self.subscription, self.action
        if subscription.state is to:
            return
        if action.cause is ServiceCause.ORDER:
            cause = ServiceCause.ORDER
        behaviour, classification = self.codes
        event = SubscriptionStateChanged(
            subscription_id=self.subscription_id,
            action=name,
            old_state=subscription.state,
            new_state=to,
            effective_at=action.effective_at,
            cause=cause or action.cause,
            action_id=action.action_id,
            reason=action.command.reason,
            action_type=behaviour,
            sub_action_type=classification,
            performed_by=action.performed_by,
        )
        self.draft.record(event)
        self._followed.append(event)

    codes: tuple[str | None, str | None] = (None, None)
    """Action type and sub action type to be written down (CLS-1)."""

    def follow(self, name: str) -> None:
        """Let the subscription follow its services (SST-2)."""
        subscription = self.subscription
        if subscription.state not in LIVE:
            return
        tallies = self.draft.tallies(self.subscription_id).values()
        live, effective = sum(tally.live for tally in tallies), sum(tally.effective for tally in tallies)
        to = subscription.state
        if live == 0 and name in ("CANCEL", "REGRET"):
            to = CANCELLED if name == "CANCEL" else REGRETTED
        elif subscription.state in STEADY:
            to = EFFECTIVE if effective else NOT_EFFECTIVE if subscription.ever_left_draft else DRAFT
        self.move(to, name, ServiceCause.SERVICES)

    # -- the end

    def effect(self) -> Effect:
        """Judge what is judged on the result (ABS-6, PRV, WAL), and put the events in order."""
        action, context, draft = self.action, self.context, self.draft
        subscription = self.subscription
        self.violations += dependencies.violations(self.view, draft, self.subscription_id, context.catalog)
        broken, provisioned = provisioning.settle(self.view, draft, subscription, self._wishes, action, context)
        self.violations += broken
        activated = self._services(self._activated)
        broken, paid = wallets.charge(draft, subscription, activated, action, context)
        self.violations += broken
        self._record(paid)
        refunded = wallets.refund(draft, subscription, self._paid_back, action, context)
        self._record((*refunded, *provisioned))
        cancelled = schedule.ended(
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
        return Effect(violations=tuple(self.violations), events=events, preview=shown)

    def _services(self, service_ids: Iterable[str]) -> tuple[SubscriptionService, ...]:
        found = (self.draft.service(service_id) for service_id in service_ids)
        return tuple(service for service in found if service is not None)

    def _record(self, events: Iterable[Event]) -> None:
        for event in events:
            self.draft.record(event)
