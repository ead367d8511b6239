"""The same log gives the same bytes in every process: nothing hangs on how Python hashes its strings."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from streams.stories.checking import story_files
from streams.stories.format import read_story
from streams.stories.pure import PureStage
from streams.stories.runner import play
from tests.synchronization.office import PROFILES, SERVICES, Office, Wish, line

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
HISTORIES = 60


def digest() -> str:
    """Of all rows that the stories leave, and many orders that overtake each other."""
    found = hashlib.sha256()
    for path in sorted(story_files([ROOT / "tests" / "stories"])):
        stage = PureStage(path.name)
        assert play(read_story(path), stage) is None, path
        for key, value in stage.rows.scan(b""):
            found.update(key + value)
    for seed in range(HISTORIES):
        for key, value in sorted(overtaking(Random(seed)).rows().items()):
            found.update(key + value)
    return found.hexdigest()


def overtaking(draw: Random) -> Office:
    """An office after orders, each with several lines about one service, cancelled in any order."""
    office = Office()
    for number in range(3):
        actions = ["ADD" if number == 0 else "UPDATE", "UPDATE", "MOVE_ADD"]
        service = draw.choice(SERVICES[:2])
        wishes = [Wish(draw.randrange(4), draw.randrange(len(PROFILES))) for _ in actions]
        said = [line(f"l-{number}-{place}", service, actions[place], wish) for place, wish in enumerate(wishes)]
        office.submit(f"o-{number}", said)
        office.synchronize(f"o-{number}")
    for number in draw.sample(range(3), 3):
        office.cancel(f"o-{number}", on_superseded=draw.choice(["REJECT", "KEEP_CURRENT"]))
    return office


def test_no_decision_hangs_on_the_order_of_a_set() -> None:
    """Engineers and auditors replay topics years later, and must get the same result."""
    code = "from tests.test_determinism import digest; print(digest())"
    environments = [{**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2", "3")]
    found = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
        for env in environments
    ]
    assert len({done.stdout for done in found}) == 1
