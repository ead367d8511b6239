"""An operator's mistakes end in one clear sentence, soon, with an exit code, and change nothing."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compose.processes import free_ports
from state.partition import Meta, Partition
from state.warehouse import Source, Warehouse
from streams import topology
from streams.settings import Settings
from streams.topology import Topology
from streams.vault import KeyVault
from tests.command_line.running import HOUSE, Here, Told, billfold, contents

SOON_SECONDS = 15
"""Five until Kafka counts as unreachable; the rest is Python's start on a busy machine."""
KEY = {"BILLFOLD_KEY_ENCRYPTION_KEY": base64.b64encode(bytes(32)).decode()}
NOBODY = {"BILLFOLD_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_ports(1)[0]}"}
VAULT = {"keys", "keys-shm", "keys-wal"}
"""`send` seals before it asks Kafka; a key that was made stays, for the next attempt seals with it."""
CARD = "4111111111111111"
NORDLYS = HOUSE / "compose" / "catalogs" / "nordlys.yaml"


def one_sentence(told: Told, *words: str, code: int = 1) -> None:
    """One line, with these words in it."""
    assert told.code == code, told
    assert told.seconds < SOON_SECONDS
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("billfold: ")
    assert not [word for word in words if word not in line], line


COMMANDS = ["worker", "sink", "eraser", "send", "topics check", "topics create", "audit", "catalog list", "dlq list"]
ARGUMENTS = {"send": ("send", "nordlys", "RegisterCustomer", '{"name": "Ada"}')}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unreachable_kafka_is_told_at_once(command: str, tmp_path: Path, here: Here) -> None:
    arguments = ARGUMENTS.get(command, command.split())
    told = here(*arguments, **NOBODY | KEY)
    one_sentence(told, "Kafka does not answer at 127.0.0.1:", "BILLFOLD_BOOTSTRAP_SERVERS", "Connection refused")
    assert {Path(name).name for name in contents(tmp_path)} <= VAULT


def test_the_doctor_names_an_unreachable_kafka_and_passes_over_the_rest(tmp_path: Path, here: Here) -> None:
    told = here("doctor", **NOBODY)
    assert (told.code, told.err) == (1, "")
    (line,) = told.out.splitlines()
    assert line.startswith("wrong kafka: Kafka does not answer at 127.0.0.1:")
    assert told.seconds < SOON_SECONDS
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"BILLFOLD_PARTITIONS": "many"}, ["Setting partitions:", "valid integer"]),
        ({"BILLFOLD_PII": "maybe"}, ["Setting pii:", "'sealed' or 'plain'"]),
        ({"BILLFOLD_BOOTSTRAP_SERVERS": "kafka.example.org:9092"}, ["plain text to kafka.example.org", "insecure"]),
        (
            {"BILLFOLD_KAFKA": '{"no.such.property": "1"}'},
            ["Setting kafka:", 'No such configuration property: "no.such'],
        ),
        ({"BILLFOLD_KAFKA": "{"}, ["kafka"]),
        ({"BILLFOLD_SASL_PASSWORD_FILE": "/nowhere/password"}, ["BILLFOLD_SASL_PASSWORD_FILE", "No such file"]),
    ],
)
def test_a_wrong_setting_is_named(environment: dict[str, str], words: list[str], tmp_path: Path, here: Here) -> None:
    one_sentence(here("topics", "check", **environment), *words)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ('colour = "red"\n', ["Setting colour:", "not permitted"]),
        ("partitions = \n", ["billfold.toml", "line 1"]),
    ],
)
def test_a_wrong_settings_file_is_named(file: str, words: list[str], tmp_path: Path, here: Here) -> None:
    (tmp_path / "billfold.toml").write_text(file)
    one_sentence(here("worker"), *words)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ["There is no key-encryption key", "BILLFOLD_KEY_ENCRYPTION_KEY", "openssl rand -base64 32"]),
        ({"BILLFOLD_KEY_ENCRYPTION_KEY": "hush"}, ["BILLFOLD_KEY_ENCRYPTION_KEY is not the base64 text of 32 bytes"]),
        ({"BILLFOLD_KEY_ENCRYPTION_KEY_FILE": "/nowhere/key"}, ["/nowhere/key", "cannot be read"]),
    ],
)
@pytest.mark.parametrize("command", ["send", "eraser"])
def test_a_missing_key_encryption_key_is_told_before_anything_is_made(
    command: str, environment: dict[str, str], words: list[str], tmp_path: Path, here: Here
) -> None:
    told = here(*ARGUMENTS.get(command, (command,)), **NOBODY | environment)
    one_sentence(told, *words)
    assert "hush" not in told.err
    assert contents(tmp_path) == {}


def test_a_vault_of_another_key_and_one_that_others_may_read_are_refused(tmp_path: Path, here: Here) -> None:
    send = ARGUMENTS["send"]
    here(*send, **NOBODY | KEY)
    other = {"BILLFOLD_KEY_ENCRYPTION_KEY": base64.b64encode(bytes([1]) * 32).decode()}
    one_sentence(here(*send, **NOBODY | other), "made with another one")
    (tmp_path / "data" / "vault").chmod(0o755)
    one_sentence(here(*send, **NOBODY | KEY), "open to other users", "chmod 700")
    (tmp_path / "data" / "vault").chmod(0o700)
    vault = KeyVault(tmp_path / "data" / "vault" / "keys", bytes(32))
    assert vault.opening_key("nordlys") is not None
    vault.close()


@pytest.mark.parametrize(
    ("body", "typed", "words"),
    [
        ('{"name": "Ada', "", ["neither JSON nor YAML", "line 1"]),
        ("-", "{[", ["neither JSON nor YAML"]),
        ("@nowhere.json", "", ["cannot be read", "nowhere.json"]),
        ("@latin.json", "", ["cannot be read"]),
    ],
)
def test_a_body_that_is_no_text_of_a_body_is_not_sent_and_not_shown(
    body: str, typed: str, words: list[str], tmp_path: Path, here: Here
) -> None:
    (tmp_path / "latin.json").write_bytes('{"name": "Käte"}'.encode("latin-1"))
    told = here("send", "nordlys", "RegisterCustomer", body, typed=typed, **NOBODY | KEY)
    assert told.code == 2
    assert "Traceback" not in told.err
    assert "Ada" not in told.err
    text = re.sub(r"[│\s]+", " ", told.err)
    assert not [word for word in words if word not in text], told.err


def test_what_the_door_refuses_ends_in_a_sentence(tmp_path: Path, here: Here) -> None:
    body = f'{{"custom_attributes": {{"note": "{CARD}"}}}}'
    told = here("send", "nordlys", "RegisterCustomer", body, **NOBODY | KEY)
    one_sentence(told, "PAN_NOT_ACCEPTED: custom_attributes.note")
    assert CARD not in told.err
    told = here("send", "nordlys", "EraseCustomerData", "{}", **NOBODY | {"BILLFOLD_PII": "plain"})
    one_sentence(told, "ERASURE_NOT_AVAILABLE", "pii = sealed")


def test_a_catalog_file_that_is_none_is_told(tmp_path: Path, here: Here) -> None:
    one_sentence(here("catalog", "check", "nowhere.yaml"), "nowhere.yaml")
    (tmp_path / "bad.yaml").write_text("name: [\n")
    one_sentence(here("catalog", "check", "bad.yaml"), "bad.yaml")


def test_help_loads_neither_kafka_nor_databases() -> None:
    look = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from streams.command_line import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*{'confluent_kafka', 'duckdb', 'rocksdict', 'faust', 'streams.mistakes'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", look], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == ""


class TestOnKafka:
    """Kafka answers, and is not as it must be."""

    @pytest.fixture
    def given(self, kafka: str, topic_prefix: str) -> dict[str, str]:
        return KEY | {
            "BILLFOLD_BOOTSTRAP_SERVERS": kafka,
            "BILLFOLD_TOPIC_PREFIX": topic_prefix,
            "BILLFOLD_GROUP": topic_prefix,
            "BILLFOLD_PARTITIONS": "2",
            "BILLFOLD_INSTANCE": "a",
        }

    @pytest.mark.parametrize("command", ["worker", "sink", "eraser", "send", "topics check"])
    def test_missing_topics_are_told(self, command: str, given: dict[str, str], tmp_path: Path) -> None:
        told = billfold(tmp_path, *ARGUMENTS.get(command, command.split()), **given)
        one_sentence(told, given["BILLFOLD_TOPIC_PREFIX"], "billfold topics create")
        assert {Path(name).name for name in contents(tmp_path)} <= VAULT

    def test_a_foreign_cluster_is_not_touched(self, given: dict[str, str], tmp_path: Path) -> None:
        """Wrong partition count, no catalog version, a copy and a warehouse of another cluster: one after the other."""
        prefix = given["BILLFOLD_TOPIC_PREFIX"]
        settings = Settings(bootstrap_servers=given["BILLFOLD_BOOTSTRAP_SERVERS"])
        topology.create(settings.client_properties(), Topology(prefix, 2))
        other = given | {"BILLFOLD_PARTITIONS": "3"}
        for command in ("worker", "topics check"):
            one_sentence(billfold(tmp_path, *command.split(), **other), "has 2 partitions", "must never change")
        one_sentence(billfold(tmp_path, "worker", **given), "no version of catalog nordlys", "billfold catalog publish")
        assert billfold(tmp_path, "catalog", "publish", str(NORDLYS), **given).code == 0

        disk = Partition(tmp_path / "data" / "a" / "partition-0")
        disk.identify(Meta("elsewhere", {}, 0.0))
        disk.close()
        one_sentence(billfold(tmp_path, "worker", **given), "a copy of Kafka cluster elsewhere", code=78)
        disk = Partition(tmp_path / "data" / "a" / "partition-0")
        assert disk.meta() == Meta("elsewhere", {}, 0.0)
        disk.close()

        names = Topology(prefix, 2)
        foreign = [Source(name, "elsewhere", "id", 2) for name in (names.transactions, names.outcomes)]
        file = tmp_path / "data" / "warehouse.duckdb"
        Warehouse.open(file, foreign).close()
        before = file.read_bytes()
        one_sentence(billfold(tmp_path, "sink", **given), "elsewhere")
        assert file.read_bytes() == before

    def test_a_worker_is_patient_for_some_seconds_and_no_longer(self, given: dict[str, str], tmp_path: Path) -> None:
        told = billfold(tmp_path, "worker", **given | NOBODY)
        one_sentence(told, "Kafka does not answer at 127.0.0.1:", "within 5 s")
        assert contents(tmp_path) == {}
