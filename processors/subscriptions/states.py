"""Which action leads from which states to which, for a subscription and for its services; and under which codes."""

from __future__ import annotations

import msgspec

from processors.acting import LIVE
from schemas.actions import ActionCommand, ServiceState
from schemas.bundles import AmendBundleServices
from schemas.catalog import SwapClass
from schemas.subscriptions import (
    ChangeServiceState,
    ChangeSubscriptionState,
    CreateSubscription,
    InitialServiceState,
    ServiceAction,
    SubscriptionAction,
    SwapService,
)

DRAFT, EFFECTIVE, NOT_EFFECTIVE = ServiceState.DRAFT, ServiceState.EFFECTIVE, ServiceState.NOT_EFFECTIVE
SHORT_TERM_EFFECTIVE, SHORT_TERM_NOT_EFFECTIVE = (
    ServiceState.SHORT_TERM_EFFECTIVE,
    ServiceState.SHORT_TERM_NOT_EFFECTIVE,
)
IN_RESTING = ServiceState.IN_RESTING
CANCELLED, REGRETTED = ServiceState.CANCELLED, ServiceState.REGRETTED

STEADY = (DRAFT, EFFECTIVE, NOT_EFFECTIVE)
"""States in which a subscription follows its services (SST-2), and may be given others."""

States = tuple[ServiceState, ...]


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of states."""

    subscription_from: States
    subscription_to: ServiceState | None
    """None: it follows its services."""
    services_from: States
    services_to: ServiceState | None
    """None: what they were before (SST-3)."""
    behaviour: str
    classification: str


def _whole(
    subscription_from: States,
    subscription_to: ServiceState | None,
    services_from: States,
    services_to: ServiceState | None,
    code: str,
) -> Passage:
    return Passage(
        subscription_from=subscription_from,
        subscription_to=subscription_to,
        services_from=services_from,
        services_to=services_to,
        behaviour=code,
        classification=code,
    )


_S = SubscriptionAction
_OFF = (DRAFT, NOT_EFFECTIVE)
_WORKED = (EFFECTIVE, NOT_EFFECTIVE)

OF_SUBSCRIPTIONS: dict[SubscriptionAction, Passage] = {
    _S.START: _whole(_OFF, EFFECTIVE, _OFF, EFFECTIVE, "STARTSUBSCRIPTION"),
    _S.STOP: _whole((EFFECTIVE,), NOT_EFFECTIVE, (EFFECTIVE,), NOT_EFFECTIVE, "STOPSUBSCRIPTION"),
    _S.REST: _whole(_WORKED, IN_RESTING, _WORKED, IN_RESTING, "RESTSUBSCRIPTION"),
    _S.END_RESTING: _whole((IN_RESTING,), None, (IN_RESTING,), None, "ENDSUBSCRIPTIONRESTING"),
    _S.ACTIVATE_SHORT_TERM: _whole(
        _OFF, SHORT_TERM_EFFECTIVE, _OFF, SHORT_TERM_EFFECTIVE, "SHORTTERMSUBSCRIPTIONACTIVATION"
    ),
    _S.END_SHORT_TERM_ACTIVATION: _whole(
        (SHORT_TERM_EFFECTIVE,),
        NOT_EFFECTIVE,
        (SHORT_TERM_EFFECTIVE,),
        NOT_EFFECTIVE,
        "ENDSUBSCRIPTIONSHORTTERMACTIVATION",
    ),
    _S.DEACTIVATE_SHORT_TERM: _whole(
        (EFFECTIVE,),
        SHORT_TERM_NOT_EFFECTIVE,
        (EFFECTIVE,),
        SHORT_TERM_NOT_EFFECTIVE,
        "SHORTTERMSUBSCRIPTIONDEACTIVATION",
    ),
    _S.END_SHORT_TERM_DEACTIVATION: _whole(
        (SHORT_TERM_NOT_EFFECTIVE,), None, (SHORT_TERM_NOT_EFFECTIVE,), None, "ENDSUBSCRIPTIONSHORTTERMDEACTIVATION"
    ),
    _S.CANCEL: _whole(LIVE, CANCELLED, LIVE, CANCELLED, "CANCELSUBSCRIPTION"),
    _S.REGRET: _whole(_WORKED, REGRETTED, LIVE, REGRETTED, "REGRETSUBSCRIPTION"),
}


def _of_services(
    subscription_from: States, services_from: States, to: ServiceState | None, behaviour: str, classification: str
) -> Passage:
    return Passage(
        subscription_from=subscription_from,
        subscription_to=None,
        services_from=services_from,
        services_to=to,
        behaviour=behaviour,
        classification=classification,
    )


_A = ServiceAction

OF_SERVICES: dict[ServiceAction, Passage] = {
    _A.ADD: _of_services(STEADY, (), None, "ADDSERVICE", "ADDDRAFTSERVICE"),
    _A.START: _of_services(STEADY, _OFF, EFFECTIVE, "STARTSERVICE", "STARTSERVICE"),
    _A.STOP: _of_services((EFFECTIVE,), (EFFECTIVE,), NOT_EFFECTIVE, "STOPSERVICE", "STOPSERVICE"),
    _A.UNDO_ADD: _of_services(LIVE, (DRAFT,), ServiceState.REMOVED, "REMOVESERVICE", "UNDOADDSERVICE"),
    _A.CANCEL: _of_services(LIVE, LIVE, CANCELLED, "REMOVESERVICE", "CANCELSERVICE"),
    _A.REGRET: _of_services(_WORKED, _WORKED, REGRETTED, "REMOVESERVICE", "REGRETSERVICE"),
}

SWAP = _of_services(STEADY, STEADY, ServiceState.SWAPPED, "SWAPSERVICE", "SWITCHSERVICE")
AMEND = _of_services(STEADY, STEADY, None, "AMENDBUNDLEDSERVICE", "AMENDBUNDLEDSERVICE")

SWAP_CLASSIFICATIONS = {
    SwapClass.UPGRADE: "UPGRADESERVICE",
    SwapClass.DOWNGRADE: "DOWNGRADESERVICE",
    SwapClass.SWITCH: "SWITCHSERVICE",
}


def passage(command: ActionCommand) -> Passage | None:
    """The row of the table that an action follows; None for those about distributors and items."""
    match command:
        case ChangeSubscriptionState():
            return OF_SUBSCRIPTIONS[command.action]
        case ChangeServiceState():
            return OF_SERVICES[command.action]
        case SwapService():
            return SWAP
        case AmendBundleServices():
            return AMEND
        case _:
            return None


def codes(command: ActionCommand | CreateSubscription) -> tuple[str, str] | None:
    """Behaviour and classification of an action (CLS-1); of a swap's the class is still to be found."""
    if isinstance(command, CreateSubscription):
        return "ADDSUBSCRIPTION", "ADDSUBSCRIPTION"
    found = passage(command)
    if found is None:
        return None
    if isinstance(command, ChangeServiceState) and command.action is ServiceAction.ADD:
        effective = command.initial_state is InitialServiceState.EFFECTIVE
        return found.behaviour, "ADDEFFECTIVESERVICE" if effective else found.classification
    return found.behaviour, found.classification
