"""What a failure says beside what was expected and what came: how it came to that, and what may have been meant."""

from pathlib import Path

import pytest

from schemas.accounts import UpdateAccountDetails
from schemas.references import AccountRef
from streams.stories import report
from streams.stories.format import read_story
from streams.stories.matching import Difference
from streams.stories.paths import stopped
from streams.stories.pure import play_pure
from streams.stories.runner import Failure
from streams.stories.shown import Glass

BORN = """story: One
steps:
- at: 2026-03-02T09:00:00Z
  do: CreateAccount
  body:
    account_id: a-1
    account_profile: mobile
"""
BAD_IDS = "[" + ", ".join(f"sv-{number}" for number in range(100)) + "]"
SUBSCRIBED = """
- do: CreateSubscription
  body:
    subscription_id: s-1
    account: {account_id: a-1}
    kind: POSTPAID
    initial_state: EFFECTIVE
    services: [{product: TV_MINI, service_id: tv}]
"""
MOVED = "- at: 2026-05-02T09:00:00Z\n"

SAID = {
    "the codes of a refusal, with their rows": (
        "- {do: UpdateAccountBillCycle, body: {account: {account_id: a-9}, bill_cycle: X}}",
        "    expected COMPLETED, came REJECTED: ACCOUNT_UNKNOWN (BCU-2)\n",
    ),
    "a refusal that did not come": (
        "- {do: CreateAccount, body: {account_profile: mobile}, expect: REJECTED}",
        "    expected REJECTED, came COMPLETED\n",
    ),
    "many codes": (
        SUBSCRIBED
        + f"- {{do: ChangeServiceState, body: {{subscription_id: s-1, action: STOP, service_ids: {BAD_IDS}}}}}",
        " and 94 more\n",
    ),
    "a misspelt field of an event": (
        "  events_include: [AccountCreated: {acount_id: a-1}]",
        "        no such field of AccountCreated: `acount_id`; did you mean `account_id`?\n",
    ),
    "a misspelt field deep inside": (
        "  events_include: [AccountCreated: {bill_cycle: {kode: MONTHLY_1}}]",
        "no such field of BillCycleSetting: `kode`; did you mean `code`?",
    ),
    "a misspelt field of a violation": (
        "- {do: UpdateAccountBillCycle, body: {account: {account_id: a-1}, bill_cycle: X}, refused: [{bil_cycle: X}]}",
        "BILL_CYCLE_UNKNOWN carries no `bil_cycle`; did you mean `bill_cycle`?",
    ),
    "a misspelt field of an answer": (
        "  answer: {catalog_versoin: 1}",
        "no such field of CommandOutcome: `catalog_versoin`; did you mean `catalog_version`?",
    ),
    "a misspelt field of an entity": (
        "- check: {account a-1: {curency: EUR}}",
        "no such field of Account: `curency`; did you mean `currency`?",
    ),
    "a field like no other": (
        "- check: {account a-1: {current_period.zzz: 1}}",
        "no such field of BillingPeriod: `zzz`; there is number, start, end",
    ),
    "a path through nothing": (
        "- check: {account a-1: {planned_bill_cycle_change.change_id: x}}",
        "`planned_bill_cycle_change` is null",
    ),
    "a path through a single value": ("- check: {account a-1: {state.code: x}}", "`state` is a single value, `ACTIVE`"),
    "the number of what is no list": ("- check: {account a-1: {state[]: 1}}", "`state` is a single value, `ACTIVE`"),
    "a place that a list has not": (
        "- check: {account a-1: {roles.7: x}}",
        "`roles` has no element `7`; it has 3, counted from 0",
    ),
    "an element by a key": (
        "- check: {account a-1: {bill_cycle_history.code=X.valid_from: 2026-03-02}}",
        "`bill_cycle_history` has no element with `code=X.valid_from`; its code: MONTHLY_1",
    ),
    "a boolean where a body wants text": (
        "    contact:\n      last_name: NO",
        "    line 9: expected text, found `NO`, which arrived as `false`; write it in quotes\n",
    ),
    "a number where a body wants text": (
        "    contact: {last_name: 0150}",
        "    line 8: expected text, found `0150`, which arrived as `104`; write it in quotes\n",
    ),
    "a boolean in an element of a list": (
        SUBSCRIBED.replace("product: TV_MINI", "product: no"),
        "expected text, found `no`, which arrived as `false`; write it in quotes\n",
    ),
    "a boolean in a map of texts": (
        """- do: SubmitOrder
  body:
    order_id: o-1
    lines:
    - {line_id: l-1, service_action: ADD, service_catalog: TV, product_id: TV_MINI, service_account: {account_id: a-1},
       attributes: {name: text, site: on}}""",
        "    line 13: expected text, found `on`, which arrived as `true`; write it in quotes\n",
    ),
    "a boolean where an event has text": (
        "  events_include:\n  - AccountCreated:\n      currency: NO",
        "    line 10: expected text, found `NO`, which arrived as `false`; write it in quotes\n",
    ),
    "a boolean where an entity has text": (
        "- check:\n    account a-1:\n      bill_cycle.code: off",
        "    line 10: expected text, found `off`, which arrived as `false`; write it in quotes\n",
    ),
    "a check that time has passed": (
        MOVED + "  check: {account a-1: {current_period.number: 3}}",
        "    StartBillingPeriod, due at 2026-03-31T22:00:00+00:00, has not run: `at` moves time, and a step `clock:",
    ),
}


def said(tmp_path: Path, text: str) -> str:
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    story = read_story(path)
    failure = play_pure(story)
    assert failure is not None
    return report.failed(story, failure)


@pytest.mark.parametrize(("steps", "told"), SAID.values(), ids=SAID)
def test_a_failure_says(tmp_path: Path, steps: str, told: str) -> None:
    printed = said(tmp_path, BORN + steps.removeprefix("\n") + "\n")
    assert told in printed, printed


@pytest.mark.parametrize(
    "steps",
    [
        "- clock: 2026-05-02T09:00:00Z\n- check: {account a-1: {current_period.number: 9}}",
        "- check: {account a-1: {current_period.number: 9}}",
        MOVED + "  customer: other\n  do: CreateAccount\n  body: {account_id: a-2, account_profile: mobile}\n"
        "- {customer: other, check: {account a-2: {state: DEACTIVATED}}}",
    ],
    ids=["it ran", "nothing is due", "of another customer"],
)
def test_where_nothing_waits_nothing_is_said_of_it(tmp_path: Path, steps: str) -> None:
    assert "has not run" not in said(tmp_path, f"{BORN}{steps}\n")


def test_a_field_that_is_not_given_is_no_slip() -> None:
    shown = Glass(str).plain(UpdateAccountDetails(account=AccountRef(account_id="a-1")))
    assert stopped(shown, "contact.last_name") == "UpdateAccountDetails has a field `contact`, which is not given here"


def test_no_text_is_quoted_that_would_not_fit_in_quotes_either(tmp_path: Path) -> None:
    assert "quotes" not in said(tmp_path, BORN + "- check: {account a-1: {segment: 104}}\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("switches:\n  strict_vendor_behavior: true\n", "story.yaml:3: switches.strict_vendor_behavior: unknown key"),
        (
            "catalog:\n  catalog: n\n  account_types: [NO]\n",
            "story.yaml:4: account_types.0: expected text, found `NO`, which",
        ),
        ("catalog: {catalog: n, switches: {a: 1}}\n", "story.yaml:2: switches.a: unknown key"),
    ],
    ids=["a switch of the story", "text in a catalog", "a switch of the catalog"],
)
def test_a_catalog_that_is_not_read(tmp_path: Path, text: str, told: str) -> None:
    printed = said(tmp_path, BORN.replace("steps:", text + "steps:"))
    assert told in printed, printed
    if "switches.strict" in told:
        assert "story.yaml:3  One" in printed


def test_what_is_printed_has_an_end(tmp_path: Path) -> None:
    printed = said(tmp_path, BORN + SAID["many codes"][0].removeprefix("\n") + "\n")
    differing, all_of_it = printed.split("all that came:")
    assert "... and 80 more" in differing
    assert all_of_it.count("code: SERVICE_UNKNOWN") == 100, "a refusal is shown whole"

    path = tmp_path / "story.yaml"
    path.write_text(BORN)
    differences = tuple(Difference(f"answer.{number}", "x" * 5000, 1) for number in range(50))
    came = {f"a-{number}": {"name": "y" * 5000, "lines": [{"b": [1, 2]}] * 9} for number in range(2000)}
    printed = report.failed(read_story(path), Failure(line=3, differences=differences, came=came))
    assert "... and 30 more differences" in printed
    assert "... and 3000 more characters" in printed
    assert printed.count("\n") < 10_200
    assert printed.endswith("more lines")
