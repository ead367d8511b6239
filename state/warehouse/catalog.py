"""All tables and views, in the order in which they can be made."""

from __future__ import annotations

from state.warehouse import accounts, bill_cycles, commands, upkeep
from state.warehouse.definitions import Table, View

FACTS: dict[str, Table] = {table.name: table for table in (*commands.TABLES, *accounts.TABLES, *bill_cycles.TABLES)}
"""The tables that are filled from the topics, and can be dropped and filled again."""

UPKEEP: dict[str, Table] = {table.name: table for table in upkeep.TABLES}
"""The sink's own tables."""

TABLES: dict[str, Table] = {**FACTS, **UPKEEP}

VIEWS: dict[str, View] = {
    view.name: view for view in (*commands.VIEWS, *accounts.VIEWS, *bill_cycles.VIEWS, *upkeep.VIEWS)
}
