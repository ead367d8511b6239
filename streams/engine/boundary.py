"""Where the engine ends and deciding begins: what a handler is given, and what it gives back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from state.tables import Tables

Headers = Sequence[tuple[str, bytes]]
NOTHING: Mapping[bytes, bytes | None] = {}


class SourceRecord(msgspec.Struct, gc=False):
    """One record of the commands topic, its bytes untouched."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime
    """The broker's (LogAppendTime), UTC."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    answered: int = 0
    """How many of its answers are given already: a turn closed in its middle, or the worker ended there."""
    waited_seconds: float = 0.0
    """How long it has been halted so far."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A record to send."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Decided(msgspec.Struct, frozen=True):
    """One decided item, applied whole or not at all. None deletes a row."""

    state: Mapping[bytes, bytes | None] = NOTHING
    answers: Mapping[bytes, bytes | None] = NOTHING
    records: Sequence[Outgoing] = ()


class Halt(Exception):
    """Raised by a handler: leave this record where it is, and hand it in again after `seconds` (60 at most).

    Only its partition waits. The handler sees in `waited_seconds` how long it has, and decides when that is enough.
    """

    def __init__(self, reason: str, seconds: float = 1.0) -> None:
        super().__init__(reason)
        self.reason, self.seconds = reason, min(seconds, 60.0)


Handle = Callable[[Tables, SourceRecord], Iterator[Decided]]
"""Decides one record, item by item. Each item is applied before the next one is asked for, so it sees the ones before.
An item that was not yet taken has changed nothing: the iterator may be thrown away between two of them, and the record
is then handed in again, with `answered` saying how many were taken."""

HandleBug = Callable[[Tables, SourceRecord, Exception], Decided]
"""What becomes of a record whose handling raised. The items before stand, `answered` counts them."""

BetweenTurns = Callable[[Mapping[int, Tables]], None]
"""Called in the loop's thread while no turn is open, with the tables of every owned partition, for reading. At least
every 0.2 s while partitions are owned, unless a turn is on. Be quick: nothing is decided meanwhile."""

Hook = Callable[[str], None]
"""Fault tests put a failure here. Called with the name of each point that a turn or a restore passes."""
