"""The compiled codec says what fastavro says, byte for byte."""

from __future__ import annotations

import hashlib
import io
import threading
import typing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.bill_cycles import StartBillingPeriod
from schemas.codec import CATALOG, COMMAND, OUTCOME, PROVISIONING, TRANSACTION, Codec, encode_answer
from schemas.codec.reading import COMMAND_LIMITS
from schemas.contracts import CONTRACTS, schema_of
from schemas.envelope import BusinessTransaction, Cause, CommandOutcome, CommandRecord, Mode, Status, Unparsed
from schemas.fields import Command, Entity, Event, Word
from tests.contracts.drawing import BRANCHES, Optionals, for_fastavro, words

CODECS: dict[str, Codec[Any]] = {
    codec.contract: codec for codec in (COMMAND, TRANSACTION, OUTCOME, CATALOG, PROVISIONING)
}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARSED = {contract: fastavro.parse_schema(schema_of(contract)) for contract in CONTRACTS}


def by_fastavro(contract: str, value: msgspec.Struct) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, PARSED[contract], for_fastavro(value, type(value)))
    return stream.getvalue()


@pytest.mark.parametrize("contract", CONTRACTS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_bytes_and_values_are_those_of_fastavro(contract: str, data: st.DataObject) -> None:
    value = data.draw(words(CONTRACTS[contract]))

    payload = CODECS[contract].encode(value)

    assert payload == by_fastavro(contract, value)
    assert CODECS[contract].decode(payload) == value
    assert fastavro.schemaless_reader(io.BytesIO(payload), PARSED[contract], None)


WORDS = [word for union in BRANCHES.values() for word in union]


def in_its_envelope(word: Word) -> CommandRecord | CommandOutcome:
    """The plainest record that holds a word: what envelopes may hold besides is drawn above."""
    if isinstance(word, Command):
        return CommandRecord(command_id="c-1", customer_id="K-1", source="crm", performed_by="clerk", body=word)
    return CommandOutcome(
        command_id="c-1",
        customer_id="K-1",
        command_type="X",
        source="crm",
        performed_by="clerk",
        mode=Mode.EXECUTE,
        status=Status.COMPLETED,
        decided_at=NOW,
        recorded_at=NOW,
        catalog_version=1,
        rules_version="r",
        cause=Cause(partition=0, offset=1, position=0),
        events=(word,) if isinstance(word, Event) else (),
        entities=(word,) if isinstance(word, Entity) else (),
    )


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.__name__)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_word_crosses(word: type[Word], data: st.DataObject) -> None:
    for optionals in typing.get_args(Optionals):
        envelope = in_its_envelope(data.draw(words(word, optionals)))
        codec = CODECS["Command" if isinstance(envelope, CommandRecord) else "CommandOutcome"]

        payload = codec.encode(envelope)

        assert payload == by_fastavro(codec.contract, envelope)
        assert codec.decode(payload) == envelope


def test_threads_may_meet_a_word_for_the_first_time_together() -> None:
    fresh = Codec(CommandRecord, COMMAND_LIMITS)
    before = in_its_envelope(Unparsed(command_type="X", json="{}"))
    record = in_its_envelope(StartBillingPeriod(account_id="A-1", number=3))
    assert isinstance(before, CommandRecord)
    assert isinstance(record, CommandRecord)
    assert fresh.decode(fresh.encode(before)) == before
    together = threading.Barrier(8)

    def cross(_: int) -> CommandRecord:
        together.wait()
        return fresh.decode(fresh.encode(record))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(cross, range(8))) == [record] * 8
    assert fresh.encode(record) == by_fastavro("Command", record)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(transaction=words(BusinessTransaction), outcome=words(CommandOutcome))
def test_an_answer_shares_its_entities_and_is_sealed(transaction: BusinessTransaction, outcome: CommandOutcome) -> None:
    entities = tuple(change.entity for change in transaction.changes if change.entity is not None)
    outcome = msgspec.structs.replace(outcome, entities=entities)

    payload, digest, outcome_payload = encode_answer(transaction, outcome)

    assert digest == hashlib.sha256(payload[:-32]).digest() == payload[-32:]
    assert payload == by_fastavro("BusinessTransaction", msgspec.structs.replace(transaction, hash=digest))
    assert outcome_payload == by_fastavro("CommandOutcome", outcome)
    assert TRANSACTION.decode(payload).hash == digest


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(transaction=words(BusinessTransaction))
def test_a_hash_of_another_length_is_a_bug_of_ours(transaction: BusinessTransaction) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TRANSACTION.encode(msgspec.structs.replace(transaction, hash=b"short"))
