"""When a state begins: now, later, or a little before now."""

from __future__ import annotations

from datetime import datetime

from processors.context import Context
from processors.periods import local_day
from schemas.accounts import Account


def is_planned(valid_from: datetime | None, context: Context) -> bool:
    """Whether a state lies in the future (ACC-15, ACC-36)."""
    return valid_from is not None and valid_from > context.at


def is_too_far_back(valid_from: datetime, context: Context) -> bool:
    """Whether a state would begin more local days ago than the catalog allows (ACC-34)."""
    passed = local_day(context.at, context.zone) - local_day(valid_from, context.zone)
    return passed.days > context.catalog.switches.state_backdate_days


def effective_at(account: Account, valid_from: datetime | None, context: Context) -> datetime:
    """Since when a state that begins now counts: never before the account's last state change (ACC-34)."""
    return context.at if valid_from is None else max(valid_from, account.state_valid_from)
