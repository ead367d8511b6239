"""What the local Kafka promises to the tests that break it."""

import time
import uuid
from pathlib import Path

import psutil
import pytest
from confluent_kafka import (
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from compose import processes
from compose.kafka import LocalKafka, cluster_id


def create(bootstrap: str, topic: str, copies: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = NewTopic(topic, 1, copies, config={"message.timestamp.type": "LogAppendTime"})
    admin.create_topics([wanted])[topic].result(15)


def commit(bootstrap: str, topic: str, *values: bytes, abort: bool = False) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic, "retry.backoff.ms": 5})
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=0)
    producer.flush(10)
    if abort:
        producer.abort_transaction(15)
    else:
        producer.commit_transaction(15)


def watermarks(reader: Consumer, topic: str) -> object:
    """First and next offset, and what the group was assigned: tells a hanging transaction from a slow group."""
    return reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=5), reader.assignment()


def read(bootstrap: str, topic: str, count: int) -> list[Message]:
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    reader.subscribe([topic])
    try:
        found = list(reader.consume(count, timeout=20))
        assert len(found) == count, f"{len(found)} of {count}; offsets {watermarks(reader, topic)}"
        return found
    finally:
        reader.close()


@pytest.mark.parametrize("sharer", range(3))
def test_tests_share_a_broker_and_aborted_records_stay_unseen(kafka: str, topic_prefix: str, sharer: int) -> None:
    create(kafka, topic_prefix)
    commit(kafka, topic_prefix, b"one")
    commit(kafka, topic_prefix, b"never", abort=True)
    commit(kafka, topic_prefix, b"two")
    seen = read(kafka, topic_prefix, 2)
    assert [message.value() for message in seen] == [b"one", b"two"]
    assert {message.timestamp()[0] for message in seen} == {TIMESTAMP_LOG_APPEND_TIME}


def test_a_missing_topic_is_not_made_by_asking(kafka: str, topic_prefix: str) -> None:
    producer = Producer({"bootstrap.servers": kafka, "message.timeout.ms": 2000})
    failures: list[KafkaError | None] = []
    producer.produce(topic_prefix, b"lost", on_delivery=lambda failure, _: failures.append(failure))
    producer.flush(10)
    assert failures[0] is not None  # `==` raises: a KafkaError compares only with its like
    assert failures[0].name() in {"_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_OR_PART", "_MSG_TIMED_OUT"}


def test_committed_records_survive_a_kill(breakable_kafka: LocalKafka, topic_prefix: str) -> None:
    bootstrap = breakable_kafka.bootstrap
    create(bootstrap, topic_prefix)
    commit(bootstrap, topic_prefix, b"kept")
    read(bootstrap, topic_prefix, 1)  # seen, so its marker is written: see compose/README.md on the moment before it
    began = time.monotonic()
    breakable_kafka.kill()
    breakable_kafka.restart()
    print(f"kill -9 to ready again: {time.monotonic() - began:.1f} s")
    assert [message.value() for message in read(bootstrap, topic_prefix, 1)] == [b"kept"]


def test_a_paused_broker_hangs_and_goes_on(breakable_kafka: LocalKafka) -> None:
    admin = AdminClient({"bootstrap.servers": breakable_kafka.bootstrap})
    breakable_kafka.pause()
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=1)
    breakable_kafka.resume()
    breakable_kafka.wait_ready()


def test_a_kept_folder_keeps_its_data_and_its_leftover_is_ended(
    breakable_kafka: LocalKafka, topic_prefix: str, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    forgotten = LocalKafka(folder).start()
    create(forgotten.bootstrap, topic_prefix)
    commit(forgotten.bootstrap, topic_prefix, b"kept")
    read(forgotten.bootstrap, topic_prefix, 1)
    pid = forgotten.running[1].pid

    with LocalKafka(folder, port=forgotten.ports[1], heap="256m") as again:  # as after a kill -9 of whoever ran it
        assert not psutil.pid_exists(pid) or forgotten.running[1].poll() is not None
        assert [message.value() for message in read(again.bootstrap, topic_prefix, 1)] == [b"kept"]
    assert not (folder / "broker-1" / "pid").exists()


def test_a_taken_port_is_one_sentence(breakable_kafka: LocalKafka, tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"Port \d+ is taken by another program"),
        LocalKafka(tmp_path, port=breakable_kafka.ports[1]),
    ):
        pass


@pytest.mark.slow
@pytest.mark.kafka
def test_three_brokers_survive_the_loss_of_one(topic_prefix: str, tmp_path: Path) -> None:
    with LocalKafka(tmp_path, brokers=3, heap="256m") as cluster:
        create(cluster.bootstrap, topic_prefix, copies=3)
        commit(cluster.bootstrap, topic_prefix, b"before")
        cluster.kill(2)
        commit(cluster.bootstrap, topic_prefix, b"after")
        assert [message.value() for message in read(cluster.bootstrap, topic_prefix, 2)] == [b"before", b"after"]


@pytest.mark.kafka
def test_a_cluster_id_may_begin_with_a_hyphen(tmp_path: Path) -> None:
    LocalKafka(tmp_path).format(1, "-" + cluster_id()[1:])


def test_free_ports_stay_clear_of_outgoing_connections() -> None:
    ports = processes.free_ports(20)
    assert len(set(ports)) == 20
    assert all(port in processes.PORTS for port in ports)
