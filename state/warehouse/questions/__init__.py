"""Fifteen questions that people ask of all domains together. SQL that DuckDB and PostgreSQL both understand.

Portable means here: `count(*) FILTER (WHERE ...)`, groups by number, differences of moments through `extract(epoch)`,
a name for every subquery. A module's views are made after the tables and views of the domains, which they read.
"""

from __future__ import annotations

from state.warehouse.definitions import Table, View
from state.warehouse.questions import customers, money, running, services

TABLES: tuple[Table, ...] = ()
VIEWS: tuple[View, ...] = (*customers.VIEWS, *services.VIEWS, *money.VIEWS, *running.VIEWS)
