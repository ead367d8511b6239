"""How a worker ends when it cannot go on: at once, with one line that says why. A supervisor starts it again."""

import os
import threading
import time
from typing import NoReturn

AGAIN = 70
"""Exit code: start me again, the restore finds out what became of the last turn."""
OPERATOR = 78
"""Exit code: a restart does not help, somebody must look."""
CHECK_SECONDS = 0.5


def end(reason: str, code: int = AGAIN) -> NoReturn:
    """End the process without unwinding: nothing half done may run on, and Faust would go on with the next batch."""
    os.write(2, f"billfold: {reason}\n".encode())
    os._exit(code)


class Watchdog:
    """Ends the process when what was begun is not done in time, even when the loop's thread hangs."""

    def __init__(self) -> None:
        self._limit: tuple[float, str] | None = None
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def expect(self, what: str, seconds: float) -> None:
        """From now on, `what` must be done within so many seconds. Replaces what was expected before."""
        self._limit = time.monotonic() + seconds, f"{what} was not done within {seconds:g} s"

    def done(self) -> None:
        """Expect nothing."""
        self._limit = None

    def _watch(self) -> None:
        while True:
            time.sleep(CHECK_SECONDS)
            limit = self._limit
            if limit and time.monotonic() > limit[0]:
                end(limit[1])
