"""Independent groups may be billed in any order: the accounts and the lines are the same (INV-ORD-9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.acting import LIVE
from schemas.envelope import Status
from tests.orders.counter import Counter, line

pytestmark = pytest.mark.slow

LINES: tuple[dict[str, Any], ...] = (
    line(product="LINE_A"),
    line(product="LINE_B"),
    line(product="QUEUE"),
    line(product="NET"),
    line(product="PBX", features=[{"product_id": "LINE_A"}, {"product_id": "QUEUE"}]),
    line(product="PBX", action="CHANGE", service_id="pbx", features=[{"product_id": "LINE_B"}]),
    line(product="NET", action="SUSPEND", service_id="net"),
)
"""Each acts on a service of its own, so no group depends on another."""

Account = list[tuple[str, str, tuple[str, ...]]]


@settings(max_examples=60, deadline=None)
@given(
    picked=st.lists(st.sampled_from(range(len(LINES))), min_size=2, max_size=6, unique=True),
    zones=st.lists(st.sampled_from("abc"), min_size=6, max_size=6),
    data=st.data(),
)
def test_groups_are_billed_in_any_order(picked: list[int], zones: list[str], data: st.DataObject) -> None:
    lines = [
        LINES[which] | {"line_id": f"l-{which}", "attributes": {"zone": zone}}
        for which, zone in zip(picked, zones, strict=False)
    ]
    groups = sorted({given["attributes"]["zone"] for given in lines})
    permuted = data.draw(st.permutations(groups))
    assert billed(lines, groups) == billed(lines, permuted)


def billed(lines: Sequence[dict[str, Any]], zones: Sequence[str]) -> tuple[Account, list[dict[str, Any]]]:
    """Bill group by group; what is on the account then, and what the lines say, ids and moments aside."""
    counter = Counter()
    counter.submit(*lines)
    counter.accepted("SplitOrder", dimensions=["ATTRIBUTE"], attribute="attributes.zone")
    group_of = {group.key["attributes.zone"]: group.group_id for group in counter.order().groups}
    for zone in zones:
        counter.passes(minutes=1)
        answered = counter.ask("UpdateBillingSystem", order_id="o-1", group_id=group_of[zone])
        assert answered.outcome is not None
        assert answered.outcome.status is Status.COMPLETED, answered.outcome.violations
    return account(counter), [told(counter, line_id) for line_id in counter.order().line_ids]


def account(counter: Counter) -> Account:
    """The live top-level services of the account: product, state and components."""
    view = counter.view()
    found = []
    for subscription in view.subscriptions_of("a-1"):
        for service in view.live_services(subscription.subscription_id):
            if service.bundle_service_id is None and service.state in LIVE:
                components = sorted(member.product for member in view.components(service.service_id))
                found.append((service.product, str(service.state), tuple(components)))
    return sorted(found)


def told(counter: Counter, line_id: str) -> dict[str, Any]:
    """What a line says, ids and moments aside."""
    found: dict[str, Any] = msgspec.to_builtins(counter.line(line_id))
    for field in ("locked", "group_id", "service_id"):
        found.pop(field, None)
    found["billed"] = [
        (entry["before"], entry["after"]) for entry in msgspec.to_builtins(counter.line(line_id).billed)["services"]
    ]
    return found
