"""Every command once more through the same pure functions; each answer is compared, byte for byte (I3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from processors.answering import Answered, Memory, Received, answer, bug_answer, park_answer
from processors.catalog import in_force
from schemas import codec, wire
from schemas.catalog import Catalog
from schemas.envelope import BusinessTransaction
from schemas.refusals import Code
from schemas.schedule import DueWorkParked
from streams.audit.answers import Given, is_current
from streams.audit.findings import first_difference, wrong
from streams.audit.scratch import Scratch
from streams.engine.boundary import SourceRecord

BUG = "BUG"
BUG_IN_DUE_WORK = "BUG_IN_DUE_WORK"


class Replay:
    """One partition, decided again with the recorded catalog versions."""

    def __init__(self, catalogs: Mapping[int, Catalog], tables: Scratch) -> None:
        self._catalogs = catalogs
        self._in_order = sorted(catalogs.values(), key=attrgetter("effective_from", "version"))
        self._tables = tables
        self._version: int | None = None
        """The catalog version that the answer under way recorded; None where there is no record to follow."""

    def compare(self, record: SourceRecord, received: Received, given: Sequence[Given], *, whole: bool) -> list[str]:
        """Decide a command and compare with its published answers. Returns why dead letters belong to it.

        A recorded bug is taken as given: an INTERNAL_ERROR of the command itself, and due work that was set aside.
        Where only the first answers of a command are given so far, `whole` is False and nothing is asked behind them.
        """
        memory = Memory(self._tables.state, self._tables.answers, self._catalog)
        answers = answer(received, memory)
        letters: list[str] = []
        for position, published in enumerate(given):
            assert published.outcome is not None
            self._follow(published)
            if is_bug(published):
                self._equal(published, bug_answer(received, memory, position))
                return [*letters, BUG]
            if parked(published):
                letters.append(BUG_IN_DUE_WORK)
                answered = _parked_again(received, memory, position, published)
                answers = answer(msgspec.structs.replace(received, answered=position + 1), memory)
            else:
                answered = self._next(answers, published)
            self._equal(published, answered)
            self._tables.apply(answered.state, answered.answers)
        self._version = None
        if whole and (more := next(answers, None)) is not None:
            if more.outcome is not None:
                last = given[-1].record if given else record
                what = f"{more.outcome.status} {more.outcome.command_type} {more.outcome.command_id}"
                wrong("I1", last, f"answer {len(given)} of command {record.offset} behind it: {what}", "no such answer")
            letters.append(str(more.dead_letter))
        return letters

    def _follow(self, published: Given) -> None:
        assert published.outcome is not None
        self._version = published.outcome.catalog_version
        if self._version not in self._catalogs and not published.outcome.repeated:
            wrong("I3", published.record, "a published catalog version", f"catalog version {self._version}")

    def _next(self, answers: Any, published: Given) -> Answered:
        try:
            answered: Answered | None = next(answers, None)
        except Exception as bug:  # noqa: BLE001  # whatever a decision raises here, it did not raise when it was published
            wrong("I3", published.record, "a decision, as it was published", f"the replay raises {bug!r}")
        if answered is None or answered.outcome is None:
            wrong("I3", published.record, "no answer: the replay gives none", "an answer")
        return answered

    def _catalog(self, at: datetime) -> Catalog:
        if self._version is not None and self._version in self._catalogs:
            return self._catalogs[self._version]
        return in_force(self._in_order, at) or self._in_order[0]

    def _equal(self, published: Given, answered: Answered) -> None:
        """The same transaction and the same outcome."""
        if (published.transaction is None) != (answered.transaction is None):
            there, not_there = "a transaction", "no transaction"
            expected, found = (there, not_there) if answered.transaction else (not_there, there)
            wrong("I3", published.record, f"{expected} with this cause", found)
        if published.transaction is not None:
            assert published.transaction_record is not None
            words, payload = (published.transaction, answered.transaction), answered.transaction_payload
            self._same(codec.TRANSACTION, published.transaction_record, *words, payload)
        assert published.outcome_record is not None
        answers = published.outcome, answered.outcome
        self._same(codec.OUTCOME, published.outcome_record, *answers, answered.outcome_payload)

    def _same(self, contract: codec.Codec[Any], record: SourceRecord, word: Any, again: Any, payload: bytes) -> None:
        """Byte for byte; where an older contract wrote the record, word for word but for the hashes over its bytes."""
        schema_id, published = wire.unframe(record.value)
        if is_current(schema_id, contract.contract):
            if published == payload:
                return
        elif isinstance(word, BusinessTransaction):
            again = msgspec.structs.replace(again, hash=word.hash, previous_hash=word.previous_hash)
        different = first_difference(again, word)
        if different is not None:
            path, expected, found = different
            wrong("I3", record, f"{path} = {expected!r}", f"{path} = {found!r}")
        if is_current(schema_id, contract.contract):
            wrong("I3", record, "the bytes that the replay gives", "other bytes of the same word")


def is_bug(published: Given) -> bool:
    """Whether an answer says that a decision met a bug of ours."""
    assert published.outcome is not None
    codes = {found.code for found in published.outcome.violations}
    return Code.INTERNAL_ERROR in codes and not published.outcome.repeated


def parked(published: Given) -> bool:
    """Whether an answer set due work aside, because deciding it met a bug of ours."""
    changes = published.transaction.changes if published.transaction else ()
    return bool(changes) and isinstance(changes[-1].event, DueWorkParked)


def _parked_again(received: Received, memory: Memory, position: int, published: Given) -> Answered:
    """Set the same due work aside, whether or not the bug is still there."""
    again = park_answer(received, memory, position, AssertionError("a recorded bug"))
    if again is None:
        wrong("I3", published.record, "no due work to set aside: the replay finds none", "due work set aside")
    return again
