"""YAML with line numbers: what a person wrote, and where each part of it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]

LONGEST_BRACKET = 6
"""`[]` or `[2]`, up to four digits: no step has more events."""
_BRACKET = re.compile(r"\[\d{0,4}\]")

MERGE, TEXT = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
SECOND_DOCUMENT = "but found another document"
"""What PyYAML says of it; its exceptions have no code."""


class Written:
    """The content of a YAML file, and the line of every place in it.

    `repeated`: line and name of every key that stands twice: YAML would let the last one win in silence.
    """

    def __init__(self, content: Any, node: yaml.Node | None, repeated: tuple[tuple[int, str], ...] = ()) -> None:
        self.content = content
        self.node = node
        self.repeated = repeated

    def line(self, place: Place) -> int:
        """Line of a place, or of the innermost thing around it that is there. Counted from 1."""
        line, _, _ = self._found(place)
        return line

    def text(self, place: Place) -> str | None:
        """A single value as it stands in the file."""
        _, node, whole = self._found(place)
        return str(node.value) if whole and isinstance(node, yaml.ScalarNode) else None

    def unquoted(self, place: Place, value: Any) -> str:
        """How a value that is no text stands in the file, and what is to be done where text was meant."""
        written = self.text(place)
        arrived = str(value).lower() if isinstance(value, bool) else str(value)
        if written in (None, arrived):
            return f"found `{arrived}`; write it in quotes"
        return f"found `{written}`, which arrived as `{arrived}`; write it in quotes"

    def _found(self, place: Place) -> tuple[int, yaml.Node | None, bool]:
        """Line and node of a place or of the innermost thing around it, and whether all of the place is there."""
        node = self.node
        line = 1 if node is None else node.start_mark.line + 1
        for step in place:
            if isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if str(key.value) == str(step)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = (node.value[step], node.value[step])
            else:
                found = None
            if found is None:
                return line, node, False
            line, node = found[0].start_mark.line + 1, found[1]
        return line, node, True


class NotYaml(Exception):
    """A file that no content can be read from: the line, and what was expected there."""

    def __init__(self, line: int, expected: str) -> None:
        super().__init__(expected)
        self.line = line


def read_yaml(path: Path) -> Written:
    """Read a file of one YAML document. Raises NotYaml.

    Numbers with a point are decimals, so that 0.10 stays what it is. Moments without an offset are UTC, as YAML says.
    A date that no calendar has stays text, and so does 10:30, a number of base 60 to YAML 1.1. Of a key that a merge
    key (`<<`) brings too, the explicit one counts.
    """
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as unreadable:
        raise NotYaml(1, f"expected a readable file in UTF-8: {unreadable}") from None
    except yaml.YAMLError as mistake:
        raise NotYaml(1, f"expected YAML: {mistake}") from None
    try:
        node = loader.get_single_node()
        repeated = tuple(_repeated(node, set()))  # before merge keys are laid over one another
        return Written(None if node is None else loader.construct_document(node), node, repeated)
    except yaml.MarkedYAMLError as mistake:
        line = mistake.problem_mark.line + 1 if mistake.problem_mark else 1
        told = f"expected YAML: {mistake.problem or mistake.context}"
        if mistake.problem == SECOND_DOCUMENT:
            told = "expected one document in a file; `---` begins another, which needs a file of its own"
        raise NotYaml(line, told) from None
    except yaml.YAMLError as mistake:
        raise NotYaml(1, f"expected YAML: {mistake}") from None
    except RecursionError:
        raise NotYaml(1, "expected YAML that is nested less deeply") from None
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """The safe loader, with decimals for floats, no numbers of base 60, and nothing that raises over a value.

    `{line_ids[]: 3}` and `{change_id: $4.BillCycleChangePlanned[2].change_id}` need no quotes: a bracket that touches
    text inside braces is a mistake to YAML, so that nothing else is lost by reading it.
    """

    def scan_plain(self) -> yaml.ScalarToken:
        token = super().scan_plain()
        while self.flow_level and token.end_mark.index == self.index and (bracket := self._bracket()):
            self.forward(len(bracket))
            token.value += bracket
            token.end_mark = self.get_mark()
            if self.peek() == ".":
                rest = super().scan_plain()
                token.value += rest.value
                token.end_mark = rest.end_mark
        return token

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return TEXT if tag in NUMBERS and ":" in value else tag

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Lay merge keys under the explicit ones. Each key stands once afterwards, where the one that counts stands."""
        super().flatten_mapping(node)
        last: dict[object, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            last[(key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key)] = key, value
        node.value = list(last.values())

    def _bracket(self) -> str:
        found = _BRACKET.match(self.prefix(LONGEST_BRACKET))
        return found[0] if found else ""


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | float:
    text = str(node.value).replace("_", "")
    try:
        return Decimal(text)
    except InvalidOperation:
        return loader.construct_yaml_float(node)  # .inf, .nan


def _moment(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> datetime | date | str:
    try:
        value = loader.construct_yaml_timestamp(node)
    except (ValueError, OverflowError):
        return str(node.value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _moment)


def _repeated(node: yaml.Node | None, seen: set[int]) -> Iterator[tuple[int, str]]:
    """Line and name of keys that stand twice in one map. What an anchor names is looked at once."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _repeated(entry, seen)
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in names and key.tag != MERGE:
                yield key.start_mark.line + 1, name
            names.add(name)
            yield from _repeated(value, seen)


class _Dumper(yaml.SafeDumper):
    """The safe dumper, with text for whatever YAML has no word for."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: object) -> yaml.Node:
    return dumper.represent_str(str(value))


_Dumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
_Dumper.add_multi_representer(list, yaml.SafeDumper.represent_list)
_Dumper.add_multi_representer(tuple, yaml.SafeDumper.represent_list)
_Dumper.add_multi_representer(str, _text)
_Dumper.add_representer(Decimal, _text)
_Dumper.add_representer(
    datetime, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:timestamp", value.isoformat())
)


def yaml_text(value: Any) -> str:
    """Write plain data (maps, lists, text, numbers, moments) as YAML for people."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
