"""Which rules of the rule book no story shows, and which are shown by a test because no story can."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.stories.story import Mistake, Story, StoryInvalid
from streams.stories.writing import NotYaml, read_yaml

RULES_FILE = "rules.txt"
EXEMPT_FILE = "exempt.yaml"
EXEMPTION_KEYS = ("rule", "test", "why")


@dataclass(frozen=True)
class Exemption:
    """A rule that a test shows, named as `tests/test_x.py::test_y`, because no story can."""

    rule: str
    test: str
    why: str = ""


def read_rules(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the rule ids by domain: one id a line, a line `# bill-cycles` before those of a domain."""
    rules: dict[str, list[str]] = {}
    domain = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("#"):
            domain = text.removeprefix("#").strip()
        elif text:
            rules.setdefault(domain, []).append(text)
    return {name: tuple(ids) for name, ids in rules.items()}


def read_exemptions(path: Path, root: Path) -> list[Exemption]:
    """Read the exemptions and see that each test is there, below `root`. Raises StoryInvalid with every mistake."""
    if not path.exists():
        return []
    try:
        written = read_yaml(path)
    except NotYaml as mistake:
        raise StoryInvalid([Mistake(path, mistake.line, str(mistake))]) from None
    mistakes: list[Mistake] = []
    found: list[Exemption] = []
    entries = written.content if isinstance(written.content, list) else []
    if written.content is not None and not isinstance(written.content, list):
        mistakes.append(Mistake(path, 1, "expected a list of {rule, test, why}"))
    for at, entry in enumerate(entries):
        exemption = _exemption(entry)
        if isinstance(exemption, Exemption):
            missing = _missing_test(exemption.test, root)
            found.append(exemption)
        else:
            missing = exemption
        if missing is not None:
            mistakes.append(Mistake(path, written.line((at,)), missing))
    if mistakes:
        raise StoryInvalid(mistakes)
    return found


def _exemption(entry: object) -> Exemption | str:
    if not isinstance(entry, dict) or not {"rule", "test"} <= entry.keys() <= set(EXEMPTION_KEYS):
        return f"expected a map of {', '.join(EXEMPTION_KEYS)} (why may be left out), found `{entry}`"
    if not all(isinstance(value, str) for value in entry.values()):
        return f"expected text in each of {', '.join(EXEMPTION_KEYS)}"
    return Exemption(**entry)


def _missing_test(test: str, root: Path) -> str | None:
    """What is wrong with the name of a test: no such file, no such function."""
    name, separator, function = test.partition("::")
    function = function.rpartition("::")[2].partition("[")[0]
    file = root / name
    if not separator or not function:
        return f"expected a test as in tests/test_clock.py::test_forged, found `{test}`"
    if not file.is_file():
        return f"expected the test file {name}, there is none"
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return None if function in functions else f"expected a test `{function}` in {name}, there is none"


@dataclass(frozen=True)
class Coverage:
    """What is shown, domain by domain."""

    gaps: Mapping[str, tuple[str, ...]]
    """Rules that no story shows and no exemption covers."""
    exempt: Mapping[str, tuple[Exemption, ...]]
    unknown: tuple[tuple[Path, str], ...]
    """Ids that a story names and the rule book does not have."""


def coverage(rules: Mapping[str, tuple[str, ...]], stories: Iterable[Story], exemptions: list[Exemption]) -> Coverage:
    """Compare what the rule book says with what stories show."""
    known = {rule for ids in rules.values() for rule in ids}
    shown: set[str] = set()
    unknown: list[tuple[Path, str]] = []
    for story in stories:
        shown.update(story.rules)
        unknown += [(story.path, rule) for rule in story.rules if rule not in known]
    by_test = {exemption.rule for exemption in exemptions}
    return Coverage(
        gaps={
            domain: tuple(rule for rule in ids if rule not in shown and rule not in by_test)
            for domain, ids in rules.items()
        },
        exempt={domain: tuple(one for one in exemptions if one.rule in ids) for domain, ids in rules.items()},
        unknown=tuple(unknown),
    )
