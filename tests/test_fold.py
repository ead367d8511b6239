"""Every word is known where words are told apart by their type."""

from __future__ import annotations

from processors.fold import EVOLVE
from schemas.words import EVENTS


def test_every_event_evolves_its_entity() -> None:
    assert EVOLVE.keys() == set(EVENTS.values())
