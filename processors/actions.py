"""The pipeline of actions: what one does or would do to a customer, whether now, when due, or in a projection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.acting import ACTIVATED_FROM, LIVE, ON, Action, Effect, author
from processors.context import Context

if TYPE_CHECKING:
    from processors.customer import CustomerView

__all__ = ["ACTIVATED_FROM", "LIVE", "ON", "Action", "Effect", "author", "effect"]


def effect(view: CustomerView, action: Action, context: Context) -> Effect:
    """Judge an action's own rules at T on `view`, and say what it would do."""
    raise NotImplementedError
