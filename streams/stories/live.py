"""live"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from streams.stories.runner import Stage
from streams.stories.story import Story


class LiveRun:
    """x"""

    def __init__(self, kafka: str | None) -> None: ...
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
    def stage(self, story: Story) -> Stage:
        raise NotImplementedError

    def disagreements(self) -> Iterator[str]:
        raise NotImplementedError
