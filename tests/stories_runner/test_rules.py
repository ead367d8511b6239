"""`billfold story rules`: which rules no story shows."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams.stories.commands import app
from streams.stories.rules import read_exemptions, read_rules

ROOT = Path(__file__).parents[2]
STORIES = ROOT / "tests" / "stories"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.txt").write_text("# accounts\nACC-1\nACC-2\nINV-ACC-1\n# bill-cycles\nBCU-1\n")
    (tmp_path / "one.yaml").write_text(
        "story: One\nrules: [ACC-1, ACC-2]\nsteps: [{at: 2026-03-02T09:00:00Z, do: CreateAccount}]\n"
    )
    return tmp_path


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["rules", "--folder", str(folder), *options])


def test_rules_that_no_story_shows_are_gaps(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "accounts: 2 of 3 rules are shown",
        "    INV-ACC-1",
        "bill-cycles: 0 of 1 rules are shown",
        "    BCU-1",
    ]


def test_only_the_domains_asked_for_count(folder: Path) -> None:
    (folder / "rules.txt").write_text("# accounts\nACC-1\nACC-2\n# bill-cycles\nBCU-1\n")
    assert run(folder, "--domain", "accounts").exit_code == 0
    assert run(folder, "--domain", "accounts", "--domain", "bill_cycles").exit_code == 1
    assert "expected one of accounts, bill-cycles" in run(folder, "--domain", "orders").output


def test_an_exemption_names_a_test_that_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    test = "tests/stories_runner/test_rules.py::test_an_exemption_names_a_test_that_is_there"
    (folder / "exempt.yaml").write_text(f"- {{rule: INV-ACC-1, test: {test}, why: it is an example}}\n")
    result = run(folder, "--domain", "accounts")
    assert result.exit_code == 0
    assert f"    INV-ACC-1 exempt: {test} (it is an example)" in result.output


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "{rule: ACC-1, test: tests/test_rooms.py::test_no_such}",
            "expected a test `test_no_such` in tests/test_rooms.py",
        ),
        ("{rule: ACC-1, test: tests/test_no.py::test_x}", "expected the test file tests/test_no.py, there is none"),
        ("{rule: ACC-1, test: tests/test_rooms.py}", "expected a test as in tests/test_clock.py::test_forged"),
        ("{rule: ACC-1}", "expected a map of rule, test, why"),
        ("{rule: ACC-1, test: a, because: b}", "expected a map of rule, test, why"),
    ],
)
def test_an_exemption_that_does_not_hold_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, entry: str, told: str
) -> None:
    monkeypatch.chdir(ROOT)
    (folder / "exempt.yaml").write_text(f"\n- {entry}\n")
    result = run(folder)
    assert result.exit_code == 1
    assert f"exempt.yaml:2: {told}" in result.output


def test_a_story_that_names_no_rule_of_the_book_is_told(folder: Path) -> None:
    (folder / "rules.txt").write_text("# accounts\nACC-1\n")
    result = run(folder)
    assert result.exit_code == 1
    assert "one.yaml names ACC-2, which is no rule" in result.output


def test_the_committed_list_has_every_domain_and_no_id_twice() -> None:
    rules = read_rules(STORIES / "rules.txt")
    ids = [rule for of_domain in rules.values() for rule in of_domain]
    assert list(rules) == [
        "accounts",
        "bill-cycles",
        "subscriptions-and-bundles",
        "wallets-scheduling-provisioning",
        "orders",
        "order-billing-accounts",
    ]
    assert len(ids) == len(set(ids))


def test_every_committed_exemption_names_a_test_that_is_there() -> None:
    read_exemptions(STORIES / "exempt.yaml", ROOT)
