"""Who may import whom, what files may be called, and how long they may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "schemas": set[str](),
    "compose": set[str](),
    "processors": {"schemas"},
    "state": {"schemas"},
    "streams": {"processors", "state", "compose", "schemas"},
    "bench": {"streams", "processors", "state", "compose", "schemas", "tests"},
    "tests": {"streams", "processors", "state", "compose", "schemas", "bench"},
}
NAMES_NOTHING = {"utils", "util", "common", "core", "helpers", "helper", "manager", "base"}
LONGEST_FILE = 400
FILES = sorted(file for room in MAY_IMPORT for file in (HOUSE / room).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def imported_rooms(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and room of every import of ours, inside functions too; `import_module("...")` counts."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                modules = [alias.name for alias in aliases]
            case ast.ImportFrom(module=module, level=level):
                assert not level, f"line {node.lineno}: imports are absolute"
                modules = [module or ""]
            case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]):
                modules = [module] if "import_module" in ast.unparse(function) else []
            case _:
                continue
        yield from ((node.lineno, room) for module in modules if (room := module.split(".")[0]) in MAY_IMPORT)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_follow_the_arrows(file: Path) -> None:
    room = file.relative_to(HOUSE).parts[0]
    allowed = MAY_IMPORT[room] | {room}
    wrong = [
        f"{name_of(file)}:{line} imports {other}"
        for line, other in imported_rooms(ast.parse(file.read_text()))
        if other not in allowed
    ]
    assert not wrong, f"{room} may import {sorted(MAY_IMPORT[room]) or 'nothing of ours'}: {wrong}"


def test_an_import_inside_a_function_is_found() -> None:
    tree = ast.parse("def late():\n    from streams.engine import turn\n    import os, state.tables\n")
    assert list(imported_rooms(tree)) == [(2, "streams"), (3, "state")]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_files_are_named_and_short(file: Path) -> None:
    assert not NAMES_NOTHING & set(file.relative_to(HOUSE).with_suffix("").parts), "this name names nothing"
    assert len(file.read_text().splitlines()) <= LONGEST_FILE, "a file should be read in one sitting: divide it"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_says_what_it_owns(room: str) -> None:
    readme = HOUSE / room / "README.md"
    assert readme.exists(), f"{room} needs a README.md: owns, does not own, invariants"
    assert "not own" in readme.read_text().lower(), f"{room}/README.md must say what the room does not own"
