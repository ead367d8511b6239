"""How what came is compared with what was expected."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from streams.stories.matching import differences, event_differences, included_differences
from streams.stories.paths import NOTHING, at_path
from streams.stories.shown import CanonicalText, Fields

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HERE = timezone(timedelta(hours=2))
SERVICES = [{"product": "LINE_A", "state": "EFFECTIVE"}, {"product": "V1.5", "state": "DRAFT"}]
SHOWN = Fields(code="A", amount=Decimal("30.00"), lines=["l-1", "l-2"], inner=Fields(a=1, b=None), services=SERVICES)


def text(value: str) -> CanonicalText:
    return CanonicalText(value)


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ("30.0", Decimal("30.00")),
        (Decimal("30.0"), Decimal("30.00")),
        (30, Decimal("30.00")),
        (Decimal("30.0"), text("30.00")),
        ("30.0", text("30.00")),
        (15, text("15")),
        (True, text("true")),
        (None, None),
        ("absent", None),
        ("absent", NOTHING),
        (NOON.astimezone(HERE), NOON),
        ("2026-06-01T14:00:00+02:00", NOON),
        (NOON, text("2026-06-01T14:00:00+02:00")),
        ("2026-06-01T12:00:00Z", text("2026-06-01T14:00:00+02:00")),
        (date(2026, 6, 1), date(2026, 6, 1)),
        ("2026-06-01", date(2026, 6, 1)),
        (date(2026, 6, 1), text("2026-06-01")),
        (["a-1", "a-2"], text('["a-1","a-2"]')),
        ('["a-1"]', text('["a-1"]')),
        ({"a": "1", "b": {"c": Decimal("2.50")}}, text('{"a":"1","b":{"c":"2.5"},"d":3}')),
        ({"other": None}, {"code": "A"}),
        ({"inner.a": 1, "lines[]": 2, "lines.1": "l-2"}, SHOWN),
        ({"services.product=LINE_A.state": "EFFECTIVE", "services.product=V1.5.state": "DRAFT"}, SHOWN),
        ({"no_such_field": "absent"}, SHOWN),
        ({"inner": {"b": None}}, SHOWN),
    ],
)
def test_same(expected: Any, came: Any) -> None:
    assert list(differences(expected, came)) == []


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ("30", 30),
        (30, "30"),
        (1, True),
        (True, 1),
        ("true", True),
        ("007", text("7")),
        (Decimal("30.01"), Decimal("30.00")),
        (NOON, NOON + timedelta(microseconds=1)),
        (date(2026, 6, 1), NOON),
        (NOON, date(2026, 6, 1)),
        ("absent", "here"),
        (None, "here"),
        (None, NOTHING),
        ("here", None),
        (["a-1"], ["a-1", "a-2"]),
        (["a-2", "a-1"], ["a-1", "a-2"]),
        (["a-1"], "a-1"),
        ({"a": 1}, None),
        ({"no_such_field": None}, SHOWN),
        ({"inner.b.c": 1}, SHOWN),
        ({"services.product=LINE_B.state": "EFFECTIVE"}, SHOWN),
    ],
)
def test_not_the_same(expected: Any, came: Any) -> None:
    assert list(differences(expected, came)) != []


def test_a_difference_says_where() -> None:
    (found,) = differences({"inner": {"a": 2}}, SHOWN, "account a-1")
    assert (found.path, found.expected, found.came) == ("account a-1.inner.a", 2, 1)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("code", "A"),
        ("services.0.state", "EFFECTIVE"),
        ("services[]", 2),
        ("services.7.state", NOTHING),
        ("code.deeper", NOTHING),
        ("code[]", NOTHING),
    ],
)
def test_paths(path: str, found: Any) -> None:
    assert at_path(SHOWN, path) == found


def test_events_are_exact_in_number_and_order() -> None:
    came = [("A", Fields(n=1)), ("B", Fields(n=2))]
    assert list(event_differences([("A", {}), ("B", {"n": 2})], came)) == []
    assert list(event_differences([("B", {}), ("A", {})], came)) != []
    assert list(event_differences([("A", {})], came)) != []
    assert list(event_differences([], came)) != []
    assert list(event_differences([("A", {}), ("B", {"n": 3})], came)) != []


def test_included_events_keep_their_order_and_others_may_stand_between() -> None:
    came = [("A", Fields(n=1)), ("B", Fields(n=2)), ("A", Fields(n=3))]
    assert list(included_differences([("A", {"n": 3})], came)) == []
    assert list(included_differences([("A", {}), ("A", {})], came)) == []
    assert list(included_differences([], came)) == []
    assert list(included_differences([("A", {"n": 3}), ("B", {})], came)) != []
    assert list(included_differences([("A", {}), ("A", {}), ("A", {})], came)) != []
    (nearest,) = included_differences([("B", {"n": 7})], came)
    assert (nearest.path, nearest.came) == ("events_include.0.B.n", 2)
