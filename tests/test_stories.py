"""Every story under tests/stories holds in the pure decisions. `billfold story check tests/stories` says the same."""

from pathlib import Path

import pytest

from streams.stories import report
from streams.stories.checking import story_files
from streams.stories.format import read_story
from streams.stories.pure import play_pure

STORIES = Path(__file__).parent / "stories"


@pytest.mark.parametrize("path", list(story_files([STORIES])), ids=lambda path: str(path.relative_to(STORIES)))
def test_story(path: Path) -> None:
    story = read_story(path)
    failure = play_pure(story)
    assert failure is None, "\n" + report.failed(story, failure)
