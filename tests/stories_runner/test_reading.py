"""What a sensible author writes is read as it was meant; what can only be a slip is told with its line."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.stories.format import read_story
from streams.stories.pure import play_pure
from streams.stories.story import Do, NewCatalog, Repeat, Story, StoryInvalid

FIRST = "at: 2026-03-02T09:00:00Z, do: CreateAccount, id: c-1"


def read(tmp_path: Path, text: str) -> Story:
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    return read_story(path)


def asked(tmp_path: Path, step: str, before: str = "") -> Do:
    (done,) = read(tmp_path, f"story: One\n{before}\nsteps:\n- {{{step}}}\n").steps
    assert isinstance(done, Do)
    return done


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(StoryInvalid) as invalid:
        read(tmp_path, text)
    return [f"{mistake.line}: {mistake.expected}" for mistake in invalid.value.mistakes]


MERGED = """story: A second version
catalog: &base
  catalog: n
  time_zone: UTC
  currencies: [{code: EUR, scale: 2}]
  account_types: [R]
  state_reasons: {ACTIVE: [A]}
  bill_cycles: [{code: M, period: MONTH, billing_day: 1}]
steps:
- at: 2026-05-02T09:00:00Z
  catalog: {<<: *base, account_types: [R, S]}
- do: CreateAccount
  body: {account_id: b, type: S, currency: EUR, bill_cycle: {code: M}}
"""


def test_an_explicit_key_wins_over_a_merged_one(tmp_path: Path) -> None:
    story = read(tmp_path, MERGED)
    step = story.steps[0]
    assert isinstance(step, NewCatalog)
    assert isinstance(step.catalog, dict)
    assert (step.catalog["account_types"], step.catalog["time_zone"]) == (["R", "S"], "UTC")
    assert play_pure(story) is None


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ("{<<: *one, b: 9}", {"a": 1, "b": 9}),
        ("{b: 9, <<: *one}", {"a": 1, "b": 9}),
        ("{<<: [*one, *two]}", {"a": 1, "b": 2, "c": 4}),
        ("{<<: [*two, *one], c: 5}", {"a": 1, "b": 3, "c": 5}),
        ("{<<: *one, <<: *two, b: 6}", {"a": 1, "b": 6, "c": 4}),
    ],
)
def test_merge_keys(tmp_path: Path, body: str, meant: dict[str, int]) -> None:
    text = f"story: One\nsteps:\n- {{{FIRST}, body: {{x: &one {{a: 1, b: 2}}, y: &two {{b: 3, c: 4}}, z: {body}}}}}\n"
    (step,) = read(tmp_path, text).steps
    assert isinstance(step, Do)
    assert step.asked.body["z"] == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MERGED + "  id: a\n  id: b\n", ["15: the key `id` stands twice; keep one"]),
        (
            MERGED.replace(
                "{<<: *base, account_types: [R, S]}", "\n    account_types: [R]\n    <<: *base\n    account_types: [S]"
            ),
            ["14: the key `account_types` stands twice; keep one"],
        ),
        (
            MERGED.replace("  catalog: n\n", "  catalog: n\n  catalog: m\n"),
            ["4: the key `catalog` stands twice; keep one"],
        ),
    ],
    ids=["apart from a merge", "beside a merge", "in what is merged, told once"],
)
def test_a_key_that_was_written_twice_is_told_where_it_stands_again(tmp_path: Path, text: str, told: list[str]) -> None:
    assert mistakes(tmp_path, text) == told


def test_what_anchors_name_is_looked_at_once(tmp_path: Path) -> None:
    doubled = "".join(f"  x{at}: &x{at} [*x{at - 1}, *x{at - 1}]\n" for at in range(1, 60))
    story = read(tmp_path, f"story: One\ncatalog:\n  x0: &x0 [1]\n{doubled}steps:\n- {{{FIRST}}}\n")
    assert len(story.steps) == 1


def test_a_mistake_in_an_overridden_key_is_told_where_it_was_written(tmp_path: Path) -> None:
    failure = play_pure(read(tmp_path, MERGED.replace("account_types: [R, S]", "\n    account_types: 5")))
    assert failure is not None
    assert "story.yaml:12: account_types:" in failure.sentence


@pytest.mark.parametrize(
    ("defaults", "step", "author"),
    [
        ("{source: crm}", "", ""),
        ("{source: crm, performed_by: ''}", "", ""),
        ("{performed_by: null}", "", ""),
        ("{performed_by: ada}", ", performed_by: ''", ""),
        ("{performed_by: ada}", ", performed_by: null", ""),
        ("{performed_by: ada}", "", "ada"),
        ("{performed_by: ''}", ", performed_by: grace", "grace"),
    ],
)
def test_nobody_may_be_named_who_asks(tmp_path: Path, defaults: str, step: str, author: str) -> None:
    assert asked(tmp_path, FIRST + step, f"defaults: {defaults}").asked.performed_by == author


def test_a_repeat_by_nobody(tmp_path: Path) -> None:
    steps = f"- {{{FIRST}, performed_by: ada}}\n- {{repeat: c-1, with: {{performed_by: null}}}}\n"
    _, again = read(tmp_path, f"story: One\nsteps:\n{steps}").steps
    assert isinstance(again, Repeat)
    assert again.instead is not None
    assert again.instead.performed_by == ""


def test_a_step_names_its_customer_by_either_key(tmp_path: Path) -> None:
    before = "customer: one\ndefaults: {customer: two}"
    assert asked(tmp_path, FIRST, before).asked.customer_id == "two"
    assert asked(tmp_path, f"{FIRST}, customer_id: three", before).asked.customer_id == "three"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10:30", "10:30"),
        ("08:00", "08:00"),
        ("1:30:15", "1:30:15"),
        ("10:30.5", "10:30.5"),
        ("-1:30", "-1:30"),
        ("30", 30),
        ("1_000", 1000),
        ("0.10", Decimal("0.10")),
        ("yes", True),
        ("no", False),
        ("off", False),
        ("2026-03-02T10:30:00Z", datetime(2026, 3, 2, 10, 30, tzinfo=UTC)),
    ],
)
def test_single_values(tmp_path: Path, written: str, meant: Any) -> None:
    found = asked(tmp_path, f"{FIRST}, body: {{value: {written}}}").asked.body["value"]
    assert (type(found), found) == (type(meant), meant)


@pytest.mark.parametrize("moment", ["2026-05-02T09:00:00", "'2026-05-02T09:00:00'", "2026-05-02 09:00:00"])
def test_a_moment_without_an_offset_is_utc(tmp_path: Path, moment: str) -> None:
    step = asked(tmp_path, f"at: {moment}, do: CreateAccount, performed_at: {moment}")
    assert step.at == step.asked.performed_at == datetime(2026, 5, 2, 9, tzinfo=UTC)


def on_step(text: str) -> str:
    return f"story: One\ndefaults: {{source: crm}}\nsteps:\n- {{{FIRST}}}\n- {text}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (on_step("{do: CreateAcount}"), "5: no command is named CreateAcount; expected one of CreateAccount"),
        (on_step("{do: CreateAcount, expect: REJECTED}"), "5: no command is named CreateAcount"),
        (on_step("{do: CreateAcount, refused: [{code: ACCOUNT_UNKNOWN}]}"), "5: no command is named CreateAcount"),
        (
            on_step("{do: Fly}"),
            "5: no command is named Fly; expected a command of the rule book; a story that shows its",
        ),
        (
            on_step("\n    do: CreateAccount\n    events: [AccountCreated]\n    refused: [{code: X}]"),
            "7: `events` and `refused` contradict: what is refused has no events",
        ),
        (
            on_step("{do: CreateAccount, expect: REJECTED, events_include: [AccountCreated]}"),
            "5: `events_include` and `expect: REJECTED` contradict",
        ),
        (
            on_step("{repeat: c-1, refused: [{code: X}], events: [AccountCreated]}"),
            "5: `events` and `refused` contradict",
        ),
        (
            on_step("{do: CreateAccount, expect: COMPLETED, refused: [{code: X}]}"),
            "5: `expect: COMPLETED` and `refused` contradict; keep one",
        ),
        (
            on_step("{do: CreateAccount, performed_by: no}"),
            "5: expected text, found `no`, which arrived as `false`; write it in quotes",
        ),
        (
            on_step("{do: CreateAccount}").replace("crm", "0150"),
            "2: expected text, found `0150`, which arrived as `104`; write it in quotes",
        ),
        (on_step("{do: CreateAccount, id: 7}"), "5: expected text, found `7`; write it in quotes"),
        (on_step("{do: CreateAccount, source: ''}"), "5: expected text, found nothing"),
        (on_step("{do: CreateAccount, refused: null}"), "5: expected a list, found nothing"),
        (on_step("{check: null}"), "5: expected a map, found nothing"),
        (on_step("{do: CreateAccount, at: 2026-05-02}"), "5: expected a moment with its offset"),
        (on_step("{do: CreateAccount, at: '2026-05-02'}"), "5: expected a moment with its offset"),
        (
            on_step("{do: CreateAccount}\n---\nstory: Two"),
            "6: expected one document in a file; `---` begins another, which needs a file of its own",
        ),
    ],
)
def test_slips(tmp_path: Path, text: str, told: str) -> None:
    found = mistakes(tmp_path, text)
    assert found[0].startswith(told), found
    assert len(found) == 1


@pytest.mark.parametrize(
    "step",
    [
        "{do: CreateAcount, refused: [{code: MALFORMED}]}",
        "{do: CreateAcount, expect: REJECTED, refused: [{code: MALFORMED, path: command_type}]}",
        "{do: CreateAcount, refused: [{path: command_type}]}",
        "{do: FlyToTheMoon, expect: REJECTED}",
        "{do: FlyToTheMoon, expect: REJECTED, events: []}",
        "{do: UpdateAccountBillCycle, refused: [{code: MALFORMED}], events: []}",
        "{do: UpdateAccountBillCycle, expect: REJECTED, events_include: []}",
    ],
)
def test_what_is_refused_on_purpose_is_sent(tmp_path: Path, step: str) -> None:
    text = on_step(step).replace("id: c-1", "id: c-1, body: {account_profile: mobile}")
    assert play_pure(read(tmp_path, text)) is None
