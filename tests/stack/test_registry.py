"""A real registry keeps schemas, gives ids and refuses what an old record could not be read with."""

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.error import SchemaRegistryError

from compose.registry import LocalRegistry


def schema(*fields: dict[str, Any]) -> Schema:
    return Schema(json.dumps({"type": "record", "name": "Kept", "fields": [*fields]}), "AVRO")


OLD = schema({"name": "amount", "type": "long"})
OPTIONAL = schema({"name": "amount", "type": "long"}, {"name": "note", "type": "string", "default": ""})
DEMANDING = schema({"name": "amount", "type": "long"}, {"name": "note", "type": "string"})


@pytest.mark.parametrize("sharer", range(2))
def test_backward_transitive_is_held(registry: str, topic_prefix: str, sharer: int) -> None:
    client = SchemaRegistryClient({"url": registry})
    subject = f"{topic_prefix}-value"
    first = client.register_schema(subject, OLD)
    client.set_config(subject, ServerConfig(ConfigCompatibilityLevel.BACKWARD_TRANSITIVE))
    assert client.register_schema(subject, OPTIONAL) != first
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(subject, DEMANDING)
    assert refused.value.http_status_code == 409
    assert client.get_schema(first).schema_str is not None


@pytest.mark.slow
def test_ids_kept_in_kafka_outlive_the_registry(kafka: str, tmp_path: Path) -> None:
    with LocalRegistry(tmp_path, kafka=kafka) as before:
        given = SchemaRegistryClient({"url": before.url}).register_schema("kept-value", OLD)
    with LocalRegistry(tmp_path, kafka=kafka) as after:
        assert SchemaRegistryClient({"url": after.url}).register_schema("kept-value", OLD) == given
