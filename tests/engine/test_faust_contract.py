"""What we rely on in Faust, mode, rocksdict and confluent-kafka is still there, under the same names and signatures."""

import importlib.metadata
import inspect
from pathlib import Path
from typing import Any

import faust
import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from faust.stores import STORES
from faust.stores.base import SerializedStore, Store
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.base import Producer as FaustProducer
from faust.transport.base import Transport
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.drivers import TRANSPORTS
from rocksdict import Options, Rdict, ReadOptions, WriteBatch

from state import faust_table
from streams.engine import consumer
from streams.engine.app import EngineApp, WholeBatch
from streams.engine.worker import EngineWorker

PINNED = {
    "faust-streaming": "0.15.3",
    "mode-streaming": "0.7.1",
    "confluent-kafka": "2.16.0",
    "rocksdict": "0.3.29",
}


@pytest.mark.parametrize(("package", "version"), PINNED.items())
def test_the_versions_that_these_notes_hold_for_are_installed_and_pinned(package: str, version: str) -> None:
    assert importlib.metadata.version(package) == version
    assert f"=={version}" in next(
        line for line in Path("pyproject.toml").read_text().splitlines() if f'"{package}' in line
    )


def own(ours: type) -> list[str]:
    return [name for name in vars(ours) if not name.startswith("__")]


OURS_ALONE: dict[Any, set[str]] = {
    consumer.TurnConsumer: {
        "app",
        "client",
        "group",
        "owned",
        "subscribed",
        "_fetch_from",
        "_assigned",
        "_deliver",
        "_fetch",
        "_in_thread",
        "_nothing",
        "_poll",
        "_readable",
        "_record",
        "_revoked",
        "_unknown",
        "subscribe",
        "create_topic",
        "earliest_offsets",
        "highwater",
        "highwaters",
        "position",
        "seek_wait",
        "topic_partitions",
        "assignment",
        "key_partition",
    },
    faust_table.TurnStore: {"view", "_as_it_is", "_refuse", "reset_state", "backup_partition", "restore_backup"},
    faust_table.TurnTable: set(),
    faust_table.TurnTables: set(),
    consumer.TurnTransport: {"driver_version", "default_port"},
    WholeBatch: set(),
    EngineWorker: set(),
}


@pytest.mark.parametrize("ours", OURS_ALONE, ids=lambda ours: ours.__name__)
def test_what_we_override_is_there_to_be_overridden(ours: type) -> None:
    theirs = ours.__mro__[1]
    missing = [name for name in own(ours) if not hasattr(theirs, name) and not name.startswith("_abc")]
    assert set(missing) <= OURS_ALONE[ours]


def test_our_app_takes_no_name_that_faust_uses() -> None:
    hooks = {"on_first_start", "FlowControlQueue", "logger"}  # mode gives every service class a logger
    inherited = {name for name in own(EngineApp) if hasattr(faust.App, name)}
    assert {name for name in inherited if not name.startswith("_abc")} == hooks
    taken = {
        "settings",
        "names",
        "restored",
        "consumer_settings",
        "watchdog",
        "memory",
        "session",
        "engine",
        "committer",
    }
    assert not {name for name in taken | {"keeper", "_between", "_hook"} if hasattr(faust.App, name)}


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (FaustConsumer.on_partitions_assigned, ["self", "assigned", "generation_id"]),
        (FaustConsumer.on_partitions_revoked, ["self", "revoked"]),
        (FaustConsumer.seek_to_committed, ["self"]),
        (FaustConsumer.perform_seek, ["self"]),
        (FaustConsumer._drain_messages, ["self", "fetcher"]),
        (FaustConsumer.__init__, None),
        (Store.on_rebalance, ["self", "assigned", "revoked", "newly_assigned", "generation_id"]),
        (SerializedStore._get, ["self", "key"]),
        (SerializedStore._set, ["self", "key", "value"]),
        (faust.Table.on_key_get, ["self", "key"]),
        (faust.Table.on_key_set, ["self", "key", "value"]),
        (faust.Table.on_key_del, ["self", "key"]),
        (TableManager.on_start, ["self"]),
        (TableManager._update_channels, ["self"]),
        (faust.Schema.loads_value, ["self", "app", "message", "loads", "serializer"]),
        (faust.App.on_rebalance_start, ["self"]),
        (faust.App.on_first_start, ["self"]),
        (faust.App.FlowControlQueue, ["self", "maxsize", "clear_on_resume"]),
        (faust.Worker._sentinel_task, ["self"]),
        (faust.Worker._gather_all, ["self"]),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_the_hooks_have_the_signatures_that_we_rely_on(function: object, parameters: list[str] | None) -> None:
    assert callable(function)
    found = list(inspect.signature(function).parameters)
    assert parameters is None or found == parameters


def test_the_recovery_calls_the_hooks_that_open_the_flow() -> None:
    source = inspect.getsource(Recovery)
    assert "perform_seek" in source
    assert "resume_flow" in source
    assert "self.seek_to_committed()" in inspect.getsource(FaustConsumer.perform_seek)


def test_our_transport_and_store_are_found_by_their_schemes() -> None:
    assert TRANSPORTS.by_url(f"{consumer.SCHEME}://x") is consumer.TurnTransport
    assert STORES.by_url(f"{faust_table.STORE_SCHEME}://") is faust_table.TurnStore


def test_the_producer_of_our_transport_cannot_send() -> None:
    assert consumer.TurnTransport.Producer is Transport.Producer
    assert "NotImplementedError" in inspect.getsource(FaustProducer.send)


def test_faust_keeps_the_generation_where_we_bump_it() -> None:
    assert faust.App.consumer_generation_id == 0
    assert faust.App.rebalancing is False


def test_the_options_of_rocksdb_that_the_promises_rest_on_exist() -> None:
    for name in ("set_atomic_flush", "create_missing_column_families", "set_block_based_table_factory"):
        assert hasattr(Options, name)
    assert hasattr(ReadOptions, "set_iterate_upper_bound")
    assert hasattr(Rdict, "get_column_family_handle")
    assert WriteBatch(raw_mode=True).is_empty()


def test_the_client_has_the_calls_and_codes_that_the_turn_uses() -> None:
    for name in ("init_transactions", "begin_transaction", "send_offsets_to_transaction", "commit_transaction"):
        assert hasattr(Producer, name)
    assert hasattr(Consumer, "consumer_group_metadata")
    for code in ("_FATAL", "_AUTO_OFFSET_RESET", "_PARTITION_EOF", "FENCED_INSTANCE_ID", "ILLEGAL_GENERATION"):
        assert isinstance(getattr(KafkaError, code), int)
