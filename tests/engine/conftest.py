import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.ledger import Ledger


@pytest.fixture
def ledger(kafka: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """Topics of its own, named after the test, on the shared broker."""
    test = re.sub(r"[^a-z0-9]+", "-", str(request.node.name))[:40]
    ledger = Ledger(getattr(kafka, "bootstrap", kafka), tmp_path, f"{test}-{tmp_path.parent.name[-4:]}")
    yield ledger
    ledger.close()
