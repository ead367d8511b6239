"""Runs `billfold` as an operator does, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

HOUSE = Path(__file__).parents[2]
PATIENCE_SECONDS = 30
"""A command that takes longer hangs."""


Here = Callable[..., "Told"]


class Told(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float


def billfold(folder: Path, *arguments: str, typed: str = "", **environment: str) -> Told:
    """Run a command in a folder."""
    began = time.monotonic()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BILLFOLD_")}
    ended = subprocess.run(
        [sys.executable, "-m", "streams.command_line", *arguments],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(HOUSE), "COLUMNS": "200", "BILLFOLD_CATALOG": "nordlys"} | environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Told(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)


def contents(folder: Path) -> Mapping[str, bytes]:
    """Every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
