"""`make demo`, as a newcomer sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from streams.demo import STORY, chapters, counted
from streams.stories import report
from streams.stories.format import read_story
from streams.stories.pure import play_pure

HOUSE = Path(__file__).parent.parent


def test_the_story_holds_in_the_pure_decisions() -> None:
    story = read_story(STORY)
    failure = play_pure(story)
    assert failure is None, "\n" + report.failed(story, failure)


def test_every_chapter_is_told_before_its_first_command() -> None:
    told = list(chapters(read_story(STORY)))
    assert [chapter.split(".")[0] for _, chapter in told] == ["1", "2", "3", "4", "5", "6", "7"]
    assert dict(told)["split"].startswith("3. Three groups")


def test_neighbours_of_one_name_are_told_once() -> None:
    assert counted(["A", "B", "B", "A"]).replace("\N{NO-BREAK SPACE}", " ") == "A, 2 B, A"


def test_the_demo_tells_the_story_and_shows_the_warehouse(kafka: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streams.command_line", "demo"],
        cwd=HOUSE,
        env=os.environ | {"BILLFOLD_BOOTSTRAP_SERVERS": kafka},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()
    for expected in (
        ("3. Three groups",),
        ("2026-05-06 10:00", "bo", "UpdateBillingSystem", "COMPLETED", "BillingSystemUpdated"),
        ("2026-05-06 10:20", "ada", "ModifyOrderLine", "REJECTED"),
        ("ORDER_ITEM_LOCKED", "line_id=toll-free"),
        ("cart-1", "toll-free", "TOLL_FREE", "BILLED", "2026-05-06 10:00", "bo"),
        ("cart-1", "pbx", "2026-05-07 11:20", "REJECTED", "INSUFFICIENT_FUNDS"),
        ("number-1", "nordlys-marketing", "2026-05-08 09:00", "2026-05-11 09:00"),
        ("deposit", "cart-1", "RECORDED", "149.90"),
        ("2026-05-12 14:30", "CancelAccountBillCycleChange", "COMPLETED"),
        ("2026-06-01 00:00", "clock", "ExecutePlannedBillCycleChange", "COMPLETED", "BillCycleChanged"),
        ("nordlys-billing", "2026-06-01", "2026-06-15", "SHORT", "MONTHLY_15", "14", "31"),
        ("MONTHLY_1", "MONTHLY_15", "CHANGED", "DUE"),
    ):
        assert any(all(part in line for part in expected) for line in told), f"nowhere in the demo: {expected}"
    assert "rdkafka" not in done.stderr
