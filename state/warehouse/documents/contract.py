"""The data contract of the warehouse, in the Open Data Contract Standard 3.1, made from the definitions.

`billfold warehouse contract` writes it; `datacontract test` checks a warehouse against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from state.warehouse.catalog import DESCRIBED, DOMAINS, Domain
from state.warehouse.databases.database import Dialect
from state.warehouse.databases.places import Place, Server
from state.warehouse.databases.statements import DUCKDB, quoted
from state.warehouse.definitions import Column, Kind, Table, View
from state.warehouse.migrations import LATEST
from state.warehouse.quality import Rule, rules

FILE = "warehouse.odcs.yaml"
DATABASE = Path("data/warehouse.read.duckdb")
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
_USAGE = ("Read the published copy.", "Read the schema as it is, with TimeZone UTC.")
_HEAD = "# Made by `billfold warehouse documents` from the definitions in state/warehouse: change those.\n"


def contract(place: Place = DATABASE) -> str:
    """Return the contract as YAML; `place` is the published copy or the server, for tools that check it."""
    return _HEAD + yaml.safe_dump(_contract(place), sort_keys=False, allow_unicode=True, width=120)


def _contract(place: Place) -> dict[str, Any]:
    broken_by, dialect = rules(DESCRIBED), _dialect(place)
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
            "usage": f"{_USAGE[type(place) is Server]} Tables only grow; dim_ views have versions.",
            "limitations": "Personal data is sealed: a value opens with the vault's key only, and after an erasure "
            "never. Moments are UTC, days are local days of the customer.",
        },
        "servers": [_server(place)],
        "schema": [_object(domain, each, broken_by, dialect) for domain in DOMAINS for each in domain.described],
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


def _server(place: Place) -> dict[str, Any]:
    """Where the warehouse is; user and password are given to the tool that checks it."""
    if not isinstance(place, Server):
        return {"server": "copy", "type": "duckdb", "database": str(place), "schema": "main"}
    from state.warehouse.databases.postgres import SCHEMA  # noqa: PLC0415 - who has a file needs no PostgreSQL

    parts = place.parts()
    return {
        "server": "live",
        "type": "postgres",
        "host": parts.get("host", "localhost"),
        "port": int(parts.get("port", 5432)),
        "database": parts.get("dbname", ""),
        "schema": SCHEMA,
    }


def _dialect(place: Place) -> Dialect:
    if not isinstance(place, Server):
        return DUCKDB
    from state.warehouse.databases.postgres_sql import POSTGRES  # noqa: PLC0415 - who has a file needs no PostgreSQL

    return POSTGRES


def _object(domain: Domain, described: Table | View, broken_by: tuple[Rule, ...], dialect: Dialect) -> dict[str, Any]:
    key = described.key if isinstance(described, Table) else ()
    nullable = any(column.name in key and not column.required for column in described.columns)
    quality = [*_unique(described.name, key), *(_rule(rule) for rule in broken_by if rule.about == described.name)]
    return {
        "name": described.name,
        "physicalType": "table" if isinstance(described, Table) else "view",
        "description": described.doc,
        "tags": [domain.name],
        "properties": [_property(column, () if nullable else key, dialect) for column in described.columns],
        **({"quality": quality} if quality else {}),
    }


def _property(column: Column, key: tuple[str, ...], dialect: Dialect) -> dict[str, Any]:
    return {
        "name": column.name,
        "logicalType": LOGICAL[column.kind],
        "physicalType": dialect.type_of(column),
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
