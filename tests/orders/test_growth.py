"""A command on one line costs the same in a small order and in a large one."""

from __future__ import annotations

from typing import Any

import pytest

from processors.orders.line_rules import LINES_MAX
from tests.orders.counter import Counter, line

SMALL, LARGE = 3, 300


class Counted:
    """A table that counts the rows that are read."""

    def __init__(self, rows: Any) -> None:
        self.rows, self.read = rows, 0

    def get(self, row_key: bytes, /) -> bytes | None:
        self.read += 1
        return self.rows.get(row_key)  # type: ignore[no-any-return]

    def scan(self, start: bytes, /) -> Any:
        for row in self.rows.scan(start):
            self.read += 1
            yield row

    def apply(self, written: Any) -> None:
        self.rows.apply(written)


def rows_read(size: int, command: str, body: dict[str, Any], *, split: bool) -> int:
    counter = Counter()
    counter.submit(*(line(f"l-{number}", product="QUEUE") for number in range(size)))
    if split:
        counter.accepted("SplitOrder", dimensions=["SERVICE_CATALOG"])
    counted = Counted(counter.state)
    counter.state = counted  # type: ignore[assignment]
    assert counter.accepted(command, **body)
    return counted.read


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("ModifyOrderLine", {"operation": "CHANGE", "line_id": "l-1", "set": {"service_catalog": "TV"}}),
        ("ModifyOrderLine", {"operation": "REMOVE", "line_id": "l-1"}),
        ("ModifyOrderLine", {"operation": "ADD", "line": line("l-new")}),
        ("ConfirmLineProvisioning", {"lines": [{"line_id": "l-1", "result": "CONFIRMED"}]}),
    ],
)
def test_a_command_on_one_line_reads_no_other(command: str, body: dict[str, Any], *, split: bool) -> None:
    assert rows_read(SMALL, command, body, split=split) == rows_read(LARGE, command, body, split=split)


def rows_read_beside(orders: int, command: str, body: dict[str, Any]) -> int:
    counter = Counter()
    for number in range(orders):
        counter.submit(line(f"k-{number}"), order_id=f"other-{number}")
        counter.accepted("UpdateBillingSystem", order_id=f"other-{number}", line_ids=[f"k-{number}"])
    counter.submit(line("l-1", product="QUEUE"), line("l-2", product="QUEUE"))
    counter.accepted("UpdateBillingSystem", line_ids=["l-1"])
    counted = Counted(counter.state)
    counter.state = counted  # type: ignore[assignment]
    assert counter.accepted(command, **body)
    return counted.read


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("SubmitOrder", {"order_id": "o-2", "lines": [line("l-new")]}),
        ("ReviseOrder", {"revision": 2, "lines": [line("l-1", product="QUEUE"), line("l-2", product="QUEUE"), line()]}),
        ("SplitOrder", {"dimensions": ["SERVICE_CATALOG"]}),
        ("UpdateBillingSystem", {}),
        ("CancelOrder", {"reason": "MOVED"}),
        ("CompensateOrder", {"reason": "WRONG"}),
    ],
)
def test_a_command_on_one_order_reads_no_other(command: str, body: dict[str, Any]) -> None:
    assert rows_read_beside(SMALL, command, body) == rows_read_beside(LARGE // 10, command, body)


def test_an_order_has_so_many_lines() -> None:
    counter = Counter()
    lines = [line(f"l-{number}") for number in range(LINES_MAX)]
    assert counter.submit(*lines)
    assert counter.refused("ModifyOrderLine", operation="ADD", line=line("one-more")) == ["LIMIT_EXCEEDED"]
    counter.accepted("ModifyOrderLine", operation="REMOVE", line_id="l-1")
    assert counter.refused("ModifyOrderLine", operation="ADD", line=line("one-more")) == ["LIMIT_EXCEEDED"]
    gone = [given for given in lines if given["line_id"] != "l-1"]
    assert counter.refused("ReviseOrder", revision=2, lines=[*gone[1:], line("new")]) == ["LIMIT_EXCEEDED"]
