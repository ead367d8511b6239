"""How a warehouse of any earlier release becomes one of this release: numbered steps, each done once.

A released migration never changes. The first one makes what the definitions said when it was released; later ones add
columns and tables. Views are no part of it: they are made anew at every start, from their definitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from state.warehouse import provisioning, schedule, subscriptions, wallets
from state.warehouse.catalog import TABLES
from state.warehouse.statements import create_table


@dataclass(frozen=True)
class Migration:
    """One step."""

    version: int
    what: str
    statements: tuple[str, ...]


_SUBSCRIPTIONS = tuple(
    table.name for domain in (subscriptions, schedule, wallets, provisioning) for table in domain.TABLES
)


def _made(tables: Iterable[str]) -> tuple[str, ...]:
    return tuple(create_table(TABLES[name]) for name in tables)


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "accounts, bill cycles, commands", _made(name for name in TABLES if name not in _SUBSCRIPTIONS)),
    Migration(2, "subscriptions, schedule, wallets, provisioning", _made(_SUBSCRIPTIONS)),
)

LATEST = MIGRATIONS[-1].version
