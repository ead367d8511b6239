"""The runner itself: what makes a story fail, and what a person then reads."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from processors import answering
from processors.decision import Decision
from streams.stories import report
from streams.stories.commands import app
from streams.stories.format import read_story
from streams.stories.pure import play_pure
from streams.stories.runner import Failure
from streams.stories.story import Story

BORN = """story: One
steps:
- at: 2026-03-02T09:00:00+01:00
  do: CreateAccount
  id: c-1
  body:
    account_id: a-1
    type: RESIDENTIAL
    currency: EUR
    bill_cycle: {code: MONTHLY_1}
    contact: {last_name: Lovelace, email: ada@example.org}
"""
PLAN = """
- do: UpdateAccountBillCycle
  id: c-2
  body: {account: {account_id: a-1}, bill_cycle: MONTHLY_15, valid_from: 2026-06-10T00:00:00+02:00}
"""


def read(tmp_path: Path, text: str) -> Story:
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    return read_story(path)


def play(tmp_path: Path, text: str) -> Failure | None:
    return play_pure(read(tmp_path, text))


HOLDS = {
    "some of the events": "  events_include: [{AccountCreated: {contact.last_name: Lovelace}}, BillingPeriodStarted]",
    "paths": "- check: {account a-1: {contact.last_name: Lovelace, current_period: {start: 2026-03-02}}}",
    "counts and keys": "- check: {account a-1: {roles[]: 3, bill_cycle_history.code=MONTHLY_1.valid_from: 2026-03-02}}",
    "absent and null": "- check: {account a-2: absent, account a-1: {current_period.a: absent, segment: null}}",
    "a derived key": "- check: {account $1.AccountCreated.account_id: {account_id: $1.account_id}}",
    "the customer": "- check: {customer nordlys: {sequence: 1, time_zone: Europe/Stockholm}, customer other: absent}",
    "a repeat": "- repeat: c-1",
    "a repeat by another": """
- repeat: c-1
  with: {performed_by: grace}
  answer: {repeated: true, performed_by: grace, sequence: 1}
""",
    "a conflict": """
- repeat: c-1
  with: {body: {type: BUSINESS}}
  expect: REJECTED
  refused: [{code: IDEMPOTENCY_CONFLICT}]
""",
    "a conflict deep inside": """
- repeat: c-1
  with: {body: {bill_cycle: {code: MONTHLY_15}}}
  refused: [{command_id: c-1}]
""",
    "time": """
- clock: 2026-05-15T00:00:00Z
  events: [{BillingPeriodStarted: {number: 2}}, {BillingPeriodStarted: {number: 3}}]
""",
    "time to the second": """
- clock: 2026-03-31T21:59:59Z
  events: []
- clock: 2026-03-31T22:00:00Z
  events: [BillingPeriodStarted]
""",
    "a body that does not fit": """
- do: UpdateAccountBillCycle
  body: {bill_cycle: X}
  refused: [{code: MALFORMED, path: account, rule: BCU-1}]
""",
    "a command that is none": "- {do: CreateAcount, refused: [{code: MALFORMED, path: command_type}]}",
    "two customers": """
- do: CreateAccount
  customer: other
  body: {account_profile: mobile}
  events_include: [{AccountCreated: {customer_id: other}}]
- check: {customer other: {sequence: 1}}
- check: {account a-1: absent}
  customer: other
""",
    "derived from its own events": PLAN + "  events: [{BillCycleChangePlanned: {change_id: $2.change_id}}]",
    "derived from earlier ones": PLAN + "- check: {account a-1: {planned_bill_cycle_change.change_id: $2.change_id}}",
    "a preview": PLAN
    + """
  mode: PREVIEW
  expect: PREVIEWED
  events: []
- check: {account a-1: {planned_bill_cycle_change: absent}}
""",
    "a preview's answer": PLAN
    + """
  mode: PREVIEW
  preview: {events: [{BillCycleChangePlanned: {}}], entities: [{account_id: a-1}]}
""",
    "due work before a command": PLAN
    + """
- repeat: c-2
  at: 2026-07-01T00:00:00Z
- check: {account a-1: {current_period: {start: 2026-06-15}, planned_bill_cycle_change: absent}}
""",
}


@pytest.mark.parametrize("steps", HOLDS.values(), ids=HOLDS)
def test_a_story_that_holds(tmp_path: Path, steps: str) -> None:
    story = read(tmp_path, BORN + steps + "\n")
    failure = play_pure(story)
    assert failure is None, report.failed(story, failure)


@pytest.mark.parametrize(
    ("steps", "line", "path"),
    [
        ("  expect: REJECTED", 3, "expect"),
        ("  events: []", 3, "events"),
        ("  events: [CustomerRegistered, AccountCreated]", 3, "events"),
        ("  events_include: [BillingPeriodStarted, AccountCreated]", 3, "events_include.1"),
        ("  changed: false", 3, "changed"),
        ("  answer: {repeated: true}", 3, "answer.repeated"),
        ("  refused: [{code: MALFORMED}]", 3, "expect"),
        ("- check: {account a-1: {state: SUSPENDED}}", 12, "account a-1.state"),
        ("- check: {account a-1: {contact.last_name: Byron}}", 12, "account a-1.contact.last_name"),
        ("- check: {account a-1: {currency: absent}}", 12, "account a-1.currency"),
        ("- check: {account a-1: {no_such_field: null}}", 12, "account a-1.no_such_field"),
        ("- clock: 2026-05-01T00:00:00Z\n  events: [BillingPeriodStarted]", 12, "events"),
        ("- repeat: c-1\n  expect: REJECTED", 12, "expect"),
        ("- repeat: c-1\n  with: {body: {type: BUSINESS}}", 12, "expect"),
        (
            "- do: UpdateAccountBillCycle\n  body: {account: {account_id: a-1}, bill_cycle: X}\n  refused: [{path: Y}]",
            12,
            "refused.0.path",
        ),
        ("- {do: CreateAccount, expect: REJECTED, refused: []}", 12, "refused"),
    ],
)
def test_a_story_that_does_not_hold(tmp_path: Path, steps: str, line: int, path: str) -> None:
    failure = play(tmp_path, BORN + steps + "\n")
    assert failure is not None
    assert failure.line == line
    assert path in {found.path for found in failure.differences}


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ("- check: {account a-2: {state: ACTIVE}}", "expected account a-2, there is none"),
        ("- check: {account a-1: absent}", "expected no account a-1, there is one"),
        (
            "- check: {account $1.change_id: absent}",
            "expected $1.change_id in an event of step 1; its events: CustomerRegistered, AccountCreated",
        ),
        (
            "- {do: StartBillingPeriod, body: {account_id: a-1, number: 2}}",
            "expected an outcome, the record became a dead letter: CLOCK_RECORD_UNMATCHED",
        ),
        ("- catalog: unknown", "story.yaml:12: expected a catalog in compose/catalogs/ (nordlys), found `unknown`"),
        ("- catalog: {catalog: nordlys, bill_cicles: []}", "story.yaml:12: bill_cicles: unknown key; expected one of"),
        (
            "- catalog:\n    catalog: nordlys\n    bill_cycles: [{code: MONTHLY_1, period: MONTH, billing_day: 2}]",
            "the catalog version breaks rules and is not published",
        ),
    ],
)
def test_a_story_that_cannot_go_on(tmp_path: Path, steps: str, sentence: str) -> None:
    failure = play(tmp_path, BORN + steps + "\n")
    assert failure is not None
    assert sentence in failure.sentence


def test_a_new_catalog_version_decides_from_its_step_on(tmp_path: Path) -> None:
    text = """story: A cycle is no longer offered
catalog: {catalog: tiny, currencies: [{code: EUR, scale: 2}], account_types: [R], state_reasons: {ACTIVE: [NEW]},
  bill_cycles: [{code: M1, period: MONTH, billing_day: 1}, {code: M2, period: MONTH, billing_day: 2}]}
switches: {plan_horizon_days: 10}
steps:
- at: 2026-03-01T00:00:00Z
  do: CreateAccount
  body: {account_id: a-1, type: R, currency: EUR, bill_cycle: {code: M1}}
  answer: {catalog_version: 1}
- do: UpdateAccountBillCycle
  body: {account: {account_id: a-1}, bill_cycle: M2, valid_from: 2026-04-01T00:00:00Z}
  refused: [{code: VALID_FROM_TOO_FAR}]
- catalog: {catalog: tiny, bill_cycles: [{code: M1, period: MONTH, billing_day: 1}], switches: {plan_horizon_days: 90}}
- do: UpdateAccountBillCycle
  body: {account: {account_id: a-1}, bill_cycle: M2, valid_from: 2026-04-01T00:00:00Z}
  refused: [{code: BILL_CYCLE_UNKNOWN}]
  answer: {catalog_version: 2}
"""
    story = read(tmp_path, text)
    failure = play_pure(story)
    assert failure is None, report.failed(story, failure)


def test_stories_see_nothing_of_one_another(tmp_path: Path) -> None:
    story = read(tmp_path, BORN + "- check: {customer nordlys: {sequence: 1}}\n")
    assert [play_pure(story) for _ in range(3)] == [None] * 3


def test_a_bug_of_ours_fails_the_story_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(*_: object) -> Decision:
        raise ZeroDivisionError("rules divide by nothing")

    monkeypatch.setattr(answering, "decide", raising)
    failure = play(tmp_path, BORN)
    assert failure is not None
    assert "a bug of ours" in failure.sentence
    assert "ZeroDivisionError: rules divide by nothing" in failure.sentence


def test_a_failing_story_prints_the_step_what_was_expected_what_came_and_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(BORN)
    (tmp_path / "bad.yaml").write_text(
        BORN + "  events:\n  - CustomerRegistered\n  - AccountCreated: {currency: SEK}\n"
    )
    (tmp_path / "torn.yaml").write_text("story: [")
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[-1] == "1 passed, 2 failed"
    assert f"ok    {tmp_path}/good.yaml  One" in lines
    assert f"FAIL  {tmp_path}/bad.yaml:3  One" in lines
    printed = result.output[result.output.index("bad.yaml:3") :]
    wanted = [
        "step 1, at 2026-03-02T08:00:00+00:00:",
        "do: CreateAccount",
        "events\n        expected: [CustomerRegistered, AccountCreated]",
        "came:     [CustomerRegistered, AccountCreated, BillingPeriodStarted]",
        "events.1.AccountCreated.currency\n        expected: SEK\n        came:     EUR",
        "all that came:",
        "transaction:",
        "BillingPeriodStarted: {account_id: a-1",
        "last_name: Lovelace",
    ]
    for text in wanted:
        assert text in printed, printed


def test_a_refusal_is_printed_whole(tmp_path: Path) -> None:
    story = read(tmp_path, "story: One\nsteps: [{at: 2026-03-02T09:00:00Z, do: UpdateAccountBillCycle}]\n")
    failure = play_pure(story)
    assert failure is not None
    printed = report.failed(story, failure)
    assert "{code: MALFORMED, rule: BCU-1, path: account, expected: a value}" in printed


def test_a_folder_without_stories_is_no_success(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.endswith("0 passed, 1 failed\n")


def test_stories_that_pass_end_in_success(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(BORN)
    result = CliRunner().invoke(app, ["check", str(tmp_path / "good.yaml"), str(tmp_path)])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "2 passed, 0 failed")
