"""Writes, from the structs, the source of straight-line encoders: one function a record, one expression a field.

A function takes the bytes that stand before its record (the branch of a union, or none), so that no part is joined
twice; and a memo by id(): an entity that stands in a transaction and in its outcome, or a moment, is encoded once.
"""

from __future__ import annotations

from typing import Any, assert_never

import msgspec

from schemas.codec import writing
from schemas.codec.compiling import Program
from schemas.envelope import BusinessTransaction
from schemas.fields import Entity
from schemas.shapes import (
    Choice,
    Field,
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

TABLES = {Kind.WHOLE: "WHOLE", Kind.TEXT: "TEXT", Kind.DAY: "DAY"}


class Encoding:
    """The encoders of one contract."""

    def __init__(self, contract: Row) -> None:
        self.contract = contract
        self.names: dict[str, Any] = {name: value for name, value in vars(writing).items() if name[0] != "_"}
        self.program = Program(f"encoder of {contract.name}", self.names)
        self.variables = 0

    def compile(self) -> dict[str, Any]:
        """The functions by name: `encode(lead, value, memo)` is the contract's own."""
        found = {"encode": self.program.function(lambda: self._record(self.contract))}
        if self.contract.struct is BusinessTransaction:
            found["encode_unsealed"] = self.program.function(self._unsealed)
        return found

    def _record(self, row: Row) -> str:
        """Name of the function that encodes a record."""
        name = f"encode_{row.name}"
        if name not in self.program.functions:
            self._function(row, name, fields_of(row.struct))
        return name

    def _unsealed(self) -> str:
        """Name of the function that encodes a transaction up to its hash."""
        self._function(self.contract, "encode_unsealed", fields_of(self.contract.struct)[:-1])
        return "encode_unsealed"

    def _function(self, row: Row, name: str, fields: tuple[Field, ...]) -> None:
        """One record. An entity's own bytes go to the memo without the lead, which differs from place to place."""
        self.program.functions.add(name)
        lines = [f"def {name}(lead, value, memo):"]
        parts = [f"        {self._field(field)},  # {field.name}" for field in fields]
        if issubclass(row.struct, Entity):
            lines += [
                "    known = memo.get(id(value))",
                "    if known is None:",
                "        known = memo[id(value)] = b''.join((",
                *(f"    {part}" for part in parts),
                "        ))",
                "    return lead + known",
            ]
        else:
            lines += ["    return b''.join((", "        lead,", *parts, "    ))"]
        self.program.parts.append("\n".join(lines))

    def _field(self, field: Field) -> str:
        """Parts of a field. A table pays off for codes, which come again and again; ids are as quickly encoded."""
        value = f"value.{field.attribute}"
        inner = field.shape.inner if isinstance(field.shape, Maybe) else field.shape
        clearable = isinstance(field.shape, Maybe) and field.shape.clearable
        if inner == Scalar(Kind.TEXT) and not clearable and (field.pii or field.name.endswith("_id")):
            held, raw = self._variable(), self._variable()
            if inner is field.shape:
                return f"WHOLE[len({raw} := {value}.encode())], {raw}"
            there = f"OPTIONAL_WHOLE[len({raw} := {held}.encode())] + {raw}"
            return f"(NULL if ({held} := {value}) is None else {there})"
        return self._expression(field.shape, value)

    def _expression(self, shape: Shape, value: str, lead: str = "b''") -> str:
        """Bytes of a value, after the bytes that `lead` names."""
        match shape:
            case Scalar(kind=kind):
                plain = self._scalar(kind, value)
                return plain if lead == "b''" else f"{lead} + {plain}"
            case Choice():
                return f"{self._symbols(shape, lead)}[{value}]"
            case Row():
                return f"{self._record(shape)}({lead}, {value}, memo)"
            case OneOf():
                branches, held = self._branches(shape, 0), self._variable()
                return f"(({held} := {branches}[{value}.__class__])[1]({held}[0], {value}, memo))"
            case Listing(item=item):
                held, each = self._variable(), self._variable()
                inner = self._expression(item, each)
                return self._many(held, value, f"*[{inner} for {each} in {held}]", lead)
            case Mapping(value=item):
                held, each, name = self._variable(), self._variable(), self._variable()
                inner = self._expression(item, each)
                return self._many(held, value, f"*[TEXT[{name}] + {inner} for {name}, {each} in {held}.items()]", lead)
            case Maybe():
                return self._maybe(shape, value)
            case _:
                assert_never(shape)

    def _maybe(self, shape: Maybe, value: str) -> str:
        inner = shape.inner
        if not shape.clearable:
            if isinstance(inner, Scalar) and inner.kind in TABLES:
                return f"OPTIONAL_{TABLES[inner.kind]}[{value}]"
            if isinstance(inner, Scalar) and inner.kind is Kind.FLAG:
                return f"OPTIONAL_FLAG[{value}]"
            if isinstance(inner, Choice):
                return f"{self._symbols(inner, 'SECOND_BRANCH', optional=True)}[{value}]"
        held = self._variable()
        if isinstance(inner, OneOf):
            table, found = self._branches(inner, 1), self._variable()
            there = f"({found} := {table}[{held}.__class__])[1]({found}[0], {held}, memo)"
            return f"(NULL if ({held} := {value}) is None else {there})"
        if not shape.clearable:
            return f"(NULL if ({held} := {value}) is None else {self._expression(inner, held, 'SECOND_BRANCH')})"
        self.names.update(UNSET=msgspec.UNSET, CLEARED=writing.whole(1), THIRD_BRANCH=writing.whole(2))
        there = self._expression(inner, held, "THIRD_BRANCH")
        return f"(NULL if ({held} := {value}) is UNSET else CLEARED if {held} is None else {there})"

    def _scalar(self, kind: Kind, value: str) -> str:
        match kind:
            case Kind.TEXT | Kind.WHOLE | Kind.DAY:
                return f"{TABLES[kind]}[{value}]"
            case Kind.MOMENT:
                held = self._variable()
                return f"(memo.get(id({held} := {value})) or noted({held}, memo))"
            case Kind.FLAG:
                return f"(TRUE if {value} else FALSE)"
            case Kind.AMOUNT:
                return f"amount({value})"
            case Kind.HASH:
                return f"digest({value})"

    @staticmethod
    def _many(held: str, value: str, items: str, lead: str) -> str:
        empty = "EMPTY" if lead == "b''" else f"{lead} + EMPTY"
        first = "" if lead == "b''" else f"{lead}, "
        return f"(b''.join(({first}WHOLE[len({held})], {items}, EMPTY)) if ({held} := {value}) else {empty})"

    def _symbols(self, choice: Choice, lead: str, *, optional: bool = False) -> str:
        before = b"" if lead == "b''" else self.names[lead]
        name = f"{choice.name.upper()}{'_OPTIONAL' if optional else '_' + lead if before else ''}"
        table: dict[Any, bytes] = {symbol: before + writing.whole(place) for place, symbol in enumerate(choice.symbols)}
        self.names[name] = table | ({None: writing.NULL} if optional else {})
        return name

    def _branches(self, union: OneOf, first: int) -> str:
        """Name of a table by class: the branch's bytes, and the function that encodes what follows."""
        name = f"{union.role.upper()}_FROM_{first}"
        if name not in self.names:
            table: dict[type, tuple[bytes, Any]] = {}
            for place, row in enumerate(union.rows, first):
                table[row.struct] = self._branch(table, writing.whole(place), row)
            self.names[name] = table
        return name

    def _branch(self, table: dict[type, tuple[bytes, Any]], lead: bytes, row: Row) -> tuple[bytes, Any]:
        return lead, self.program.later(table, row.struct, lambda: self._record(row), lambda found: (lead, found))

    def _variable(self) -> str:
        self.variables += 1
        return f"v{self.variables}"
