"""Index rows are made late, index by index: they must be the rows that would have been made at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from processors.view.draft import INDEXES, Draft
from processors.view.rows.indexes import Index
from schemas.fields import Entity, Event
from schemas.rows import DUE
from streams.stories.checking import story_files
from streams.stories.format import read_story
from streams.stories.pure import PureStage
from streams.stories.runner import play

STORIES = sorted(story_files([Path(__file__).parents[1] / "stories"]))


def rows_after(path: Path) -> dict[bytes, bytes]:
    """All rows that a story leaves."""
    stage = PureStage(str(path))
    assert play(read_story(path), stage) is None
    return dict(stage.rows.scan(b""))


def test_each_kind_has_one_index_but_what_is_due() -> None:
    kinds = Counter(kind for index in INDEXES for kind in index.kinds)
    assert {kind for kind, indexes in kinds.items() if indexes > 1} == {DUE}


@pytest.mark.slow
def test_rows_made_late_are_the_rows_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded, caught_up = Draft.record, Draft._catch_up  # the order of the two is what is looked at
    written = set[str]()

    def watched(draft: Draft, index: Index) -> None:
        before = {family: dict(rows) for family, rows in draft._index.items()}
        caught_up(draft, index)
        kinds = {family[0] for family, rows in draft._index.items() if rows != before.get(family)}
        assert kinds <= set(index.kinds), "a row of another kind would be read before it is made"
        written.update(kinds)

    def at_once(draft: Draft, event: Event) -> Entity:
        after = recorded(draft, event)
        for index in tuple(draft._waiting):
            caught_up(draft, index)
        return after

    monkeypatch.setattr(Draft, "_catch_up", watched)
    late = {path: rows_after(path) for path in STORIES}
    assert written == {kind for index in INDEXES for kind in index.kinds}, "a kind that no story has"
    monkeypatch.setattr(Draft, "record", at_once)
    for path, rows in late.items():
        assert rows_after(path) == rows, path
