"""A real registry: pushing, writing with its ids, reading a log that holds both kinds of ids."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from schemas import contracts, wire
from schemas.bill_cycles import StartBillingPeriod
from schemas.codec import COMMAND
from schemas.contracts import CONTRACTS, schema_of
from schemas.envelope import CommandRecord
from schemas.wire import RegistryProblem, SchemaUnavailable, UnknownSchema, local_id
from streams import registry as streams_registry
from streams.registry import push, subjects
from streams.schema_ids import use_registry
from streams.settings import Settings

RECORD = CommandRecord(
    command_id="c-1",
    customer_id="K-1",
    source="crm",
    performed_by="clerk",
    body=StartBillingPeriod(account_id="A-1", number=3),
)


@pytest.fixture(autouse=True)
def back_to_the_committed_list() -> Iterator[None]:
    yield
    wire.use_committed_list()


@pytest.fixture
def configured(registry: str, topic_prefix: str) -> Settings:
    return Settings(registry_url=registry, topic_prefix=topic_prefix)


def without_namespaces(schema: Any) -> Any:
    """The registry leaves a namespace out where an outer type has the same one."""
    if isinstance(schema, list):
        return [without_namespaces(branch) for branch in schema]
    if isinstance(schema, dict):
        return {name: without_namespaces(value) for name, value in schema.items() if name != "namespace"}
    return schema


def test_producers_do_not_register(configured: Settings) -> None:
    with pytest.raises(RegistryProblem, match="run `billfold schemas push`"):
        use_registry(configured)
    found = SchemaRegistryClient({"url": configured.registry_url}).get_subjects()
    assert not [subject for subject in found if subject.startswith(configured.topic_prefix)]


def test_pushed_contracts_are_written_with_the_ids_of_the_registry(configured: Settings) -> None:
    push(configured)
    push(configured)
    use_registry(configured)

    client = SchemaRegistryClient({"url": configured.registry_url})
    for contract, subject in subjects(configured).items():
        assert 0 < wire.current_id(contract) < 2**30
        kept = wire.writer_schema(wire.current_id(contract))
        assert without_namespaces(kept) == without_namespaces(schema_of(contract))
        assert client.get_config(subject).compatibility_level == "BACKWARD_TRANSITIVE"
    assert len({wire.current_id(contract) for contract in CONTRACTS}) == len(CONTRACTS)
    with pytest.raises(UnknownSchema):
        wire.writer_schema(987_654_321)


def test_the_registry_refuses_what_would_break_readers(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    push(configured)
    broken = copy.deepcopy(schema_of("Command"))
    broken["fields"].append({"name": "demanding", "type": "long", "doc": "d"})

    def versions(contract: str) -> dict[int, Any]:
        return {1: broken} if contract == "Command" else contracts.versions_of(contract)

    monkeypatch.setattr(streams_registry, "versions_of", versions)
    with pytest.raises(RegistryProblem, match=r"refuses Command .* incompatible"):
        push(configured)


def test_a_log_with_both_kinds_of_ids_is_read(configured: Settings, kafka: str) -> None:
    push(configured)
    newer = copy.deepcopy(schema_of("Command"))
    newer["fields"].append({"name": "note", "type": ["null", "string"], "doc": "d", "default": None})
    client = SchemaRegistryClient({"url": configured.registry_url})
    newer_id = client.register_schema(subjects(configured)["Command"], Schema(json.dumps(newer), "AVRO"))
    use_registry(configured)
    payload = COMMAND.encode(RECORD)
    topic = configured.topology.commands
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": kafka})
    for value in (
        wire.frame(local_id("Command"), payload),
        wire.frame(wire.current_id("Command"), payload),
        wire.frame(newer_id, payload + b"\x02\x04hi"),
    ):
        producer.produce(topic, value)
    assert producer.flush(30) == 0

    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": configured.topic_prefix, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    messages: list[Any] = []
    for _ in range(60):
        if len(messages) == 3:
            break
        messages += consumer.consume(3, timeout=1)
    consumer.close()

    read = [wire.unframe(message.value()) for message in messages]
    assert [COMMAND.decode(payload, schema_id) for schema_id, payload in read] == [RECORD] * 3
    assert len({schema_id for schema_id, _ in read}) == 3


def test_a_registry_that_is_not_there_is_said_in_a_sentence() -> None:
    nobody = Settings(registry_url="http://127.0.0.1:9")
    for action in (push, use_registry):
        with pytest.raises(RegistryProblem, match="cannot be reached"):
            action(nobody)
    with pytest.raises(RegistryProblem, match="No registry is configured"):
        push(Settings())
    with pytest.raises(SchemaUnavailable):
        streams_registry._ask(streams_registry._client(nobody), 5)
