"""The pure stage: the decisions over two dicts, no Kafka, milliseconds a story."""

from __future__ import annotations

import traceback
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from processors.answering import Answered, Memory, Received, answer
from processors.catalog import check_version, in_force, successor
from schemas import codec
from schemas.catalog import Catalog
from schemas.envelope import CommandRecord
from schemas.wire import Unreadable
from streams.stories.runner import Failure, play
from streams.stories.stage import Came, NotPublished
from streams.stories.story import Story
from streams.vault import MemoryVault


class KeptRows:
    """Rows in a dict, scanned in key order."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, row_key: bytes, /) -> bytes | None:
        """The row under this key."""
        return self._rows.get(row_key)

    def scan(self, start: bytes, /) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key begins so, in key order."""
        for place in range(bisect_left(self._keys, start), len(self._keys)):
            found = self._keys[place]
            if not found.startswith(start):
                return
            yield found, self._rows[found]

    def apply(self, written: Mapping[bytes, bytes | None]) -> None:
        """Keep what an answer writes; None deletes."""
        for row_key, value in written.items():
            if value is not None:
                if row_key not in self._rows:
                    insort(self._keys, row_key)
                self._rows[row_key] = value
            elif self._rows.pop(row_key, None) is not None:
                del self._keys[bisect_left(self._keys, row_key)]


class PureStage:
    """One story's own tables, catalog versions and vault."""

    prefix = ""

    def __init__(self, seed: str) -> None:
        self.rows = KeptRows()
        self.answers = KeptRows()
        self.vault = MemoryVault(seed)
        self.versions: list[Catalog] = []
        self._sent = 0

    def send(self, record: CommandRecord, at: datetime) -> Sequence[Came]:
        """Answer a command, as a worker would that reads its bytes from a topic."""
        offset, self._sent = self._sent, self._sent + 1
        came: list[Came] = []
        try:
            command = codec.COMMAND.decode(codec.COMMAND.encode(record))
            received = Received(command=command, timestamp=at, partition=0, offset=offset)
            memory = Memory(self.rows, self.answers, self._catalog_at)
            came.extend(self._kept(answered) for answered in answer(received, memory))
        except Unreadable as unreadable:
            return [Came(dead_letter=f"UNREADABLE {unreadable}")]
        except Exception as bug:  # noqa: BLE001  # a bug of ours is what a story is to find
            came.append(Came(bug=_told(bug)))
        return came

    def publish(self, catalog: Catalog) -> None:
        """Publish the next version. Raises NotPublished."""
        previous = max(self.versions, key=lambda version: version.version, default=None)
        violations = check_version(previous, catalog)
        if violations:
            raise NotPublished(violations)
        self.versions.append(successor(previous, catalog))
        self.versions.sort(key=lambda version: (version.effective_from, version.version))

    def _catalog_at(self, moment: datetime) -> Catalog:
        """The version in force; before the first one begins, the first one, as a worker's shelf has it."""
        return in_force(self.versions, moment) or self.versions[0]

    def _kept(self, answered: Answered) -> Came:
        self.rows.apply(answered.state)
        self.answers.apply(answered.answers)
        return Came(
            outcome=answered.outcome,
            transaction=answered.transaction,
            dead_letter=answered.dead_letter,
            bug=None if answered.bug is None else _told(answered.bug),
        )


def _told(bug: Exception) -> str:
    return "".join(traceback.format_exception(bug))


def play_pure(story: Story) -> Failure | None:
    """Play a story through the pure decisions."""
    return play(story, PureStage(str(story.path)))
