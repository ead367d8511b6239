"""The lines of an update as service changes: one action over all lines, judged on its result (BSU-22)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from processors.acting import Action
from processors.context import Context
from processors.orders.billed_services import billed_state
from processors.orders.billing.objections import Objection, objection, violations
from processors.orders.billing.service_actions import APPLIED_IN, action_of, creation, is_swap, swapped_to
from processors.orders.billing.targets import NewSubscription, Target
from processors.schedule import moments
from processors.subscriptions import opening
from processors.subscriptions.creation import subscription_limit
from processors.subscriptions.deciding import carry_out
from processors.subscriptions.previews import joined
from processors.subscriptions.touching import earliest
from processors.view.customer import CustomerView
from schemas.bundles import AmendBundleServices
from schemas.fields import Event
from schemas.order_lines import BilledService, OrderLine
from schemas.previews import Preview
from schemas.refusals import Violation


class Moment(msgspec.Struct, frozen=True):
    """From when services change."""

    at: datetime
    given_by: str | None
    """The field that says so; None: it is the moment of the update itself, which nothing can stand against."""


def moment(effective_at: datetime | None, context: Context) -> Moment:
    """When an update takes effect: as its command says, else as its envelope does, else now."""
    if effective_at is not None:
        return Moment(effective_at, "effective_at")
    if context.performed_at is not None:
        return Moment(context.performed_at, "performed_at")
    return Moment(context.at, None)


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What an update makes of subscriptions."""

    violations: list[Violation]
    events: tuple[Event, ...]
    """One subscription after another, in the order of their first line."""
    services: dict[str, tuple[BilledService, ...]]
    """By line: what it did."""
    preview: Preview | None


def apply(
    view: CustomerView, lines: Sequence[OrderLine], targets: Sequence[Target], since: Moment, context: Context
) -> Applied:
    """Change the services of all targets at once. `lines` are all of the update, also those about no service."""
    objections = list(_future(lines, since, context))
    after = view.draft()
    events: list[Event] = []
    previews: list[Preview] = []
    for subscription_id in dict.fromkeys(target.subscription_id for target in targets):
        concerned = [target for target in targets if target.subscription_id == subscription_id]
        work = _Work(view, concerned, since.at, context)
        objections += work.early(since)
        if not work.actions:
            continue
        effect = carry_out(after, work.actions, context)
        objections += (
            # the path is that of a command which nobody sent
            objection(replace(broken, path=None), work.lines_of(places), amends=work.amends(places))
            for broken, places in zip(effect.violations, effect.causes, strict=True)
        )
        for event in effect.events:
            after.record(event)
        events += effect.events
        if effect.preview is not None:
            previews.append(effect.preview)
    objections += _too_many_subscriptions(after, targets, since, context)
    return Applied(
        violations=violations(objections, lines),
        events=tuple(events),
        services={target.line.line_id: _services(view, after, target, context) for target in targets},
        preview=joined(since.at, previews) if context.preview else None,
    )


class _Work:
    """What is done on one subscription: its actions in the order of BSU-22, each with the lines that ask for it."""

    def __init__(self, view: CustomerView, targets: Sequence[Target], effective_at: datetime, context: Context) -> None:
        self._view, self._context = view, context
        self._of: list[tuple[Action, tuple[Target, ...]]] = []
        made = next((target.made for target in targets if target.made is not None), None)
        if made is not None:
            self._of.append((creation(made, effective_at, context), tuple(targets)))
        for target in sorted(targets, key=lambda target: APPLIED_IN.index(target.line.service_action)):
            action = action_of(view, target, effective_at, context)
            if action is not None:
                self._of.append((action, (target,)))
        self.actions = [action for action, _ in self._of]

    def lines_of(self, places: Sequence[int]) -> list[str]:
        """The lines behind actions."""
        return [target.line.line_id for place in places for target in self._of[place][1]]

    def amends(self, places: Sequence[int]) -> bool:
        """Whether it is about an amendment."""
        return any(isinstance(self.actions[place].command, AmendBundleServices) for place in places)

    def early(self, since: Moment) -> Iterator[Objection]:
        """A moment before what a line changes was there, or in time already rated (CLS-4, SCH-9)."""
        if since.given_by is None:
            return
        for action, targets in self._of:
            subscription = self._view.subscription(action.subscription_id)
            facts = None if subscription is None else earliest(self._view, action, subscription)
            found = [
                *opening.performed_violations(since.at, facts, self._context),
                *moments.already_rated(since.at, targets[0].account, self._context, due=False),
            ]
            for broken in found:
                yield objection(replace(broken, path=since.given_by), [target.line.line_id for target in targets])


def _future(lines: Sequence[OrderLine], since: Moment, context: Context) -> Iterator[Objection]:
    """A moment that lies ahead is wrong for the update as a whole, and said once."""
    for broken in opening.performed_violations(since.at, None, context):
        yield objection(replace(broken, path=since.given_by), [line.line_id for line in lines])


def _too_many_subscriptions(
    after: CustomerView, targets: Sequence[Target], since: Moment, context: Context
) -> Iterator[Objection]:
    """How many subscriptions the accounts have that got new ones (DEF-2)."""
    made: dict[str, NewSubscription] = {}
    for target in targets:
        if target.made is not None:
            made[target.made.subscription_id] = target.made
    for new in made.values():
        definition = context.catalog.subscription_definition(new.subscription_type, since.at)
        live = len(after.subscriptions_of(new.account_id))
        broken = None if definition is None else subscription_limit(definition, live)
        if broken is not None:
            yield objection(broken, [target.line.line_id for target in targets if target.made == new])


def _services(before: CustomerView, after: CustomerView, target: Target, context: Context) -> tuple[BilledService, ...]:
    """The service of a line as it was and as it is; of a swap two, the old one and the new one."""
    service = before.service(target.service_id)
    service_ids = [target.service_id]
    if service is not None and is_swap(service, target.line):
        service_ids.append(swapped_to(target.line, context))
    return tuple(
        BilledService(
            service_id=service_id,
            subscription_id=target.subscription_id,
            before=billed_state(before, service_id),
            after=billed_state(after, service_id),
        )
        for service_id in service_ids
    )
