"""Wallets: the ledger, whether it adds up, and what could not be paid."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from state.warehouse.catalog import FACTS
from state.warehouse.digest import Tallying, row_number
from tests.warehouse.played import Played
from tests.warehouse.switchboard import switchboard

APRIL = date(2026, 4, 1)
RECONCILED = "SELECT wallet_id, entries, missing_entries, ledger, balance, difference FROM wallet_reconciliation"


@pytest.fixture(scope="module")
def played() -> Played:
    return switchboard()


def test_every_entry_signed_and_numbered(tmp_path: Path, played: Played) -> None:
    query = """SELECT entry_number, kind, amount, balance_after, service_id, product, period_start
               FROM fact_wallet_entry ORDER BY entry_number"""
    found = played.found(tmp_path, query)
    assert found == [
        (number, kind, Decimal(amount), Decimal(after), *rest)
        for number, kind, amount, after, *rest in [
            (1, "TOP_UP", "40.00", "40.00", None, None, None),
            (2, "ACTIVATION", "0.00", "40.00", "b-1", "PBX", None),
            (3, "ACTIVATION", "-5.00", "35.00", "l-1", "LINE_A", None),
            (4, "ACTIVATION", "-3.00", "32.00", "q-1", "QUEUE_S", None),
            (5, "ACTIVATION", "-7.50", "24.50", "l-2", "LINE_B", None),
            (6, "REMOVAL_REFUND", "3.00", "27.50", "q-1", "QUEUE_S", None),
            (7, "ADJUSTMENT", "-20.00", "7.50", None, None, None),
            (8, "ACTIVATION", "-3.00", "4.50", "q-3", "QUEUE_S", None),
            (9, "TOP_UP", "0.50", "5.00", None, None, None),
            (10, "TOP_UP", "25.00", "30.00", None, None, None),
            (11, "RECURRING", "-9.00", "21.00", "l-1", "LINE_A", APRIL),
            (12, "RECURRING", "-14.00", "7.00", "l-2", "LINE_B", APRIL),
            (13, "RECURRING", "-4.00", "3.00", "q-3", "QUEUE_S", APRIL),
        ]
    ]


def test_what_came_with_an_entry(tmp_path: Path, played: Played) -> None:
    query = """SELECT entry_number, refunds_entry_number, reference, reason, action_id IS NOT NULL
               FROM fact_wallet_entry WHERE entry_number IN (1, 6, 7, 8) ORDER BY entry_number"""
    assert played.found(tmp_path, query) == [
        (1, None, "pay-1", None, False),
        (6, 4, None, None, False),
        (7, None, None, "CORRECTION", False),
        (8, None, None, None, True),
    ]


def test_ledger_and_balance_agree(tmp_path: Path, played: Played) -> None:
    assert played.found(tmp_path, RECONCILED) == [("w-1", 13, 0, Decimal(3), Decimal(3), 0)]


@pytest.mark.parametrize(
    ("harm", "missing", "difference"),
    [
        ("DELETE FROM log_wallet_entry WHERE entry_number = 5", 1, Decimal("7.50")),
        ("UPDATE log_wallet_entry SET amount = amount - 0.01 WHERE entry_number = 5", 0, Decimal("-0.01")),
        ("DELETE FROM log_wallet WHERE entry_number = 13", -4, Decimal("-2.00")),
    ],
)
def test_any_harm_to_a_ledger_shows(
    tmp_path: Path, played: Played, harm: str, missing: int, difference: Decimal
) -> None:
    warehouse = played.into(tmp_path / "w.duckdb")
    warehouse.rows(harm)
    query = "SELECT missing_entries, difference FROM wallet_reconciliation"
    assert warehouse.rows(query) == [(missing, difference)]
    warehouse.close()


def test_what_could_not_be_paid(tmp_path: Path, played: Played) -> None:
    """7.50 for a queue of 3.00 and a line of 10.00, then 4.50 for the line alone; the preview does not count."""
    march = date(2026, 3, 1)
    assert played.found(tmp_path, "FROM shortfalls_by_product ORDER BY product") == [
        (march, "POTS", "EUR", 2, 2, Decimal(20), Decimal("11.00")),
        (march, "QUEUE_S", "EUR", 1, 0, Decimal(3), Decimal(0)),
    ]


def test_amounts_count_the_same_in_the_database_and_at_the_reader(tmp_path: Path, played: Played) -> None:
    warehouse = played.into(tmp_path / "w.duckdb")
    for table, rows in played.rows().items():
        counting = Tallying(FACTS[table])
        expected = counting.nothing()
        for row in rows:
            counting.add(expected, row)
        assert warehouse.tallies(table, {0: 1000}) == {0: expected}, table
    warehouse.close()


@pytest.mark.parametrize("other", ["-12.5", "-12.50000", "-0.0125E3"])
def test_an_amount_has_one_text_however_it_is_written(played: Played, other: str) -> None:
    entry = played.rows()["log_wallet_entry"][0]
    number = row_number(FACTS["log_wallet_entry"])
    assert number(entry._replace(amount=Decimal(other))) == number(entry._replace(amount=Decimal("-12.500000000")))
    assert number(entry._replace(amount=Decimal("-0.00"))) == number(entry._replace(amount=Decimal(0)))
