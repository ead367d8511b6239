"""The catalogs of a story: one of compose/catalogs/ by name, or a mapping in the story itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

import compose
from schemas.catalog import BEGINNING_OF_TIME, Catalog
from schemas.catalog_file import CatalogInvalid, Problem, catalog_from_mapping, located
from streams.stories.story import Body, NewCatalog, Story
from streams.stories.writing import NotYaml, Place, Written, read_yaml

CATALOGS = Path(compose.__file__).parent / "catalogs"

_files: dict[Path, tuple[int, Written]] = {}
_built: dict[tuple[object, ...], Catalog] = {}
"""Most stories begin with the same catalog; a file's content lives as long as `_files`, so its id tells it."""


class CatalogNotRead(Exception):
    """A catalog that cannot be read; one line per problem, each with its place. `line`: of the first in the story."""

    def __init__(self, said: str, line: int) -> None:
        super().__init__(said)
        self.line = line


def read_first(story: Story) -> Catalog:
    """The catalog that a story begins with. The story's switches win. Raises CatalogNotRead."""
    place = ("catalog",)
    return _read(story, place, story.catalog, 1, story.switches, BEGINNING_OF_TIME)


def read_next(story: Story, step: NewCatalog, version: int) -> Catalog:
    """The version that a step publishes, in force from that moment unless it says otherwise. Raises CatalogNotRead.

    The story's switches stay, except those that the new version gives itself.
    """
    own = step.catalog.get("switches") if isinstance(step.catalog, dict) else None
    kept = {name: value for name, value in story.switches.items() if not isinstance(own, dict) or name not in own}
    return _read(story, ("steps", step.number - 1, "catalog"), step.catalog, version, kept, step.at)


def _read(
    story: Story, place: Place, catalog: str | Body, version: int, switches: Mapping[str, Any], begins: datetime
) -> Catalog:
    line = story.written.line(place)
    if isinstance(catalog, str):
        path = CATALOGS / f"{catalog}.yaml"
        written, place = _file(path, story, place), ()
        content = written.content
    else:
        path, written, content = story.path, story.written, catalog
    key = (path, id(content), version, repr(switches), begins)
    if isinstance(catalog, str) and key in _built:
        return _built[key]
    try:
        read = catalog_from_mapping(
            content,
            version=version,
            effective_from_default=begins,
            switches_override=dict(switches),
        )
    except CatalogInvalid as invalid:
        own, others = _of_the_story(invalid.problems, switches)
        told = [
            *located([_unquoted(one, story.written, ()) for one in own], story.written.node, str(story.path)),
            *located([_unquoted(one, written, place) for one in others], written.node, str(path), place),
        ]
        line = story.written.line(own[0].place) if own else line
        raise CatalogNotRead("\n".join(map(str, told)), line) from None
    if isinstance(catalog, str):
        _built[key] = read
    return read


def _of_the_story(problems: Sequence[Problem], switches: Mapping[str, Any]) -> tuple[list[Problem], list[Problem]]:
    """Problems of the switches that stand in the story's own `switches`; and all others."""
    own = [one for one in problems if one.place[:1] == ("switches",) and set(switches) & set(one.place)]
    return own, [one for one in problems if one not in own]


def _unquoted(problem: Problem, written: Written, root: Place) -> Problem:
    """Text that YAML read as something else, as it stands in the file."""
    value = written.content
    for step in root + problem.place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return problem
    if not problem.expected.startswith("expected text"):
        return problem
    return msgspec.structs.replace(problem, expected=f"expected text, {written.unquoted(root + problem.place, value)}")


def _file(path: Path, story: Story, place: Place) -> Written:
    """A catalog file, read once for all stories."""
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in CATALOGS.glob("*.yaml"))) or "none"
        line = story.written.line(place)
        told = f"{story.path}:{line}: expected a catalog in compose/catalogs/ ({known}), found `{path.stem}`"
        raise CatalogNotRead(told, line)
    changed = path.stat().st_mtime_ns
    if path not in _files or _files[path][0] != changed:
        try:
            _files[path] = changed, read_yaml(path)
        except NotYaml as mistake:
            raise CatalogNotRead(f"{path}:{mistake.line}: {mistake}", story.written.line(place)) from None
    return _files[path][1]
