"""The audit of one partition: its commands in order, with everything that was published because of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from processors.answering import Received
from schemas.catalog import Catalog
from state.source import STATE_VERSION, SourceEntry
from streams.audit.answers import Given, paired
from streams.audit.findings import Finding, Unsound, wrong
from streams.audit.folding import Fold
from streams.audit.replaying import BUG, BUG_IN_DUE_WORK, Replay
from streams.audit.scratch import Scratch
from streams.audit.tables import compare_tables
from streams.engine.boundary import Halt, SourceRecord
from streams.topology import Topology
from streams.worker import DeadLetter

UNKNOWN_SCHEMA = "UNKNOWN_SCHEMA"


class Letter(msgspec.Struct, frozen=True):
    """What is kept of a dead letter: its own coordinates, why it is one, and what tells its bytes from others."""

    record: SourceRecord
    """Without its value."""
    reason: str
    digest: bytes


@dataclass
class PartitionLog:
    """Everything about one partition. Iterators are read once, in the order of offsets, committed records only."""

    number: int
    commands: Iterator[SourceRecord]
    transactions: Iterator[SourceRecord]
    outcomes: Iterator[SourceRecord]
    letters: dict[int, list[Letter]]
    """By the offset of the command that they are about. Emptied by the audit."""
    changelogs: Scratch
    """What both changelogs add up to, each row behind eight bytes with its offset."""
    reach: SourceEntry
    """How far the commands were decided when the changelog was read, from the changelog itself."""
    later: Callable[[], SourceEntry]
    """The same now: workers may have gone on while the audit reads. Asked only where something lies beyond `reach`."""
    only: str | None = None
    """The one customer whose records these are; None: every record of the partition is here."""


@dataclass(frozen=True)
class Judge:
    """What a log is judged by."""

    topology: Topology
    catalogs: Mapping[int, Catalog]
    read: Callable[[SourceRecord], Received]
    """The worker's own reading of a record. Raises DeadLetter."""
    digest: Callable[[bytes | None], bytes]
    scratch: Callable[[str], Scratch]
    """Opens scratch tables by name."""
    now: datetime
    """Answers that expired before may be gone from their changelog."""


@dataclass
class Tally:
    """What was looked at, and the first record that is wrong."""

    commands: int = 0
    outcomes: int = 0
    transactions: int = 0
    dead_letters: int = 0
    rows: int = 0
    customers: int = 0
    waiting: int = 0
    """Commands that nobody has decided yet."""
    findings: list[Finding] = field(default_factory=list)


def audit_partition(log: PartitionLog, judge: Judge, advance: Callable[[], None] = lambda: None) -> Tally:
    """Check I1, I2, I3, I5 and I7 in one pass over a partition; ends at the first record that is wrong.

    1. Transactions and outcomes, each by itself: hash, chain, sequence, order of causes (I2, I5, I7).
    2. Paired by cause, and laid beside the command that led to them: each command has its answers, and no answer is
       without its command (I1).
    3. Each command is decided again: the same answers, byte for byte (I3).
    4. The events are folded: the same entities as in the transactions (I3).
    5. Replay, fold and changelogs hold the same rows (I3).

    Memory is flat, rows are on disk: some times the size of a partition's state. In memory are only the dead letters,
    without their bytes, some 300 bytes each, and while tables are compared the rows of one customer.
    """
    tally = Tally()
    scratch = [judge.scratch(f"{name}-{log.number}") for name in ("replayed", "folded")]
    try:
        _Walk(log, judge, tally, *scratch).walk(advance)
    except Unsound as unsound:
        tally.findings.append(unsound.finding)
    finally:
        for each in scratch:
            each.close()
    return tally


class _Walk:
    def __init__(self, log: PartitionLog, judge: Judge, tally: Tally, replayed: Scratch, folded: Scratch) -> None:
        self.log, self.judge, self.tally = log, judge, tally
        self.replayed, self.folded = replayed, folded
        self.replay, self.fold = Replay(judge.catalogs, replayed), Fold(folded)
        self.answers = paired(log.transactions, log.outcomes, judge.topology.partitions, folded)  # 1
        self.ahead = next(self.answers, None)

    def walk(self, advance: Callable[[], None]) -> None:
        reach = self.log.reach
        assert reach.version <= STATE_VERSION, "a newer worker wrote this state: audit with its release"
        for record in self.log.commands:
            if (record.offset, 0) >= (reach.offset, reach.answered):
                self.tally.waiting += 1
                continue
            self.command(record)
            advance()
        self.rest()
        self.tally.rows, self.tally.customers = compare_tables(  # 5
            self.log.number, self.judge, self.replayed, self.folded, self.log.changelogs, only=self.log.only
        )

    def command(self, record: SourceRecord) -> None:
        """One command, with all of its answers and dead letters."""
        whole = record.offset < self.log.reach.offset
        given = self.answers_of(record, whole=whole)  # 2
        letters = self.log.letters.pop(record.offset, [])
        due = self.decided_again(record, given, [letter.reason for letter in letters], whole=whole)  # 3
        if whole or letters:
            self.compare_letters(record, letters, due)
        for published in given:
            if published.transaction is not None and published.transaction_record is not None:
                self.fold.take(published.transaction, published.transaction_record)  # 4
        self.tally.commands += 1
        self.tally.outcomes += len(given)
        self.tally.transactions += sum(1 for published in given if published.transaction)
        self.tally.dead_letters += len(letters)

    def decided_again(self, record: SourceRecord, given: list[Given], reasons: list[str], *, whole: bool) -> list[str]:
        """Compare the answers with a replay; returns the reasons of the dead letters that the command must have."""
        try:
            received = self.judge.read(record)
        except DeadLetter as unreadable:
            reason = str(unreadable).partition(" ")[0]
        except Halt:
            raise  # a registry does not answer: nothing can be said
        except Exception:  # noqa: BLE001  # a bug in reading, which cost the command its answer but not its dead letter
            reason = BUG
        else:
            # A schema that was unknown then may be known now: the letter is taken as given, as recorded bugs are.
            taken = not given and reasons == [UNKNOWN_SCHEMA]
            return reasons if taken else self.replay.compare(record, received, given, whole=whole)
        if given:
            wrong("I1", given[0].record, f"no answer: command {record.offset} cannot be read", "an answer")
        return [reason]

    def answers_of(self, record: SourceRecord, *, whole: bool) -> list[Given]:
        """Take the answers with this cause: positions without gaps, each a pair where something changed."""
        end = (record.offset + 1, 0) if whole else (record.offset, self.log.reach.answered)
        found: list[Given] = []
        while (published := self.ahead) is not None and published.place < end:
            self.ahead = next(self.answers, None)
            if published.place != (record.offset, len(found)):
                cause = f"cause {published.place}"
                wrong("I1", published.record, f"an answer with cause {(record.offset, len(found))} or later", cause)
            check_pair(published)
            found.append(published)
        return found

    def compare_letters(self, record: SourceRecord, letters: Sequence[Letter], due: list[str]) -> None:
        """Exactly the dead letters that this command must have; its own holds its bytes, untouched."""
        reasons = [letter.reason for letter in letters]
        if reasons != due:
            place = letters[-1].record if len(letters) > len(due) else record
            wrong("I1", place, f"dead letters {due} of command {record.offset}", f"{reasons}")
        for letter in letters:
            if letter.reason != BUG_IN_DUE_WORK and (
                letter.record.key != record.key or letter.digest != self.judge.digest(record.value)
            ):
                wrong("I1", letter.record, f"key and bytes of command {record.offset}, untouched", "other bytes")

    def rest(self) -> None:
        """What is left over when all commands are seen belongs to commands that were decided in the meantime."""
        reach = self.log.reach.offset, self.log.reach.answered
        now = reach
        while (published := self.ahead) is not None:
            if published.place >= now:
                entry = self.log.later()
                now = entry.offset, entry.answered
            if not reach <= published.place < now:
                wrong("I1", published.record, "a command in the log that led to it", f"cause {published.place}")
            self.ahead = next(self.answers, None)
        for offset, letters in sorted(self.log.letters.items() if self.log.only is None else ()):
            if offset < reach[0] or offset > self.log.later().offset:
                wrong("I1", letters[0].record, "a command in the log that led to it", f"origin {offset}")


def check_pair(published: Given) -> None:
    """An outcome names its transaction, and a transaction has its outcome."""
    outcome, transaction = published.outcome, published.transaction
    if outcome is None:
        wrong("I1", published.record, f"an outcome with cause {published.place} beside it", "none")
    named = None if outcome.repeated else outcome.transaction_id
    if transaction is None:
        if named is not None:
            wrong("I2", published.record, f"transaction {named} with cause {published.place}", "none")
    elif (named, outcome.sequence) != (transaction.transaction_id, transaction.sequence):
        assert published.transaction_record is not None
        expected = f"transaction {outcome.sequence} {named}, as the outcome says"
        wrong("I2", published.transaction_record, expected, f"{transaction.sequence} {transaction.transaction_id}")
