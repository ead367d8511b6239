"""The catalogs of a story: one of compose/catalogs/ by name, or a mapping in the story itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import compose
from schemas.catalog import BEGINNING_OF_TIME, Catalog
from schemas.catalog_file import CatalogInvalid, catalog_from_mapping, located
from streams.stories.story import Body, NewCatalog, Story
from streams.stories.writing import NotYaml, Place, Written, read_yaml

CATALOGS = Path(compose.__file__).parent / "catalogs"

_files: dict[Path, tuple[int, Written]] = {}
_built: dict[tuple[object, ...], Catalog] = {}
"""Most stories begin with the same catalog; a file's content lives as long as `_files`, so its id tells it."""


class CatalogNotRead(Exception):
    """A catalog that cannot be read; one line per problem, each with its place."""


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
        problems = located(invalid.problems, written.node, str(path), place)
        raise CatalogNotRead("\n".join(map(str, problems))) from None
    if isinstance(catalog, str):
        _built[key] = read
    return read


def _file(path: Path, story: Story, place: Place) -> Written:
    """A catalog file, read once for all stories."""
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in CATALOGS.glob("*.yaml"))) or "none"
        where = f"{story.path}:{story.written.line(place)}"
        raise CatalogNotRead(f"{where}: expected a catalog in compose/catalogs/ ({known}), found `{path.stem}`")
    changed = path.stat().st_mtime_ns
    if path not in _files or _files[path][0] != changed:
        try:
            _files[path] = changed, read_yaml(path)
        except NotYaml as mistake:
            raise CatalogNotRead(f"{path}:{mistake.line}: {mistake}") from None
    return _files[path][1]
