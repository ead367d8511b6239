"""Writes the source of straight-line decoders: from the schema a record was written with, into the structs of today.

Avro's resolution rules are applied while the source is written, not while records are read: fields are met in the
writer's order, those that the struct lacks are passed over, those that the writer lacks take the struct's default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from schemas.codec import reading
from schemas.codec.compiling import Program
from schemas.codec.passing_over import NamedTypes, PassingOver, short_name
from schemas.codec.reading import Limits
from schemas.contracts import SCALAR_SCHEMAS
from schemas.envelope import Unparsed
from schemas.fields import Command, Entity, Event
from schemas.shapes import (
    HASH_BYTES,
    MISSING,
    Choice,
    Kind,
    Listing,
    Mapping,
    Maybe,
    OneOf,
    Row,
    Scalar,
    Shape,
    fields_of,
)
from schemas.wire import Unreadable

INLINE = {Kind.DAY: "day_at(data, at)", Kind.MOMENT: "moment_at(data, at, LIMITS)", Kind.AMOUNT: "amount_at(data, at)"}
ONE_BYTE_INDEXES = 64

Result = TypeVar("Result")


class UnknownEvent(Event, frozen=True, kw_only=True):
    """Stands for an event that a newer writer knows and this reader passes over."""

    about = ("unknown", "name")

    name: str


class UnknownEntity(Entity, frozen=True, kw_only=True):
    """Stands for an entity that a newer writer knows and this reader passes over."""

    identity = ("unknown", "name")

    name: str


STAND_INS: dict[str, type[Event | Entity]] = {"event": UnknownEvent, "entity": UnknownEntity}


@dataclass(frozen=True)
class Options:
    """How a decoder treats what is not as it should be."""

    limits: Limits
    unknown: Literal["refuse", "skip"] = "refuse"
    """Events and entities that the reader does not know."""
    strict_symbols: bool = False
    """Refuse enum symbols that the reader does not know; else they become the enum's default, as Avro says."""
    bodies: Literal["typed", "unparsed"] = "typed"
    """`unparsed`: whatever a body's struct says, answer Unparsed with the body as JSON."""


class Decoding:
    """The decoder of one contract for one writer's schema. Raises Unreadable for a schema that is none."""

    def __init__(self, contract: Row, schema: Any, options: Options) -> None:
        if short_name(schema) != contract.name:
            raise Unreadable(f"the schema is one of {short_name(schema)}, not of {contract.name}")
        self.contract = contract
        self.schema = schema
        self.options = options
        self.names: dict[str, Any] = {name: value for name, value in vars(reading).items() if name[0] != "_"}
        self.names |= {"LIMITS": options.limits, "MISSING": msgspec.UNSET}
        self.program = Program(f"decoder of {contract.name}", self.names)
        self.types = self._explained(lambda: NamedTypes(schema))
        self.passing = PassingOver(self.types, self.program)
        self.variables = 0
        self.text_limit = options.limits.text_bytes

    def compile(self) -> Any:
        """The function `read(data, at) -> (value, place after it)`."""
        return self.program.function(lambda: self._explained(lambda: self._record(self.schema, self.contract)))

    @staticmethod
    def _explained(read: Callable[[], Result]) -> Result:
        """What `read` makes of the schema, which comes from a registry and may be anything."""
        try:
            return read()
        except (KeyError, TypeError, ValueError, RecursionError) as problem:
            raise Unreadable(f"the writer's schema is no Avro schema: {problem!r}") from problem

    # -- records

    def _record(self, schema: Any, row: Row, *, plain: bool = False) -> str:
        """Name of the function that reads a record; `plain` makes a dict with the contract's names instead."""
        name = f"{'plain' if plain else 'read'}_{row.name}"
        if name in self.program.functions:
            return name
        self.program.functions.add(name)
        fields = {field.name: field for field in fields_of(row.struct)}
        lines = [f"def {name}(data, at):"]
        for written in schema["fields"]:
            field = fields.pop(written["name"], None)
            if field is None:
                lines += self.passing.lines(written["type"], "    ")
            else:
                whole_record = row.struct is Unparsed and field.name == "json"
                limits = self.options.limits
                self.text_limit = limits.record_bytes if whole_record else limits.text_bytes
                lines += self._value(written["type"], field.shape, f"f_{field.attribute}", "    ", plain=plain)
                self.text_limit = limits.text_bytes
        required = {info.name for info in msgspec.structs.fields(row.struct) if info.required}
        absent = {field.attribute: "None" if field.attribute in required else "" for field in fields.values()}
        lines += [
            f"    raise Unreadable({f'the writer does not know {row.name}.{field.name}'!r})"
            for field in fields.values()
            if field.attribute in required and field.default is MISSING
        ]
        values = {
            field.attribute: absent.get(field.attribute, f"f_{field.attribute}") for field in fields_of(row.struct)
        }
        given = {attribute: value for attribute, value in values.items() if value}
        self.program.parts.append("\n".join([*lines, self._made(row, given, plain=plain)]))
        return name

    def _made(self, row: Row, given: dict[str, str], *, plain: bool) -> str:
        """The line that makes a struct, or a dict, of what was read. What is not given takes the struct's default."""
        if plain:
            there = [field for field in fields_of(row.struct) if field.attribute in given]
            pairs = ", ".join(f"{field.name!r}: {given[field.attribute]}" for field in there)
            return f"    return without_missing({{{pairs}}}), at"
        self.names[row.struct.__name__] = row.struct
        arguments = ", ".join(f"{attribute}={value}" for attribute, value in given.items())
        return f"    return {row.struct.__name__}({arguments}), at"

    # -- values

    def _value(self, writer: Any, shape: Shape, target: str, pad: str, *, plain: bool) -> list[str]:
        """Lines that read one value into `target`."""
        writer = self.types.resolved(writer)
        if isinstance(writer, list):
            return self._union(writer, shape, target, pad, plain=plain)
        shape = shape.inner if isinstance(shape, Maybe) else shape
        match shape:
            case Scalar(kind=kind) if self._fits(writer, kind):
                return [pad + line for line in self._scalar(kind, target)]
            case Choice() if self._is(writer, "enum", shape.name):
                return [pad + line for line in self._symbol(writer, shape, target)]
            case Row() if self._is(writer, "record", shape.name):
                return [f"{pad}{target}, at = {self._record(writer, shape, plain=plain)}(data, at)"]
            case OneOf():
                return [f"{pad}{target}, at = {self._branch(writer, shape)}(data, at)"]
            case Listing(item=item) if self._is(writer, "array"):
                return self._many(writer["items"], item, target, pad, plain=plain)
            case Mapping(value=item) if self._is(writer, "map"):
                return self._many(writer["values"], item, target, pad, plain=plain, named=True)
            case _:
                return [f"{pad}raise Unreadable({f'the writer has another type for {target[2:]}'!r})"]

    @staticmethod
    def _is(writer: Any, kind: str, name: str | None = None) -> bool:
        return isinstance(writer, dict) and writer["type"] == kind and (name is None or short_name(writer) == name)

    @staticmethod
    def _fits(writer: Any, kind: Kind) -> bool:
        if kind is Kind.HASH:
            return isinstance(writer, dict) and writer["type"] == "fixed" and writer["size"] == HASH_BYTES
        expected = SCALAR_SCHEMAS[kind]
        if isinstance(expected, str):
            return writer == expected or (kind is Kind.WHOLE and writer == "int")
        return isinstance(writer, dict) and {name: writer.get(name) for name in expected} == expected

    def _scalar(self, kind: Kind, target: str) -> list[str]:
        match kind:
            case Kind.TEXT:
                return [
                    "size = data[at]",
                    "if size & 129:",  # negative, or more than 63 bytes
                    f"    {target}, at = text_at(data, at, {self.text_limit})",
                    "else:",
                    "    end = at + 1 + (size >> 1)",
                    f"    {target} = data[at + 1:end].decode()",
                    "    at = end",
                ]
            case Kind.WHOLE:
                return [
                    f"{target} = data[at]",
                    f"if {target} & 129:",  # negative, or more than 63
                    f"    {target}, at = long_at(data, at)",
                    "else:",
                    f"    {target} >>= 1",
                    "    at += 1",
                ]
            case Kind.FLAG:
                return [f"{target}, at = flag_at(data, at)"]
            case Kind.HASH:
                return [f"end = at + {HASH_BYTES}", f"{target} = data[at:end]", "at = end"]
            case Kind.DAY | Kind.MOMENT | Kind.AMOUNT:
                return [f"{target}, at = {INLINE[kind]}"]

    def _symbol(self, writer: Any, choice: Choice, target: str) -> list[str]:
        known = {symbol.value: symbol for symbol in choice.symbols}
        if not self.options.strict_symbols:
            default = next(iter(choice.symbols))
            known = {symbol: known.get(symbol, default) for symbol in writer["symbols"]}
        table = choice.name.upper()
        self.names[table] = {
            place * 2: known[symbol] for place, symbol in enumerate(writer["symbols"]) if symbol in known
        }
        if len(writer["symbols"]) <= ONE_BYTE_INDEXES:
            return [f"{target} = {table}[data[at]]", "at += 1"]
        return ["index, at = index_at(data, at)", f"{target} = {table}[index]"]

    def _many(self, writer: Any, item: Shape, target: str, pad: str, *, plain: bool, named: bool = False) -> list[str]:
        """Blocks of items until an empty block; with `named` a map, else a tuple."""
        limits = self.options.limits
        most = max(limits.list_items, getattr(item.struct, "listed_up_to", 0) if isinstance(item, Row) else 0)
        limit, what = (limits.map_entries, "map") if named else (most, "list")
        each, held = f"{self._variable()}", f"{self._variable()}"
        inner = pad + "            "
        key = [inner + line for line in self._scalar(Kind.TEXT, "name")] if named else []
        return [
            f"{pad}{held} = {'{}' if named else '[]'}",
            f"{pad}if data[at] == 0:",
            f"{pad}    at += 1",
            f"{pad}else:",
            f"{pad}    met_{held} = 0",
            f"{pad}    while True:",
            f"{pad}        count, end_{held}, at = count_at(data, at, met_{held}, {limit}, {what!r})",
            f"{pad}        if count == 0:",
            f"{pad}            break",
            f"{pad}        met_{held} += count",
            f"{pad}        for _ in range(count):",
            *key,
            *([f"{inner}{each}_name = name"] if named else []),
            *self._value(writer, item, each, inner, plain=plain),
            f"{inner}{held}[{each}_name] = {each}" if named else f"{inner}{held}.append({each})",
            f"{pad}        if end_{held} and end_{held} != at:",
            f"{pad}            raise Unreadable('a block does not have the size that it says')",
            f"{pad}{target} = {held if named else f'tuple({held})'}",
        ]

    # -- unions

    def _union(self, branches: list[Any], shape: Shape, target: str, pad: str, *, plain: bool) -> list[str]:
        inner = shape.inner if isinstance(shape, Maybe) else shape
        if isinstance(inner, OneOf):
            return self._one_of(branches, inner, target, pad)
        absent = "MISSING" if isinstance(shape, Maybe) and shape.clearable else "None"
        lines = [f"{pad}index = data[at]", f"{pad}at += 1"]
        for index, branch in sorted(enumerate(branches), key=lambda numbered: numbered[1] == "null"):
            lines.append(f"{pad}{'el' if len(lines) > 2 else ''}if index == {index * 2}:")  # noqa: PLR2004
            if branch == "null" and isinstance(shape, Maybe):
                lines.append(f"{pad}    {target} = {absent}")
            elif short_name(branch) == "Cleared" and isinstance(shape, Maybe) and shape.clearable:
                lines.append(f"{pad}    {target} = None")
            else:
                lines += self._value(branch, inner, target, pad + "    ", plain=plain)
        return [*lines, f"{pad}else:", f"{pad}    raise Unreadable('a union has no such branch')"]

    def _one_of(self, branches: list[Any], union: OneOf, target: str, pad: str) -> list[str]:
        """A body, an event, an entity: a table by index says which function reads on."""
        table, readers = f"{union.role.upper()}_OF_{self._variable()}", dict[int, Any]()
        for index, branch in enumerate(branches):
            if branch != "null":
                readers[index * 2] = self._later(readers, index * 2, branch, union)
        self.names[table] = readers
        wide = len(branches) > ONE_BYTE_INDEXES
        lines = [f"{pad}index, at = index_at(data, at)"] if wide else [f"{pad}index = data[at]", f"{pad}at += 1"]
        if "null" not in branches:
            return [*lines, f"{pad}{target}, at = {table}[index](data, at)"]
        return [
            *lines,
            f"{pad}if index == {branches.index('null') * 2}:",
            f"{pad}    {target} = None",
            f"{pad}else:",
            f"{pad}    {target}, at = {table}[index](data, at)",
        ]

    def _later(self, readers: dict[int, Any], index: int, writer: Any, union: OneOf) -> Any:
        def write() -> str:
            return self._explained(lambda: self._branch(self.types.resolved(writer), union))

        return self.program.later(readers, index, write, lambda read: read)

    def _branch(self, writer: Any, union: OneOf) -> str:
        """Name of the function that reads one branch."""
        named = short_name(writer)
        row = next((row for row in union.rows if row.name == named), None)
        if row is None:
            return self._unknown(writer, named, union.role)
        if self.options.bodies == "typed" or not issubclass(row.struct, Command) or row.struct is Unparsed:
            return self._record(writer, row)
        name = f"unparsed_{named}"
        if name not in self.program.functions:
            self.program.functions.add(name)
            self.names |= {"Unparsed": Unparsed, "as_json": lambda body: msgspec.json.encode(body).decode()}
            self.program.parts.append(
                f"def {name}(data, at):\n"
                f"    body, at = {self._record(writer, row, plain=True)}(data, at)\n"
                f"    return Unparsed(command_type={named!r}, json=as_json(body)), at"
            )
        return name

    def _unknown(self, writer: Any, named: str, role: str) -> str:
        name = f"unknown_{role}_{named}"
        if name not in self.program.functions:
            self.program.functions.add(name)
            lines = [f"def {name}(data, at):"]
            if self.options.unknown == "skip" and role in STAND_INS:
                self.names[STAND_INS[role].__name__] = STAND_INS[role]
                lines += self.passing.lines(writer, "    ")
                lines.append(f"    return {STAND_INS[role].__name__}(name={named!r}), at")
            else:
                lines.append(f"    raise Unreadable({f'the {role} {named} is not known here'!r})")
            self.program.parts.append("\n".join(lines))
        return name

    def _variable(self) -> str:
        self.variables += 1
        return f"v{self.variables}"
