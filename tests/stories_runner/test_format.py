"""The format of stories is a contract: what does not follow it is told with file, line and what was expected."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from schemas.envelope import Mode, Status
from streams.stories.format import read_story
from streams.stories.story import Check, Clock, Do, Repeat, Story, StoryInvalid


def read(tmp_path: Path, text: str) -> Story:
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    return read_story(path)


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(StoryInvalid) as invalid:
        read(tmp_path, text)
    return [str(mistake).removeprefix(f"{tmp_path}/") for mistake in invalid.value.mistakes]


def step(text: str) -> str:
    return f"story: One\nsteps:\n- {{at: 2026-03-02T09:00:00Z, do: CreateAccount, id: c-1}}\n- {text}\n"


EVERYTHING = """
story: The toll-free line goes first
rules: [BSU-3, LCK-1]
catalog: nordlys
switches: {strict_vendor_behaviour: false}
customer: northlight
defaults: {source: crm, performed_by: ada}
steps:
  - at: 2026-03-02T09:00:00+01:00
    do: CreateAccount
    id: c-1
    mode: PREVIEW
    performed_by: grace
    body: {account_id: a-1, amount: 0.10}
    expect: PREVIEWED
    events: [AccountCreated: {account_id: a-1}, BillingPeriodStarted]
    preview: {changed: true}
  - repeat: c-1
    with: {body: {type: BUSINESS}, source: web}
    expect: REJECTED
    refused: [{code: IDEMPOTENCY_CONFLICT}]
  - clock: 2026-04-01T00:00:00+02:00
    events_include: [{BillingPeriodStarted: {account_id: $1.account_id}}]
  - catalog: {catalog: nordlys}
  - check: {customer northlight: {sequence: 2}, account a-1: absent}
  - do: UpdateAccountDetails
"""


def test_every_key_of_the_format_is_read(tmp_path: Path) -> None:
    story = read(tmp_path, EVERYTHING)
    first, again, clock, catalog, check, last = story.steps
    assert (story.title, story.rules, story.customer_id) == (
        "The toll-free line goes first",
        ("BSU-3", "LCK-1"),
        "northlight",
    )
    assert isinstance(first, Do)
    assert (first.asked.source, first.asked.performed_by, first.asked.mode) == ("crm", "grace", Mode.PREVIEW)
    assert first.asked.body["amount"] == Decimal("0.10")
    assert first.expected.events is not None
    assert [event.name for event in first.expected.events] == ["AccountCreated", "BillingPeriodStarted"]
    assert isinstance(again, Repeat)
    assert again.instead is not None
    assert again.instead.body == {"account_id": "a-1", "amount": Decimal("0.10"), "type": "BUSINESS"}
    assert (again.instead.source, again.instead.command_id, again.at) == ("web", "c-1", first.at)
    assert isinstance(clock, Clock)
    assert clock.expected.others_too
    assert catalog.at == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert isinstance(check, Check)
    assert [look.kind for look in check.looks] == ["customer", "account"]
    assert check.looks[1].path_values is None
    assert isinstance(last, Do)
    assert (last.asked.command_id, last.expected.status, last.at) == ("step-6", Status.COMPLETED, check.at)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (step("{do: X, bdy: {}}"), "story.yaml:4: unknown key `bdy`; expected one of at, do, id"),
        (step("{clock: 2026-04-01T00:00:00Z, expect: COMPLETED}"), "story.yaml:4: unknown key `expect`"),
        (step("{repeat: c-1, with: {bod: 1}}"), "story.yaml:4: unknown key `bod`; expected one of do, body"),
        (step("{repeat: c-9}"), "story.yaml:4: expected the id of an earlier command (known: c-1)"),
        (step("{do: X, clock: 2026-04-01T00:00:00Z}"), "story.yaml:4: expected exactly one of do, repeat, clock"),
        (
            step("{body: {}}"),
            "story.yaml:4: expected exactly one of do, repeat, clock, catalog, check in a step, found body",
        ),
        (step("5"), "story.yaml:4: expected a step: a map with one of do"),
        (step("{do: X, at: 2026-03-01T00:00:00Z}"), "story.yaml:4: time never goes back: expected 2026-03-02T09:00"),
        (step("{clock: 2025-03-01T00:00:00Z}"), "story.yaml:4: time never goes back"),
        (step("{clock: tomorrow}"), "story.yaml:4: expected a moment with its offset"),
        (step("{do: X, expect: DONE}"), "story.yaml:4: expected one of COMPLETED, REJECTED, PREVIEWED, found `DONE`"),
        (step("{do: X, mode: DRY}"), "story.yaml:4: expected one of EXECUTE, PREVIEW, found `DRY`"),
        (step("{do: X, events: {A: {}}}"), "story.yaml:4: expected a list"),
        (
            step("{do: X, events: [{AccountCreatd: {}}]}"),
            "story.yaml:4: no event is named AccountCreatd; expected one of Acc",
        ),
        (step("{do: X, events: [], events_include: []}"), "story.yaml:4: expected either `events` or `events_include`"),
        (step("{do: X, refused: [SOME]}"), "story.yaml:4: expected a violation: a map of `code`"),
        (step("{do: X, changed: 0}"), "story.yaml:4: expected true or false, found `0`"),
        (step("{do: X, id: 7}"), "story.yaml:4: expected text, found `7`; write it in quotes"),
        (step("{do: X, body: [1]}"), "story.yaml:4: expected a map, found `[1]`"),
        (step("{do: X, body: {a: $2.b}}"), "story.yaml:4: expected a derived value of a step up to 1, found $2"),
        (step("{do: X, do: Y}"), "story.yaml:4: the key `do` stands twice; keep one"),
        (
            step("{check: {starship s-1: absent}}"),
            "story.yaml:4: expected `<kind> <id>`, kind one of customer, account",
        ),
        (step("{check: {account: absent}}"), "story.yaml:4: expected an id after `account`"),
        (step("{check: {account a-1: 5}}"), "story.yaml:4: expected a map of fields, or absent, found `5`"),
        (step("{catalog: 5}"), "story.yaml:4: expected the name of a catalog in compose/catalogs/, or a whole catalog"),
        ("story: One\nsteps: [{do: X}]\n", "story.yaml:2: the first step needs `at`"),
        ("story: One\nsteps: []\n", "story.yaml:2: expected a list of steps"),
        ("story: One\n", "story.yaml:1: the key `steps` is required"),
        ("steps: [{at: 2026-03-02T09:00:00Z, do: X}]\n", "story.yaml:1: the key `story` is required"),
        (
            "story: One\ncustomers: x\nsteps: []\n",
            "story.yaml:2: unknown key `customers`; expected one of story, rules",
        ),
        ("story: One\ndefaults: {body: {}}\nsteps: []\n", "story.yaml:2: unknown key `body`; expected one of source"),
        ("- a\n", "story.yaml:1: expected a story: a map with the keys story, rules"),
        ("", "story.yaml:1: expected a story"),
        ("story: [\n", "story.yaml:2: expected YAML"),
        ("a: 1\n---\nb: 2\n", "story.yaml:2: expected one document in a file"),
        ("story: !!python/object:os.system x\n", "story.yaml:1: expected YAML"),
        ("story: One \u0000\n", "story.yaml:1: expected YAML"),
    ],
)
def test_what_does_not_follow_the_format_is_told_with_file_line_and_what_was_expected(
    tmp_path: Path, text: str, told: str
) -> None:
    found = mistakes(tmp_path, text)
    assert any(mistake.startswith(told) for mistake in found), found


def test_all_mistakes_of_a_file_are_told_at_once_in_order_of_their_lines(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "story: One\nmore: 1\nsteps:\n- do: CreateAccount\n  bdy: 1\n- repeat: c-9\n")
    assert [mistake.split(":")[1] for mistake in found] == ["2", "4", "5", "6"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoryInvalid, match="expected a readable file"):
        read_story(tmp_path / "missing.yaml")
