"""`billfold audit` on a real Kafka: while a worker goes on, for one customer, and after somebody wrote into a topic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from confluent_kafka import Producer

from state.warehouse import Batch
from streams.audit.reading import Source
from streams.audit.running import audit, run_audit
from streams.engine.boundary import SourceRecord
from streams.settings import load
from streams.sink import fill
from tests.faults.rig import RESTORED, Rig


@pytest.fixture
def rig(kafka: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    rig = Rig(kafka, tmp_path, topic_prefix, seed=1)
    monkeypatch.chdir(tmp_path)  # no warehouse there
    for name, value in rig.environment.items():
        monkeypatch.setenv(name, value)
    yield rig
    rig.close()


def test_the_audit_passes_over_what_a_worker_does_meanwhile(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = rig.worker()
    rig.send(300)
    worker.wait_for(RESTORED)
    rig.settled()
    letters = Source.letters

    def meanwhile(source: Source) -> object:
        """More is decided after the changelogs were read."""
        rig.send(300)
        rig.settled()
        return letters(source)

    monkeypatch.setattr(Source, "letters", meanwhile)

    assert run_audit(None) == 0
    assert "Sound" in capsys.readouterr().out
    monkeypatch.undo()
    worker.stop()
    keys = [record.key for record in rig.records(rig.topology.commands)]
    (tally,) = audit(rig.settings, str((keys[0] or b"").decode())).values()
    assert (tally.findings, tally.commands + tally.waiting) == ([], keys.count(keys[0]))


def test_a_record_written_by_somebody_else_is_named(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    worker = rig.worker()
    rig.send(200)
    rig.settled()
    worker.stop()
    producer = Producer(rig.settings.client_properties())
    last: SourceRecord = [found for found in rig.records(rig.topology.transactions) if found.partition == 1][-1]
    producer.produce(last.topic, last.value, last.key, 1)
    producer.flush()

    assert run_audit(None) == 1
    told = capsys.readouterr().out.replace("\n", "")
    assert f"{last.topic}, partition 1, offset" in told
    assert "I7" in told


def test_the_warehouse_is_audited_where_there_is_one(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    worker = rig.worker()
    rig.send(200)
    rig.settled()
    worker.stop()
    configured = load()
    missing = len(rig.outcomes())

    def wrote(batch: Batch) -> None:
        nonlocal missing
        missing -= len(batch.rows.get("fact_command_outcome", ()))

    fill(configured, lambda: missing == 0, wrote)

    assert run_audit(None) == 0
    assert "I4 hold" in capsys.readouterr().out
    with duckdb.connect(str(configured.warehouse)) as warehouse:
        warehouse.execute("UPDATE fact_command_outcome SET status = 'OTHER' WHERE kafka_partition = 1")
    assert run_audit(None) == 1
    assert "I4: " in capsys.readouterr().out
