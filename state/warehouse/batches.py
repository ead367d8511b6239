"""What the sink hands to a warehouse, and how a warehouse refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from state.warehouse.columns import Rows


class WarehouseUnfit(Exception):
    """The database cannot be the warehouse of these topics. The sentence says what to do."""


class WarehouseAway(WarehouseUnfit):
    """The database does not answer, or cannot write now. Nothing of an open batch was written; it can be tried again.

    Whether a batch whose commit was under way is there, only the offsets tell: read them anew.
    """


class WarehouseUnreachable(WarehouseAway):
    """Nobody answers at the address, or lets us in."""


class WarehouseLocked(Exception):
    """Somebody else writes there. `holder` names him."""

    def __init__(self, sentence: str, holder: str) -> None:
        super().__init__(sentence)
        self.holder = holder


class Source(NamedTuple):
    """A topic that rows come from."""

    topic: str
    cluster_id: str
    topic_id: str
    partitions: int


class Gap(NamedTuple):
    """A transaction that does not continue its customer's sequence."""

    kafka_partition: int
    kafka_offset: int
    published_at: datetime
    customer_id: str
    expected: int
    found: int


class Advance(NamedTuple):
    """How far a batch moves one partition."""

    topic: str
    partition: int
    before: int
    after: int


@dataclass
class Batch:
    """What one database transaction writes."""

    rows: dict[str, Rows] = field(default_factory=dict)
    """Table -> rows, with the table's columns in its order."""
    gaps: list[Gap] = field(default_factory=list)
    advances: list[Advance] = field(default_factory=list)


def difference(known: Source, found: Source) -> str | None:
    """In which way a topic is another one than the rows came from; None if it is the same."""
    if known.cluster_id != found.cluster_id:
        return f"its cluster was {known.cluster_id}, this one is {found.cluster_id}"
    if known.topic_id != found.topic_id:
        return f"its id was {known.topic_id}, this one has {found.topic_id}: the topic was deleted and made anew"
    if known.partitions != found.partitions:
        return f"it had {known.partitions} partitions, this one has {found.partitions}"
    return None
