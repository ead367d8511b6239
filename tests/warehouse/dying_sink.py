"""A sink in a process of its own that kills itself at a commit: `python dying_sink.py before|after NUMBER`."""

from __future__ import annotations

import os
import signal
import sys

from state.warehouse import Warehouse
from streams import sink_batch, sink_reading
from streams.sink import run_sink


def main(moment: str, number: int) -> None:
    """Die at the so-manieth commit of rows."""
    sink_reading.FETCH_RECORDS = 10
    sink_batch.BATCH_ROWS = 20  # many small batches, so that every life ends among rows
    commit = Warehouse._commit
    done = 0

    def dying(self: Warehouse) -> None:
        nonlocal done
        done += 1
        if done == number and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(self)
        if done == number and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(Warehouse, "_commit", dying)  # noqa: B010 - mypy allows no plain assignment
    run_sink()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
