"""What actions on services mean for distributors and networks (PRV-1 to PRV-6, PRV-9, PRV-10)."""

import msgspec

from processors.view.customer import CustomerView
from schemas.bundles import BundleServicesAmended
from schemas.catalog import ProviderRules
from tests.provisioning.networks import DRAFT, GONE, OFF, ON, SOLD, Networks, told, why
from tests.wallets.prepaid import SUBSCRIPTION


def test_the_first_service_brings_a_distributor_and_the_next_joins_it() -> None:
    networks = Networks()
    assert told(networks.added("s-1")[1]) == [("created", "SWITCH"), ("on", "s-1"), ("ACTIVE", "s-1", "1")]
    assert told(networks.added("s-2", state=DRAFT)[1]) == [("on", "s-2")]
    assert told(networks.added("s-3", "QUEUE")[1]) == []
    assert networks.distributors() == {networks.on("s-1"): ["s-1", "s-2"]}


def test_two_at_once_share_a_new_distributor() -> None:
    networks = Networks()

    def both(view: CustomerView) -> None:
        networks.add("s-1", "LINE", view=view)
        networks.add("s-2", "LINE", view=view)

    assert told(networks.settle(both)[1]) == [
        ("created", "SWITCH"),
        ("on", "s-1"),
        ("on", "s-2"),
        ("ACTIVE", "s-1", "1"),
        ("ACTIVE", "s-2", "1"),
    ]


def two_distributors() -> Networks:
    networks = Networks()
    networks.added("s-1")
    networks.added("s-2")
    networks.change({"operation": "MOVE", "service_id": "s-2"})
    assert networks.on("s-1") != networks.on("s-2")
    return networks


def test_a_service_goes_where_it_is_named_to_else_to_its_bundle_else_to_the_oldest() -> None:
    networks = two_distributors()
    networks.added("s-3", on=networks.on("s-2"))
    networks.added("s-4", bundle="s-2")
    networks.added("s-5")
    assert networks.on("s-3") == networks.on("s-4") == networks.on("s-2")
    assert networks.on("s-5") == networks.on("s-1")


def test_a_component_does_not_follow_a_bundle_of_another_provider() -> None:
    networks = Networks(msgspec.structs.replace(SOLD, providers=()))
    networks.added("s-1", "TRUNK")
    networks.added("s-2", "LINE", bundle="s-1")
    assert networks.view.distributor(networks.on("s-2")).provider == "SWITCH"  # type: ignore[union-attr]


def test_a_bundle_and_its_component_added_together() -> None:
    networks = two_distributors()

    def both(view: CustomerView) -> None:
        networks.add("s-3", "LINE", view=view)
        networks.add("s-4", "LINE", bundle="s-3", view=view)

    networks.settle(both, {"s-3": networks.on("s-2")})
    assert networks.on("s-4") == networks.on("s-2")


def test_the_last_service_takes_its_distributor_along() -> None:
    networks = Networks()
    networks.added("s-1")
    networks.added("s-2")
    assert told(networks.turned("s-1", GONE)[1]) == [("off", "s-1"), ("INACTIVE", "s-1", "2")]
    assert told(networks.turned("s-2", GONE)[1]) == [("off", "s-2"), ("removed", "SWITCH"), ("INACTIVE", "s-2", "2")]
    assert networks.distributors() == {}
    assert told(networks.added("s-3")[1])[0] == ("created", "SWITCH")
    assert networks.view.distributor(networks.on("s-3")).number == 2  # type: ignore[union-attr]


def test_an_item_keeps_a_distributor() -> None:
    networks = Networks()
    networks.added("s-1")
    networks.register(item_id="i-1", distributor_id=networks.on("s-1"))
    assert told(networks.turned("s-1", GONE)[1]) == [("off", "s-1"), ("INACTIVE", "s-1", "2")]
    assert list(networks.distributors().values()) == [["i-1"]]


def test_what_lands_where_another_leaves_finds_the_distributor() -> None:
    networks = Networks()
    networks.added("s-1")

    def swap(view: CustomerView) -> None:
        networks.turn(view, "s-1", GONE)
        networks.add("s-2", "LINE", view=view)

    assert told(networks.settle(swap)[1]) == [
        ("off", "s-1"),
        ("on", "s-2"),
        ("INACTIVE", "s-1", "2"),
        ("ACTIVE", "s-2", "1"),
    ]


def test_several_leave_and_it_is_removed_once() -> None:
    networks = Networks()
    networks.added("s-1")
    networks.added("s-2")

    def end(view: CustomerView) -> None:
        networks.turn(view, "s-2", GONE)
        networks.turn(view, "s-1", GONE)

    assert told(networks.settle(end)[1]) == [
        ("off", "s-1"),
        ("off", "s-2"),
        ("removed", "SWITCH"),
        ("INACTIVE", "s-1", "2"),
        ("INACTIVE", "s-2", "2"),
    ]


def test_networks_are_asked_only_for_what_differs() -> None:
    networks = Networks()
    networks.added("s-1", state=DRAFT)
    assert told(networks.turned("s-1", OFF)[1]) == []
    assert told(networks.turned("s-1", ON)[1]) == [("ACTIVE", "s-1", "1")]
    assert told(networks.turned("s-1", OFF)[1]) == [("INACTIVE", "s-1", "2")]
    assert told(networks.turned("s-1", GONE)[1]) == [("off", "s-1"), ("removed", "SWITCH")]


def test_wishes_that_cannot_be_met() -> None:
    networks = Networks()
    networks.added("s-1")
    here = networks.on("s-1")

    def add(view: CustomerView) -> None:
        for service_id, sold in (("s-2", "QUEUE"), ("s-3", "TRUNK"), ("s-4", "LINE"), ("s-5", "TRUNK")):
            networks.add(service_id, sold, DRAFT, view=view)

    violations, _ = networks.settle(add, {"s-2": here, "s-3": here, "s-4": "d-9"})
    assert why(violations) == [
        ("DISTRIBUTOR_UNKNOWN", {"distributor_id": "d-9"}),
        ("DISTRIBUTOR_PROVIDER_MISMATCH", {"service_id": "s-3", "distributor_id": here, "provider": "SWITCH"}),
        ("NOT_PROVISIONABLE", {"service_id": "s-2", "distributor_id": here}),
    ]


def test_rules_of_providers_hold_on_the_result() -> None:
    networks = Networks()
    for number in (1, 2, 3):
        networks.added(f"s-{number}")
    here = networks.on("s-1")
    burdened = {"distributor_id": here, "provider": "SWITCH"}
    violations, _ = networks.added("s-4", "FAX")
    assert why(violations) == [
        ("DISTRIBUTOR_RULE_VIOLATED", {**burdened, "limit_rule": "MAX_SERVICES", "limit": "3", "found": "4"}),
        ("DISTRIBUTOR_RULE_VIOLATED", {**burdened, "limit_rule": "PRODUCT_TYPE", "found": "FAX"}),
    ]

    def replace(view: CustomerView) -> None:
        networks.turn(view, "s-1", GONE)
        networks.add("s-4", "LINE", view=view)

    assert networks.settle(replace)[0] == []


def test_a_limit_that_was_lowered_keeps_nothing_alive() -> None:
    networks = Networks()
    for number in (1, 2, 3):
        networks.added(f"s-{number}")
    lowered = ProviderRules(provider="SWITCH", max_services=1, allowed_product_types=())
    networks.catalog = msgspec.structs.replace(SOLD, providers=(lowered,))
    assert networks.turned("s-1", GONE)[0] == []
    assert [found.carries["limit_rule"] for found in networks.added("s-4")[0]] == ["MAX_SERVICES", "PRODUCT_TYPE"]


def test_an_item_is_needed_before_a_service_goes_on() -> None:
    networks = Networks()
    violations, _ = networks.added("s-1", "TRUNK")
    assert [(found.carries["limit_rule"], found.carries["found"]) for found in violations] == [("ITEM_REQUIRED", "0")]
    assert networks.added("s-1", "TRUNK", DRAFT)[0] == []
    assert [found.carries["limit_rule"] for found in networks.turned("s-1", ON)[0]] == ["ITEM_REQUIRED"]
    networks.register(item_id="i-1", product="BOX", distributor_id=networks.on("s-1"))
    assert told(networks.turned("s-1", ON)[1]) == [("ACTIVE", "s-1", "1")]
    violations, _ = networks.change({"operation": "REMOVE", "item_id": "i-1"})
    assert [found.carries["limit_rule"] for found in violations] == ["ITEM_REQUIRED"]


def test_a_rule_that_came_later_does_not_hold_up_what_is_on_already() -> None:
    networks = Networks(msgspec.structs.replace(SOLD, providers=()))
    networks.added("s-1", "TRUNK")
    networks.catalog = SOLD

    def amend(view: CustomerView) -> None:
        view.record(
            BundleServicesAmended(
                subscription_id=SUBSCRIPTION,
                bundle_service_id="s-1",
                product="TRUNK",
                effective_at=networks.at,
                performed_by="ada",
            )
        )

    assert networks.settle(amend) == ([], [])
