"""Actions on subscriptions, as every domain takes them: what one is (processors/acting.py), and what it does."""

from __future__ import annotations

from processors.acting import ACTIVATED_FROM, LIVE, ON, Action, Effect, author
from processors.subscriptions.effects import effect

__all__ = ["ACTIVATED_FROM", "LIVE", "ON", "Action", "Effect", "author", "effect"]
