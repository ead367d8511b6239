"""The committing half of a turn against a producer that fails as Kafka does."""

# ruff: noqa: ARG002 - the calls have the signatures of confluent-kafka

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from state.restore import Names
from state.source import STATE_VERSION, SourceEntry
from state.tables import Tables
from streams.engine.boundary import Decided, Outgoing
from streams.engine.session import Session
from streams.engine.turn import Turn
from tests.engine.test_deciding import MemoryDisk

NAMES = Names("commands", {"state": "state.log", "answers": "answers.log"})


def failure(code: int, **flags: bool) -> KafkaException:
    return KafkaException(KafkaError(code, "as told", **flags))


class Sender:
    """Notes the calls; fails where told to."""

    def __init__(self, calls: list[str], failures: dict[str, list[KafkaException]]) -> None:
        self.calls, self.failures, self.full = calls, failures, 0

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.failures.get(name):
            raise self.failures[name].pop(0)

    def init_transactions(self, timeout: float) -> None:
        self._call("init")

    def begin_transaction(self) -> None:
        self._call("begin")

    def produce(self, *arguments: Any, **headers: Any) -> None:
        if self.full:
            self.full -= 1
            raise BufferError
        self.calls.append(f"produce {arguments[0]}")

    def poll(self, timeout: float) -> int:
        return 0

    def send_offsets_to_transaction(self, positions: list[Any], group: Any, timeout: float) -> None:
        self._call(f"offsets {positions[0].offset} {group}")

    def commit_transaction(self, timeout: float) -> None:
        self._call("commit")

    def abort_transaction(self, timeout: float) -> None:
        self._call("abort")


class Rig:
    """A session, and what became of its producers."""

    def __init__(self, **failures: list[KafkaException]) -> None:
        self.calls: list[str] = []
        self.failures = failures
        self.senders: list[Sender] = []
        self.disturb: Callable[[Any], None] = print
        self.session = Session(self.new, NAMES, 0.2, lambda _: None)
        self.session.open()

    def new(self, disturbed: Callable[[Any], None]) -> Sender:
        self.disturb = disturbed
        self.senders.append(Sender(self.calls, self.failures))
        return self.senders[-1]

    def commit(self) -> None:
        tables = Tables(MemoryDisk())
        turn = Turn({0: tables}, {0: SourceEntry(STATE_VERSION, 7)})
        turn.take(tables, Decided(state={b"k": b"v"}, records=[Outgoing("out", b"k", b"v")]))
        self.session.commit(turn, "membership")


WHOLE = ["begin", "produce state.log", "produce out", "offsets 7 membership", "commit"]


def test_a_turn_is_changelogs_then_records_then_offsets_then_commit() -> None:
    rig = Rig()
    rig.commit()
    assert rig.calls == ["init", *WHOLE]


def test_after_an_abort_under_the_same_membership_the_turn_is_tried_again_whole() -> None:
    rig = Rig(commit=[failure(KafkaError.COORDINATOR_NOT_AVAILABLE, txn_requires_abort=True)])
    rig.commit()
    assert rig.calls == ["init", *WHOLE, "abort", *WHOLE]


@pytest.mark.parametrize("code", [KafkaError.ILLEGAL_GENERATION, KafkaError.FENCED_INSTANCE_ID])
def test_a_lost_membership_aborts_and_is_final(code: int) -> None:
    rig = Rig()
    rig.failures["offsets 7 membership"] = [failure(code, txn_requires_abort=True)]
    with pytest.raises(KafkaException):
        rig.commit()
    assert rig.calls[-1] == "abort"


def test_a_fence_is_final_at_once() -> None:
    rig = Rig(commit=[failure(KafkaError._FENCED, fatal=True)])
    with pytest.raises(KafkaException):
        rig.commit()
    assert "abort" not in rig.calls


def test_an_unknown_outcome_is_asked_for_again_and_the_next_turn_has_a_new_session() -> None:
    rig = Rig(commit=[failure(KafkaError._TIMED_OUT, retriable=True)])
    rig.commit()
    assert rig.calls == ["init", *WHOLE, "commit"]
    rig.commit()
    assert rig.calls[-6:] == ["init", *WHOLE]


def test_a_commit_that_stays_unknown_longer_than_a_transaction_lives_is_final() -> None:
    rig = Rig(commit=[failure(KafkaError._TIMED_OUT, retriable=True)] * 10**5)
    with pytest.raises(KafkaException):
        rig.commit()


def test_a_disturbed_connection_gets_a_new_session_before_the_next_turn() -> None:
    rig = Rig()
    rig.disturb("broker down")
    rig.commit()
    assert (rig.calls, len(rig.senders)) == (["init", "init", *WHOLE], 2)


def test_a_full_queue_is_let_run_empty() -> None:
    rig = Rig()
    rig.senders[0].full = 3
    rig.commit()
    assert rig.calls == ["init", *WHOLE]
