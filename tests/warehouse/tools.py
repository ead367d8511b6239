"""Tools that people use on the warehouse, in environments of their own, and what they are tried on."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compose.environments import EnvironmentMissing, programs
from state.warehouse import publish
from tests.warehouse.household import firm_and_household
from tests.warehouse.switchboard import switchboard

SECONDS = 120


def tool(name: str) -> Path:
    """The folder of a tool's programs; skips where it cannot be installed."""
    try:
        return programs(name)
    except EnvironmentMissing as reason:
        pytest.skip(str(reason))


def run(*command: str | Path, within: Path, surroundings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a tool; both its streams in `stdout`."""
    return subprocess.run(
        list(map(str, command)),
        cwd=within,
        env={"PATH": "/usr/bin:/bin", "HOME": str(within), "COLUMNS": "400", "DO_NOT_TRACK": "1", **surroundings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def everything(folder: Path, *harms: str) -> Path:
    """A copy, published just now, of histories with all domains; what `harms` do to it first is on purpose."""
    warehouse = firm_and_household(switchboard()).into(folder / "warehouse.duckdb")
    for harm in harms:
        warehouse.rows(harm)
    copy = publish(warehouse, datetime.now(UTC))
    warehouse.close()
    assert copy is not None
    return copy
