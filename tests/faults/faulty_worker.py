"""`billfold worker`, with a fault at a chosen point (tests/engine/fault.py)."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from streams import running
from streams.engine.worker import run_worker
from tests.engine.fault import Fault

if __name__ == "__main__":
    fault = Fault(os.environ.get("FAULT", ""))
    vars(running)["run_engine"] = partial(run_worker, hook=fault)
    running.run_worker()
