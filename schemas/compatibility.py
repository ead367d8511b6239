"""Whether readers of a new schema read every record of an older one, and whether nothing was lost that readers rely on.

Avro's resolution rules as far as our contracts use types, and stricter where the usual checkers let things pass:
a changed logical type, precision or scale, a lost doc, pii mark, symbol or branch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.codec.passing_over import NamedTypes, short_name
from schemas.contracts import AVRO, CONTRACTS, released_schemas, versions_of

LOGICAL = ("logicalType", "precision", "scale", "size")


def broken_promises(reader: Any, writer: Any) -> list[str]:
    """What a reader of `reader` can no longer do with records of `writer`; one line each, empty when compatible."""
    return list(_Comparing(reader, writer).compared(reader, writer, short_name(reader)))


def check_contracts(folder: Any = AVRO) -> list[str]:
    """The current contracts against every released version (BACKWARD_TRANSITIVE). Empty when compatible."""
    said = []
    for contract in CONTRACTS:
        *_, current = versions_of(contract, folder).values()
        for version, released in released_schemas(contract, folder).items():
            said += [f"{contract} {version}: {line}" for line in broken_promises(current, released)]
    return said


class _Comparing:
    """One pair of schemas. Pairs of named types are compared once, which also ends recursion."""

    def __init__(self, reader: Any, writer: Any) -> None:
        self.reader = NamedTypes(reader)
        self.writer = NamedTypes(writer)
        self.met: set[tuple[str, str]] = set()

    def compared(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        reader, writer = self.reader.resolved(reader), self.writer.resolved(writer)
        if isinstance(reader, list) or isinstance(writer, list):
            yield from self._unions(reader, writer, path)
            return
        wanted, given = _kind(reader), _kind(writer)
        if wanted != given and (wanted, given) != ("long", "int"):
            yield f"{path} was {given} and is {wanted}"
            return
        for property_ in LOGICAL:
            before, now = _get(writer, property_), _get(reader, property_)
            if before != now:
                yield f"{path} had {property_} {before} and has {now}"
        yield from self._parts(reader, writer, wanted, path)

    def _parts(self, reader: Any, writer: Any, kind: str, path: str) -> Iterator[str]:
        match kind:
            case "array":
                yield from self.compared(reader["items"], writer["items"], f"{path}[]")
            case "map":
                yield from self.compared(reader["values"], writer["values"], f"{path}{{}}")
            case "enum" | "fixed" | "record":
                names = (short_name(reader), short_name(writer))
                if names[0] != names[1]:
                    yield f"{path} was a {names[1]} and is a {names[0]}"
                elif names not in self.met:
                    self.met.add(names)
                    yield from self._named(reader, writer, kind, names[0])
            case _:
                pass

    def _named(self, reader: Any, writer: Any, kind: str, name: str) -> Iterator[str]:
        if writer.get("doc") and not reader.get("doc"):
            yield f"{name} lost its doc"
        if kind == "enum":
            for symbol in writer["symbols"]:
                if symbol not in reader["symbols"]:
                    yield f"{name} lost the symbol {symbol}"
            if writer.get("default") != reader.get("default"):
                yield f"{name} had the default {writer.get('default')} and has {reader.get('default')}"
        if kind == "record":
            yield from self._fields(reader, writer, name)

    def _fields(self, reader: Any, writer: Any, name: str) -> Iterator[str]:
        before = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            path = f"{name}.{field['name']}"
            if not field.get("doc"):
                yield f"{path} has no doc"
            old = before.pop(field["name"], None)
            if old is None:
                if "default" not in field:
                    yield f"{path} is new and has no default"
                continue
            if old.get("pii") and not field.get("pii"):
                yield f"{path} lost its pii mark"
            yield from self.compared(field["type"], old["type"], path)
        for lost in before.values():
            if lost.get("pii"):
                yield f"{name}.{lost['name']} lost its pii mark with the field"

    def _unions(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        wanted = {self._tag(self.reader, branch): branch for branch in _branches(reader)}
        for branch in _branches(writer):
            tag = self._tag(self.writer, branch)
            if tag == "int" and tag not in wanted:
                tag = "long"
            if tag in wanted:
                yield from self.compared(wanted[tag], branch, path)
            else:
                yield f"{path} lost the branch {tag}"

    @staticmethod
    def _tag(types: NamedTypes, branch: Any) -> str:
        """What tells branches of one union apart: the kind, or the name of a named type."""
        branch = types.resolved(branch)
        kind = _kind(branch)
        return short_name(branch) if kind in {"record", "enum", "fixed"} else kind


def _branches(schema: Any) -> list[Any]:
    return schema if isinstance(schema, list) else [schema]


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _get(schema: Any, name: str) -> Any:
    return schema.get(name) if isinstance(schema, dict) else None
