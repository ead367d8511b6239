"""The warehouse beside the topics (I4), as its own receipt tells."""

from __future__ import annotations

from collections.abc import Callable

from streams.audit.findings import Finding
from streams.completeness import completeness
from streams.settings import Settings

Follow = Callable[[str, int], Callable[[int], None]]
"""Given what is done and how much there is, returns what to call with what was done."""


def audit_warehouse(configured: Settings, follow: Follow) -> list[Finding]:
    """The first rows of each partition that are not what its topic says, up to the offsets that the warehouse has."""
    progress: list[Callable[[int], None]] = []
    told = 0

    def say(done: int, of: int) -> None:
        nonlocal told
        if not progress:
            progress.append(follow("Counting the warehouse", of))
        progress[0](done - told)
        told = done

    return [
        Finding(
            invariant="I4",
            topic=receipt.topic,
            partition=receipt.partition,
            offset=receipt.first_difference,
            expected="its rows in the warehouse",
            found=receipt.sentence,
        )
        for receipt in completeness(configured, say)
        if not receipt.complete
    ]
