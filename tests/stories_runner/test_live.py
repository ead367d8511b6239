"""Stories through a real Kafka, a worker and the warehouse sink: the answers are those of the pure decisions."""

from pathlib import Path

from streams.stories import report
from streams.stories.checking import story_files
from streams.stories.format import read_story
from streams.stories.live import LiveRun
from streams.stories.runner import play

STORIES = Path(__file__).parents[1] / "stories"


def test_every_story_holds_live(kafka: str) -> None:
    stories = [read_story(path) for path in story_files([STORIES])]
    failures: list[str] = []
    with LiveRun(kafka) as run:
        for story in stories:
            failure = play(story, run.stage(story))
            if failure is not None:
                failures.append(report.failed(story, failure))
        failures += run.disagreements()
    assert not failures, "\n" + "\n".join(failures)
