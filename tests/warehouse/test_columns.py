"""Columns hold what the rows said, whichever process made them and whichever database takes them."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import wire
from state.warehouse import Batch, Place, Warehouse
from state.warehouse.catalog import FACTS
from state.warehouse.columns import arranged, together
from state.warehouse.definitions import Kind, Table
from state.warehouse.digest import Tallying
from streams.sink_records import Record, decode, decode_to_columns
from tests.warehouse.household import firm_and_household
from tests.warehouse.played import SOURCES, Played
from tests.warehouse.switchboard import switchboard, television

LARGEST = Decimal("99999999999999999999999999999.999999999")
SMALLEST = LARGEST.copy_negate()  # exact; the sign would round
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"])),
    Kind.JSON: st.text(st.characters(exclude_categories=["Cs"])),
    Kind.COUNT: st.integers(-(2**31), 2**31 - 1),
    Kind.WHOLE: st.integers(-(2**63), 2**63 - 1),
    Kind.AMOUNT: st.decimals(SMALLEST, LARGEST, places=9),
    Kind.MOMENT: st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    Kind.DAY: st.dates(),
    Kind.FLAG: st.booleans(),
}


def row_of(table: Table) -> st.SearchStrategy[tuple[Any, ...]]:
    """A row of a table; what need not be there may be missing."""
    return st.tuples(
        *(VALUES[column.kind] if column.required else st.none() | VALUES[column.kind] for column in table.columns)
    )


def rows_in(columns: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in columns.to_pylist()]


@given(st.data())
def test_columns_give_back_every_row(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(list(FACTS.values())))
    rows = data.draw(st.lists(row_of(table), max_size=5))
    assert rows_in(arranged(table, rows)) == rows
    assert rows_in(together(table, [arranged(table, rows[:2]), arranged(table, rows[2:])])) == rows


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("log_wallet_entry", "amount", Decimal("0.0000000001")),
        ("log_wallet_entry", "amount", LARGEST * 10),
        ("log_wallet_entry", "amount", 0.1),
        ("log_billing_period", "days", 2**31),
        ("log_billing_period", "days", "31"),
        ("log_account_state", "occurred_at", datetime(2026, 1, 1)),  # noqa: DTZ001 - of no zone
        ("log_account_state", "occurred_at", date(2026, 1, 1)),
        ("log_customer", "name", 5),
    ],
)
def test_what_no_column_holds_exactly_is_refused(table: str, column: str, value: object) -> None:
    definition = FACTS[table]
    row = [None] * len(definition.columns)
    row[[each.name for each in definition.columns].index(column)] = value  # type: ignore[call-overload]
    with pytest.raises((ValueError, TypeError, OverflowError)):
        arranged(definition, [row])


def test_rows_of_different_lengths_are_refused() -> None:
    table = FACTS["log_customer"]
    rows: list[Sequence[Any]] = [(None,) * len(table.columns), (None,)]
    with pytest.raises(ValueError, match="shorter"):
        arranged(table, rows)


@pytest.mark.parametrize("history", [switchboard, television, firm_and_household])
def test_handed_over_by_another_process_they_are_the_same(history: Callable[[], Played]) -> None:
    ids = wire.local_id("BusinessTransaction"), wire.local_id("CommandOutcome")
    records = []
    for offset, answered in enumerate(history().answers):
        if answered.transaction:
            records.append(Record("t", 0, offset, 1_000 * offset, wire.frame(ids[0], answered.transaction_payload)))
        records.append(Record("o", 0, offset, 1_000 * offset, wire.frame(ids[1], answered.outcome_payload)))
    made = pickle.loads(pickle.dumps(decode_to_columns(records, "t"), pickle.HIGHEST_PROTOCOL))
    expected = decode(records, "t")
    assert {table: rows_in(batch) for table, batch in made.tables.items()} == expected.rows
    assert (made.decoded.after, made.decoded.bytes, made.decoded.failure) == (expected.after, expected.bytes, None)
    some = decode_to_columns(records, "t", only=("raw_transaction",))
    assert list(some.tables) == ["raw_transaction"]


AMOUNTS = [Decimal(0), Decimal("1E-9"), Decimal("-1E-9"), LARGEST, SMALLEST, Decimal("9999.9999"), Decimal(10000)]


def test_every_amount_comes_out_of_the_database_as_it_was(place: Place) -> None:
    """PostgreSQL's numbers have a form of their own on the way, in groups of four digits."""
    counts = [Decimal(10) ** power for power in range(-9, 28)]
    amounts = [*AMOUNTS, *counts, *(-3 * each for each in counts)]
    entry = switchboard().rows()["log_wallet_entry"][0]
    rows = [entry._replace(kafka_offset=number, amount=amount) for number, amount in enumerate(amounts)]
    with contextlib.closing(Warehouse.open(place, SOURCES)) as warehouse:
        warehouse.write(Batch(rows={"log_wallet_entry": rows}))
        found = warehouse.rows("SELECT amount FROM log_wallet_entry ORDER BY kafka_offset")
        counting = Tallying(FACTS["log_wallet_entry"], warehouse.dialect)
        expected = counting.nothing()
        for row in rows:
            counting.add(expected, row)
        assert [amount for (amount,) in found] == amounts
        assert warehouse.tallies("log_wallet_entry", {0: 1000}) == {0: expected}
