"""How a warehouse of any earlier release becomes one of this release: numbered steps, each done once.

A released migration never changes. Each makes tables, or adds columns to tables that earlier ones made, by their
definitions of today: a table that is made new has all columns at once, and adding one again does nothing. Views are no
part of it: they are made anew where their definitions changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from state.warehouse.definitions import Table
from state.warehouse.tables import (
    accounts,
    bill_cycles,
    billing_profiles,
    billing_updates,
    commands,
    hierarchies,
    order_lines,
    orders,
    payments,
    provisioning,
    schedule,
    subscriptions,
    synchronization,
    upkeep,
    wallets,
)


@dataclass(frozen=True)
class Migration:
    """One step. Columns are (table, column), and not required: rows that are there get null until a rebuild."""

    version: int
    what: str
    tables: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()


def _names(*groups: Iterable[Table]) -> tuple[str, ...]:
    return tuple(table.name for group in groups for table in group)


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        "accounts, bill cycles, commands",
        _names(commands.TABLES, accounts.TABLES, bill_cycles.TABLES, upkeep.FIRST_TABLES),
    ),
    Migration(
        2,
        "subscriptions, schedule, wallets, provisioning",
        _names(subscriptions.TABLES, schedule.TABLES, wallets.TABLES, provisioning.TABLES),
    ),
    Migration(3, "which definitions were made", (upkeep.SINK_DEFINITION.name,)),
    Migration(4, "orders", _names(orders.TABLES, order_lines.TABLES, billing_updates.TABLES)),
    Migration(
        5,
        "customer data of orders",
        _names(synchronization.TABLES, billing_profiles.TABLES, hierarchies.TABLES, payments.TABLES),
    ),
)

LATEST = MIGRATIONS[-1].version
