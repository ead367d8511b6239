"""All tables and views, in the order in which they can be made."""

from __future__ import annotations

from state.warehouse import questions
from state.warehouse.definitions import Table, View
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

_DOMAINS = (
    commands,
    accounts,
    bill_cycles,
    subscriptions,
    schedule,
    wallets,
    provisioning,
    orders,
    order_lines,
    billing_updates,
    synchronization,
    billing_profiles,
    hierarchies,
    payments,
)

FACTS: dict[str, Table] = {table.name: table for domain in _DOMAINS for table in domain.TABLES}
"""The tables that are filled from the topics, and can be dropped and filled again."""

UPKEEP: dict[str, Table] = {table.name: table for table in upkeep.TABLES}
"""The sink's own tables."""

TABLES: dict[str, Table] = {**FACTS, **UPKEEP}

VIEWS: dict[str, View] = {view.name: view for domain in (*_DOMAINS, questions, upkeep) for view in domain.VIEWS}
