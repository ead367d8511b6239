"""The copy that people read. Whoever reads the sink's own file locks the sink out, and is locked out by it."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path

from state.warehouse.warehouse import Warehouse

READ_ONLY = 0o444


def copy_path(warehouse: Path) -> Path:
    """`warehouse.duckdb` -> `warehouse.read.duckdb`, beside it."""
    return warehouse.with_suffix(f".read{warehouse.suffix}")


def publish(warehouse: Warehouse, at: datetime) -> Path | None:
    """Publish what is committed; a server's readers have it already, there only the moment is noted.

    1. Note the moment, and checkpoint: the file is complete without its write-ahead log, and nobody else writes it.
    2. Copy it to a name beside the copy. A crash here leaves that name, which the next copy overwrites.
    3. Rename. Readers that have the old copy open go on reading it; whoever opens now gets the new one.

    The copying is another process's: a process that opens and closes a file loses all its locks on it (POSIX), and
    then a second writer could get in. Raises OSError where there is no room; the old copy stays.
    """
    warehouse.note_publication(at)  # 1
    if warehouse.file is None:
        return None
    warehouse.checkpoint()
    target = copy_path(warehouse.file)
    beside = target.with_name(f"{target.name}.new")
    _copy(warehouse.file, beside)  # 2
    # A reader who opened the copy for writing, against its permissions, may have left a log that is not this copy's.
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    beside.replace(target)  # 3
    return target


def _copy(path: Path, to: Path) -> None:
    to.unlink(missing_ok=True)
    done = subprocess.run(["cp", "--", os.fspath(path), os.fspath(to)], capture_output=True, text=True, check=False)  # noqa: S603, S607 - both names are ours
    if done.returncode:
        raise OSError(f"{to} could not be written: {done.stderr.strip()}")
    to.chmod(READ_ONLY)
