"""Replay, fold and changelogs, row by row: after the same commands they hold the same (I3)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from processors.remembering import RETENTION
from schemas.rows import NEXT_DUE, Answer
from schemas.words import ENTITIES
from state.source import SOURCE_KEY
from streams.audit.findings import Finding, Unsound, shown
from streams.audit.scratch import Scratch

if TYPE_CHECKING:
    from streams.audit.partition import Judge

OFFSET_BYTES = 8
LENGTH_BYTES = 2
MOMENT_BYTES = 8
Rows = Iterator[tuple[bytes, bytes]]

_answers = msgspec.msgpack.Decoder(Answer)


def with_offset(offset: int, row: bytes) -> bytes:
    """A row of a changelog as the scratch tables keep it, so that the record can be named that is wrong."""
    return offset.to_bytes(OFFSET_BYTES, "big") + row


def compare_tables(
    number: int, judge: Judge, replayed: Scratch, folded: Scratch, changelogs: Scratch, *, only: str | None
) -> tuple[int, int]:
    """Compare all rows; returns how many rows, and of how many customers. Raises Unsound at the first other one.

    1. State: fold against changelog, the entities. 2. State: replay against changelog, every row.
    3. Answers: replay against changelog; what has expired may be gone from there.
    """
    topics = judge.topology.changelogs
    entities = (row for row in _of(changelogs.rows("state"), only) if _kind(row[0]) in ENTITIES)
    fold = Comparison(number, topics["state"])
    fold.rows(folded.rows("state"), entities, "the fold of the transactions")  # 1
    state = Comparison(number, topics["state"])
    state.rows(replayed.rows("state"), _of(changelogs.rows("state"), only), "the replay of the commands")  # 2
    answers = Comparison(number, topics["answers"], gone=lambda row: has_expired(row, judge.now))
    answers.rows(replayed.rows("answers"), _of(changelogs.rows("answers"), only), "the replay of the commands")  # 3
    return state.count + answers.count, fold.customers


class Comparison:
    """Rows that must be there beside those of a changelog, counted."""

    def __init__(self, number: int, topic: str, gone: Callable[[bytes], bool] = lambda _: False) -> None:
        self.number, self.topic, self.gone = number, topic, gone
        self.count = self.customers = 0

    def rows(self, expected: Rows, changelog: Rows, by: str) -> None:
        """Both in key order, a customer at a time, so that what differs can be told with a digest of each side."""
        left, right = groupby(expected, _customer), groupby(changelog, _customer)
        mine, other = next(left, None), next(right, None)
        while mine is not None or other is not None:
            customer = min(group[0] for group in (mine, other) if group is not None)
            wanted = dict(mine[1]) if mine is not None and mine[0] == customer else {}
            found = dict(other[1]) if other is not None and other[0] == customer else {}
            self.customer(wanted, found, by)
            mine = next(left, None) if wanted else mine
            other = next(right, None) if found else other

    def customer(self, wanted: dict[bytes, bytes], found: dict[bytes, bytes], by: str) -> None:
        """One customer's rows, those of the changelog behind their offsets. Raises Unsound at the first other one."""
        self.customers += 1
        self.count += len(found)
        rows = {row_key: value[OFFSET_BYTES:] for row_key, value in found.items()}
        if rows == wanted:
            return
        for row_key in sorted(wanted.keys() | rows.keys()):
            expected, row = wanted.get(row_key), rows.get(row_key)
            if expected == row or (row is None and expected is not None and self.gone(expected)):
                continue
            stored = found.get(row_key)
            digests = f"digest of the customer {digest(wanted)} by {by}", f"{digest(rows)} in the changelog"
            raise Unsound(
                Finding(
                    invariant="I3",
                    topic=self.topic,
                    partition=self.number,
                    offset=None if stored is None else int.from_bytes(stored[:OFFSET_BYTES], "big"),
                    expected=f"{digests[0]}, row {row_key!r} = {shown(expected)}",
                    found=f"{digests[1]}, {shown(row)}",
                )
            )


def digest(rows: dict[bytes, bytes]) -> str:
    """What tells a customer's rows from others, in a dozen characters."""
    summed = hashlib.blake2b(digest_size=6)
    for row_key in sorted(rows):
        summed.update(len(row_key).to_bytes(4, "big") + row_key + len(rows[row_key]).to_bytes(4, "big") + rows[row_key])
    return summed.hexdigest()


def has_expired(row: bytes, now: datetime) -> bool:
    """Whether a remembered answer counts no more, so that its changelog may have let it go."""
    return _answers.decode(row).at + RETENTION <= now


def _of(rows: Rows, only: str | None) -> Rows:
    """Without the engine's own entry; for one customer also without the rows of the others."""
    mine = None if only is None else prefix_of(only)
    for row_key, value in rows:
        if row_key == SOURCE_KEY:
            continue
        if mine is None or row_key.startswith(mine) or (only and _is_next_due_of(row_key, only)):
            yield row_key, value


def _is_next_due_of(row_key: bytes, customer_id: str) -> bool:
    return row_key.startswith(NEXT_DUE) and row_key[len(NEXT_DUE) + MOMENT_BYTES :] == customer_id.encode()


def _customer(row: tuple[bytes, bytes]) -> bytes:
    """What all rows of a customer begin with; for a row of the partition's own due index all of it."""
    size = int.from_bytes(row[0][:LENGTH_BYTES], "big")
    return row[0][: LENGTH_BYTES + size] if size else row[0]


def _kind(row_key: bytes) -> str:
    """The kind of a row."""
    at = LENGTH_BYTES + int.from_bytes(row_key[:LENGTH_BYTES], "big")
    size = int.from_bytes(row_key[at : at + LENGTH_BYTES], "big")
    return row_key[at + LENGTH_BYTES : at + LENGTH_BYTES + size].decode(errors="replace")


def prefix_of(customer_id: str) -> bytes:
    """What all rows of a customer begin with."""
    raw = customer_id.encode()
    return len(raw).to_bytes(LENGTH_BYTES, "big") + raw
