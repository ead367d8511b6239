"""A worker's copy on disk beside the changelogs (I3)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import structlog

from state.partition import TABLES, Held, Partition
from streams.audit.findings import Finding, Unsound
from streams.audit.partition import Judge, PartitionLog
from streams.audit.tables import Comparison

log = structlog.get_logger()


def compare_copy(directory: Path, opened: PartitionLog, judge: Judge, ends: Mapping[str, int]) -> list[Finding]:
    """The first row in which a worker's copy of a partition differs from its changelogs.

    A copy that lags is passed over, for its worker rolls it forward; so is one that a worker has open.
    """
    path = directory / f"partition-{opened.number}"
    if not path.exists():
        return []
    try:
        disk = Partition(path)
    except Held:
        log.warning("a worker has it open, not compared", copy=str(path))
        return []
    try:
        for table in TABLES:
            topic = judge.topology.changelogs[table]
            if (disk.position(table) or 0) < ends[table]:
                log.warning("the copy lags, not compared", copy=str(path), table=table)
                continue
            rows = opened.changelogs.rows(table)
            Comparison(opened.number, topic).rows(disk.scan(table, b""), rows, f"the copy {path}")
    except Unsound as unsound:
        return [unsound.finding]
    finally:
        disk.close()
    return []
