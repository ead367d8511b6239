"""The data contract of the warehouse, in the Open Data Contract Standard 3.1, made from the definitions.

`billfold warehouse contract` writes it; `datacontract test` checks a warehouse against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from state.warehouse.catalog import DESCRIBED, DOMAINS, Domain
from state.warehouse.databases.statements import TYPES, quoted
from state.warehouse.definitions import Column, Kind, Table, View
from state.warehouse.migrations import LATEST
from state.warehouse.quality import Rule, rules

FILE = "warehouse.odcs.yaml"
DATABASE = "data/warehouse.read.duckdb"
FRESH_MINUTES = 5
"""The sink publishes a copy each minute without news; a copy of five minutes means that it stands still."""

LOGICAL: dict[Kind, str] = {
    Kind.TEXT: "string",
    Kind.COUNT: "integer",
    Kind.WHOLE: "integer",
    Kind.AMOUNT: "number",
    Kind.FRACTION: "number",
    Kind.MOMENT: "timestamp",
    Kind.DAY: "date",
    Kind.FLAG: "boolean",
    Kind.JSON: "string",
}
_HEAD = "# Made by `billfold warehouse documents` from the definitions in state/warehouse: change those.\n"


def contract(database: str = DATABASE) -> str:
    """Return the contract as YAML; `database` is the path of the published copy, for tools that check it."""
    return _HEAD + yaml.safe_dump(_contract(database), sort_keys=False, allow_unicode=True, width=120)


def _contract(database: str) -> dict[str, Any]:
    broken_by = rules(DESCRIBED)
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "billfold-warehouse",
        "name": "Billfold warehouse",
        "version": f"{LATEST}.0.0",
        "status": "active",
        "domain": "billing",
        "description": {
            "purpose": "What happened in billing, row by row, and how it stands: for reports, audits and models.",
            "usage": "Read the published copy. Tables only grow; dim_ views have versions: valid_from, valid_to.",
            "limitations": "Personal data is sealed: a value opens with the vault's key only, and after an erasure "
            "never. Moments are UTC, days are local days of the customer.",
        },
        "servers": [{"server": "copy", "type": "duckdb", "database": database, "schema": "main"}],
        "schema": [_object(domain, each, broken_by) for domain in DOMAINS for each in domain.described],
        "slaProperties": [
            {
                "property": "freshness",
                "value": FRESH_MINUTES,
                "unit": "m",
                "element": "sink_publication.published_at",
                "description": "The sink publishes within seconds after a change, and every minute without one.",
            },
        ],
    }


def _object(domain: Domain, described: Table | View, broken_by: tuple[Rule, ...]) -> dict[str, Any]:
    key = described.key if isinstance(described, Table) else ()
    nullable = any(column.name in key and not column.required for column in described.columns)
    quality = [*_unique(described.name, key), *(_rule(rule) for rule in broken_by if rule.about == described.name)]
    return {
        "name": described.name,
        "physicalType": "table" if isinstance(described, Table) else "view",
        "description": described.doc,
        "tags": [domain.name],
        "properties": [_property(column, () if nullable else key) for column in described.columns],
        **({"quality": quality} if quality else {}),
    }


def _property(column: Column, key: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": column.name,
        "logicalType": LOGICAL[column.kind],
        "physicalType": TYPES[column.kind],
        "description": column.doc,
        **({"required": True} if column.required else {}),
        **({"primaryKey": True, "primaryKeyPosition": key.index(column.name) + 1} if column.name in key else {}),
        **({"classification": "restricted", "tags": ["pii", "sealed"]} if column.pii else {}),
    }


def _unique(name: str, key: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Said as SQL, because a key with a null in it (plans of a subscription itself) is no primary key."""
    if key:
        columns = ", ".join(quoted(column) for column in key)
        repeated = f"SELECT {columns} FROM {name} GROUP BY {columns} HAVING count(*) > 1"  # noqa: S608 - made of definitions
        yield _none(f"{name}_is_unique", f"One row per {', '.join(key)}.", repeated, "uniqueness")


def _rule(rule: Rule) -> dict[str, Any]:
    return _none(rule.name, rule.doc, rule.breaches.format_map({name: name for name in DESCRIBED}), "consistency")


def _none(name: str, doc: str, breaches: str, dimension: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "sql",
        "dimension": dimension,
        "description": doc,
        "query": f"SELECT count(*) FROM ({breaches}) AS breaches",  # noqa: S608 - made of definitions
        "mustBe": 0,
    }
