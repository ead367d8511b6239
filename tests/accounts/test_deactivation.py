"""What a deactivation will have to look at once it is there."""

from __future__ import annotations

from schemas.words import ENTITIES


def test_there_are_no_subscriptions_yet() -> None:
    """ACC-40: with subscriptions comes HAS_LIVE_SUBSCRIPTIONS; this test then fails, and its stories take its place."""
    assert "subscription" not in ENTITIES
