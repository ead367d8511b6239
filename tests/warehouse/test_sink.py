"""The sink on a real Kafka: dead before and after its commit, aborted records, gaps, newer words, other topics."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import fastavro
import msgspec
import pytest
from confluent_kafka.admin import AdminClient

from compose.kafka import LocalKafka
from schemas import codec, wire
from schemas.contracts import schema_of
from schemas.envelope import BusinessTransaction
from state.warehouse import Warehouse, WarehouseUnfit, copy_path
from state.warehouse.catalog import FACTS
from streams import topology
from streams.completeness import completeness
from streams.settings import Settings
from streams.sink import fill
from streams.sink_place import place_of
from streams.sink_records import SinkStopped
from streams.sink_sources import sources
from streams.topology import TopologyUnfit
from tests.warehouse.places import PARTITIONS, installation
from tests.warehouse.played import Played
from tests.warehouse.sending import Sender, changed, dropped, everything, filled, whole
from tests.warehouse.switchboard import switchboard

DYING_SINK = Path(__file__).with_name("dying_sink.py")


@pytest.fixture(scope="module")
def played() -> Played:
    """Thirty customers with some hundred transactions, and one with a switchboard."""
    played = Played()
    for number in range(30):
        customer = f"customer-{number}"
        account = {"account_id": "a-1"}
        played.on("2026-03-02").account(customer)
        played.on("2026-03-03").ask(customer, "UpdateAccountBillCycle", account=account, bill_cycle="NO_SUCH")
        played.on("2026-03-10").ask(customer, "UpdateAccountBillCycle", account=account, bill_cycle="WEEKLY_MON")
        played.on("2026-04-10").ask(customer, "UpdateAccountBillCycle", account=account, bill_cycle="MONTHLY_15")
    played.answers += switchboard().answers
    return played


def test_what_was_aborted_is_not_there_and_the_rest_is_complete(configured: Settings, played: Played) -> None:
    sender = Sender(configured)
    sender.send(played, commit=False)
    sender.send(played)
    rows = filled(configured)
    assert len(rows["raw_transaction"]) == len(played.transactions)
    assert len(rows["fact_command_outcome"]) == len(played.outcomes)
    expected = played.rows()
    assert {name: len(found) for name, found in rows.items()} == {name: len(expected.get(name, [])) for name in FACTS}
    assert whole(configured)
    warehouse = Warehouse.read(place_of(configured))
    ends = warehouse.offsets()
    assert warehouse.rows("SELECT count(*) FROM sink_gap") == [(0,)]
    warehouse.close()
    assert all(offset > 0 for offset in ends.values())


def test_replayed_from_the_start_it_comes_out_identical(configured: Settings, played: Played) -> None:
    Sender(configured).send(played)
    before = filled(configured)
    assert filled(configured) == before  # nothing new, nothing moved
    dropped(configured)
    assert filled(configured) == before


def warehouse_setting(settings: Settings) -> str:
    server = settings.warehouse_server
    return str(settings.warehouse) if server is None else server.get_secret_value()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_its_commit_every_row_is_there_once(
    configured: Settings, played: Played, moment: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("BILLFOLD_TEST_SEED", "4"))
    draw = Random(seed)
    sender = Sender(configured)
    sender.send(played)
    expected = played.rows()
    environment = os.environ | {
        "BILLFOLD_BOOTSTRAP_SERVERS": configured.bootstrap_servers,
        "BILLFOLD_TOPIC_PREFIX": configured.topic_prefix,
        "BILLFOLD_GROUP": configured.group,
        "BILLFOLD_PARTITIONS": str(PARTITIONS),
        "BILLFOLD_WAREHOUSE": warehouse_setting(configured),
        "BILLFOLD_SINK_PROCESSES": "0",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    deaths = [draw.randint(1, 3) for _ in range(4)]
    print(f"seed {seed}: killed {moment} commits {deaths}")
    for number in deaths:
        sink = [sys.executable, str(DYING_SINK), moment, str(number)]
        died = subprocess.run(sink, env=environment, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert died.returncode == -9, died.stderr.decode()
    rows = filled(configured)
    assert {name: len(found) for name, found in rows.items()} == {name: len(expected.get(name, [])) for name in FACTS}
    places = [row[:2] for row in rows["raw_transaction"]]
    assert len(set(places)) == len(places)
    assert whole(configured)


def test_a_missing_transaction_is_said(configured: Settings, played: Played) -> None:
    payloads = [
        (t.customer_id, codec.TRANSACTION.encode(t)) for t in played.transactions if t.customer_id == "customer-3"
    ]
    Sender(configured).transactions([*payloads[:2], *payloads[3:]])
    filled(configured)
    Sender(configured).transactions(payloads[-1:])  # and one twice, when the sink has forgotten the customer
    filled(configured)
    warehouse = Warehouse.read(place_of(configured))
    last = len(payloads)
    query = "SELECT customer_id, expected, found FROM sink_gap ORDER BY kafka_offset"
    assert warehouse.rows(query) == [("customer-3", 3, 4), ("customer-3", last + 1, last)]
    warehouse.close()


def test_altered_rows_are_found_and_named(configured: Settings, played: Played) -> None:
    Sender(configured).send(played)
    rows = filled(configured)
    partition, offset = rows["raw_transaction"][17][:2]
    place = f"kafka_partition = {partition} AND kafka_offset = {offset}"
    changed(configured, f"UPDATE raw_transaction SET performed_by = 'eve' WHERE {place}")
    wrong = [receipt for receipt in completeness(configured) if not receipt.complete]
    assert [(each.partition, each.differing, each.first_difference) for each in wrong] == [
        (partition, ("raw_transaction",), offset)
    ]
    assert f"differs first at offset {offset}" in wrong[0].sentence


def test_events_of_a_newer_release_land_in_the_raw_table(configured: Settings, played: Played) -> None:
    newer = msgspec.json.decode(msgspec.json.encode(schema_of("BusinessTransaction")))
    change = next(field for field in newer["fields"] if field["name"] == "changes")["type"]["items"]
    union = next(field for field in change["fields"] if field["name"] == "event")["type"]
    invented = {"type": "record", "name": "AccountPainted", "fields": [{"name": "colour", "type": "string"}]}
    union.append(invented | {"namespace": "billfold.v1"})
    payload = painted(newer, played.transactions[0])
    wire.use(lambda schema_id: newer if schema_id == 4711 else None, {})
    try:
        Sender(configured).transactions([("customer-0", payload)], 4711)
        filled(configured)
        assert whole(configured)
    finally:
        wire.use_committed_list()
    warehouse = Warehouse.read(place_of(configured))
    ((unknown, changes),) = warehouse.rows("SELECT unknown_events, changes FROM raw_transaction")
    assert (unknown, msgspec.json.decode(changes)[0]["event_type"]) == (1, "AccountPainted")
    warehouse.close()


def painted(schema: Any, transaction: BusinessTransaction) -> bytes:
    """A transaction with one event that this release does not know."""
    plain = {
        **{field: getattr(transaction, field) for field in transaction.__struct_fields__},
        "cause": {"partition": 0, "offset": 0, "position": 0},
        "changes": [{"event": ("billfold.v1.AccountPainted", {"colour": "green"}), "entity": None}],
    }
    written = BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(schema), plain)
    return written.getvalue()


def test_a_topic_made_anew_stops_the_sink_and_changes_nothing(configured: Settings, played: Played) -> None:
    Sender(configured).send(played)
    filled(configured)
    before = everything(configured)
    admin = AdminClient(configured.client_properties())
    admin.delete_topics([configured.topology.outcomes])[configured.topology.outcomes].result()
    deadline = time.monotonic() + 20
    while not topology.create(configured.client_properties(), configured.topology):
        assert time.monotonic() < deadline, "the deleted topic does not go away"
        time.sleep(0.2)
    while True:
        try:
            sources(configured)
            break
        except TopologyUnfit:
            assert time.monotonic() < deadline, "the new topic does not come up"
            time.sleep(0.2)
    with pytest.raises(WarehouseUnfit, match="deleted and made anew"):
        fill(configured, lambda: False)
    assert everything(configured) == before


def test_missing_topics_are_named(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    settings = Settings(bootstrap_servers=kafka, topic_prefix=topic_prefix, warehouse=tmp_path / "w.duckdb")
    with pytest.raises(TopologyUnfit, match="billfold topics create"):
        fill(settings, lambda: False)
    assert not settings.warehouse.exists()


def test_an_unknown_schema_stops_the_sink_with_its_place(configured: Settings, played: Played) -> None:
    Sender(configured).transactions([("customer-0", codec.TRANSACTION.encode(played.transactions[0]))], 77)
    with pytest.raises(SinkStopped, match="offset 0: schema id 77"):
        fill(configured, lambda: False)


def test_the_sink_waits_for_whoever_holds_the_file(
    kafka: str, topic_prefix: str, tmp_path: Path, played: Played
) -> None:
    configured = installation(kafka, topic_prefix, tmp_path / "w.duckdb")
    Sender(configured).send(played)
    filled(configured)
    program = (
        f"import duckdb, sys, time; c = duckdb.connect({str(configured.warehouse)!r}); print('held', flush=True); "
        "time.sleep(3)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        began = time.monotonic()
        published = copy_path(configured.warehouse).stat().st_mtime  # it publishes at once when it has the file
        fill(configured, lambda: copy_path(configured.warehouse).stat().st_mtime != published)
        assert time.monotonic() - began > 1


def test_a_broker_that_dies_and_comes_back_costs_nothing(
    breakable_kafka: LocalKafka, topic_prefix: str, played: Played, tmp_path: Path
) -> None:
    settings = installation(breakable_kafka.bootstrap, topic_prefix, tmp_path / "w.duckdb")
    Sender(settings).send(played)
    stopping = threading.Event()
    seen: list[int] = []
    sink = threading.Thread(
        target=fill,
        args=(settings, stopping.is_set, lambda batch: seen.append(len(batch.rows.get("fact_command_outcome", [])))),
    )
    sink.start()
    try:
        _reach(seen, len(played.outcomes))
        breakable_kafka.kill()
        time.sleep(1)
        breakable_kafka.restart()
        Sender(settings).send(played)  # the same customers begin again: gaps, and rows all the same
        _reach(seen, 2 * len(played.outcomes))
    finally:
        stopping.set()
        sink.join()
    assert whole(settings)


def _reach(seen: list[int], outcomes: int) -> None:
    deadline = time.monotonic() + 60
    while sum(seen) < outcomes:
        assert time.monotonic() < deadline, f"{sum(seen)} of {outcomes} outcomes"
        time.sleep(0.1)
