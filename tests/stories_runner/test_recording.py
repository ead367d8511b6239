"""A story written from what happened holds, and says the same as the one that made it happen."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from schemas.catalog_file import catalog_from_mapping
from schemas.envelope import CommandRecord
from streams.stories import report
from streams.stories.checking import story_files
from streams.stories.format import read_story
from streams.stories.pure import PureStage, play_pure
from streams.stories.recording import Logged, catalog_mapping, written_story
from streams.stories.reference import CATALOGS
from streams.stories.runner import play
from streams.stories.stage import Came
from streams.stories.writing import read_yaml

STORIES = Path(__file__).parents[1] / "stories"


@pytest.mark.parametrize(
    "path", list(story_files([STORIES / "bill_cycles", STORIES / "accounts"])), ids=lambda path: path.stem
)
def test_a_recorded_story_holds(path: Path, tmp_path: Path) -> None:
    stage = _Listening(str(path))
    story = read_story(path)
    play(story, stage)
    mine = [entry for entry in stage.logged if entry.command.customer_id == story.customer_id]
    if not mine:
        pytest.skip("nothing was sent to the story's own customer")
    recorded = tmp_path / "recorded.yaml"
    recorded.write_text(written_story(story.customer_id, mine, stage.versions), encoding="utf-8")
    again = read_story(recorded)
    failure = play_pure(again)
    assert failure is None, report.failed(again, failure)


def test_a_catalog_is_written_as_the_mapping_that_reads_as_the_same() -> None:
    for content in (read_yaml(CATALOGS / "nordlys.yaml"), read_yaml(STORIES.parent / "catalog" / "every_key.yaml")):
        catalog = catalog_from_mapping(content.content, version=1)
        assert catalog_from_mapping(catalog_mapping(catalog), version=1) == catalog


class _Listening(PureStage):
    """A stage that notes what a log would hold."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self.logged: list[Logged] = []

    def send(self, record: CommandRecord, at: datetime) -> Sequence[Came]:
        came = super().send(record, at)
        self.logged.append(
            Logged(
                command=record,
                timestamp=at,
                outcomes=[one.outcome for one in came if one.outcome is not None],
                transactions=[one.transaction for one in came if one.transaction is not None],
            )
        )
        return came
