"""What may be done to a line in each of its states, and what it may say of itself then (ORD-5, ORD-11, LCK-1)."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.malformed import Misfit, read_body
from schemas.order_lines import LineChange, LineState, OrderLine
from schemas.orders import LineOperation, ModifyOrderLine
from tests.accounts.book import refusals
from tests.orders.counter import Counter, codes, line, names

PENDING, IN_GROUP, BILLED, CANCELLED = LineState

CHANGE: dict[str, Any] = {"operation": "CHANGE", "set": {"amount": "1.00"}}
SUB_STATE: dict[str, Any] = {"operation": "CHANGE", "custom_state": "checked"}
FEATURE: dict[str, Any] = {"operation": "CHANGE", "add_features": [{"product_id": "LINE_A"}]}
NO_FEATURE: dict[str, Any] = {"operation": "CHANGE", "remove_features": ["f-1"]}
REMOVE: dict[str, Any] = {"operation": "REMOVE"}
UNGIVEN: dict[str, Any] = {"operation": "CHANGE"}
STALE: dict[str, Any] = {**CHANGE, "expected_version": 7}


def in_state(state: LineState) -> Counter:
    """An order whose line l-1 is in a state, beside one that is live."""
    counter = Counter()
    counter.submit(line("l-1"), line("l-2"))
    if state is IN_GROUP:
        counter.accepted("SplitOrder", dimensions=["SERVICE_ACTION"])
    if state is BILLED:
        counter.accepted("UpdateBillingSystem", line_ids=["l-1"])
    if state is CANCELLED:
        counter.accepted("ModifyOrderLine", line_id="l-1", **REMOVE)
    assert counter.line("l-1").state is state
    return counter


@pytest.mark.parametrize(
    ("state", "operation", "answer"),
    [
        (PENDING, CHANGE, ["OrderLineChanged"]),
        (PENDING, SUB_STATE, ["OrderLineChanged"]),
        (PENDING, REMOVE, ["OrderLineCancelled"]),
        (PENDING, FEATURE, "FEATURES_NOT_APPLICABLE"),
        (PENDING, NO_FEATURE, "FEATURE_WITHOUT_SERVICE"),
        (PENDING, UNGIVEN, "EMPTY_CHANGE"),
        (PENDING, STALE, "LINE_VERSION_CONFLICT"),
        (IN_GROUP, CHANGE, ["OrderLineChanged"]),
        (IN_GROUP, SUB_STATE, ["OrderLineChanged"]),
        (IN_GROUP, REMOVE, ["OrderLineCancelled"]),
        *((BILLED, what, "ORDER_ITEM_LOCKED") for what in (CHANGE, SUB_STATE, REMOVE, FEATURE, NO_FEATURE, UNGIVEN)),
        (BILLED, STALE, "ORDER_ITEM_LOCKED"),
        *((CANCELLED, what, "LINE_NOT_LIVE") for what in (CHANGE, SUB_STATE, REMOVE, FEATURE, NO_FEATURE, STALE)),
    ],
)
def test_what_a_state_allows(state: LineState, operation: dict[str, Any], answer: str | list[str]) -> None:
    counter = in_state(state)
    if isinstance(answer, str):
        assert counter.refused("ModifyOrderLine", line_id="l-1", **operation) == [answer]
    else:
        assert names(counter.accepted("ModifyOrderLine", line_id="l-1", **operation)) == answer


@pytest.mark.parametrize(
    ("state", "version", "shown"),
    [(PENDING, 1, True), (IN_GROUP, 1, True), (BILLED, 1, False), (CANCELLED, 1, False)],
)
def test_a_line_says_whether_it_is_editable(state: LineState, version: int, shown: bool) -> None:
    found = in_state(state).line("l-1")
    assert (found.version, found.editable, bool(found.editable_fields)) == (version, shown, shown)
    assert (found.locked is not None) is (state is BILLED)


@pytest.mark.parametrize(
    ("operation", "raised"),
    [
        ({"set": {"amount": "1.00"}}, 1),
        ({"set": {"product_id": "NET"}}, 1),
        ({"custom_state": "checked"}, 0),
        ({"custom_state": "checked", "set": {"amount": "1.00"}}, 1),
        ({"set": {"service_account": {"account_id": "a-1"}}}, None),
        ({"set": {"service_item": None, "billing_account": {"account_id": "a-1"}}}, None),
        ({"set": {"attributes": {}}}, None),
    ],
)
def test_the_version_counts_changes(operation: dict[str, Any], raised: int | None) -> None:
    counter = Counter()
    counter.submit(line("l-1"))
    happened = counter.accepted("ModifyOrderLine", line_id="l-1", operation="CHANGE", **operation)
    assert bool(happened) is (raised is not None)
    assert counter.line("l-1").version == 1 + (raised or 0)


@pytest.mark.parametrize(
    ("field", "value", "also"),
    [
        ("service_account", {"account_id": "a-9"}, ()),
        ("billing_account", {"account_id": "a-9"}, ()),
        ("product_id", "NET", ("product_type",)),
        ("service_item", "gold", ()),
        ("action", "ADD", ()),
        ("amount", "12.50", ()),
        ("attributes", {"zone": "north"}, ()),
        ("prior_values", {"billing_account": None, "owner_account": {"external_id": "X"}}, ()),
        ("subscription_kind", "PREPAID", ()),
        ("owner_account", {"external_id": "X"}, ()),
    ],
)
def test_a_change_is_told_and_read_back(field: str, value: Any, also: tuple[str, ...]) -> None:
    counter = Counter()
    counter.submit(line("l-1"))
    before = counter.line("l-1")
    (event,) = counter.accepted("ModifyOrderLine", line_id="l-1", operation="CHANGE", set={field: value})
    after = counter.line("l-1")
    told = {change.field for change in event.changes}  # type: ignore[attr-defined]
    differ = {name for name in OrderLine.__struct_fields__ if getattr(before, name) != getattr(after, name)}
    assert told == {field, *also}
    assert differ - {"version"} == told | ({"provisioning"} if field == "product_id" else set())


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"operation": "ADD"}, "line"),
        ({"operation": "CHANGE", "set": {"amount": "1"}}, "line_id"),
        ({"operation": "REMOVE"}, "line_id"),
        ({"operation": "REMOVE", "line_id": "l-1", "set": {"amount": "1"}}, "set"),
        ({"operation": "CHANGE", "line_id": "l-1", "group_id": "g"}, "group_id"),
        ({"operation": "ADD", "line": line(), "remove_features": ["f-1"]}, "remove_features"),
    ],
)
def test_each_operation_has_fields_of_its_own(body: dict[str, Any], path: str) -> None:
    counter = Counter()
    counter.submit(line("l-1"))
    (violation,) = refusals(counter.ask("ModifyOrderLine", order_id="o-1", **body))
    assert (violation.code, violation.path) == ("MALFORMED", path)


@pytest.mark.parametrize("field", ["service_action", "service_catalog", "product_id", "service_account"])
def test_what_a_line_needs_cannot_be_cleared(field: str) -> None:
    body = {"order_id": "o-1", "operation": "CHANGE", "line_id": "l-1", "set": {field: None}}
    misfit = read_body("ModifyOrderLine", body)
    assert isinstance(misfit, Misfit)
    assert misfit.path == f"set.{field}"

    counter = Counter()  # a producer of its own may write Cleared, where the contract cannot forbid it
    counter.submit(line("l-1"))
    cleared: dict[str, Any] = {field: None}
    change = LineChange(**cleared)
    asked = ModifyOrderLine(order_id="o-1", operation=LineOperation.CHANGE, line_id="l-1", set=change)
    assert codes(counter.ask(asked)) == ["MALFORMED"]
