"""AmendBundleServices: components come and go together, judged on what results (ABS-1 to ABS-30)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from processors.acting import LIVE
from processors.bundles.composition import check, existing_piece, new_piece, previewed
from processors.schedule import bodies
from processors.subscriptions import adding, opening
from processors.subscriptions.changing import service_state_violation
from processors.subscriptions.making import Making
from processors.subscriptions.states import AMEND
from schemas.actions import ServiceState
from schemas.bundles import AmendBundleServices, BundleServicesAmended
from schemas.catalog import Composition, CompositionRow
from schemas.malformed import Misfit
from schemas.refusals import Code, Violation, violation
from schemas.rosters import Member
from schemas.schedule import ScheduledAction
from schemas.subscriptions import (
    ChangeServiceState,
    ChangeSubscriptionState,
    ServiceAction,
    ServiceCause,
    ServiceNamed,
    SubscriptionAction,
    SubscriptionService,
    SwapService,
)


class Movement(NamedTuple):
    """What an amendment moves, as far as it can be moved."""

    present: tuple[Member, ...]
    removed: list[Member]
    violations: list[Violation]


def amend(making: Making, command: AmendBundleServices) -> None:
    """Add components to a flexible bundle and take some away, exactly as listed."""
    action, context = making.action, making.context
    subscription = making.subscription
    account = making.view.account(subscription.account_id)
    assert account is not None, "a subscription belongs to an account"
    at = action.effective_at
    definition = context.catalog.subscription_definition(subscription.subscription_type, at)
    making.violations += opening.definition_violations(subscription.subscription_type, definition, at)
    making.violations += opening.account_violations(account, action)
    wrong_state = list(opening.subscription_state_violations(subscription, AMEND.subscription_from, action, "ABS-1"))
    if wrong_state:
        making.stop(*wrong_state)
        return
    making.violations += adding.product_violations(opening.new_services(command), context)
    bundle = _bundle(making, command)
    if isinstance(bundle, Violation):
        making.stop(bundle)
        return
    if not command.add and not command.remove:
        making.stop(violation(Code.EMPTY_AMENDMENT, "ABS-11", bundle_service_id=bundle.service_id))
        return

    movement = _movement(making, bundle, command)
    making.violations += movement.violations
    product = context.catalog.product(bundle.product)
    rows = product.rows_in_force(at) if product is not None else ()
    _check_composition(making, command, movement, rows)
    if command.add:
        making.violations += _going(making, bundle)
    _move(making, bundle, command, movement, rows)


def _bundle(making: Making, command: AmendBundleServices) -> SubscriptionService | Violation:
    """The bundle that is meant, or the one thing to say where there is none (ABS-2, ABS-3)."""
    found = making.view.service(command.bundle_service_id)
    service = found if found is not None and found.subscription_id == making.subscription_id else None
    flexible = service is not None and service.composition is Composition.FLEXIBLE_BUNDLE
    if not (flexible and service is not None and service.state in LIVE) and not any(
        member.composition is Composition.FLEXIBLE_BUNDLE for member in making.view.members(making.subscription_id)
    ):
        return violation(Code.NO_FLEXIBLE_BUNDLE, "ABS-2", subscription_id=making.subscription_id)
    if service is None:
        return violation(Code.SERVICE_UNKNOWN, "ABS-3", "bundle_service_id", service_id=command.bundle_service_id)
    if not flexible:
        return violation(
            Code.NOT_A_FLEXIBLE_BUNDLE,
            "ABS-3",
            "bundle_service_id",
            service_id=service.service_id,
            composition=service.composition,
        )
    if service.state not in AMEND.services_from:
        return service_state_violation(service, AMEND.services_from, making.action, rule="ABS-3")
    return service


def _movement(making: Making, bundle: SubscriptionService, command: AmendBundleServices) -> Movement:
    """Which components go, and what of both lists cannot be (ABS-11)."""
    present = making.view.components(bundle.service_id)
    left = {member.service_id: member for member in present}
    removed: list[Member] = []
    absent: list[Violation] = []
    doubled: list[Violation] = []
    crossed: list[Violation] = []
    for place, asked in enumerate(command.remove):
        member = next(
            (one for one in left.values() if asked.service_id == one.service_id or asked.product == one.product), None
        )
        if member is None:
            absent.append(
                violation(
                    Code.COMPONENT_NOT_IN_BUNDLE,
                    "ABS-11",
                    f"remove.{place}",
                    bundle_service_id=bundle.service_id,
                    product=asked.product,
                    service_id=asked.service_id,
                )
            )
        else:
            removed.append(left.pop(member.service_id))
    going = {member.product: member.service_id for member in removed}
    there: dict[str, str | None] = {member.product: member.service_id for member in left.values()}
    for place, new in enumerate(command.add):
        told = Code.COMPONENT_ALREADY_PRESENT if new.product in there else Code.COMPONENT_IN_BOTH_LISTS
        if new.product in there or new.product in going:
            broken = violation(
                told,
                "ABS-11",
                f"add.{place}",
                bundle_service_id=bundle.service_id,
                product=new.product,
                service_id=there.get(new.product, going.get(new.product)),
            )
            (doubled if new.product in there else crossed).append(broken)
        there.setdefault(new.product, new.service_id)
    return Movement(present, removed, [*absent, *doubled, *crossed])


def _check_composition(
    making: Making, command: AmendBundleServices, movement: Movement, rows: Sequence[CompositionRow]
) -> None:
    """The check on the result: what comes and goes at once is judged at once (ABS-4, ABS-5)."""
    context = making.context
    before = [existing_piece(member, context.catalog) for member in movement.present]
    gone = {member.service_id for member in movement.removed}
    after = [piece for piece in before if piece.service_id not in gone]
    for asked in command.add:
        product = adding.service_product(asked.product, context)
        if product is not None:
            after.append(new_piece(product, asked.service_id))
    making.violations += check(rows, after, doubles=None)
    if context.preview:
        making.composition += previewed(rows, before, after)


# -- what will remove the bundle (ABS-8)


def _going(making: Making, bundle: SubscriptionService) -> Iterator[Violation]:
    """Nothing is added to a bundle that is going to end, unless the catalog allows it until then."""
    allowed_until_then = making.context.catalog.switches.amend_before_scheduled_removal
    for waiting in making.view.pending(making.subscription_id):
        if waiting.action_id == making.action.action_id or not _removes(making, waiting, bundle.service_id):
            continue
        if allowed_until_then and waiting.due > making.action.effective_at:
            continue
        yield violation(
            Code.BUNDLE_HAS_SCHEDULED_REMOVAL,
            "ABS-8",
            "add",
            bundle_service_id=bundle.service_id,
            action_id=waiting.action_id,
            action=bodies.name_of_scheduled(waiting),
            due=waiting.due,
        )


def _removes(making: Making, waiting: ScheduledAction, bundle_service_id: str) -> bool:
    command = bodies.command_of(making.view, waiting)
    if isinstance(command, Misfit):
        return False
    match command:
        case ChangeSubscriptionState():
            return command.action in (SubscriptionAction.CANCEL, SubscriptionAction.REGRET)
        case ChangeServiceState():
            ends = command.action in (ServiceAction.CANCEL, ServiceAction.REGRET, ServiceAction.UNDO_ADD)
            return ends and bundle_service_id in command.service_ids
        case SwapService():
            return command.from_service_id == bundle_service_id
        case _:
            return False


# -- what happens (ABS-20 to ABS-23)


def _move(
    making: Making,
    bundle: SubscriptionService,
    command: AmendBundleServices,
    movement: Movement,
    rows: Sequence[CompositionRow],
) -> None:
    action, context = making.action, making.context
    coming = [
        (place, asked, product)
        for place, asked in enumerate(command.add)
        if (product := adding.service_product(asked.product, context)) is not None
    ]
    action_type, sub_action_type = opening.recorded_codes(command)
    removed = tuple(ServiceNamed(service_id=one.service_id, product=one.product) for one in movement.removed)
    added = tuple(
        ServiceNamed(service_id=making.id_of(asked, (place,)), product=asked.product) for place, asked, _ in coming
    )
    making.begin(
        BundleServicesAmended(
            subscription_id=making.subscription_id,
            bundle_service_id=bundle.service_id,
            product=bundle.product,
            added=added,
            removed=removed,
            effective_at=action.effective_at,
            rows_checked=tuple(row.row_id for row in rows),
            action_id=action.action_id,
            action_type=action_type,
            sub_action_type=sub_action_type,
            performed_by=action.performed_by,
        )
    )
    for member in movement.removed:
        component = making.draft.service(member.service_id)
        assert component is not None, "a bundle's components are there"
        making.change(component, ServiceState.REMOVED, ServiceCause.AMENDED, paid_back=True)
    for place, asked, product in coming:
        making.add(
            asked,
            product,
            bundle.state,
            (place,),
            cause=ServiceCause.AMENDED,
            bundle_service_id=bundle.service_id,
            like=bundle,
        )
