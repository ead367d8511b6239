"""A sound log is found sound, whatever is in it; what only later commands explain is passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from processors import answering, decisions
from schemas import codec, wire
from schemas.accounts import CreateAccount, ExecutePlannedStateChange
from schemas.envelope import CommandRecord
from state.source import STATE_VERSION, SourceEntry
from tests.audit.made_log import BEGIN, FIRST, SECOND, TOPOLOGY, MadeLog, append, findings, ordered
from tests.faults.load import Load, framed

pytestmark = pytest.mark.slow

POISON = (b"", b"\x07nonsense", b"\x00\x00\x00\x00\x07abc", b"\x00\x40\x00\x00\x01\xff\xff\xff")
BUGGY = "buggy"


def test_a_log_that_the_worker_made_is_sound() -> None:
    made = ordered(Load(1, customers=10), 600, poison=POISON).decide()

    tallies = made.audit()

    assert findings(tallies) == []
    assert sum(tally.commands for tally in tallies) == 615
    assert sum(tally.dead_letters for tally in tallies) == 15
    assert sum(tally.outcomes for tally in tallies) > 700  # due work has answers of its own


def test_commands_that_nobody_decided_yet_are_waiting_and_no_fault() -> None:
    load = Load(2, customers=10)
    made = ordered(load, 50).decide()
    for sent in load.commands(20, BEGIN):
        append(made, sent, BEGIN)

    tallies = made.audit()

    assert findings(tallies) == []
    assert sum(tally.waiting for tally in tallies) == 20


def test_answers_given_while_the_audit_reads_are_passed_over_and_forged_ones_are_not() -> None:
    made = ordered(Load(3, customers=10), 100).decide()
    earlier = made.copy()
    changelogs = TOPOLOGY.changelogs.values()
    half = ordered(Load(3, customers=10), 50).decide()
    for number in (0, 1):
        earlier.reach[number] = half.reach[number]
        for topic in changelogs:
            earlier.topics[topic, number] = half.topics[topic, number]
        assert findings(earlier.audit(number, later=made.reach[number])) == []

        now = made.reach[number]
        behind = SourceEntry(STATE_VERSION, now.offset - 2)
        assert "I1" in findings(earlier.audit(number, later=behind))[0]


def test_a_command_in_the_middle_of_its_answers_is_sound() -> None:
    """A turn closed between two answers of one command."""
    made = ordered(Load(4, customers=2), 60).decide()
    number, topic = 0, TOPOLOGY.outcomes
    causes = [codec.OUTCOME.decode(wire.unframe(record.value)[1]).cause for record in made.topics[topic, number]]
    last = max(cause.offset for cause in causes if cause.position == 2)
    made.reach[number] = SourceEntry(STATE_VERSION, last, 2)

    (tally,) = made.audit(number, later=SourceEntry(STATE_VERSION, last + 1000))

    # The changelogs are further on than they say here, so only the answers can be sound.
    assert [finding.topic in TOPOLOGY.changelogs.values() for finding in tally.findings] == [True]


def test_every_command_is_decided_again_with_the_catalog_version_that_decided_it() -> None:
    made = ordered(Load(7, customers=10), 100).decide(FIRST, SECOND)

    assert findings(made.audit(versions=(FIRST, SECOND))) == []
    always = msgspec.structs.replace(FIRST, version=2)
    assert any("I3" in told for told in findings(made.audit(versions=(FIRST, always))))
    assert any("catalog version 2" in told for told in findings(made.audit(versions=(FIRST,))))


def raising_decide() -> Callable[..., Any]:
    """Decisions raise for accounts of one name, and for planned changes of state."""
    decide = decisions.decide

    def raising(view: Any, command: Any, context: Any) -> Any:
        if isinstance(command, ExecutePlannedStateChange):
            raise ZeroDivisionError("a bug in due work")
        if isinstance(command, CreateAccount) and command.account_id == BUGGY:
            raise ZeroDivisionError("a bug in a command")
        return decide(view, command, context)

    return raising


def with_bugs() -> MadeLog:
    made = ordered(Load(5, customers=4), 80)
    record = CommandRecord(
        command_id="b",
        customer_id="c1",
        source="crm",
        performed_by="load",
        body=CreateAccount(account_id=BUGGY, account_profile="mobile"),
    )
    append(made, framed(record), max(records[-1].timestamp for records in made.topics.values()))
    return made.decide()


@pytest.mark.parametrize("fixed", [False, True])
def test_recorded_bugs_are_taken_as_given_before_and_after_the_fix(
    monkeypatch: pytest.MonkeyPatch, *, fixed: bool
) -> None:
    monkeypatch.setattr(answering, "decide", raising_decide())
    made = with_bugs()
    if fixed:
        monkeypatch.undo()

    reasons = [dict(record.headers)["billfold.reason"] for record in made.topics[TOPOLOGY.dead_letters, 0]]
    assert set(reasons) == {b"BUG", b"BUG_IN_DUE_WORK"}
    assert findings(made.audit()) == []


def test_a_bug_of_today_is_found_in_a_log_without_bugs(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ordered(Load(5, customers=4), 80).decide()
    monkeypatch.setattr(answering, "decide", raising_decide())

    assert any("I3" in told for told in findings(made.audit()))
