"""What the READMEs say is true today: their commands exist, the files they name are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from streams.command_line import app

HOUSE = Path(__file__).parent.parent
READMES = sorted(path for path in HOUSE.rglob("README.md") if not {".venv", ".cache"} & set(path.parts))
COMMAND = re.compile(r"(?:^|`)billfold ([a-z][^`\n]*)", re.MULTILINE)
TARGET = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")
NAMED = re.compile(r"`((?:schemas|processors|state|streams|compose|tests|bench)/[a-z_/]*(?:\.[a-z]+)?)`")


def found(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    texts = ((str(readme.relative_to(HOUSE)), readme.read_text()) for readme in READMES)
    return sorted({(name, match) for name, text in texts for match in pattern.findall(text)})


@pytest.mark.parametrize(("readme", "command"), found(COMMAND))
def test_every_command_exists(readme: str, command: str) -> None:
    words = [word for word in shlex.split(command.replace("|", " ")) if word]
    node = get_command(app)
    while words and (group := getattr(node, "commands", None)) is not None:
        assert words[0] in group, f"{readme}: no command {words[0]} in `billfold {command}`"
        node = group[words.pop(0)]
    options = {name for parameter in node.params for name in parameter.opts}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in options, f"{readme}: no option {word} in `billfold {command}`"


@pytest.mark.parametrize(("readme", "target"), found(TARGET))
def test_every_target_exists(readme: str, target: str) -> None:
    assert re.search(rf"^{target}:", (HOUSE / "Makefile").read_text(), re.MULTILINE), f"{readme}: no `make {target}`"


@pytest.mark.parametrize(("readme", "link"), found(LINK))
def test_every_link_leads_somewhere(readme: str, link: str) -> None:
    assert ((HOUSE / readme).parent / link).exists(), f"{readme}: {link} is not there"


@pytest.mark.parametrize(("readme", "path"), found(NAMED))
def test_every_named_file_is_there(readme: str, path: str) -> None:
    assert (HOUSE / path).exists(), f"{readme}: {path} is not there"


def commands(node: object, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = getattr(node, "commands", None) or {}
    return [words, *(found for name, child in inner.items() for found in commands(child, (*words, name)))]


@pytest.mark.parametrize("words", commands(get_command(app)), ids=" ".join)
def test_every_help_text_is_shown(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output
