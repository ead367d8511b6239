"""Whatever is done: no empty distributor, nothing on two, and networks know what is wanted (INV-PRV-1, INV-PRV-2)."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from processors.acting import LIVE
from processors.provisioning.requests import wanted
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.provisioning import ProvisioningRequested
from tests.provisioning.networks import DRAFT, GONE, OFF, ON, SOLD, Networks
from tests.wallets.prepaid import SUBSCRIPTION

PLACES = st.integers(1, 8)
STEPS = st.one_of(
    st.tuples(
        st.just("add"), st.sampled_from(["LINE", "TRUNK", "QUEUE"]), st.sampled_from([DRAFT, ON]), st.none() | PLACES
    ),
    st.tuples(st.just("turn"), PLACES, st.sampled_from([ON, OFF, GONE])),
    st.tuples(st.just("swap"), PLACES, st.sampled_from(["LINE", "TRUNK"])),
    st.tuples(st.just("MOVE"), PLACES, st.none() | PLACES),
    st.tuples(st.just("ENABLE"), PLACES, st.none() | PLACES),
    st.tuples(st.just("REMOVE"), PLACES),
    st.tuples(st.just("item"), PLACES),
    st.tuples(st.just("move item"), st.integers(1, 3), st.none() | PLACES),
)


class Play:
    """A subscription, and all that was asked of networks."""

    def __init__(self) -> None:
        self.networks = Networks(msgspec.structs.replace(SOLD, providers=SOLD.providers[:1]))
        self.asked: dict[str, list[ProvisioningRequested]] = {}
        self.services = self.items = 0

    def do(self, step: str, *values: object) -> None:
        networks = self.networks
        match step, values:
            case "add", (str() as sold, state, bundle):
                self.services += 1
                near = f"s-{bundle}" if bundle and networks.view.service(f"s-{bundle}") else None
                added = networks.added(f"s-{self.services}", sold, state, bundle=near)  # type: ignore[arg-type]
                self.keep(added[1], happened=not added[0])
            case "turn", (place, state):
                if self.is_live(place):
                    turned = networks.turned(f"s-{place}", state)  # type: ignore[arg-type]
                    self.keep(turned[1], happened=not turned[0])
            case "swap", (place, str() as sold):
                self.swap(place, sold)
            case "item", (place,):
                service = networks.view.service(f"s-{place}")
                if service is not None and service.distributor_id is not None:
                    networks.register(
                        item_id=f"i-{self.items + 1}", product="BOX", distributor_id=service.distributor_id
                    )
                    self.items += 1
            case "move item", (item, place):
                self.change({"operation": "MOVE", "item_id": f"i-{item}"}, place)
            case _, (place,):
                self.change({"operation": step, "service_id": f"s-{place}"}, None)
            case _, (place, beside):
                self.change({"operation": step, "service_id": f"s-{place}"}, beside)
            case _:
                raise AssertionError(step)

    def is_live(self, place: object) -> bool:
        service = self.networks.view.service(f"s-{place}")
        return service is not None and service.state in LIVE

    def swap(self, place: object, sold: str) -> None:
        if not self.is_live(place):
            return
        new = f"s-{self.services + 1}"

        def both(view: CustomerView) -> None:
            self.networks.turn(view, f"s-{place}", GONE)
            self.networks.add(new, sold, ON, view=view)

        violations, events = self.networks.settle(both)
        self.keep(events, happened=not violations)
        self.services += not violations

    def change(self, change: dict[str, str], beside: object) -> None:
        service = self.networks.view.service(f"s-{beside}")
        if service is not None and service.distributor_id is not None:
            change["distributor_id"] = service.distributor_id
        violations, events = self.networks.change(change)
        self.keep(events, happened=not violations)

    def keep(self, events: list[Event], *, happened: bool) -> None:
        for event in events:
            if happened and isinstance(event, ProvisioningRequested):
                self.asked.setdefault(event.service_id, []).append(event)

    def check(self) -> None:
        view = self.networks.view
        held = self.networks.distributors()
        assert all(held.values()), "a distributor with nothing on it"
        everything = [thing for things in held.values() for thing in things]
        assert len(everything) == len(set(everything)), "a thing on two distributors"
        for service in view.services(SUBSCRIPTION):
            assert (service.distributor_id is not None) == (service.service_id in everything)
            assert service.distributor_id is None or service.state in LIVE
            asked = self.asked.get(service.service_id, [])
            assert [event.version for event in asked] == list(range(1, len(asked) + 1))
            assert (asked[-1].desired_state if asked else "INACTIVE") == wanted(service)
            if asked and wanted(service) == "ACTIVE":
                assert asked[-1].distributor_id == service.distributor_id
            for one, next_ in pairwise(asked):
                assert (one.desired_state, one.distributor_id) != (next_.desired_state, next_.distributor_id)
                assert "ACTIVE" in (one.desired_state, next_.desired_state)
        for item in view.items(SUBSCRIPTION):
            assert (item.distributor_id is not None) == (item.item_id in everything)
        for rules in self.networks.catalog.providers:
            for distributor in view.distributors(SUBSCRIPTION):
                if distributor.provider == rules.provider and rules.max_services is not None:
                    assert len(view.distributed_services(distributor.distributor_id)) <= rules.max_services


@given(st.lists(STEPS, max_size=30))
def test_distributors_and_networks_stay_as_they_should(steps: list[tuple[str, *tuple[object, ...]]]) -> None:
    play = Play()
    for step, *values in steps:
        play.do(step, *values)
        play.check()
