"""`billfold worker`, with a fault at a chosen point. FAULT=point:kill|stop:n."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from streams import running
from streams.engine.worker import run_worker

ACTIONS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class Fault:
    """At the n-th passing of a point of a turn or a restore, this process is killed or stopped."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.point, self.action, nth = (text or "::0").split(":")
        self.left = int(nth)

    def __call__(self, point: str) -> None:
        if point != self.point:
            return
        self.left -= 1
        if self.left == 0:
            os.write(2, f"FAULT {self.text}\n".encode())
            os.kill(os.getpid(), ACTIONS[self.action])


if __name__ == "__main__":
    fault = Fault(os.environ.get("FAULT", ""))
    vars(running)["run_engine"] = partial(run_worker, hook=fault)
    running.run_worker()
