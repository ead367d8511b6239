from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rig import Rig

SEED = "BILLFOLD_TEST_SEED"


@pytest.fixture
def rig(kafka: str, topic_prefix: str, tmp_path: Path) -> Iterator[Rig]:
    """An installation with a seed of its own, or the one of a failure: BILLFOLD_TEST_SEED=..."""
    rig = Rig(kafka, tmp_path, topic_prefix, int(os.environ.get(SEED) or time.time_ns() % 1_000_000))
    yield rig
    rig.close()
