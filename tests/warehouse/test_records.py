"""Rows are made of less than the whole record, and are the same rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from processors.analytics import Origin, outcome_rows
from schemas import codec, wire
from streams.sink_records import Record, SinkStopped, decode, rows_of
from tests.warehouse.household import firm_and_household
from tests.warehouse.played import BEGIN, Played
from tests.warehouse.switchboard import switchboard, television


@pytest.mark.parametrize("history", [switchboard, television, firm_and_household])
def test_an_outcome_read_in_part_gives_the_same_rows(history: Callable[[], Played]) -> None:
    schema_id = wire.local_id("CommandOutcome")
    moment = int(BEGIN.timestamp() * 1000)
    for offset, answered in enumerate(history().answers):
        payload = answered.outcome_payload
        record = Record("outcomes", 0, offset, moment, wire.frame(schema_id, payload))
        assert rows_of(record, "transactions") == outcome_rows(codec.OUTCOME.decode(payload), Origin(0, offset, BEGIN))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "shorter than the prefix"),
        (b"", "shorter than the prefix"),
        (b"\x01\x00\x00\x00\x07xyz", "magic byte"),
        (b"\x00\x00\x00\x00\x07xyz", "schema id 7 is neither"),
        (wire.frame(wire.local_id("CommandOutcome"), b"\x06abc"), "end before the record"),
        (wire.frame(wire.local_id("CommandOutcome"), b"\x02\xff"), "not UTF-8"),
    ],
)
@pytest.mark.parametrize("topic", ["transactions", "outcomes"])
def test_what_cannot_be_read_is_named_and_what_came_before_is_kept(topic: str, value: bytes | None, said: str) -> None:
    if value is not None and topic == "transactions":
        value = value.replace(
            wire.prefix(wire.local_id("CommandOutcome")), wire.prefix(wire.local_id("BusinessTransaction"))
        )
    readable = wire.frame(wire.local_id("CommandOutcome"), switchboard().answers[0].outcome_payload)
    records = [
        Record("outcomes", 1, 4, 0, readable),
        Record(topic, 2, 9, 0, value),
        Record("outcomes", 1, 5, 0, readable),
    ]
    decoded = decode(records, "transactions")
    assert decoded.failure is not None
    assert decoded.failure.startswith(f"{topic}, partition 2, offset 9: ")
    assert said in decoded.failure
    assert decoded.after == {("outcomes", 1): 5}
    assert len(decoded.rows["fact_command_outcome"]) == 1
    with pytest.raises(SinkStopped, match="offset 9"):
        rows_of(records[1], "transactions")
