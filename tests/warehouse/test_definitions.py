"""The definitions agree with the rows, with the words, and with what the database says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from processors.analytics import TABLE_OF
from schemas.accounts import Account, Address, Contact
from schemas.customers import Customer
from schemas.provisioning import Distributor, InstalledItem
from schemas.schedule import ScheduledAction
from schemas.shapes import fields_of
from schemas.subscriptions import Subscription, SubscriptionService
from schemas.wallets import Wallet
from state.warehouse import Warehouse
from state.warehouse.catalog import FACTS, TABLES, VIEWS
from state.warehouse.definitions import Kind, Table, View
from tests.warehouse.played import SOURCES

RULE_BOOK = {
    "fact_bill_cycle_change": (
        "change_id, account_id, customer_id, from_code, to_code, requested_at, planned_for, due_at, executed_at, "
        "trigger, outcome, cancelled_reason, source, performed_by, lead_time_days, lateness_seconds"
    ),
    "fact_billing_period": "customer_id, account_id, number, start, end, kind, bill_cycle, days, of_days, proration",
}
SUBSCRIPTIONS = {
    "dim_subscription": "subscription_id, state, valid_from, valid_to, cause, action_id",
    "dim_subscription_service": (
        "service_id, product, product_type, family, bundle_service_id, state, valid_from, valid_to, cause, action_id, "
        "order_id, line_id"
    ),
    "subscription_service_plan": "service_id, planned_from, state, action_id",
    "fact_service_state_change": "old_state, new_state, cause, effective_at, occurred_at, backdated_seconds",
    "fact_service_swap": "swap_class, from_tier, to_tier, from_product, to_product",
    "fact_bundle_amendment": (
        "bundle_service_id, product, direction, effective_at, charged_amount, action_id, performed_by"
    ),
    "fact_wallet_entry": "entry_number, kind, amount, balance_after, service_id, product, period_start",
    "wallet_reconciliation": "ledger, balance, difference",
    "fact_scheduled_action": (
        "command_type, origin, submitted_at, due, moved, end_state, lateness_seconds, failure_codes"
    ),
    "fact_provisioning_request": "provider, service_id, desired_state, version",
    "dim_distributor": "distributor_id, provider",
    "dim_installed_item": "item_id, product",
}
DESCRIBED: list[Table | View] = [*TABLES.values(), *VIEWS.values()]


@pytest.mark.parametrize(("row", "table"), TABLE_OF.items(), ids=TABLE_OF.values())
def test_a_row_has_its_tables_columns_in_their_order(row: type[Any], table: str) -> None:
    assert row._fields == tuple(column.name for column in FACTS[table].columns)


def test_every_fact_table_is_filled() -> None:
    assert set(TABLE_OF.values()) == set(FACTS)


@pytest.mark.parametrize("view", RULE_BOOK)
def test_facts_have_exactly_the_columns_of_the_rule_book(view: str) -> None:
    assert ", ".join(column.name for column in VIEWS[view].columns) == RULE_BOOK[view]


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
def test_what_the_rule_book_names_of_subscriptions_is_there(name: str) -> None:
    described = next(each for each in DESCRIBED if each.name == name)
    assert set(SUBSCRIPTIONS[name].split(", ")) <= {column.name for column in described.columns}


def test_the_names_of_the_rule_book_are_there() -> None:
    named = {"dim_customer", "dim_account", "fact_account_state", "fact_command_outcome", "raw_transaction"}
    assert named | set(RULE_BOOK) <= {each.name for each in DESCRIBED}


@pytest.mark.parametrize("described", DESCRIBED, ids=lambda each: each.name)
def test_everything_says_what_it_is(described: Table | View) -> None:
    assert described.doc.endswith(".")
    assert all(len(column.doc) > 3 for column in described.columns)
    assert len({column.name for column in described.columns}) == len(described.columns)


@pytest.mark.parametrize("table", FACTS.values(), ids=lambda table: table.name)
def test_stored_numbers_are_exact(table: Table) -> None:
    assert all(column.kind is not Kind.FRACTION for column in table.columns)
    assert {"kafka_partition", "kafka_offset"} <= {column.name for column in table.columns}
    assert set(table.key) <= {column.name for column in table.columns}


def test_what_the_words_mark_as_personal_is_marked_in_the_warehouse() -> None:
    marked = {column.name for name in ("log_account", "log_customer") for column in FACTS[name].columns if column.pii}
    personal = {f"contact_{field.name}" for field in fields_of(Contact) if field.pii}
    personal |= {f"address_{field.name}" for field in fields_of(Address) if field.pii}
    personal |= {field.name for word in (Account, Customer) for field in fields_of(word) if field.pii}
    assert marked == personal


def test_of_installed_items_the_serial_number_is_personal() -> None:
    """Of all tables beside those of accounts, customers and who pays (test_synchronization), as of their entities."""
    others = ("log_account", "log_customer", "log_billing_profile")
    marked = {
        (name, column.name)
        for name, table in FACTS.items()
        for column in table.columns
        if column.pii and name not in others
    }
    assert marked == {("log_installed_item", field.name) for field in fields_of(InstalledItem) if field.pii}
    for word in (Subscription, SubscriptionService, Wallet, Distributor, ScheduledAction):
        assert not any(field.pii for field in fields_of(word)), "a personal field that no table marks"


@pytest.mark.parametrize("entity", ["account", "customer", "distributor", "installed_item"])
def test_a_view_passes_the_marks_on(entity: str) -> None:
    assert {column.name for column in VIEWS[f"dim_{entity}"].columns if column.pii} == {
        column.name for column in FACTS[f"log_{entity}"].columns if column.pii
    }


def test_the_database_itself_says_all_of_it(tmp_path: Path) -> None:
    warehouse = Warehouse.open(tmp_path / "w.duckdb", SOURCES)
    columns = {
        tuple(row[:2]): row[2]
        for row in warehouse.rows("SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal")
    }
    assert columns == {(each.name, column.name): column.comment for each in DESCRIBED for column in each.columns}
    tables = dict(warehouse.rows("SELECT table_name, comment FROM duckdb_tables()"))
    views = dict(warehouse.rows("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert tables | views == {each.name: each.doc for each in DESCRIBED}
    warehouse.close()
