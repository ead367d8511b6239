"""Who decodes: this process, or, while there is a backlog, a few of its own. Answers come in the order of asking."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import starmap
from multiprocessing import util
from typing import Any, TypeVar

from streams.schema_ids import use_registry
from streams.settings import Settings
from streams.sink_records import Record, SinkStopped

BACKLOG_RECORDS = 1_000
"""From so many records at once on, it pays to hand them to another process."""
GARBAGE_OBJECTS = 500_000  # rows are in no cycles: looking for some among them takes a third of the time

REST_SECONDS = 60.0
AHEAD = 6
"""Bunches of records for each process, under way or done and waiting: some 4 MB each."""

Made = TypeVar("Made")
Work = Callable[[list[Record], str], Made]


class Decoders:
    """Decodes records. Processes are started when the first backlog comes, and end with this one, however it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._transactions = settings.topology.transactions
        self._executor: ProcessPoolExecutor | None = None
        self._asked = 0.0

    @property
    def at_once(self) -> int:
        """How many questions it is worth to have open: so many that processes have work while a batch is written."""
        return AHEAD * self._settings.sink_processes + 1

    def ask(self, work: Work[Made], records: list[Record]) -> Callable[[], Made]:
        """Have `work` done on records and the name of the transactions' topic; returns what to call for its result."""
        if not self._settings.sink_processes or len(records) < BACKLOG_RECORDS:
            made = work(records, self._transactions)
            return lambda: made
        self._asked = time.monotonic()
        return self._processes().submit(_done, work, list(zip(*records, strict=True)), self._transactions).result

    def in_turn(self, work: Work[Made], bunches: Iterable[list[Record]]) -> Iterator[tuple[int, Made]]:
        """How many records each bunch had, and what `work` made of it, in their order; few are under way at once."""
        under_way: deque[tuple[int, Callable[[], Made]]] = deque()
        for records in bunches:
            under_way.append((len(records), self.ask(work, records)))
            if len(under_way) > self.at_once:
                count, made = under_way.popleft()
                yield count, made()
        for count, made in under_way:
            yield count, made()

    def _processes(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self._settings.sink_processes,
                mp_context=multiprocessing.get_context("spawn"),  # a fork would copy librdkafka's locks
                initializer=_begin,
                initargs=(self._settings,),
            )
        return self._executor

    def rest(self) -> None:
        """End the processes if they had nothing to do for a while. For when nothing is under way."""
        if time.monotonic() - self._asked > REST_SECONDS:
            self.close()

    def close(self) -> None:
        """End the processes; what they still had is dropped."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


@contextlib.contextmanager
def decoders(settings: Settings) -> Iterator[Decoders]:
    """Decoders for as long as the block runs. Raises SinkStopped where one of their processes was killed."""
    made = Decoders(settings)
    try:
        yield made
    except BrokenProcessPool:
        raise SinkStopped(
            "A process that decodes for the sink has died: was memory short? `sink_processes = 0` does without them."
        ) from None
    finally:
        made.close()


def _done(work: Work[Made], fields: list[tuple[Any, ...]], transactions: str) -> Made:
    """The result of `work` on records that came field by field: so they are handed over in a fifth of the time."""
    return work(list(starmap(Record, zip(*fields, strict=True))), transactions)


def _begin(settings: Settings) -> None:
    """The first moments of a process that decodes: it leaves Ctrl-C to its parent, and ends when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    util.Finalize(None, os._exit, args=(0,), exitpriority=-1)  # nothing to tear down: the parent's modules are not ours
    use_registry(settings)
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 10, 10)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
