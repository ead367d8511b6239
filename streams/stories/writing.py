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


class Written:
    """The content of a YAML file, and the line of every place in it."""

    def __init__(self, content: Any, node: yaml.Node | None) -> None:
        self.content = content
        self.node = node

    def line(self, place: Place) -> int:
        """Line of a place, or of the innermost thing around it that is there. Counted from 1."""
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
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line

    def duplicates(self) -> Iterator[Place]:
        """Keys that stand twice: YAML would let the last one win in silence."""
        yield from _duplicates(self.node, ())


class NotYaml(Exception):
    """A file that no content can be read from: the line, and what was expected there."""

    def __init__(self, line: int, expected: str) -> None:
        super().__init__(expected)
        self.line = line


def read_yaml(path: Path) -> Written:
    """Read a file of one YAML document. Raises NotYaml.

    Numbers with a point are decimals, so that 0.10 stays what it is. Moments without an offset are UTC, as YAML says.
    A date that no calendar has stays text.
    """
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as unreadable:
        raise NotYaml(1, f"expected a readable file in UTF-8: {unreadable}") from None
    except yaml.YAMLError as mistake:
        raise NotYaml(1, f"expected YAML: {mistake}") from None
    try:
        node = loader.get_single_node()
        return Written(None if node is None else loader.construct_document(node), node)
    except yaml.MarkedYAMLError as mistake:
        line = mistake.problem_mark.line + 1 if mistake.problem_mark else 1
        raise NotYaml(line, f"expected YAML: {mistake.problem or mistake.context}") from None
    except yaml.YAMLError as mistake:
        raise NotYaml(1, f"expected YAML: {mistake}") from None
    except RecursionError:
        raise NotYaml(1, "expected YAML that is nested less deeply") from None
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """The safe loader, with decimals for floats and nothing that raises over a value.

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

    def _bracket(self) -> str:
        found = _BRACKET.match(self.prefix(LONGEST_BRACKET))
        return found[0] if found else ""


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | float:
    text = str(node.value).replace("_", "")
    try:
        return Decimal(text)
    except InvalidOperation:
        return loader.construct_yaml_float(node)  # .inf, .nan, sexagesimals


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


def _duplicates(node: yaml.Node | None, place: Place) -> Iterator[Place]:
    if isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            yield from _duplicates(entry, (*place, index))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield (*place, name)
            seen.add(name)
            yield from _duplicates(value, (*place, name))


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
