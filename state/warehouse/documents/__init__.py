"""Everything that is written from the definitions and stands in git: dictionary, picture, contract, dbt sources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from state.warehouse.catalog import DESCRIBED, DOMAINS
from state.warehouse.documents import contract, dbt_sources, dictionary
from state.warehouse.documents.star_picture import picture
from state.warehouse.star import star_of

DOCS = "state/warehouse/docs"
DBT = "compose/dbt"
MADE_ONLY = (DOCS, f"{DBT}/tests/rules")
"""Folders with nothing else in them: what the definitions no longer make is removed there."""


@cache
def documents() -> Mapping[str, str]:
    """Path, seen from the root of the project -> text."""
    docs = {**dictionary.pages(), dictionary.PICTURE: _picture(), contract.FILE: contract.contract()}
    made = {f"{DOCS}/{name}": text for name, text in docs.items()}
    return MappingProxyType(made | {f"{DBT}/{name}": text for name, text in dbt_sources.files().items()})


def _picture() -> str:
    star = star_of(DESCRIBED)
    return picture(star, {each.title: [name for name in star.facts if name in each.names] for each in DOMAINS})
