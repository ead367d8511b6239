"""The producer's door: what it seals, what it refuses, and how a record leaves it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from schemas import codec, wire
from schemas.accounts import CreateAccount
from schemas.customers import RegisterCustomer
from schemas.envelope import CommandRecord, Unparsed
from schemas.erasure import EraseCustomerData
from schemas.partition import partition_of
from schemas.sealed import is_sealed
from streams import topology
from streams.door import CardNumberRefused, Door, ErasureRefused, command_record
from streams.sealing import unseal
from streams.settings import Settings
from streams.vault import CustomerErasedError, MemoryVault, Vault
from tests.sealing.test_cards import CARDS

PARTITIONS = 3


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault("doors")


def record(command: str, body: object, vault: Vault | None, customer: str = "nordlys") -> CommandRecord:
    return command_record(customer, command, body, command_id="c-1", vault=vault, source="crm", performed_by="ada")


def test_nothing_is_promised_for_what_was_never_sealed(vault: MemoryVault) -> None:
    """ACC-53."""
    with pytest.raises(ErasureRefused, match=r"^ERASURE_NOT_AVAILABLE pii=plain: .*set `pii = sealed`"):
        record("EraseCustomerData", {"reason": "asked for"}, None)
    with pytest.raises(ErasureRefused):  # a body that does not fit neither
        record("EraseCustomerData", {}, None)
    assert record("EraseCustomerData", {"reason": "asked for"}, vault).body == EraseCustomerData(reason="asked for")


def test_personal_data_is_sealed_and_left_plain_only_where_the_setting_says_so(vault: MemoryVault) -> None:
    body = record("RegisterCustomer", {"name": "Ada", "time_zone": "Europe/Vienna"}, vault).body
    assert isinstance(body, RegisterCustomer)
    assert body.name is not None
    assert is_sealed(body.name)
    assert body.time_zone == "Europe/Vienna"
    assert unseal(body, "nordlys", vault).name == "Ada"
    assert record("RegisterCustomer", {"name": "Ada"}, None).body == RegisterCustomer(name="Ada")


def test_nothing_more_is_sealed_for_an_erased_customer(vault: MemoryVault) -> None:
    vault.erase("nordlys")
    for command, body in {
        "RegisterCustomer": {"name": "Ada"},
        "CreateAccount": {"contact": "Ada"},
        "Praise": ["Ada"],
    }.items():
        with pytest.raises(CustomerErasedError) as refusal:
            record(command, body, vault)
        assert "Ada" not in str(refusal.value)
    assert record("CreateAccount", {"account_id": "a-1"}, vault).body == CreateAccount(account_id="a-1")


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize(
    ("shape", "path"),
    [
        (lambda number: {"custom_attributes": {"note": f"pay with {number}!"}}, "custom_attributes.note"),
        (lambda number: {"contact": {"last_name": number}}, "contact.last_name"),
        (lambda number: {"no_such_field": [1, {"deep": number}]}, "no_such_field.1.deep"),
        (lambda number: {"account_id": int(number)}, "account_id"),
        (lambda number: f"{number[:4]} {number[4:]}", "the body"),
    ],
    ids=["text", "personal", "unknown", "number", "body"],
)
def test_a_card_number_is_refused_and_never_echoed(number: str, shape: Any, path: str, vault: MemoryVault) -> None:
    for command in ("CreateAccount", "NoSuchCommand"):
        for sealing in (vault, None):
            with pytest.raises(CardNumberRefused) as refusal:
                record(command, shape(number), sealing)
            assert str(refusal.value).startswith(f"PAN_NOT_ACCEPTED: {path} ")
            assert number not in re.sub("[ -]", "", str(refusal.value))
            assert number not in repr(refusal.value)


@pytest.mark.parametrize("place", ["key", "customer", "command_id", "performed_by"])
def test_a_card_number_is_refused_wherever_a_caller_can_write(place: str, vault: MemoryVault) -> None:
    number = CARDS["visa"]
    given: dict[str, Any] = {"command_id": "c-1", "source": "crm", "performed_by": "ada"}
    body = {"custom_attributes": {number: "x"}} if place == "key" else {}
    customer = number if place == "customer" else "nordlys"
    given |= {place: number} if place in given else {}
    with pytest.raises(CardNumberRefused) as refusal:
        command_record(customer, "CreateAccount", body, vault=vault, **given)
    assert number not in str(refusal.value)


@pytest.mark.parametrize(
    ("command", "body", "plain"),
    [
        ("CreateAccount", {"account_id": 7, "contact": {"last_name": "Ada", "phone": 431}}, {"account_id": 7}),
        ("CreateAccount", {"account_id": "a-1", "nickname": "Ada"}, {"account_id": "a-1"}),
        ("CreateAccount", {"account_profile": "mobile", "contact": ["Ada"]}, {"account_profile": "mobile"}),
        ("RegisterCustomer", {"name": ["Ada"], "time_zone": "UTC"}, {"time_zone": "UTC"}),
        ("PraiseCustomer", {"words": ["Ada", {"very": "Ada"}], "born": 1815}, {}),
        ("CreateAccount", ["Ada"], None),
        ("CreateAccount", "Ada", None),
    ],
)
def test_a_body_that_does_not_fit_travels_sealed(
    command: str, body: object, plain: dict[str, object] | None, vault: MemoryVault
) -> None:
    unparsed = record(command, body, vault).body
    assert isinstance(unparsed, Unparsed)
    assert unparsed.command_type == command
    assert not [trace for trace in ("Ada", "431", "1815") if trace in unparsed.json]
    assert "sealed:v1:" in unparsed.json
    assert "Ada" in str(unseal(json.loads(unparsed.json), "nordlys", vault))
    assert plain is None or plain.items() <= json.loads(unparsed.json).items()
    left = record(command, body, None).body
    assert isinstance(left, Unparsed)
    assert json.loads(left.json) == body


def test_a_retry_is_the_same_record(vault: MemoryVault) -> None:
    body = {"account_profile": "mobile", "contact": {"last_name": "Ada"}}
    assert codec.COMMAND.encode(record("CreateAccount", body, vault)) == codec.COMMAND.encode(
        record("CreateAccount", body, MemoryVault("doors"))
    )


def test_a_record_stands_in_its_customers_partition_with_its_headers(
    kafka: str, topic_prefix: str, vault: MemoryVault
) -> None:
    settings = Settings(bootstrap_servers=kafka, topic_prefix=topic_prefix, partitions=PARTITIONS)
    topology.create(settings.client_properties(), settings.topology)
    customers = ["nordlys", "südwind", "a", "b", "c", "日本"]
    performed = datetime(2026, 3, 1, 9, tzinfo=UTC)
    places = {}
    with Door(settings.client_properties(), settings.topology.commands) as door:
        for customer in customers:
            sent = command_record(
                customer,
                "CreateAccount",
                {"account_profile": "mobile"},
                command_id=f"id-{customer}",
                vault=vault,
                source="crm",
                performed_by="ada",
                performed_at=performed,
            )
            places[customer] = door.post(sent), sent
        door.flush()
    consumer = Consumer(settings.client_properties() | {"group.id": "door", "auto.offset.reset": "error"})
    for customer, ([(partition, offset)], sent) in places.items():
        assert partition == partition_of(customer, PARTITIONS)
        consumer.assign([TopicPartition(settings.topology.commands, partition, offset)])
        found = consumer.poll(10)
        assert found is not None
        assert found.key() == customer.encode()
        schema_id, payload = wire.unframe(found.value())
        assert schema_id == wire.local_id("Command")
        assert codec.COMMAND.decode(payload) == sent
        assert dict(found.headers() or ()) == {
            "ce_specversion": b"1.0",
            "ce_type": b"billfold.v1.Command",
            "content-type": b"application/avro",
            "ce_source": b"crm",
            "ce_id": f"id-{customer}".encode(),
            "ce_subject": customer.encode(),
            "ce_time": b"2026-03-01T09:00:00Z",
            "correlation_id": f"id-{customer}".encode(),
        }
    consumer.close()
    assert len({place[0][0] for place, _ in places.values()}) == PARTITIONS
