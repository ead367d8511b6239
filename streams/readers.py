"""Consumers that are told which partitions to read: no group, nothing committed, committed records only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer


def assigned_reader(kafka: Mapping[str, Any], name: str, **properties: Any) -> Consumer:
    """A consumer to `assign` partitions to. `properties` are librdkafka's, written with underscores.

    What is not in the log any more is an error, unless `auto_offset_reset` says otherwise: a gap is never jumped over.
    """
    return Consumer(
        {
            **kafka,
            "group.id": name,  # the library asks for one; nothing is ever committed to it
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 20,
            **{setting.replace("_", "."): value for setting, value in properties.items()},
        }
    )
