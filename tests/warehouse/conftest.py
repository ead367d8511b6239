"""Both databases that a warehouse may be in: tests that ask for `place` run on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from state.warehouse import Place, Server
from streams.settings import Settings
from tests.warehouse.places import fresh_database, installation

TARGETS = ["duckdb", pytest.param("postgresql", marks=pytest.mark.kafka)]


@pytest.fixture
def database(postgres: str) -> Iterator[Server]:
    """An empty PostgreSQL database."""
    yield from fresh_database(postgres)


@pytest.fixture(params=TARGETS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place for a warehouse, in each kind of database."""
    if request.param == "duckdb":
        return tmp_path / "w.duckdb"
    server = request.getfixturevalue("database")
    assert isinstance(server, Server)
    return server


@pytest.fixture
def configured(kafka: str, topic_prefix: str, place: Place) -> Settings:
    """An installation on each kind of database."""
    return installation(kafka, topic_prefix, place)
