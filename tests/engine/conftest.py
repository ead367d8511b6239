from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.ledger import Ledger


@pytest.fixture
def ledger(kafka: str, tmp_path: Path, topic_prefix: str) -> Iterator[Ledger]:
    """Topics and workers of its own on the shared broker."""
    ledger = Ledger(kafka, tmp_path, topic_prefix)
    yield ledger
    ledger.close()
