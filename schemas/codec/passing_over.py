"""Writes source that passes over values of a writer's schema, checked like all others, where a reader has no use."""

from __future__ import annotations

import re
from typing import Any

from schemas.codec.compiling import Program

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
SIZES = {"boolean": 1, "float": 4, "double": 8, "null": 0}


def short_name(schema: Any) -> str:
    """Name of a type without its namespace."""
    name = schema.get("name", schema["type"]) if isinstance(schema, dict) else schema
    return str(name).rpartition(".")[2]


class NamedTypes:
    """The named types of one schema. Raises ValueError for a name that is none."""

    def __init__(self, schema: Any) -> None:
        self.types: dict[str, Any] = {}
        self._collect(schema)

    def resolved(self, schema: Any) -> Any:
        """A type's definition, where a schema names it or wraps it."""
        if isinstance(schema, str):
            return self.types.get(short_name(schema), schema)
        if isinstance(schema, dict) and "logicalType" not in schema and set(schema) <= {"type"}:
            return self.resolved(schema["type"])
        return schema

    def _collect(self, schema: Any) -> None:
        if isinstance(schema, list):
            for branch in schema:
                self._collect(branch)
        elif isinstance(schema, dict):
            if "name" in schema:
                # Names become names of functions: a registry must not write our source.
                if not NAME.fullmatch(str(schema["name"])):
                    raise ValueError("a name in the schema is no Avro name")
                self.types[short_name(schema)] = schema
            for field in schema.get("fields", ()):
                self._collect(field["type"])
            for part in ("items", "values", "type"):
                if isinstance(schema.get(part), dict | list):
                    self._collect(schema[part])


class PassingOver:
    """Writes, into a decoder's program, what passes over the values of its writer."""

    def __init__(self, types: NamedTypes, program: Program) -> None:
        self.types = types
        self.program = program

    def lines(self, schema: Any, pad: str) -> list[str]:
        """Lines that move `at` behind one value. Raises KeyError for a type that Avro does not have."""
        schema = self.types.resolved(schema)
        if isinstance(schema, list):
            return self._union(schema, pad)
        kind = schema["type"] if isinstance(schema, dict) else schema
        match kind:
            case "string" | "bytes":
                return [f"{pad}size, at = size_at(data, at, len(data))", f"{pad}at += size"]
            case "int" | "long" | "enum":
                return [f"{pad}_, at = long_at(data, at)"]
            case "fixed":
                return [f"{pad}at += {int(schema['size'])}"]
            case "array" | "map":
                return self._many(schema, pad)
            case "record":
                return [f"{pad}at = {self._record(schema)}(data, at)"]
            case _:
                return [f"{pad}at += {SIZES[kind]}"]

    def _union(self, branches: list[Any], pad: str) -> list[str]:
        lines = [f"{pad}index, at = index_at(data, at)"]
        for index, branch in enumerate(branches):
            lines.append(f"{pad}{'el' if index else ''}if index == {index * 2}:")
            lines += [f"{pad}    pass", *self.lines(branch, pad + "    ")]
        return [*lines, f"{pad}else:", f"{pad}    raise Unreadable('a union has no such branch')"]

    def _many(self, schema: Any, pad: str) -> list[str]:
        name = f"over_many_{len(self.program.functions)}"
        self.program.functions.add(name)
        named = schema["type"] == "map"
        inner = " " * 12
        self.program.parts.append(
            "\n".join(
                [
                    f"def {name}(data, at):",
                    "    met = 0",
                    "    while True:",
                    "        count, _, at = count_at(data, at, met, len(data), 'list or map')",
                    "        if count == 0:",
                    "            return at",
                    "        met += count",
                    "        for _ in range(count):",
                    *(self.lines("string", inner) if named else []),
                    f"{inner}pass",
                    *self.lines(schema["values" if named else "items"], inner),
                ]
            )
        )
        return [f"{pad}at = {name}(data, at)"]

    def _record(self, schema: Any) -> str:
        name = f"over_{short_name(schema)}"
        if name not in self.program.functions:
            self.program.functions.add(name)
            lines = [line for field in schema["fields"] for line in self.lines(field["type"], "    ")]
            self.program.parts.append("\n".join([f"def {name}(data, at):", *lines, "    return at"]))
        return name
