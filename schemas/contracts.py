"""The contracts: Avro schemas derived from the structs, the committed files, and the ids that stand for them.

`avro/<Contract>.avsc` is the contract as it is now, `avro/released/<Contract>/<n>.avsc` every version that is out in
the world, `avro/ids.json` the schema id of each version in a world without a registry. A released version and its id
never change. The current contract has the highest version; until it is released, it is rewritten in place.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, assert_never

import msgspec

from schemas.catalog import Catalog
from schemas.envelope import BusinessTransaction, CommandOutcome, CommandRecord
from schemas.fields import Cleared
from schemas.provisioning_requests import ProvisioningRequest
from schemas.shapes import MISSING, Choice, Kind, Listing, Mapping, Maybe, OneOf, Row, Scalar, Shape, fields_of

NAMESPACE = "billfold.v1"
AVRO = Path(__file__).parent / "avro"
FIRST_LOCAL_ID = 2**30 + 1
"""Registries count up from 1, so ids of the committed list and ids of a registry never meet in one log."""

CONTRACTS: dict[str, type[msgspec.Struct]] = {
    "Command": CommandRecord,
    "BusinessTransaction": BusinessTransaction,
    "CommandOutcome": CommandOutcome,
    "CatalogVersion": Catalog,
    "ProvisioningRequest": ProvisioningRequest,
}
"""What crosses the topics, by the name of its record. Order is the order in which a registry learns them."""

SCALAR_SCHEMAS: dict[Kind, Any] = {
    Kind.TEXT: "string",
    Kind.WHOLE: "long",
    Kind.FLAG: "boolean",
    Kind.DAY: {"type": "int", "logicalType": "date"},
    Kind.MOMENT: {"type": "long", "logicalType": "timestamp-micros"},
    Kind.AMOUNT: {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9},
}


@cache
def schema_of(contract: str) -> Any:
    """The Avro schema of a contract, as JSON values. Raises Undescribed (schemas.shapes). Not to be changed."""
    return _Deriving().schema(Row(CONTRACTS[contract]))


class _Deriving:
    """Writes a named type out where it is met first, and by its name from then on."""

    def __init__(self) -> None:
        self.written: dict[str, object] = {}

    def schema(self, shape: Shape) -> Any:
        match shape:
            case Scalar(kind=Kind.HASH):
                return self._named("Hash", shape, lambda: {"type": "fixed", "size": 32})
            case Scalar(kind=kind):
                return SCALAR_SCHEMAS[kind]
            case Choice(symbols=symbols):
                return self._named(
                    shape.name,
                    symbols,
                    lambda: {
                        "type": "enum",
                        "doc": _first_line(symbols),
                        "symbols": [symbol.value for symbol in symbols],
                        "default": next(iter(symbols)).value,
                    },
                )
            case Listing(item=item):
                return {"type": "array", "items": self.schema(item)}
            case Mapping(value=value):
                return {"type": "map", "values": self.schema(value)}
            case Row(struct=struct):
                return self._named(shape.name, struct, lambda: self._record(struct))
            case OneOf(rows=rows):
                return [self.schema(row) for row in rows]
            case Maybe(inner=inner, clearable=clearable):
                branches = self.schema(inner)
                cleared = [self.schema(Row(Cleared))] if clearable else []
                return ["null", *cleared, *(branches if isinstance(branches, list) else [branches])]
            case _:
                assert_never(shape)

    def _named(self, name: str, what: object, write: Any) -> Any:
        if name in self.written:
            assert self.written[name] == what, f"two types of the contracts are named {name}"
            return name
        self.written[name] = what
        rest = write()
        return {"type": rest.pop("type"), "name": name, "namespace": NAMESPACE, **rest}

    def _record(self, struct: type[msgspec.Struct]) -> dict[str, Any]:
        fields = []
        for field in fields_of(struct):
            schema: dict[str, Any] = {"name": field.name, "type": self.schema(field.shape), "doc": field.doc}
            if field.default is not MISSING:
                schema["default"] = field.default
            if field.pii:
                schema["pii"] = True
            fields.append(schema)
        return {"type": "record", "doc": _first_line(struct), "fields": fields}


def _first_line(described: type) -> str:
    return (described.__doc__ or "").splitlines()[0]


# -- the committed files


def committed_ids(folder: Path = AVRO) -> dict[str, dict[int, int]]:
    """Schema ids by contract and version."""
    path = folder / "ids.json"
    raw = json.loads(path.read_text()) if path.exists() else {}
    return {contract: {int(version): number for version, number in ids.items()} for contract, ids in raw.items()}


def released_schemas(contract: str, folder: Path = AVRO) -> dict[int, Any]:
    """Every version of a contract that is out in the world, oldest first."""
    paths = (folder / "released" / contract).glob("*.avsc")
    return {int(path.stem): json.loads(path.read_text()) for path in sorted(paths, key=lambda path: int(path.stem))}


def versions_of(contract: str, folder: Path = AVRO) -> dict[int, Any]:
    """Every version with an id, oldest first; the last one is the current contract."""
    released = released_schemas(contract, folder)
    current = max(committed_ids(folder)[contract])
    return released | {current: json.loads((folder / f"{contract}.avsc").read_text())}


def write_contracts(folder: Path = AVRO) -> list[str]:
    """Write the contracts as the structs say, and give ids to new versions. Returns what changed, one line each."""
    said = []
    ids = committed_ids(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for contract in CONTRACTS:
        released = released_schemas(contract, folder)
        versions = ids.setdefault(contract, {})
        if not versions or (max(versions) in released and released[max(versions)] != schema_of(contract)):
            version = max(versions, default=0) + 1
            versions[version] = _next_id(ids)
            said.append(f"{contract} version {version} has id {versions[version]}")
        if _write(folder / f"{contract}.avsc", schema_of(contract)):
            said.append(f"{contract}.avsc written")
    _write(folder / "ids.json", ids)
    return said


def release_contracts(folder: Path = AVRO) -> list[str]:
    """Declare the current contracts out in the world: from here on they never change. Returns what was released."""
    said = write_contracts(folder)
    for contract, versions in committed_ids(folder).items():
        path = folder / "released" / contract / f"{max(versions)}.avsc"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, schema_of(contract))
            said.append(f"{contract} version {max(versions)} released")
    return said


def _next_id(ids: dict[str, dict[int, int]]) -> int:
    return max((number for versions in ids.values() for number in versions.values()), default=FIRST_LOCAL_ID - 1) + 1


def _write(path: Path, content: Any) -> bool:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    return True
