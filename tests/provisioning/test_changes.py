"""Changing distributions by hand, and installed items (PRV-7, PRV-8, ITM-1 to ITM-3)."""

import pytest

from schemas.actions import ServiceState
from schemas.subscriptions import ServiceCause, SubscriptionStateChanged
from tests.provisioning.networks import ALLOWED, DRAFT, GONE, Networks, told, why
from tests.wallets.prepaid import SUBSCRIPTION


@pytest.fixture
def networks() -> Networks:
    made = Networks()
    made.added("s-1")
    made.added("s-2")
    made.added("s-3", "QUEUE")
    made.added("s-4", "TRUNK", DRAFT)
    made.added("s-5")
    made.turned("s-5", GONE)
    made.register(item_id="i-1", distributor_id=made.on("s-1"))
    made.register(item_id="i-2")
    return made


def test_moving_away_and_back(networks: Networks) -> None:
    here = networks.on("s-1")
    assert told(networks.change({"operation": "MOVE", "service_id": "s-2"})[1]) == [
        ("created", "SWITCH"),
        ("off", "s-2"),
        ("on", "s-2"),
        ("ACTIVE", "s-2", "2"),
    ]
    events = networks.change({"operation": "MOVE", "service_id": "s-2", "distributor_id": here})[1]
    assert told(events) == [("off", "s-2"), ("on", "s-2"), ("removed", "SWITCH"), ("ACTIVE", "s-2", "3")]
    assert networks.change({"operation": "MOVE", "service_id": "s-2", "distributor_id": here}) == ([], [])


def test_an_inactive_service_moves_in_silence(networks: Networks) -> None:
    assert told(networks.change({"operation": "MOVE", "service_id": "s-4"})[1]) == [
        ("created", "TRUNKS"),
        ("off", "s-4"),
        ("on", "s-4"),
        ("removed", "TRUNKS"),
    ]


def test_all_moves_come_before_the_clean_up(networks: Networks) -> None:
    networks.change({"operation": "MOVE", "service_id": "s-2"})
    one, other = networks.on("s-1"), networks.on("s-2")
    violations, events = networks.change(
        {"operation": "MOVE", "service_id": "s-2", "distributor_id": one},
        {"operation": "MOVE", "item_id": "i-1", "distributor_id": other},
        {"operation": "MOVE", "service_id": "s-1", "distributor_id": other},
    )
    assert violations == []
    assert told(events) == [
        ("off", "s-1"),
        ("off", "s-2"),
        ("off", "i-1"),
        ("on", "s-1"),
        ("on", "s-2"),
        ("on", "i-1"),
        ("ACTIVE", "s-1", "2"),
        ("ACTIVE", "s-2", "3"),
    ]
    assert networks.distributors()[one] == ["s-2"]
    assert networks.distributors()[other] == ["s-1", "i-1"]


def test_taken_away_and_given_back(networks: Networks) -> None:
    here = networks.on("s-1")
    events = networks.change(
        {"operation": "REMOVE", "service_id": "s-1"},
        {"operation": "REMOVE", "service_id": "s-2"},
        {"operation": "REMOVE", "item_id": "i-1"},
    )[1]
    assert told(events)[3:] == [("removed", "SWITCH"), ("INACTIVE", "s-1", "2"), ("INACTIVE", "s-2", "2")]
    assert networks.view.service("s-1").last_distributor_id == here  # type: ignore[union-attr]
    events = networks.change(
        {"operation": "ENABLE", "service_id": "s-1"}, {"operation": "ENABLE", "item_id": "i-1", "provider": "SWITCH"}
    )[1]
    assert told(events) == [("created", "SWITCH"), ("on", "s-1"), ("on", "i-1"), ("ACTIVE", "s-1", "3")]
    assert networks.on("s-1") != here


def test_everything_wrong_at_once(networks: Networks) -> None:
    here, trunk = networks.on("s-1"), networks.on("s-4")
    violations, _ = networks.change(
        {"operation": "ENABLE", "item_id": "i-2"},
        {"operation": "ENABLE", "service_id": "s-1"},
        {"operation": "MOVE", "item_id": "i-2", "distributor_id": here},
        {"operation": "REMOVE", "item_id": "i-9"},
        {"operation": "MOVE", "service_id": "s-5"},
        {"operation": "MOVE", "service_id": "s-9"},
        {"operation": "ENABLE", "service_id": "s-3"},
        {"operation": "MOVE", "service_id": "s-2", "distributor_id": trunk},
        {"operation": "MOVE", "service_id": "s-4", "distributor_id": "d-9"},
    )
    assert why(violations) == [
        ("DISTRIBUTOR_UNKNOWN", {"distributor_id": "d-9"}),
        ("DISTRIBUTOR_PROVIDER_MISMATCH", {"service_id": "s-2", "distributor_id": trunk, "provider": "TRUNKS"}),
        ("NOT_PROVISIONABLE", {"service_id": "s-3"}),
        ("SERVICE_UNKNOWN", {"service_id": "s-9"}),
        (
            "SERVICE_STATE_INVALID",
            {
                "service_id": "s-5",
                "state": "REMOVED",
                "allowed": ALLOWED,
                "projected": "false",
            },
        ),
        ("ITEM_UNKNOWN", {"item_id": "i-9"}),
        ("DISTRIBUTION_NAMED_TWICE", {"item_id": "i-2", "distributor_id": here}),
        ("DISTRIBUTION_MISSING", {"item_id": "i-2", "distributor_id": here}),
        ("DISTRIBUTION_EXISTS", {"service_id": "s-1"}),
        ("PROVIDER_REQUIRED", {"item_id": "i-2"}),
    ]
    assert violations[0].path == "changes.8.distributor_id"


def test_an_item_stays_with_its_provider(networks: Networks) -> None:
    trunk = networks.on("s-4")
    violations, _ = networks.change({"operation": "MOVE", "item_id": "i-1", "distributor_id": trunk})
    assert [found.code for found in violations] == ["DISTRIBUTOR_PROVIDER_MISMATCH"]
    violations, _ = networks.change(
        {"operation": "ENABLE", "item_id": "i-2", "distributor_id": trunk, "provider": "SWITCH"}
    )
    assert [found.code for found in violations] == ["DISTRIBUTOR_PROVIDER_MISMATCH"]


def test_a_distributor_takes_no_more_than_its_provider_allows(networks: Networks) -> None:
    networks.added("s-6")
    networks.change({"operation": "MOVE", "service_id": "s-6"})
    networks.added("s-7")
    violations, _ = networks.change({"operation": "MOVE", "service_id": "s-6", "distributor_id": networks.on("s-1")})
    assert [(found.code, found.carries["limit_rule"]) for found in violations] == [
        ("DISTRIBUTOR_RULE_VIOLATED", "MAX_SERVICES")
    ]


def test_a_registered_item_is_put_on_its_distributor(networks: Networks) -> None:
    here = networks.on("s-1")
    events = networks.register(item_id="i-3", serial_number="SN-1", distributor_id=here)[1]
    assert told(events) == [("InstalledItemRegistered",), ("on", "i-3")]
    item = networks.view.item("i-3")
    assert item is not None
    assert (item.number, item.ownership, item.distributor_id) == (3, "PROVIDER", here)
    derived = networks.register()[1]
    assert derived[0].item_id != networks.register()[1][0].item_id  # type: ignore[attr-defined]


def test_what_is_wrong_with_an_item(networks: Networks) -> None:
    networks.register(item_id="i-3", serial_number="SN-1")
    wrong = networks.register(item_id="i-1", product="CABLE", ownership="CUSTOMER", distributor_id=networks.on("s-4"))[
        0
    ]
    assert why(wrong) == [
        ("ID_TAKEN", {"field": "item_id", "id": "i-1"}),
        (
            "NOT_AN_INSTALLABLE_ITEM",
            {"product": "CABLE", "classification": "PHYSICAL_GOOD", "composition": "FLAT"},
        ),
        ("SERIAL_REQUIRED", {"item_id": "i-1", "product": "CABLE"}),
        (
            "DISTRIBUTOR_PROVIDER_MISMATCH",
            {"item_id": "i-1", "distributor_id": networks.on("s-4"), "provider": "TRUNKS"},
        ),
    ]
    wrong = networks.register(product="NOTHING", serial_number="SN-1", distributor_id="d-9")[0]
    assert why(wrong) == [
        ("PRODUCT_UNKNOWN", {"product": "NOTHING"}),
        ("SERIAL_ALREADY_REGISTERED", {"item_id": "i-3", "product": "PHONE"}),
        ("DISTRIBUTOR_UNKNOWN", {"distributor_id": "d-9"}),
    ]
    assert why(networks.register(product="LINE")[0])[0][0] == "NOT_AN_INSTALLABLE_ITEM"


def test_a_serial_number_is_free_again_when_its_subscription_has_ended(networks: Networks) -> None:
    networks.register(item_id="i-3", serial_number="SN-1")
    networks.given(
        SubscriptionStateChanged(
            subscription_id=SUBSCRIPTION,
            action="CANCEL",
            old_state=ServiceState.EFFECTIVE,
            new_state=ServiceState.CANCELLED,
            effective_at=networks.at,
            cause=ServiceCause.COMMAND,
            performed_by="ada",
        )
    )
    wrong = networks.register(serial_number="SN-1")[0]
    assert [found.code for found in wrong] == ["SUBSCRIPTION_STATE_INVALID"]
