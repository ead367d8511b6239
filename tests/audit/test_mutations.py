"""One record flipped, dropped, moved or inserted: the auditor finds every one of them (F28)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import msgspec
import pytest

from schemas import codec, wire
from state.source import SOURCE_KEY
from streams.engine.boundary import SourceRecord
from tests.audit.made_log import PARTITIONS, TOPOLOGY, MadeLog, findings, ordered
from tests.faults.load import Load

SEED = 20261121
ROUNDS = 6
POISON = (b"nonsense", b"\x00\x00\x00\x00\x07abc")
ANSWERS = (TOPOLOGY.transactions, TOPOLOGY.outcomes)
CHANGELOGS = tuple(TOPOLOGY.changelogs.values())

Records = list[SourceRecord]
Mutation = Callable[[Records, Random], str | None]
"""Changes the records of one topic's partition in place and says what it did; None where it found nothing to change."""


@pytest.fixture(scope="module")
def good() -> MadeLog:
    return ordered(Load(SEED, customers=6), 90, poison=POISON).decide()


def changed(records: Records, place: int, *, key: bytes | None = None, value: bytes | None = None) -> None:
    record = records[place]
    records[place] = msgspec.structs.replace(record, key=key or record.key, value=value or record.value)


def flipped(raw: bytes, draw: Random) -> bytes:
    place, bit = draw.randrange(len(raw)), draw.randrange(8)
    return raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]


def flip_a_bit(records: Records, draw: Random) -> str:
    place = draw.randrange(len(records))
    changed(records, place, value=flipped(records[place].value or b"", draw))
    return f"{records[place].offset} flipped"


def flip_the_key(records: Records, draw: Random) -> str:
    place = draw.randrange(len(records))
    changed(records, place, key=flipped(records[place].key or b"", draw))
    return f"{records[place].offset} under another key"


def cut_the_end(records: Records, draw: Random) -> str:
    place = draw.randrange(len(records))
    changed(records, place, value=(records[place].value or b"")[: -draw.randrange(1, 30)])
    return f"{records[place].offset} cut"


def drop(records: Records, draw: Random) -> str:
    return f"{records.pop(draw.randrange(len(records))).offset} dropped"


def drop_the_last(records: Records, draw: Random) -> str:
    return f"{records.pop().offset} dropped"


def move(records: Records, draw: Random) -> str:
    one, other = draw.sample(range(len(records)), 2)
    record = records.pop(one)
    records.insert(other, record)
    return f"{record.offset} moved to {other}"


def repeat(records: Records, draw: Random) -> str:
    record = draw.choice(records)
    records.insert(draw.randrange(len(records) + 1), record)
    return f"{record.offset} doubled"


def exchange_values(records: Records, draw: Random) -> str | None:
    one, other = draw.sample(range(len(records)), 2)
    if records[one].value == records[other].value:
        return None
    first, second = records[one].value, records[other].value
    changed(records, one, value=second)
    changed(records, other, value=first)
    return f"{one} and {other} exchanged"


def forge(records: Records, draw: Random) -> str:
    """A record more, well made: a transaction behind its customer's last, an outcome behind the last cause."""
    record = records[-1]
    schema_id, payload = wire.unframe(record.value)
    if record.topic == TOPOLOGY.outcomes:
        outcome = codec.OUTCOME.decode(payload)
        cause = msgspec.structs.replace(outcome.cause, position=outcome.cause.position + 1)
        forged = codec.OUTCOME.encode(msgspec.structs.replace(outcome, cause=cause))
    else:
        last = codec.TRANSACTION.decode(payload)
        cause = msgspec.structs.replace(last.cause, offset=last.cause.offset + 1)
        following = msgspec.structs.replace(last, sequence=last.sequence + 1, previous_hash=last.hash, cause=cause)
        forged = codec.TRANSACTION.seal(following)[0]
    records.append(msgspec.structs.replace(record, offset=record.offset + 1, value=wire.frame(schema_id, forged)))
    return f"{record.offset + 1} forged"


def rewrite_history(records: Records, draw: Random) -> str | None:
    """One transaction says something else, and the chain behind it is made to fit."""
    if records[0].topic != TOPOLOGY.transactions:
        return None
    first = draw.randrange(len(records))
    customer, digest = records[first].key, b""
    for place in range(first, len(records)):
        if records[place].key != customer:
            continue
        schema_id, payload = wire.unframe(records[place].value)
        transaction = codec.TRANSACTION.decode(payload)
        if place == first:
            transaction = msgspec.structs.replace(transaction, performed_by="somebody else")
        else:
            transaction = msgspec.structs.replace(transaction, previous_hash=digest)
        payload, digest = codec.TRANSACTION.seal(transaction)
        changed(records, place, value=wire.frame(schema_id, payload))
    return f"{first} rewritten, the chain behind it too"


OF_ANSWERS = (
    flip_a_bit,
    flip_the_key,
    cut_the_end,
    drop,
    drop_the_last,
    move,
    repeat,
    exchange_values,
    forge,
    rewrite_history,
)


@pytest.mark.parametrize("mutation", OF_ANSWERS, ids=lambda mutation: mutation.__name__)
def test_every_changed_transaction_and_outcome_is_found(mutation: Mutation, good: MadeLog) -> None:
    tried = found = 0
    for topic in ANSWERS:
        for round_ in range(ROUNDS):
            draw = Random(f"{SEED}/{mutation.__name__}/{topic}/{round_}")
            mutated, spot = good.copy(), (topic, draw.randrange(PARTITIONS))
            said = mutation(mutated.topics[spot], draw)
            if said is None or mutated.topics[spot] == good.topics[spot]:
                continue
            told = findings(mutated.audit(spot[1]))
            tried += 1
            found += bool(told)
            assert told, f"seed {SEED}, {spot}, {said}: not found"
    print(f"\n{mutation.__name__}: seed {SEED}, {found} of {tried} found")
    assert tried


def test_the_first_wrong_record_is_named(good: MadeLog) -> None:
    for topic in ANSWERS:
        for place in (0, 7, -1):
            mutated = good.copy()
            records = mutated.topics[topic, 1]
            changed(records, place, value=flipped(records[place].value or b"", Random(SEED)))
            (told,) = findings(mutated.audit(1))
            assert f"{topic}, partition 1, offset {records[place].offset}:" in told


@pytest.mark.parametrize("topic", CHANGELOGS)
def test_every_row_of_the_changelogs_counts(topic: str, good: MadeLog) -> None:
    draw = Random(SEED)
    for round_ in range(2 * ROUNDS):
        mutated = good.copy()
        records = mutated.topics[topic, 1]
        last = {record.key: place for place, record in enumerate(records)}
        alive = [place for key, place in last.items() if key != SOURCE_KEY and records[place].value]
        place = draw.choice(alive)
        if round_ % 3 == 0:
            changed(records, place, value=flipped(records[place].value or b"", draw))
        elif round_ % 3 == 1:
            records[place] = msgspec.structs.replace(records[place], value=None)
        else:
            changed(records, place, key=(records[place].key or b"") + b"x")
        (told,) = findings(mutated.audit(1))
        assert topic in told


def test_a_dead_letter_too_many_or_too_few_or_of_other_bytes_is_found(good: MadeLog) -> None:
    letters = good.topics[TOPOLOGY.dead_letters, 0]
    for place, _ in enumerate(letters):
        for what in ("dropped", "doubled", "other bytes"):
            mutated = good.copy()
            records = mutated.topics[TOPOLOGY.dead_letters, 0]
            if what == "dropped":
                del records[place]
            elif what == "doubled":
                records.append(records[place])
            else:
                changed(records, place, value=b"other")
            assert findings(mutated.audit()), what


def test_a_command_that_left_the_log_is_missed_by_its_answers(good: MadeLog) -> None:
    counted: Counter[str] = Counter()
    for place in range(0, len(good.topics[TOPOLOGY.commands, 0]), 7):
        mutated = good.copy()
        del mutated.topics[TOPOLOGY.commands, 0][place]
        (told,) = findings(mutated.audit(0))
        counted[told.partition(":")[0]] += 1
    assert set(counted) == {"I1"}
