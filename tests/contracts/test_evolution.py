"""Old records are read by new readers, and newer ones as far as their readers can (F14); fastavro judges."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import fastavro
import msgspec
import pytest

from schemas import wire
from schemas.bill_cycles import BillCycleChangeCancelled, StartBillingPeriod, UpdateAccountBillCycle
from schemas.codec import COMMAND, OUTCOME, TRANSACTION, UnknownEntity, UnknownEvent, Unreadable
from schemas.codec.passing_over import NamedTypes
from schemas.codec.writing import whole
from schemas.contracts import schema_of
from schemas.envelope import CommandRecord, Mode
from schemas.references import AccountRef
from schemas.wire import SchemaUnavailable, UnknownSchema, local_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRANSACTION_VALUES: dict[str, Any] = {
    "transaction_id": "t-1",
    "customer_id": "K-1",
    "sequence": 1,
    "previous_hash": bytes(32),
    "command_id": "c-1",
    "command_type": "X",
    "source": "crm",
    "performed_by": "clerk",
    "performed_at": None,
    "occurred_at": NOW,
    "recorded_at": NOW,
    "catalog_version": 1,
    "rules_version": "r",
    "cause": {"partition": 0, "offset": 1, "position": 0},
    "changes": [],
    "hash": bytes(32),
}
CANCELLED = {"account_id": "A-1", "change_id": "x", "superseded_by": None, "planned_for": NOW.date()}


@pytest.fixture
def registered() -> Iterator[dict[int, Any]]:
    """A registry that knows what a test puts into this dict, from its first question on."""
    known: dict[int, Any] = {}

    def ask(schema_id: int) -> Any:
        if schema_id not in known:
            raise UnknownSchema(schema_id)
        return known[schema_id]

    # An id means one thing for ever; so the decoders may keep what they compiled.
    wire.use(ask, {})
    yield known
    wire.use_committed_list()


def written(schema: Any, values: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(copy.deepcopy(schema)), values)
    return stream.getvalue()


def field(schema: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(part for part in schema["fields"] if part["name"] == name)
    return found


def without(schema: Any, *names: str) -> Any:
    """A contract without these fields. Types that were written out in them are written out where they are met next."""
    types, met = NamedTypes(schema).types, set[str]()

    def mended(part: Any) -> Any:
        if isinstance(part, str):
            return mended(types[part]) if part in types and part not in met else part
        if isinstance(part, list):
            return [mended(inner) for inner in part]
        if part["type"] in ("record", "enum", "fixed"):
            met.add(part["name"])
        inner = {name: mended(part[name]) for name in ("type", "items", "values", "fields") if name in part}
        return part | inner

    return mended(schema | {"fields": [part for part in schema["fields"] if part["name"] not in names]})


def branch(union: list[Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(part for part in union if isinstance(part, dict) and part["name"] == name)
    return found


def test_a_newer_writer_is_read_as_far_as_the_reader_knows(registered: dict[int, Any]) -> None:
    newer = registered[900_011] = copy.deepcopy(schema_of("BusinessTransaction"))
    change = field(newer, "changes")["type"]["items"]
    novel = {"type": "record", "name": "Novel", "doc": "d", "fields": [
        {"name": "texts", "type": {"type": "array", "items": "string"}, "doc": "d"},
        {"name": "maybe", "type": ["null", {"type": "map", "values": "double"}], "doc": "d"},
        {"name": "self", "type": ["null", "Novel"], "doc": "d"},
    ]}  # fmt: skip
    field(change, "event")["type"].append(novel)
    field(change, "entity")["type"].append({"type": "record", "name": "Lighthouse", "doc": "d", "fields": []})
    cancelled = branch(field(change, "event")["type"], "BillCycleChangeCancelled")
    field(cancelled, "reason")["type"]["symbols"].append("BORED")
    cancelled["fields"].insert(1, {"name": "extra", "type": "Hash", "doc": "d"})
    inner: dict[str, Any] = {"texts": [], "maybe": None, "self": None}
    payload = written(newer, TRANSACTION_VALUES | {"changes": [
        {"event": ("billfold.v1.Novel", {"texts": ["a", "b"], "maybe": {"x": 1.5}, "self": inner}), "entity": None},
        {
            "event": ("billfold.v1.BillCycleChangeCancelled", CANCELLED | {"reason": "BORED", "extra": bytes(32)}),
            "entity": ("billfold.v1.Lighthouse", {}),
        },
    ]})  # fmt: skip

    with pytest.raises(Unreadable, match="event Novel is not known"):
        TRANSACTION.decode(payload, 900_011)
    first, second = TRANSACTION.decode(payload, 900_011, unknown="skip").changes

    assert first.event == UnknownEvent(name="Novel")
    assert second.entity == UnknownEntity(name="Lighthouse")
    assert isinstance(second.event, BillCycleChangeCancelled)
    assert second.event.reason.value == field(cancelled, "reason")["type"]["default"]
    assert second.event.planned_for == NOW.date()


def test_an_older_writer_leaves_new_fields_to_their_defaults(registered: dict[int, Any]) -> None:
    older = without(
        copy.deepcopy(schema_of("CommandOutcome")), "changed", "transaction_id", "events", "entities", "states"
    )
    registered[900_012] = older
    field(older, "sequence").update(type="int", default=0)
    values = {
        "command_id": "c-1", "customer_id": "K-1", "command_type": "X", "source": "crm", "performed_by": "clerk",
        "mode": "EXECUTE", "status": "COMPLETED", "violations": [], "repeated": True, "sequence": 7,
        "decided_at": NOW, "recorded_at": NOW, "catalog_version": 1, "rules_version": "r",
        "cause": {"partition": 0, "offset": 1, "position": 0},
    }  # fmt: skip

    outcome = OUTCOME.decode(written(older, values), 900_012)

    assert (outcome.changed, outcome.transaction_id, outcome.events, outcome.entities) == (False, None, (), ())
    assert (outcome.repeated, outcome.sequence) == (True, 7)


def test_a_writer_without_a_required_field_is_unreadable(registered: dict[int, Any]) -> None:
    registered[900_013] = copy.deepcopy(schema_of("Command"))
    registered[900_013]["fields"].remove(field(registered[900_013], "source"))
    payload = COMMAND.encode(command()).replace(b"\x06crm", b"")
    with pytest.raises(Unreadable, match=r"does not know Command\.source"):
        COMMAND.decode(payload, 900_013)


def test_a_command_with_a_symbol_of_a_newer_writer_is_never_carried_out_as_another(registered: dict[int, Any]) -> None:
    registered[900_014] = copy.deepcopy(schema_of("Command"))
    field(registered[900_014], "mode")["type"]["symbols"].append("REHEARSE")
    payload = COMMAND.encode(msgspec.structs.replace(command(), mode=Mode.PREVIEW))
    assert COMMAND.decode(payload, 900_014).mode is Mode.PREVIEW
    with pytest.raises(Unreadable, match="symbol"):
        COMMAND.decode(payload.replace(b"\x0aclerk\x00\x02", b"\x0aclerk\x00\x04"), 900_014)


def test_a_schema_of_another_contract_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="one of CommandOutcome, not of Command"):
        COMMAND.decode(b"", local_id("CommandOutcome"))


def test_a_changed_logical_type_is_never_read_as_another_moment(registered: dict[int, Any]) -> None:
    registered[900_015] = copy.deepcopy(schema_of("Command"))
    field(registered[900_015], "performed_at")["type"][1]["logicalType"] = "timestamp-millis"
    moment = COMMAND.encode(msgspec.structs.replace(command(), performed_at=NOW))
    with pytest.raises(Unreadable, match="another type for performed_at"):
        COMMAND.decode(moment, 900_015)


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "record", "name": "Odd(data, at):\n    import os", "doc": "d", "fields": []},
        {"type": "fixed", "name": "Odd", "size": "1\n    import os"},
        "unheard-of",
        {"type": "record", "name": "Odd"},
        {},
        None,
    ],
)
def test_a_schema_never_becomes_code_of_its_own(registered: dict[int, Any], bad: Any) -> None:
    schema_id = 100 + len(repr(bad))
    registered[schema_id] = copy.deepcopy(schema_of("Command"))
    registered[schema_id]["fields"].insert(0, {"name": "odd", "type": bad, "doc": "d"})
    with pytest.raises(Unreadable, match="no Avro schema"):
        COMMAND.decode(COMMAND.encode(command()), schema_id)


def test_a_branch_that_is_no_schema_takes_its_own_records_along_and_no_others(registered: dict[int, Any]) -> None:
    registered[900_020] = copy.deepcopy(schema_of("Command"))
    broken = branch(field(registered[900_020], "body")["type"], "UpdateAccountBillCycle")
    broken["fields"].append({"name": "odd", "type": "unheard-of", "doc": "d"})
    update = UpdateAccountBillCycle(account=AccountRef(account_id="A-1"), bill_cycle="MONTHLY_1")
    payload = COMMAND.encode(msgspec.structs.replace(command(), body=update))
    for _ in range(2):
        with pytest.raises(Unreadable, match="no Avro schema"):
            COMMAND.decode(payload, 900_020)
        assert COMMAND.decode(COMMAND.encode(command()), 900_020) == command()


def test_unions_of_more_than_64_branches_are_read(registered: dict[int, Any]) -> None:
    wide = registered[900_016] = copy.deepcopy(schema_of("Command"))
    bodies = field(wide, "body")["type"]
    bodies[:0] = [{"type": "record", "name": f"Old{number}", "doc": "d", "fields": []} for number in range(70)]
    body = {"account_id": "A-1", "number": 3}
    values = {"command_id": "c-1", "customer_id": "K-1", "source": "crm", "performed_by": "clerk",
              "performed_at": None, "mode": "EXECUTE", "body": ("billfold.v1.StartBillingPeriod", body)}  # fmt: skip
    assert COMMAND.decode(written(wide, values), 900_016) == command()


def test_ids_that_nobody_knows() -> None:
    with pytest.raises(UnknownSchema, match="17"):
        COMMAND.decode(b"", 900_017)
    with pytest.raises(UnknownSchema):
        COMMAND.decode(b"", 2**31 - 1)


def test_a_registry_that_does_not_answer_is_no_judgement_on_the_record() -> None:
    def unreachable(schema_id: int) -> Any:
        raise SchemaUnavailable(f"nobody answers for {schema_id}")

    wire.use(unreachable, {"Command": 18})
    try:
        assert wire.current_id("Command") == 18
        assert wire.current_id("CommandOutcome") == local_id("CommandOutcome")
        with pytest.raises(SchemaUnavailable):
            COMMAND.decode(b"", 900_018)
        assert COMMAND.decode(COMMAND.encode(command()), local_id("Command")) == command()
    finally:
        wire.use_committed_list()


def test_the_wire_format_comes_and_goes() -> None:
    value = wire.frame(2**30 + 1, b"payload")
    assert value == b"\x00\x40\x00\x00\x01payload"
    assert wire.unframe(value) == (2**30 + 1, b"payload")
    for bad in (None, b"", b"\x00\x00\x00\x00", b"\x01" + value[1:], b'{"json": 1}'):
        with pytest.raises(Unreadable):
            wire.unframe(bad)


def command() -> CommandRecord:
    return CommandRecord(
        command_id="c-1",
        customer_id="K-1",
        source="crm",
        performed_by="clerk",
        body=StartBillingPeriod(account_id="A-1", number=3),
    )


def test_deep_nesting_ends_as_unreadable(registered: dict[int, Any]) -> None:
    deep = registered[900_019] = copy.deepcopy(schema_of("Command"))
    deep["fields"].insert(0, {"name": "deep", "doc": "d", "type": {"type": "record", "name": "Deep", "doc": "d",
                              "fields": [{"name": "deeper", "type": ["null", "Deep"], "doc": "d"}]}})  # fmt: skip
    with pytest.raises(Unreadable, match="nested"):
        COMMAND.decode(whole(1) * 100_000, 900_019)
