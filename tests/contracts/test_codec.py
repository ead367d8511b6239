"""The compiled codec says what fastavro says, byte for byte."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import CATALOG, COMMAND, OUTCOME, PROVISIONING, TRANSACTION, Codec, encode_answer
from schemas.contracts import CONTRACTS, schema_of
from schemas.envelope import BusinessTransaction, CommandOutcome
from schemas.fields import Word
from tests.contracts.drawing import BRANCHES, for_fastavro, words

CODECS: dict[str, Codec[Any]] = {
    codec.contract: codec for codec in (COMMAND, TRANSACTION, OUTCOME, CATALOG, PROVISIONING)
}
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


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.__name__)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_word_crosses(word: type[Word], data: st.DataObject) -> None:
    contract, place = next(
        (contract, place)
        for (contract, place), union in zip(
            (("Command", "body"), ("CommandOutcome", "events"), ("CommandOutcome", "entities")),
            BRANCHES.values(),
            strict=True,
        )
        if word in union
    )
    value = data.draw(words(word))
    envelope = msgspec.structs.replace(
        data.draw(words(CONTRACTS[contract])), **{place: value if place == "body" else (value,)}
    )

    payload = CODECS[contract].encode(envelope)

    assert payload == by_fastavro(contract, envelope)
    assert CODECS[contract].decode(payload) == envelope


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
