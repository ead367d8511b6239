"""What the lines of a command did to the services of an account: that decides where the account stands after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from processors.synchronization.matrix import BILLING_ACCOUNT
from schemas.lineage import Lineage, LinkBefore, SetBy

if TYPE_CHECKING:
    from processors.synchronization.work import Holding, Phase, Task, Work


class Touch(NamedTuple):
    """A service of an account is paid by another one, came to the account, or left it."""

    task: Task
    phase: Phase
    slot: int
    """Where a change of the account's parent stands among the events."""
    service_id: str
    old: str | None
    """Who paid for it on this account; null: it came."""
    new: str | None
    """Who pays for it here now; null: it left."""
    by: SetBy | None
    """Who says so."""


class Choice(NamedTuple):
    """A parent that an account may have, and on account of which line."""

    parent: str | None
    lineage: Lineage | None
    touch: Touch
    back: LinkBefore | None = None
    """The link that a cancelled line gives back, if it is one."""


def touch(  # an account, a service of it, and what a line has done there
    work: Work, phase: Phase, task: Task, account_id: str, service_id: str, held: tuple[Holding | None, Holding | None]
) -> None:
    """Note that the parent of an account is to be looked at. `held`: the service's assignment while it was here."""
    old, new = (None if found is None else found.values.get(BILLING_ACCOUNT) for found in held)
    by = None if held[1] is None else held[1].set_by.get(BILLING_ACCOUNT)
    found = Touch(task, phase, work.slot(), service_id, old, new, by)
    work.touched.setdefault(account_id, []).append(found)
