"""In which order accounts are billed (HIE-12)."""

from __future__ import annotations

import pytest

from processors.billing_profiles.ordering import Edges, ordered

ACCOUNTS = ["a", "b", "c", "d"]
NOBODY: Edges = {}


@pytest.mark.parametrize(
    ("payers", "owners", "expected"),
    [
        (NOBODY, NOBODY, "abcd"),
        ({"b": ("a",)}, NOBODY, "bacd"),
        ({"b": ("a",), "d": ("b",)}, NOBODY, "cdba"),
        (NOBODY, {"b": ("a",)}, "bacd"),
        ({"a": ("b",)}, {"b": ("a",)}, "abcd"),
        ({"a": ("c",)}, {"c": ("b",), "d": ("a",)}, "dacb"),
    ],
    ids=["by id", "paid first", "a chain", "members first", "never against a payer", "both"],
)
def test_who_is_paid_for_stands_before_who_pays(payers: Edges, owners: Edges, expected: str) -> None:
    assert "".join(ordered(ACCOUNTS, _all(payers), _all(owners))) == expected


def _all(edges: Edges) -> Edges:
    return {account: edges.get(account, ()) for account in ACCOUNTS}
