"""How a warehouse of any earlier release becomes one of this release: numbered steps, each done once.

A released migration never changes. The first one makes what the definitions said when it was released; later ones add
columns and tables. Views are no part of it: they are made anew at every start, from their definitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from state.warehouse.catalog import TABLES
from state.warehouse.statements import create_table


@dataclass(frozen=True)
class Migration:
    """One step."""

    version: int
    what: str
    statements: tuple[str, ...]


def _first(tables: Iterable[str]) -> tuple[str, ...]:
    return tuple(create_table(TABLES[name]) for name in tables)


MIGRATIONS: tuple[Migration, ...] = (Migration(1, "accounts, bill cycles, commands", _first(TABLES)),)

LATEST = MIGRATIONS[-1].version
