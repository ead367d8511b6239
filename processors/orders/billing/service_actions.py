"""What a line does to its service, as the actions that the subscriptions part knows (SUB-8, CPO-5)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from processors.acting import Action, Undoing
from processors.context import Context
from processors.orders.billed_services import found_by
from processors.orders.billing.targets import NewSubscription, Target
from processors.view.customer import CustomerView
from schemas.actions import ActionCommand
from schemas.bundles import AmendBundleServices, RemovedComponent
from schemas.order_lines import FeatureAction, LineServiceAction, OrderLine
from schemas.references import AccountRef
from schemas.subscriptions import (
    ChangeServiceState,
    CreateSubscription,
    InitialServiceState,
    NewComponent,
    NewService,
    ServiceAction,
    ServiceCause,
    SubscriptionService,
    SwapService,
)

_LINE = LineServiceAction

APPLIED_IN = (_LINE.DISCONNECT, _LINE.SUSPEND, _LINE.CHANGE, _LINE.RESTORE, _LINE.ADD)
"""The order in which lines act, each kind in line order (BSU-22)."""

_STATE_ACTIONS = {
    _LINE.DISCONNECT: ServiceAction.CANCEL,
    _LINE.SUSPEND: ServiceAction.STOP,
    _LINE.RESTORE: ServiceAction.START,
}


def creation(made: NewSubscription, effective_at: datetime, context: Context) -> Action:
    """The action that makes the subscription which lines look for; its services follow (BSU-20)."""
    command = CreateSubscription(
        subscription_id=made.subscription_id,
        account=AccountRef(account_id=made.account_id),
        kind=made.kind,
        subscription_type=made.subscription_type,
        initial_state=InitialServiceState.EFFECTIVE,
    )
    return Action.asked(
        command, made.subscription_id, effective_at, context, ServiceCause.ORDER, (made.subscription_id,)
    )


def action_of(view: CustomerView, target: Target, effective_at: datetime, context: Context) -> Action | None:
    """What a line does; None for a CHANGE that says nothing new."""
    command = _command(view, target, context)
    if command is None:
        return None
    place = (target.line.line_id,)
    action = Action.asked(command, target.subscription_id, effective_at, context, ServiceCause.ORDER, place)
    return action if target.undoes is None else msgspec.structs.replace(action, undoing=_undoing(target, target.undoes))


def swapped_to(line: OrderLine, context: Context) -> str:
    """The id of the service that takes the place of the one that a line swaps."""
    return context.derived_id("service", line.line_id)


def is_swap(service: SubscriptionService, line: OrderLine) -> bool:
    """Whether a CHANGE puts another product in the place of a service."""
    return line.service_action is _LINE.CHANGE and service.product != line.product_id


def _command(view: CustomerView, target: Target, context: Context) -> ActionCommand | None:
    line, subscription_id = target.line, target.subscription_id
    if line.service_action is _LINE.ADD:
        return ChangeServiceState(
            subscription_id=subscription_id,
            action=ServiceAction.ADD,
            services=(_new_service(line, target.service_id),),
            initial_state=InitialServiceState.EFFECTIVE,
        )
    if line.service_action is not _LINE.CHANGE:
        return ChangeServiceState(
            subscription_id=subscription_id,
            action=_STATE_ACTIONS[line.service_action],
            service_ids=(target.service_id,),
        )
    service = view.service(target.service_id)
    assert service is not None, "BSU-10 has seen to it"
    if is_swap(service, line):
        return SwapService(
            subscription_id=subscription_id,
            from_service_id=service.service_id,
            to_service=_new_service(line, swapped_to(line, context)),
        )
    return _amendment(target) if line.features else None


def _new_service(line: OrderLine, service_id: str) -> NewService:
    return NewService(
        product=line.product_id,
        service_id=service_id,
        order_id=line.order_id,
        line_id=line.line_id,
        components=_components(line) or None,
    )


def _components(line: OrderLine) -> tuple[NewComponent, ...]:
    return tuple(
        NewComponent(
            product=feature.product_id,
            service_id=feature.service_id,
            order_id=line.order_id,
            line_id=line.line_id,
        )
        for feature in line.features
        if feature.service_action is FeatureAction.ADD
    )


def _amendment(target: Target) -> AmendBundleServices:
    """Components that come and go; where a line undoes another one they are known by their products only."""
    return AmendBundleServices(
        subscription_id=target.subscription_id,
        bundle_service_id=target.service_id,
        add=_components(target.line),
        remove=tuple(
            RemovedComponent(service_id=feature.service_id)
            if target.undoes is None
            else RemovedComponent(product=feature.product_id)
            for feature in target.line.features
            if feature.service_action is FeatureAction.DISCONNECT
        ),
    )


def _undoing(target: Target, original: OrderLine) -> Undoing:
    """The state before the original line, where its service has one to return to (CPO-5)."""
    found = found_by(original)
    before = None if found is None else found.before
    return Undoing(
        state=None if before is None or target.line.service_action is _LINE.CHANGE else before.state,
        restores_service_id=target.line.restores_service_id,
    )
