"""A worker's fault at a chosen point, for processes that a test starts. FAULT=point:kill|stop:n."""

from __future__ import annotations

import os
import signal
import threading

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
            # To this thread: sent to the process, it would stop when another thread is next scheduled, and this one
            # would go on meanwhile, past the point, as far as a commit.
            signal.pthread_kill(threading.get_ident(), ACTIONS[self.action])
