"""Rows of subscriptions and their services: states, plans, swaps, and the components that amendments move."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import assert_never

import msgspec

from processors.analytics.rows import Origin, place
from processors.analytics.subscription_rows import (
    ComponentMoved,
    PlanVersion,
    ServiceAdded,
    ServiceStep,
    ServiceSwapStep,
    SubscriptionRow,
    SubscriptionStep,
)
from schemas.bundles import BundleEvent, BundleServicesAmended
from schemas.envelope import BusinessTransaction
from schemas.subscriptions import (
    ActionReferenceRecorded,
    PlannedStatesChanged,
    ServiceSwapped,
    Subscription,
    SubscriptionCreated,
    SubscriptionEvent,
    SubscriptionService,
    SubscriptionServiceAdded,
    SubscriptionServiceStateChanged,
    SubscriptionStateChanged,
)
from schemas.wallets import CreditKind, DebitKind, WalletCredited, WalletDebited

_json = msgspec.json.Encoder()


def steps(
    transaction: BusinessTransaction, origin: Origin, position: int, event: SubscriptionEvent | BundleEvent
) -> Iterator[SubscriptionRow]:
    """Give the rows of one event. What is planned stands in the entities: `plan_version`."""
    match event:
        case SubscriptionCreated():
            yield _created(transaction, origin, position, event)
        case SubscriptionStateChanged():
            yield _changed(transaction, origin, position, event)
        case SubscriptionServiceAdded():
            yield _added(transaction, origin, position, event)
            yield from _first_states(transaction, origin, position, event)
        case SubscriptionServiceStateChanged():
            yield _service_state(transaction, origin, position, event)
        case ServiceSwapped():
            yield _swap(transaction, origin, position, event)
        case BundleServicesAmended():
            yield from _moved(transaction, origin, position, event)
        case PlannedStatesChanged() | ActionReferenceRecorded():
            return
        case _:
            assert_never(event)


def plan_version(
    transaction: BusinessTransaction, origin: Origin, entity: Subscription | SubscriptionService
) -> PlanVersion:
    """Return what is planned for a service, or for the subscription itself, as the transaction left it."""
    return PlanVersion(
        origin.partition,
        origin.offset,
        transaction.customer_id,
        transaction.sequence,
        entity.subscription_id,
        entity.service_id if isinstance(entity, SubscriptionService) else None,
        _json.encode([point for point in entity.history if point.planned]).decode(),
    )


def _created(
    transaction: BusinessTransaction, origin: Origin, position: int, event: SubscriptionCreated
) -> SubscriptionStep:
    return SubscriptionStep(
        *place(transaction, origin, position),
        event.subscription_id,
        None,
        None,
        event.state.value,
        event.effective_at,
        None,
        None,
        event.reason,
        event.action_type,
        event.sub_action_type,
        transaction.occurred_at,
        transaction.source,
        event.performed_by,
        event.account_id,
        event.kind.value,
        event.subscription_type,
        event.definition,
        event.wallet_id,
    )


def _changed(
    transaction: BusinessTransaction, origin: Origin, position: int, event: SubscriptionStateChanged
) -> SubscriptionStep:
    return SubscriptionStep(
        *place(transaction, origin, position),
        event.subscription_id,
        event.action,
        event.old_state.value,
        event.new_state.value,
        event.effective_at,
        event.cause.value,
        event.action_id,
        event.reason,
        event.action_type,
        event.sub_action_type,
        transaction.occurred_at,
        transaction.source,
        event.performed_by,
    )


def _added(
    transaction: BusinessTransaction, origin: Origin, position: int, event: SubscriptionServiceAdded
) -> ServiceAdded:
    return ServiceAdded(
        *place(transaction, origin, position),
        event.subscription_id,
        event.service_id,
        event.number,
        event.product,
        event.product_type,
        event.family,
        event.composition.value,
        event.tier,
        event.bundle_service_id,
        event.added_at,
        event.provider,
        event.order_id,
        event.line_id,
        event.restores_service_id,
        event.swapped_from_service_id,
    )


def _first_states(
    transaction: BusinessTransaction, origin: Origin, position: int, event: SubscriptionServiceAdded
) -> Iterator[ServiceStep]:
    """Give the first fact, and those after it that a service added in the past takes over from its bundle (ABS-22)."""
    before: str | None = None
    for number, point in enumerate(point for point in event.history if not point.planned):
        yield ServiceStep(
            *place(transaction, origin, position),
            number,
            event.subscription_id,
            event.service_id,
            before,
            point.state.value,
            point.from_,
            point.cause,
            point.action_id,
            None,
            transaction.occurred_at,
            transaction.source,
            transaction.performed_by,
        )
        before = point.state.value


def _service_state(
    transaction: BusinessTransaction, origin: Origin, position: int, event: SubscriptionServiceStateChanged
) -> ServiceStep:
    return ServiceStep(
        *place(transaction, origin, position),
        0,
        event.subscription_id,
        event.service_id,
        event.old_state.value,
        event.new_state.value,
        event.effective_at,
        event.cause.value,
        event.action_id,
        event.reason,
        transaction.occurred_at,
        transaction.source,
        transaction.performed_by,
    )


def _swap(transaction: BusinessTransaction, origin: Origin, position: int, event: ServiceSwapped) -> ServiceSwapStep:
    return ServiceSwapStep(
        *place(transaction, origin, position),
        event.subscription_id,
        event.from_service_id,
        event.to_service_id,
        event.from_product,
        event.to_product,
        event.swap_class.value,
        event.effective_at,
        len(event.removed_components),
        event.action_type,
        event.sub_action_type,
        transaction.occurred_at,
        event.performed_by,
    )


def _moved(
    transaction: BusinessTransaction, origin: Origin, position: int, event: BundleServicesAmended
) -> Iterator[ComponentMoved]:
    charged = _charged(transaction)
    moves = [("REMOVED", named) for named in event.removed] + [("ADDED", named) for named in event.added]
    for number, (direction, named) in enumerate(moves):
        amount, currency = charged.get(named.service_id, (None, None))
        yield ComponentMoved(
            *place(transaction, origin, position),
            number,
            event.subscription_id,
            event.bundle_service_id,
            event.product,
            named.service_id,
            named.product,
            direction,
            event.effective_at,
            amount,
            currency,
            event.action_id,
            event.action_type,
            event.sub_action_type,
            transaction.occurred_at,
            event.performed_by,
        )


def _charged(transaction: BusinessTransaction) -> dict[str, tuple[Decimal, str]]:
    """What the transaction charged for services by activation; below 0 what it paid back for removed ones."""
    charged: dict[str, tuple[Decimal, str]] = {}
    for change in transaction.changes:
        match change.event:
            case WalletDebited(kind=DebitKind.ACTIVATION) as debit:
                charged[debit.service_id] = debit.amount, debit.currency
            case WalletCredited(kind=CreditKind.REMOVAL_REFUND, service_id=str(service_id)) as credit:
                charged[service_id] = credit.amount.copy_negate(), credit.currency
            case _:
                pass
    return charged
