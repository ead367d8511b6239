"""Changing distributions by hand: moving, enabling and removing them together (PRV-7, PRV-8)."""

from __future__ import annotations

from processors.acting import LIVE, Action
from processors.context import Context
from processors.provisioning import objections
from processors.provisioning.arranging import Arrangement, Judged, Thing
from processors.provisioning.placing import placed
from processors.provisioning.requests import requests
from processors.view.customer import CustomerView
from schemas.provisioning import ChangeDistribution, DistributionChange, DistributionOperation, InstalledItem
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import SubscriptionService

MOVE, ENABLE, REMOVE = DistributionOperation.MOVE, DistributionOperation.ENABLE, DistributionOperation.REMOVE


def change(view: CustomerView, command: ChangeDistribution, action: Action, context: Context) -> Judged:
    """Move, enable and remove distributions, all or nothing (PRV-7). Clean-up is judged on the final set."""
    arrangement = Arrangement(
        view,
        command.subscription_id,
        lambda thing_id: action.derived_id(context, "distributor", thing_id),
    )
    violations: list[Violation] = []
    named: set[str] = set()
    for place, asked in enumerate(command.changes):
        violations += _objections(view, arrangement, asked, action, f"changes.{place}", named)
    if violations:
        return objections.in_order(violations), []

    for asked in command.changes:
        _apply(view, arrangement, asked)
    events, after = arrangement.outcome()
    broken = arrangement.violations(after, (), context)
    touched = [asked.service_id for asked in command.changes if asked.service_id is not None]
    return broken, [*events, *requests(view, after, touched, context)]


def _objections(
    view: CustomerView,
    arrangement: Arrangement,
    asked: DistributionChange,
    action: Action,
    path: str,
    named: set[str],
) -> list[Violation]:
    """All that stands against one change, whatever stands against the others."""
    found: list[Violation] = []
    distributor = None if asked.distributor_id is None else arrangement.distributor(asked.distributor_id)
    if asked.distributor_id is not None and distributor is None:
        found.append(objections.unknown_distributor(asked.distributor_id, f"{path}.distributor_id"))

    thing = _thing(view, asked, action.subscription_id)
    if thing is None:
        found.append(_unknown(asked, path))
    else:
        if distributor is not None and asked.operation is not REMOVE:
            expected = _provider(thing, asked)
            if expected is not None and expected != distributor.provider:
                found.append(
                    objections.provider_mismatch(
                        distributor, f"{path}.distributor_id", service_id=asked.service_id, item_id=asked.item_id
                    )
                )
        found += _state_objections(thing, asked, path, projected=action.projected)
    identity = asked.service_id or asked.item_id or ""
    kind_and_id = f"{'service' if asked.service_id is not None else 'item'}/{identity}"
    if kind_and_id in named:
        found.append(_about(Code.DISTRIBUTION_NAMED_TWICE, asked, path))
    named.add(kind_and_id)
    return found


def _state_objections(thing: Thing, asked: DistributionChange, path: str, *, projected: bool) -> list[Violation]:
    """What stands against it because of how the service or the item is now."""
    if isinstance(thing, SubscriptionService):
        if thing.provider is None:
            return [objections.not_provisionable(thing.service_id, asked.distributor_id, f"{path}.service_id")]
        if thing.state not in LIVE:
            return [objections.terminal(thing, f"{path}.service_id", projected=projected)]
    if asked.operation is not ENABLE:
        return [] if thing.distributor_id is not None else [_about(Code.DISTRIBUTION_MISSING, asked, path)]
    found = [] if thing.distributor_id is None else [_about(Code.DISTRIBUTION_EXISTS, asked, path)]
    if isinstance(thing, InstalledItem) and asked.provider is None and asked.distributor_id is None:
        found.append(_about(Code.PROVIDER_REQUIRED, asked, path))
    return found


def _apply(view: CustomerView, arrangement: Arrangement, asked: DistributionChange) -> None:
    thing = _found(view, asked)
    assert thing is not None, "what is not there was refused"
    if asked.operation is not ENABLE and asked.distributor_id == thing.distributor_id and asked.operation is MOVE:
        return
    if asked.operation is not ENABLE:
        arrangement.take(thing)
    if asked.operation is REMOVE:
        return
    provider = _provider(thing, asked)
    named = None if asked.distributor_id is None else arrangement.distributor(asked.distributor_id)
    if named is None:
        assert provider is not None
        if asked.operation is MOVE:
            named = arrangement.new(provider, thing)
        elif isinstance(thing, SubscriptionService):
            named = placed(arrangement, view, thing, provider)
        else:
            named = arrangement.oldest(provider) or arrangement.new(provider, thing)
    arrangement.give(thing, named)


def _thing(view: CustomerView, asked: DistributionChange, subscription_id: str) -> Thing | None:
    """The service or item that is meant, if the subscription has it."""
    thing = _found(view, asked)
    return thing if thing is not None and thing.subscription_id == subscription_id else None


def _found(view: CustomerView, asked: DistributionChange) -> Thing | None:
    return view.service(asked.service_id) if asked.service_id is not None else view.item(asked.item_id or "")


def _unknown(asked: DistributionChange, path: str) -> Violation:
    if asked.service_id is not None:
        return violation(Code.SERVICE_UNKNOWN, "PRV-8", f"{path}.service_id", service_id=asked.service_id)
    return violation(Code.ITEM_UNKNOWN, "PRV-8", f"{path}.item_id", item_id=asked.item_id)


def _about(code: Code, asked: DistributionChange, path: str) -> Violation:
    return objections.about(
        code,
        path,
        service_id=asked.service_id,
        item_id=asked.item_id,
        distributor_id=asked.distributor_id,
        provider=asked.provider,
    )


def _provider(thing: Thing, asked: DistributionChange) -> str | None:
    """Whose distributor it must be. An item goes where it is moved from, else where it is asked to."""
    if isinstance(thing, SubscriptionService) or asked.operation is not ENABLE:
        return thing.provider
    return asked.provider
