"""What nobody should send, and what is sent more than once."""

from __future__ import annotations

from collections import defaultdict
from threading import Barrier, Thread

import msgspec
import psutil
import pytest

from schemas import wire
from schemas.accounts import CreateAccount, ExecutePlannedStateChange
from schemas.envelope import CommandOutcome, CommandRecord, Status, Unparsed
from schemas.fields import Command
from schemas.partition import partition_of
from schemas.refusals import Code
from tests.faults.load import Sent, framed
from tests.faults.rig import PARTITIONS, RESTORED, Rig

COMMAND = wire.prefix(wire.local_id("Command"))
UNKNOWN = wire.prefix(2**31 - 1)
BATCH_BYTES = 990_000
"""The largest record that the commands topic takes; a command may have a quarter of it."""
NEGATIVE = b"\x01"  # Avro's -1
HUGE = b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"  # a count or length of 2^62 - 1
MEMORY_BYTES = 200 << 20


def command(customer_id: str, command_id: str, body: Command) -> CommandRecord:
    return CommandRecord(command_id=command_id, customer_id=customer_id, source="crm", performed_by="test", body=body)


def poison(rig: Rig) -> dict[str, Sent]:
    """Records that are no commands, by what is wrong with them."""
    good = command("c0", "poisoned", CreateAccount(account_profile="mobile", custom_attributes={"a": "b"}))
    value = framed(good).value
    length = bytes([2 * len("poisoned")])
    draw = rig.load.random
    broken = {
        "no bytes": b"",
        "bad magic": b"\x01" + value[1:],
        "prefix only": COMMAND,
        "truncated": value[:-3],
        "bytes behind": value + b"x",
        "negative length": value.replace(length + b"poisoned", NEGATIVE + b"poisoned"),
        "length bomb": value.replace(length + b"poisoned", HUGE + b"poisoned"),
        "count bomb": value.replace(b"\x02\x02a\x02b", HUGE + b"\x02a\x02b"),
        "negative count": value.replace(b"\x02\x02a\x02b", NEGATIVE + HUGE + b"\x02a\x02b"),
        "not UTF-8": value.replace(b"poisoned", b"\xff" * 8),
        "another contract": wire.prefix(wire.local_id("CommandOutcome")) + value[5:],
        "a megabyte": COMMAND + bytes(BATCH_BYTES),
        "too long a command": framed(command("c0", "long", Unparsed(command_type="X", json="x" * 300_000))).value,
    }
    for number in range(10):
        broken[f"random {number}"] = COMMAND + draw.randbytes(draw.randrange(1, 300))
    sent = {what: Sent("c0", raw) for what, raw in broken.items()}
    sent["another key"] = Sent("c1", value)
    sent["no key"] = Sent("", value)
    forged = ExecutePlannedStateChange(account_id="a0", change_id="forged")
    sent["a forged clock command"] = framed(command("c0", "forged", forged))
    return sent


def test_poison_becomes_a_dead_letter_and_the_line_goes_on(rig: Rig) -> None:
    """F12."""
    worker = rig.worker()
    rig.send(300)
    worker.wait_for(RESTORED)
    rig.settled()
    before = psutil.Process(worker.process.pid).memory_info().rss
    poisonous = poison(rig)
    for sent in poisonous.values():
        rig.put(sent)
        rig.send(5)
    strange = framed(command("c2", "strange", CreateAccount(account_profile="mobile")))
    rig.put(strange, partition=1 - partition_of("c2", PARTITIONS))
    rig.settled()

    grown = psutil.Process(worker.process.pid).memory_info().rss - before
    letters = list(rig.records(rig.topology.dead_letters))
    reasons = {bytes(letter.value or b""): dict(letter.headers)["billfold.reason"].decode() for letter in letters}
    worker.stop()
    for what, sent in poisonous.items():
        print(f"{what}: {reasons.get(sent.value)}")
    print(f"memory grew by {grown >> 20} MiB")
    assert {what for what, sent in poisonous.items() if sent.value not in reasons} == set()
    assert reasons[strange.value] == "WRONG_PARTITION"
    assert len(letters) == len(poisonous) + 1
    assert grown < MEMORY_BYTES
    rig.check()


def test_an_unknown_schema_halts_its_partition_for_a_while_and_then_is_a_dead_letter(rig: Rig) -> None:
    worker = rig.worker(BILLFOLD_UPGRADE_SECONDS="2")
    unknown = Sent("c0", UNKNOWN + b"of a newer release")
    rig.put(unknown)
    rig.send(100)
    rig.settled()

    (letter,) = rig.records(rig.topology.dead_letters)
    assert (letter.value, dict(letter.headers)["billfold.reason"]) == (unknown.value, b"UNKNOWN_SCHEMA")
    assert "is not known" in worker.said()
    worker.stop()
    rig.check()


@pytest.mark.parametrize("killed", [False, True])
def test_the_same_id_many_times_at_once_is_decided_once(rig: Rig, *, killed: bool) -> None:
    """F10, F11."""
    ids = [f"twice-{number}" for number in range(40)]
    same = [framed(command(f"c{number}", name, profile("mobile"))) for number, name in enumerate(ids)]
    other = [framed(command(f"c{number}", name, profile("business"))) for number, name in enumerate(ids)]
    worker = rig.worker(**({"FAULT": "produced:kill:2"} if killed else {}))
    at_once = Barrier(4)

    def send(commands: list[Sent]) -> None:
        producer = rig.new_producer()
        at_once.wait()
        for sent in commands:
            rig.put(sent, producer)
        producer.flush()

    senders = [Thread(target=send, args=(commands,)) for commands in (same, same, other, same + other)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if killed:
        assert worker.ended() < 0
        worker = rig.worker()
    rig.settled()

    told = defaultdict[str, list[CommandOutcome]](list)
    for outcome in rig.outcomes():
        told[outcome.command_id].append(outcome)
    assert {name: len(told[name]) for name in ids} == dict.fromkeys(ids, 5)
    for name in ids:
        check_one(told[name])
    worker.stop()
    rig.check()


def profile(name: str) -> CreateAccount:
    return CreateAccount(account_id="a", account_profile=name)


def check_one(outcomes: list[CommandOutcome]) -> None:
    """One answer, the same again for the same payload, a conflict for the other one."""
    first, *others = outcomes
    assert (first.status, first.repeated) == (Status.COMPLETED, False)
    conflicts = [found for found in others if found.status is Status.REJECTED]
    assert len(conflicts) in (2, 3)  # whichever payload came first
    assert {violation.code for found in conflicts for violation in found.violations} == {Code.IDEMPOTENCY_CONFLICT}
    for again in others:
        if again not in conflicts:
            expected = msgspec.structs.replace(
                first, repeated=True, cause=again.cause, recorded_at=again.recorded_at, entities=()
            )
            assert again == expected
