"""What a story tells only from outside: commands without an author, and actions that an order brings (CLS-2, SUB-8)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from processors.acting import Action
from processors.context import Context
from processors.subscriptions import deciding
from schemas.actions import ActionCommand
from schemas.bundles import AmendBundleServices
from schemas.envelope import CommandRecord
from schemas.schedule import ScheduledActionCancelled
from schemas.subscriptions import (
    ChangeServiceState,
    CreateSubscription,
    InitialServiceState,
    NewComponent,
    NewService,
    ServiceAction,
    ServiceCause,
    SubscriptionCreated,
    SubscriptionServiceAdded,
    SubscriptionServiceStateChanged,
    SubscriptionStateChanged,
)
from tests.accounts.book import CUSTOMER
from tests.subscriptions.small import Shelf


def with_a_bundle() -> Shelf:
    """An EFFECTIVE bundle `b-1` with one line, of a clerk that said no name."""
    shelf = Shelf()
    body = {
        "subscription_id": "s-1",
        "account": {"account_id": "a-1"},
        "kind": "POSTPAID",
        "initial_state": "EFFECTIVE",
        "services": [
            {"product": "PBX", "service_id": "b-1", "components": [{"product": "LINE_A", "service_id": "line"}]}
        ],
    }
    shelf.asked += 1
    record = CommandRecord(
        command_id="c-0",
        customer_id=CUSTOMER,
        source="crm",
        performed_by="",
        body=msgspec.convert(body, CreateSubscription),
    )
    shelf.done(shelf.give(record))
    return shelf


def test_the_system_that_asks_stands_in_for_an_author() -> None:
    """CLS-2."""
    created = next(event for event in with_a_bundle().history if isinstance(event, SubscriptionCreated))
    assert created.performed_by == "crm"


def ordered(shelf: Shelf, *commands: ActionCommand) -> tuple[tuple[Action, ...], Context]:
    """Lines of an order, as they come to the pipeline."""
    context = Context(
        at=shelf.at,
        command_id="u-1",
        customer_id=CUSTOMER,
        catalog=shelf.catalog,
        zone=ZoneInfo("Europe/Stockholm"),
        performed_by="ada",
    )
    actions = tuple(
        Action(
            command=command,
            subscription_id="s-1",
            effective_at=shelf.at,
            command_id="u-1",
            performed_by="ada",
            cause=ServiceCause.ORDER,
            place=(place,),
        )
        for place, command in enumerate(commands)
    )
    return actions, context


def test_every_state_that_an_order_changes_says_so() -> None:
    """SUB-8: also that of components and of the subscription itself."""
    shelf = with_a_bundle()
    shelf.done(
        shelf.ask(
            "ChangeServiceState",
            subscription_id="s-1",
            action="STOP",
            service_ids=["b-1"],
            schedule={"when": "AFTER_DAYS", "days": 9},
        )
    )
    disconnect = ChangeServiceState(subscription_id="s-1", action=ServiceAction.CANCEL, service_ids=("b-1",))

    effect = deciding.carry_out(shelf.view(), *ordered(shelf, disconnect))

    assert effect.violations == ()
    changed = [
        event
        for event in effect.events
        if isinstance(event, SubscriptionStateChanged | SubscriptionServiceStateChanged)
    ]
    assert len(changed) == 3
    assert {event.cause for event in changed} == {ServiceCause.ORDER}
    assert any(isinstance(event, ScheduledActionCancelled) for event in effect.events)


def test_lines_of_an_order_stand_in_what_they_add() -> None:
    """SUB-8: order_id and line_id are recorded; several lines are one action with one numbering."""
    shelf = with_a_bundle()
    service = NewService(product="NET", service_id="n-1", order_id="o-1", line_id="l-1")
    add = ChangeServiceState(
        subscription_id="s-1",
        action=ServiceAction.ADD,
        services=(service,),
        initial_state=InitialServiceState.EFFECTIVE,
    )
    change = AmendBundleServices(
        subscription_id="s-1",
        bundle_service_id="b-1",
        add=(NewComponent(product="QUEUE", order_id="o-1", line_id="l-2"),),
    )

    effect = deciding.carry_out(shelf.view(), *ordered(shelf, add, change))

    added = [event for event in effect.events if isinstance(event, SubscriptionServiceAdded)]
    assert [(event.order_id, event.line_id, event.number) for event in added] == [("o-1", "l-1", 3), ("o-1", "l-2", 4)]
    assert {event.history[0].cause for event in added} == {ServiceCause.ORDER}


def test_what_one_line_breaks_another_may_mend() -> None:
    """BSU-22: the result is judged, and a violation is laid at the door of the lines that are its cause."""
    shelf = with_a_bundle()
    shelf.done(
        shelf.ask(
            "ChangeServiceState",
            subscription_id="s-1",
            action="ADD",
            initial_state="EFFECTIVE",
            services=[{"product": "NET", "service_id": "n-1"}, {"product": "GUARD", "service_id": "g-1"}],
        )
    )
    disconnect = ChangeServiceState(subscription_id="s-1", action=ServiceAction.CANCEL, service_ids=("n-1",))
    suspend = ChangeServiceState(subscription_id="s-1", action=ServiceAction.STOP, service_ids=("b-1",))
    add = ChangeServiceState(
        subscription_id="s-1",
        action=ServiceAction.ADD,
        services=(NewService(product="LINE_B"),),
        initial_state=InitialServiceState.EFFECTIVE,
    )

    assert deciding.carry_out(shelf.view(), *ordered(shelf, disconnect, suspend, add)).violations == ()

    broken = deciding.carry_out(shelf.view(), *ordered(shelf, suspend, disconnect))
    assert [(found.code, found.carries["product"]) for found in broken.violations] == [("DEPENDENCY_VIOLATED", "GUARD")]
    assert broken.causes == ((1,),)
