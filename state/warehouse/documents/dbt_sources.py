"""What the dbt project in compose/dbt knows of the warehouse: sources with tests, rules, exposures.

Made from the definitions, so that a column that is renamed breaks the build of whoever reads it, and not their report.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from state.warehouse.catalog import DESCRIBED
from state.warehouse.databases.statements import TYPES
from state.warehouse.definitions import Column, Table, View
from state.warehouse.documents.contract import FRESH_MINUTES
from state.warehouse.quality import Rule, rules
from state.warehouse.questions import VIEWS as QUESTIONS

SOURCE = "warehouse"
_READS = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)\b")


def files() -> dict[str, str]:
    """Path below the dbt project -> text."""
    tests = {f"tests/rules/{rule.name}.sql": _singular(rule) for rule in rules(DESCRIBED)}
    return {"models/sources.yml": _written(_sources()), "models/exposures.yml": _written(_exposures())} | tests


def _written(content: dict[str, Any]) -> str:
    head = "# Made by `billfold warehouse documents` from the definitions in state/warehouse: change those.\n"
    return head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _sources() -> dict[str, Any]:
    return {
        "version": 2,
        "sources": [
            {
                "name": SOURCE,
                "description": "The warehouse that `billfold sink` fills: the published copy, read only.",
                "database": SOURCE,
                "schema": "main",
                "loader": "billfold sink",
                "tables": [_table(each) for each in DESCRIBED.values()],
            }
        ],
    }


def _table(described: Table | View) -> dict[str, Any]:
    key = described.key if isinstance(described, Table) else ()
    filled = [column.name for column in described.columns if column.required]
    tests = [{"filled": {"arguments": {"columns": filled}}}]
    if key:
        tests.append({"unique_together": {"arguments": {"columns": list(key)}}})
    return {
        "name": described.name,
        "description": described.doc,
        **_freshness(described.name),
        "columns": [_column(column) for column in described.columns],
        "data_tests": tests,
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "data_type": TYPES[column.kind],
        "description": column.doc,
        **({"config": {"meta": {"pii": "sealed"}}} if column.pii else {}),
    }


def _freshness(name: str) -> dict[str, Any]:
    if name != "sink_publication":
        return {}
    stale = {"count": FRESH_MINUTES, "period": "minute"}
    return {"config": {"loaded_at_field": "published_at", "freshness": {"warn_after": stale}}}


def _singular(rule: Rule) -> str:
    names = {name: f"{{{{ source('{SOURCE}', '{name}') }}}}" for name in DESCRIBED}
    return f"-- Made by `billfold warehouse documents`. {rule.doc}\n{rule.breaches.format_map(names)}\n"


def _exposures() -> dict[str, Any]:
    """Every question is something that people rely on, and says on what it rests."""
    return {"version": 2, "exposures": [_exposure(view) for view in QUESTIONS]}


def _exposure(view: View) -> dict[str, Any]:
    reads = sorted({name for name in _READS.findall(view.query) if name in DESCRIBED})
    return {
        "name": view.name,
        "label": view.name.replace("_", " ").capitalize(),
        "type": "analysis",
        "maturity": "high",
        "description": view.doc,
        "depends_on": [f"source('{SOURCE}', '{name}')" for name in reads],
        "owner": {"name": "Billing analytics"},
    }
