"""Where tests put their warehouses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
from pydantic import SecretStr

from state.warehouse import Place, Server
from streams import topology
from streams.settings import Settings

PARTITIONS = 3


def fresh_database(server: str) -> Iterator[Server]:
    """A database of its own on a PostgreSQL."""
    name = f"test_{uuid.uuid4().hex[:10]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield Server(server.rpartition("/")[0] + f"/{name}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def installation(bootstrap: str, prefix: str, place: Place) -> Settings:
    """An installation with empty topics and its warehouse there."""
    where: dict[str, Any] = {"warehouse": place}
    if isinstance(place, Server):
        where = {"warehouse_server": SecretStr(place.url)}
    settings = Settings(
        bootstrap_servers=bootstrap,
        topic_prefix=prefix,
        group=prefix,
        partitions=PARTITIONS,
        sink_processes=0,
        **where,
    )
    topology.create(settings.client_properties(), settings.topology)
    return settings
