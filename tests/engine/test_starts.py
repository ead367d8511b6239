"""What a worker refuses to start with, each in one sentence."""

import time

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from state.partition import Partition
from state.source import SOURCE_KEY, STATE_VERSION, SourceEntry, encode
from streams import topology
from streams.topology import Topology, TopologyUnfit
from tests.engine.ledger import PARTITIONS, Ledger, wait_until


def refused(ledger: Ledger, sentence: str) -> None:
    worker = ledger.worker()
    assert worker.ended() == 78
    assert worker.said(sentence), worker.output.read_text()


@pytest.fixture
def settled(ledger: Ledger) -> Ledger:
    ledger.send(50)
    worker = ledger.worker()
    ledger.settled()
    assert worker.stop() == 0
    return ledger


@pytest.fixture
def admin(ledger: Ledger) -> AdminClient:
    return AdminClient(ledger.settings.client_properties())


def test_a_missing_topic_and_a_wrong_partition_count_are_named(ledger: Ledger) -> None:
    properties, names = ledger.settings.client_properties(), ledger.settings.topology
    topology.check(properties, names)
    assert topology.create(properties, names) == []
    with pytest.raises(TopologyUnfit, match=r"nowhere\.commands\.v1 does not exist: run `billfold topics create`"):
        topology.check(properties, Topology("nowhere"))
    with pytest.raises(TopologyUnfit, match="has 2 partitions, the setting `partitions` says 3"):
        topology.check(properties, Topology(names.prefix, 3))
    with pytest.raises(TopologyUnfit, match=r"has retention\.ms="):
        topology.check(properties, Topology(names.prefix, PARTITIONS, answer_days=10))


def test_a_topic_that_was_created_again_is_not_taken_for_the_old_one(settled: Ledger, admin: AdminClient) -> None:
    name = settled.settings.topology.changelogs["answers"]
    admin.delete_topics([name])[name].result(10)
    properties, names = settled.settings.client_properties(), settled.settings.topology
    wait_until("the broker has deleted it", lambda: topology.create(properties, names))
    refused(settled, f"a copy of another topic {name}, which was created again")


def test_a_copy_of_another_cluster_is_refused(settled: Ledger) -> None:
    for path in (settled.folder / "data" / "a").glob("partition-?"):
        disk = Partition(path)
        meta = disk.meta()
        assert meta
        disk.identify(type(meta)("another", meta.topics, meta.written_at))
        disk.close()
    refused(settled, "is a copy of Kafka cluster another")


def test_a_state_written_by_a_newer_version_is_refused(settled: Ledger) -> None:
    for path in (settled.folder / "data" / "a").glob("partition-?"):
        disk = Partition(path)
        disk.write({"state": {SOURCE_KEY: encode(SourceEntry(STATE_VERSION + 1, 7))}}, {}, time.time())
        disk.close()
    refused(settled, "was written by a newer version (state version 2, this one knows 1)")


def test_offsets_that_somebody_moved_are_refused(settled: Ledger, admin: AdminClient) -> None:
    spot = TopicPartition(settled.settings.topology.commands, 0, 3)
    request = ConsumerGroupTopicPartitions(settled.settings.group, [spot])

    def moved() -> bool:
        answer = admin.alter_consumer_group_offsets([request])[settled.settings.group].result(10)
        return all(spot.error is None for spot in answer.topic_partitions)

    wait_until("the stopped member is forgotten", moved)
    refused(settled, "the group at 3: somebody moved the group's offsets")


def test_a_copy_that_missed_tombstones_is_made_anew(settled: Ledger) -> None:
    for path in (settled.folder / "data" / "a").glob("partition-?"):
        disk = Partition(path)
        disk.write({"state": {b"deleted long ago": b"x"}}, {"state": 1}, 1.0)
        disk.close()
    worker = settled.worker()
    settled.send(10)
    settled.settled()

    assert worker.stop() == 0
    assert worker.said("too old to be rolled forward")
    settled.check(answers=60)


def test_a_directory_is_readable_by_its_owner_only(settled: Ledger) -> None:
    for path in (settled.folder / "data" / "a", *(settled.folder / "data" / "a").glob("partition-?")):
        assert path.stat().st_mode & 0o777 == 0o700
