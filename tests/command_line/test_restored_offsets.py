"""`billfold doctor --restore-offsets`: the workers' group has lost its offsets, the state remembers them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka.admin import AdminClient

from state.partition import Meta, Partition
from tests.command_line.running import Told, billfold
from tests.faults.rig import PARTITIONS, RESTORED, Rig, wait_until


@pytest.fixture
def rig(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(kafka, tmp_path, topic_prefix, seed=1)
    rig.environment["BILLFOLD_SESSION_TIMEOUT_SECONDS"] = "1"
    yield rig
    rig.close()


def restore(rig: Rig, **given: str) -> Told:
    typed = given.pop("typed", "")
    return billfold(rig.folder, "doctor", "--restore-offsets", typed=typed, **rig.environment | given)


def test_lost_offsets_are_written_back_and_the_worker_goes_on(rig: Rig) -> None:
    admin = AdminClient(rig.settings.client_properties())
    worker = rig.worker()
    rig.send(100)
    worker.wait_for(RESTORED)
    told = restore(rig)
    assert (told.code, told.err) == (1, "")
    assert f"Nothing was changed: workers are members of group {rig.settings.group}: a; stop them" in told.out
    rig.settled()
    worker.stop()
    before = [spot.offset for spot in rig.committed()]
    copy_group(rig, admin, f"{rig.settings.group}-reader")
    alone(rig, admin)
    told = restore(rig)
    assert (told.code, "has lost nothing" in told.out) == (0, True), told
    forget(rig, admin)
    assert all(spot.offset < 0 for spot in rig.committed())

    worker = rig.worker()
    assert worker.ended() == 78
    assert "run `billfold doctor --restore-offsets`" in worker.said()
    rig.send(50)  # meanwhile the commands go on
    alone(rig, admin)

    assert "the setting `group` names another group" in restore(rig, typed="n\n").out  # a reader that is as far
    assert "created again since" in with_other_topic(rig)
    assert all(spot.offset < 0 for spot in rig.committed())  # nothing was changed

    told = restore(rig, typed="y\n")
    assert told.code == 0, told
    assert told.out.count("Written back: ") == PARTITIONS
    assert [spot.offset for spot in rig.committed()] == before
    worker = rig.worker()
    rig.settled()
    worker.stop()
    rig.check()


def alone(rig: Rig, admin: AdminClient) -> None:
    """A member that ended is remembered for a while."""
    group = rig.settings.group
    wait_until("nobody is a member", lambda: not admin.describe_consumer_groups([group])[group].result(10).members)


def copy_group(rig: Rig, admin: AdminClient, name: str) -> None:
    """A group of somebody else that stands at the same commands."""
    request = ConsumerGroupTopicPartitions(name, rig.committed())
    admin.alter_consumer_group_offsets([request])[name].result(10)


def forget(rig: Rig, admin: AdminClient) -> None:
    """The group is gone, offsets and all."""

    def deleted() -> bool:
        try:
            admin.delete_consumer_groups([rig.settings.group])[rig.settings.group].result(10)
        except KafkaException:
            return False
        return True

    wait_until("the group is deleted", deleted)


def with_other_topic(rig: Rig) -> str:
    """What is said where the copy on disk remembers a commands topic with another id."""
    path = rig.folder / "data" / "a" / "partition-1"
    disk = Partition(path)
    meta = disk.meta()
    assert meta is not None
    disk.identify(Meta(meta.cluster, meta.topics | {rig.topology.commands: "another"}, meta.written_at))
    disk.close()
    told = restore(rig)
    assert told.code == 1
    disk = Partition(path)
    disk.identify(meta)
    disk.close()
    return told.out
