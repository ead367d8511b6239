"""Tables built anew from the topics: identical, at once, beside a sink that goes on, and after an upgrade."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import msgspec
import pytest

from schemas import codec, wire
from schemas.contracts import schema_of
from state.warehouse import Server, Warehouse, WarehouseLocked, WarehouseUnfit, copy_path
from state.warehouse.catalog import FACTS
from state.warehouse.warehouse import BESIDE
from streams import sink_decoding
from streams.settings import Settings
from streams.sink import fill
from streams.sink_place import opened_to_read, place_of
from streams.warehouse_gaps import gaps, run_gaps
from streams.warehouse_rebuild import rebuild, run_rebuild, tables_of
from tests.command_line.running import billfold
from tests.warehouse.places import installation
from tests.warehouse.played import Played
from tests.warehouse.sending import Sender, changed, everything, filled, whole
from tests.warehouse.switchboard import switchboard


@pytest.fixture(scope="module")
def played() -> Played:
    """Ten customers and one with a switchboard."""
    played = Played()
    for number in range(10):
        played.on("2026-03-02").account(f"customer-{number}")
        played.on("2026-03-10").ask(
            f"customer-{number}", "UpdateAccountBillCycle", account={"account_id": "a-1"}, bill_cycle="WEEKLY_MON"
        )
    played.answers += switchboard().answers
    return played


def test_all_tables_come_out_identical(configured: Settings, played: Played) -> None:
    Sender(configured).send(played)
    before = filled(configured)
    said: list[tuple[int, int]] = []
    rows = rebuild(configured, tables_of([]), lambda done, of: said.append((done, of)))
    assert everything(configured) == before
    assert rows == {name: len(found) for name, found in before.items()}
    assert said[-1][0] == said[-1][1] > 0
    assert whole(configured)
    assert filled(configured) == before  # and the sink goes on


def test_what_was_lost_altered_or_doubled_comes_back(configured: Settings, played: Played) -> None:
    Sender(configured).send(played)
    before = filled(configured)
    changed(
        configured,
        "DELETE FROM fact_command_outcome",
        "UPDATE log_wallet_entry SET amount = amount + 0.01 WHERE entry_number = 1",
        "INSERT INTO log_account SELECT * FROM log_account",
        "UPDATE raw_transaction SET source = 'eve'",
    )
    assert not whole(configured)
    assert run_rebuild(["fact_command_outcome", "log_wallet_entry", "log_account"], configured) == 0
    found = everything(configured)
    assert [name for name in FACTS if found[name] != before[name]] == ["raw_transaction"]
    run_rebuild(["raw_transaction"], configured)
    assert everything(configured) == before
    if configured.warehouse_server is None:
        with contextlib.closing(Warehouse.read(copy_path(configured.warehouse))) as copy:
            assert copy.rows("SELECT count(*) FROM fact_command_outcome") == [(len(before["fact_command_outcome"]),)]


def test_what_is_no_table_is_told() -> None:
    with pytest.raises(WarehouseUnfit, match="dim_account is a view"):
        tables_of(["dim_account"])
    with pytest.raises(WarehouseUnfit, match="sink_offset is the sink's own"):
        tables_of(["sink_offset"])
    with pytest.raises(WarehouseUnfit, match=r"no table or view log_acount\. Did you mean log_account "):
        tables_of(["log_acount"])


def test_an_interrupted_rebuild_leaves_all_as_it_was(
    configured: Settings, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    Sender(configured).send(played)
    before = filled(configured)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Warehouse, "_commit", interrupted)  # in the very end, before the swap is committed
    with pytest.raises(KeyboardInterrupt):
        rebuild(configured, tables_of([]))
    monkeypatch.undo()
    assert everything(configured) == before
    with contextlib.closing(Warehouse.open(place_of(configured), [])) as warehouse:
        warehouse.begin_beside(["log_account"])  # as a killed one leaves it
    assert filled(configured) == before
    rebuild(configured, ["log_account"])
    with contextlib.closing(opened_to_read(configured)) as warehouse:
        tables = "SELECT table_name FROM information_schema.tables"
        assert not [name for (name,) in warehouse.rows(tables) if name.startswith(BESIDE)]


class TestOnAServer:
    """What only a server allows."""

    @pytest.fixture
    def installed(self, kafka: str, topic_prefix: str, database: Server, played: Played) -> Settings:
        settings = installation(kafka, topic_prefix, database)
        Sender(settings).send(played)
        filled(settings)
        return settings

    def test_sink_and_readers_go_on_meanwhile(self, installed: Settings, played: Played) -> None:
        """Readers see all rows at any time; rows that come meanwhile are there once."""
        sender = Sender(installed)
        stopping = threading.Event()
        seen: list[int] = []
        sink = threading.Thread(target=fill, args=(installed, stopping.is_set))
        sink.start()
        reader = Warehouse.read(place_of(installed))
        reader.rows("BEGIN ISOLATION LEVEL REPEATABLE READ")
        count = "SELECT count(*) FROM fact_command_outcome"
        held = reader.rows(count)
        try:

            def more() -> None:
                for _ in range(3):
                    sender.send(played)
                    seen.extend(value for (value,) in looking.rows(count))

            with contextlib.closing(Warehouse.read(place_of(installed))) as looking:
                sending = threading.Thread(target=more)
                sending.start()
                for _ in range(3):
                    rebuild(installed, tables_of([]))
                sending.join()
            assert reader.rows(count) == held
        finally:
            reader.close()
            time.sleep(2)
            stopping.set()
            sink.join()
        assert seen == sorted(seen)
        assert seen[0] >= held[0][0] > 0
        filled(installed)
        assert whole(installed)
        assert len(everything(installed)["fact_command_outcome"]) == 4 * len(played.outcomes)

    def test_one_rebuild_at_a_time(self, installed: Settings) -> None:
        said = r"is being rebuilt: billfold on .* \(server process \d+\)"
        with (
            contextlib.closing(Warehouse.open_to_rebuild(place_of(installed), [])),
            pytest.raises(WarehouseLocked, match=said),
        ):
            rebuild(installed, ["log_account"])

    def test_grants_and_views_of_others_stay(self, installed: Settings) -> None:
        changed(
            installed,
            "CREATE ROLE analyst_of_test",
            "GRANT SELECT ON log_account, dim_account TO analyst_of_test",
            "CREATE VIEW of_theirs AS SELECT count(*) AS accounts FROM dim_account",
        )
        try:
            rebuild(installed, tables_of([]))
            may = "SELECT has_table_privilege('analyst_of_test', 'log_account', 'SELECT'), accounts > 0 FROM of_theirs"
            with contextlib.closing(opened_to_read(installed)) as warehouse:
                assert warehouse.rows(may) == [(True, True)]
        finally:
            changed(installed, "DROP OWNED BY analyst_of_test", "DROP ROLE analyst_of_test")


def test_an_event_of_a_newer_release_is_picked_up_after_the_upgrade(configured: Settings, played: Played) -> None:
    """Written under an id that the old release takes for another event, and the new one for what it is."""
    newer = schema_of("BusinessTransaction")
    older = msgspec.json.decode(msgspec.json.encode(newer).replace(b'"AccountCreated"', b'"AccountPainted"'))
    created = next(t for t in played.transactions if t.customer_id == "customer-3")
    wire.use(lambda _: older, {})
    try:
        Sender(configured).transactions([("customer-3", codec.TRANSACTION.encode(created))], 4712)
        rows = filled(configured)
        assert rows["log_account_state"] == []
        with contextlib.closing(opened_to_read(configured)) as warehouse:
            assert warehouse.rows("SELECT unknown_events > 0 FROM raw_transaction") == [(True,)]
        assert whole(configured)

        wire.use(lambda _: newer, {})  # the upgrade
        codec.TRANSACTION._readers.clear()
        assert not whole(configured)
        rebuild(configured, ["raw_transaction", "log_account_state", "log_account"])
        assert whole(configured)
        with contextlib.closing(opened_to_read(configured)) as warehouse:
            assert warehouse.rows("SELECT unknown_events FROM raw_transaction") == [(0,)]
            assert warehouse.rows("SELECT customer_id, to_state FROM fact_account_state") == [("customer-3", "ACTIVE")]
    finally:
        wire.use_committed_list()
        codec.TRANSACTION._readers.clear()


def test_gaps_are_listed(configured: Settings, played: Played, capsys: pytest.CaptureFixture[str]) -> None:
    payloads = [(t.customer_id, codec.TRANSACTION.encode(t)) for t in played.transactions]
    theirs = [each for each in payloads if each[0] == "nordlys"]
    Sender(configured).transactions([*theirs[:2], *theirs[3:]])
    filled(configured)
    assert run_gaps(configured) == 1
    assert "nordlys" in capsys.readouterr().out
    with contextlib.closing(opened_to_read(configured)) as warehouse:
        assert [(gap.customer_id, gap.expected, gap.found) for gap in gaps(warehouse)] == [("nordlys", 3, 4)]
    changed(configured, "DELETE FROM sink_gap", "DELETE FROM raw_transaction WHERE sequence > 2")
    if configured.warehouse_server is None:
        copy_path(configured.warehouse).unlink()
    assert run_gaps(configured) == 0
    assert "No gaps: 2 transactions" in capsys.readouterr().out


def test_on_the_command_line(configured: Settings, played: Played, tmp_path: Path) -> None:
    Sender(configured).send(played)
    server = configured.warehouse_server
    given = {
        "BILLFOLD_BOOTSTRAP_SERVERS": configured.bootstrap_servers,
        "BILLFOLD_TOPIC_PREFIX": configured.topic_prefix,
        "BILLFOLD_GROUP": configured.group,
        "BILLFOLD_PARTITIONS": str(configured.partitions),
        "BILLFOLD_WAREHOUSE": str(configured.warehouse) if server is None else server.get_secret_value(),
    }
    told = billfold(tmp_path, "warehouse", "receipt", **given)
    assert (told.code, told.out) == (1, "")
    assert "start `billfold sink`" in told.err
    filled(configured)
    told = billfold(tmp_path, "warehouse", "receipt", **given)
    assert told.code == 0
    assert told.out.count("complete up to offset") == 2 * configured.partitions
    assert "log_wallet_entry: 13 rows, amount 3, balance_before" in told.out
    told = billfold(tmp_path, "warehouse", "gaps", **given)
    assert (told.code, told.out) == (
        0,
        f"No gaps: {len(played.transactions)} transactions, each continues its customer's sequence.\n",
    )
    changed(configured, "DELETE FROM log_wallet_entry WHERE entry_number = 1")
    told = billfold(tmp_path, "warehouse", "receipt", **given)
    assert told.code == 1
    assert "log_wallet_entry has 12 rows for 13" in told.out
    told = billfold(tmp_path, "warehouse", "rebuild", "log_wallet_entry", **given)
    assert (told.code, told.out.splitlines()[0]) == (0, "log_wallet_entry: 13 rows")
    assert billfold(tmp_path, "warehouse", "receipt", **given).code == 0
    told = billfold(tmp_path, "warehouse", "rebuild", "dim_account", **given)
    assert (told.code, told.err[:29]) == (1, "billfold: dim_account is a vi")
    with contextlib.closing(Warehouse.open(place_of(configured), [])):
        told = billfold(tmp_path, "warehouse", "rebuild", "log_account", **given)
        assert told.code == (1 if server is None else 0)
        assert ("is in use by" in told.err) == (server is None)


def test_decoded_by_processes_of_its_own_the_rows_are_the_same(
    configured: Settings, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    Sender(configured).send(played)
    before = filled(configured)
    monkeypatch.setattr(sink_decoding, "BACKLOG_RECORDS", 1)
    several = configured.model_copy(update={"sink_processes": 2})
    rebuild(several, tables_of([]))
    assert everything(configured) == before
    assert whole(several)
