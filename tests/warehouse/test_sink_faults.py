"""Databases that die under the sink, sinks beside sinks, records that cannot be read, rows that somebody altered."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import psutil
import psycopg
import pytest
import structlog
from structlog.testing import capture_logs

from compose.postgres import LocalPostgres
from compose.processes import free_ports
from schemas import codec
from state.warehouse import Batch, Server, Warehouse, WarehouseAway, WarehouseLocked, WarehouseUnfit
from state.warehouse.catalog import VIEWS
from streams import sink
from streams.completeness import completeness
from streams.settings import Settings
from streams.sink import fill
from streams.sink_place import place_of
from streams.sink_records import SinkStopped
from tests.command_line.running import billfold
from tests.warehouse.places import installation
from tests.warehouse.played import SOURCES, Played
from tests.warehouse.sending import Sender, changed, everything, filled, whole
from tests.warehouse.switchboard import switchboard

HOUSE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def played() -> Played:
    """Ten customers and one with a switchboard."""
    played = Played()
    for number in range(10):
        played.on("2026-03-02").account(f"customer-{number}")
    played.answers += switchboard().answers
    return played


# -- a server that goes away


@pytest.fixture
def breakable_postgres(tmp_path_factory: pytest.TempPathFactory, topic_prefix: str) -> Iterator[LocalPostgres]:
    with LocalPostgres(Path(os.environ["BILLFOLD_TEST_RUN"]) / f"postgres-{topic_prefix}") as server:
        yield server


@pytest.mark.kafka
def test_a_server_that_is_killed_and_comes_back_costs_nothing(
    kafka: str, topic_prefix: str, breakable_postgres: LocalPostgres, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed five times at random moments under load, away for a while: every row is there once (F22, F23)."""
    seed = int(os.environ.get("BILLFOLD_TEST_SEED", "7"))
    draw = Random(seed)
    monkeypatch.setattr(sink, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(sink, "FLUSH_SECONDS", 0.05)
    settings = installation(kafka, topic_prefix, Server(breakable_postgres.url))
    sender, stopping, batches = Sender(settings), threading.Event(), list[Batch]()
    thread = threading.Thread(target=fill, args=(settings, stopping.is_set, batches.append))
    thread.start()
    try:
        sent = 0
        for number in range(5):
            sender.send(played, size=5)
            sent += 1
            pause, away = draw.random() / 2, draw.random() * 2
            print(f"seed {seed}, death {number}: after {pause:.2f} s, for {away:.2f} s, {len(batches)} batches written")
            while number == 0 and not batches:  # it has to be there once: a wrong address is not waited for
                assert thread.is_alive()
                time.sleep(0.01)
            time.sleep(pause)
            breakable_postgres.kill()
            sender.send(played, size=5)  # the core goes on
            sent += 1
            time.sleep(away)
            breakable_postgres.start()
        deadline = time.monotonic() + 60
        while True:
            with contextlib.closing(Warehouse.read(place_of(settings))) as warehouse:
                if warehouse.rows("SELECT count(*) FROM fact_command_outcome") == [(sent * len(played.outcomes),)]:
                    break
            assert time.monotonic() < deadline
            assert thread.is_alive()
            time.sleep(0.5)
    finally:
        stopping.set()
        thread.join()
    assert whole(settings)


@pytest.mark.kafka
def test_a_server_that_cuts_connections_or_fills_up_is_tried_again(database: Server, played: Played) -> None:
    warehouse = played.into(database)
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    with pytest.raises(WarehouseAway, match="does not work now"):
        warehouse.write(Batch(rows=played.rows()))
    warehouse.close()
    Warehouse.open(database, SOURCES).close()


@pytest.mark.kafka
def test_a_second_sink_waits_and_names_the_first(
    kafka: str, topic_prefix: str, database: Server, played: Played
) -> None:
    settings = installation(kafka, topic_prefix, database)
    Sender(settings).send(played)
    filled(settings)
    first = Warehouse.open(database, [])
    with pytest.raises(WarehouseLocked, match=r"has another sink: billfold on 127\.0\.0\.1 \(server process \d+\)"):
        Warehouse.open(database, [])
    began = time.monotonic()
    with capture_logs() as said:
        fill(settings, lambda: time.monotonic() - began > 1.5)
    assert said[0]["event"] == "waiting for the warehouse"
    assert said[0]["held_by"].startswith("billfold on 127.0.0.1")
    first.close()
    assert whole(settings)
    structlog.reset_defaults()


# -- mistakes


@pytest.mark.kafka
class TestMistakes:
    """Each ends in one sentence, without the password."""

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("postgresql://ada:hush@127.0.0.1:{closed}/x", ["127.0.0.1", "cannot be reached", "Connection refused"]),
            ("postgresql://ada:hush@127.0.0.1:{port}/nowhere", ['role "ada" does not exist', "BILLFOLD_WAREHOUSE"]),
            ("postgresql://postgres:hush@127.0.0.1:{port}/nowhere", ['database "nowhere" does not exist']),
            ("postgresql://ada:hu%sh@127.0.0.1:{port}/x", ["no URL of a PostgreSQL database", "%40"]),
            ("postgresql://postgres:hush@no.such.host.invalid/x", ["no.such.host.invalid", "cannot be reached"]),
        ],
    )
    def test_a_wrong_address(
        self, kafka: str, topic_prefix: str, postgres: str, tmp_path: Path, url: str, words: list[str]
    ) -> None:
        installation(kafka, topic_prefix, tmp_path / "unused")
        given = {
            "BILLFOLD_BOOTSTRAP_SERVERS": kafka,
            "BILLFOLD_TOPIC_PREFIX": topic_prefix,
            "BILLFOLD_WAREHOUSE": url.replace("{closed}", str(free_ports(1)[0])).replace("{port}", _port(postgres)),
        }
        for command in ("sink", "warehouse gaps"):
            told = billfold(tmp_path, *command.split(), **given)
            assert told.code == 1
            (line,) = told.err.splitlines()
            assert not [word for word in words if word not in line], line
            assert "hush" not in line
            assert "hu%sh" not in line

    def test_a_database_of_somebody_else(self, database: Server) -> None:
        with psycopg.connect(database.url, autocommit=True) as theirs:
            theirs.execute("CREATE TABLE precious (x INTEGER)")
            Warehouse.open(database, SOURCES).close()  # in its own schema
            theirs.execute("DROP SCHEMA billfold CASCADE")
            theirs.execute("CREATE SCHEMA billfold")
            theirs.execute("CREATE TABLE billfold.precious (x INTEGER)")
        with pytest.raises(WarehouseUnfit, match=r"no warehouse of Billfold\. Point"):
            Warehouse.open(database, SOURCES)
        with pytest.raises(WarehouseUnfit, match="start `billfold sink`"):
            Warehouse.read(database)

    def test_who_may_not_make_the_schema_is_told_what_to_ask_for(self, database: Server) -> None:
        role = f"poor_{os.getpid()}"
        with psycopg.connect(database.url, autocommit=True) as owner:
            owner.execute(f"CREATE ROLE {role} LOGIN")
            try:
                poor = Server(database.url.replace("//postgres@", f"//{role}@"))
                with pytest.raises(WarehouseUnfit, match=f'CREATE SCHEMA billfold AUTHORIZATION "{role}"'):
                    Warehouse.open(poor, SOURCES)
                owner.execute(f"CREATE SCHEMA billfold AUTHORIZATION {role}")
                Warehouse.open(poor, SOURCES).close()
            finally:
                owner.execute(f"DROP OWNED BY {role} CASCADE")
                owner.execute(f"DROP ROLE {role}")

    def test_settings_never_show_the_password(self) -> None:
        settings = Settings.model_validate({"warehouse": "postgresql://ada:hush@db:5432/x"})
        assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()
        place = place_of(settings)
        assert (str(place), repr(place)) == ("postgresql://db:5432/x", "Server(postgresql://db:5432/x)")


def _port(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["port"])


@pytest.mark.kafka
def test_views_that_others_were_built_on_are_not_taken_away(
    database: Server, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    played.into(database).close()
    with psycopg.connect(database.url, autocommit=True) as theirs:
        theirs.execute("CREATE VIEW of_theirs AS SELECT count(*) FROM billfold.warehouse_age")
    shorter = replace(
        VIEWS["warehouse_age"],
        columns=VIEWS["warehouse_age"].columns[:1],
        query="SELECT published_at FROM sink_publication",
    )
    monkeypatch.setitem(VIEWS, "warehouse_age", shorter)
    with pytest.raises(WarehouseUnfit, match="of_theirs depends on view warehouse_age"):
        Warehouse.open(database, SOURCES)
    with psycopg.connect(database.url, autocommit=True) as theirs:
        theirs.execute("DROP VIEW of_theirs")
    Warehouse.open(database, SOURCES).close()
    with contextlib.closing(Warehouse.read(database)) as warehouse:
        columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'warehouse_age'"
        assert warehouse.rows(columns) == [(1,)]


# -- records that cannot be read, and processes that decode


def test_what_came_before_an_unreadable_record_is_there(configured: Settings, played: Played) -> None:
    sender = Sender(configured)
    payloads = [(t.customer_id, codec.TRANSACTION.encode(t)) for t in played.transactions if t.customer_id == "nordlys"]
    sender.transactions(payloads[:3])
    sender.transactions(payloads[3:4], 77)
    sender.transactions(payloads[4:])
    for _ in range(2):
        with pytest.raises(SinkStopped, match="schema id 77"):
            fill(configured, lambda: False)
        assert len(everything(configured)["raw_transaction"]) == 3
    assert whole(configured)


@pytest.mark.kafka
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_that_decode_end_with_the_sink(
    kafka: str, topic_prefix: str, tmp_path: Path, played: Played, blow: signal.Signals
) -> None:
    settings = installation(kafka, topic_prefix, tmp_path / "w.duckdb")
    Sender(settings).send(played)
    program = (
        "from streams import sink_decoding; sink_decoding.BACKLOG_RECORDS = 1\nfrom streams.sink import run_sink\n"
        "if __name__ == '__main__': run_sink()\n"
    )
    (tmp_path / "eager.py").write_text(program)
    environment = os.environ | {
        "BILLFOLD_BOOTSTRAP_SERVERS": kafka,
        "BILLFOLD_TOPIC_PREFIX": topic_prefix,
        "BILLFOLD_GROUP": topic_prefix,
        "BILLFOLD_WAREHOUSE": str(settings.warehouse),
        "BILLFOLD_SINK_PROCESSES": "2",
        "PYTHONPATH": str(HOUSE),
    }
    with subprocess.Popen([sys.executable, tmp_path / "eager.py"], env=environment, cwd=tmp_path) as process:
        deadline = time.monotonic() + 30
        while not (children := psutil.Process(process.pid).children()) or not settings.warehouse.exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(2)
        process.send_signal(blow)
        code = process.wait(20)
    assert code == (-9 if blow == signal.SIGKILL else 0)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    filled(settings)
    assert whole(settings)


# -- rows that somebody altered (F28)


@pytest.mark.parametrize(
    ("harm", "tables"),
    [
        ("DELETE FROM raw_transaction WHERE {place}", {"raw_transaction"}),
        ("INSERT INTO raw_transaction SELECT * FROM raw_transaction WHERE {place}", {"raw_transaction"}),
        ("UPDATE raw_transaction SET hash = 'f' || substr(hash, 2) || '0' WHERE {place}", {"raw_transaction"}),
        ("UPDATE raw_transaction SET sequence = sequence + 1 WHERE {place}", {"raw_transaction"}),
        ("UPDATE raw_transaction SET kafka_offset = kafka_offset + 100000 WHERE {place}", {"raw_transaction"}),
        ("UPDATE raw_transaction SET changes = changes || ' ' WHERE {place}", {"raw_transaction"}),
        ("UPDATE log_customer SET name = coalesce(name, '') || ' ' WHERE {place}", {"log_customer"}),
    ],
)
def test_the_first_wrong_record_is_named(configured: Settings, played: Played, harm: str, tables: set[str]) -> None:
    Sender(configured).send(played)
    rows = filled(configured)
    (table,) = tables
    partition, offset = rows[table][len(rows[table]) // 2][:2]
    changed(configured, harm.format(place=f"kafka_partition = {partition} AND kafka_offset = {offset}"))
    wrong = [receipt for receipt in completeness(configured) if not receipt.complete]
    assert [(each.partition, set(each.differing), each.first_difference) for each in wrong] == [
        (partition, tables, offset)
    ]
    assert f"`billfold warehouse rebuild {table}` mends it" in wrong[0].sentence
