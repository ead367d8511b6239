"""What lines that are cancelled give back: the accounts on which they did something stand as if they had never been.

Where an account stands and whose profile covers ALL of it follow from its past without them (hierarchies/past.py,
INV-OBA-2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from processors.billing_profiles import nonpaying
from processors.billing_profiles.payers import Desk
from processors.hierarchies.parents import touch
from processors.hierarchies.past import Past
from processors.hierarchies.standing import Standing
from processors.synchronization.work import Holding, Phase, Task, Work


class Pasts:
    """The pasts of the accounts on which cancelled lines have done something. To be made before any line is done."""

    def __init__(self, work: Work, desk: Desk, tasks: Sequence[Task]) -> None:
        self._work, self._desk = work, desk
        held = _held(tasks)
        self._concerned = [
            (task, account, Past(work, account, held))
            for account_id, task in _accounts(tasks).items()
            if (account := work.view.account(account_id)) is not None
        ]

    def give_back(self) -> dict[str, Standing]:
        """Let profiles cover what they are to cover; answer where accounts are to stand, if that is elsewhere."""
        found: dict[str, Standing] = {}
        for task, account, past in self._concerned:
            account_id = account.account_id
            place = past.without(self._work.cancelled_lines)
            if place.standing.parent != account.parent_account_id:
                found[account_id] = place.standing
            touch(self._work, Phase.UNDO_PARENTS, task, account_id)
            past.follow(place, self._work.changes.get(account_id, ()), self._desk.final(account_id))
            nonpaying.cover_all(self._work, self._desk, Phase.UNDO_NONPAYING, task, account_id, place.coverage.whole)
        return found


def _accounts(tasks: Sequence[Task]) -> dict[str, Task]:
    found: dict[str, Task] = {}
    for task in tasks:
        if task.is_cancelled and not task.ignored:
            for account_id in task.accounts():
                found.setdefault(account_id, task)
    return found


def _held(tasks: Sequence[Task]) -> dict[str, Holding | None]:
    """Who has the services that lines of the command ask for, once the cancelled ones have gone."""
    return dict(reversed(list(_begun(tasks))))


def _begun(tasks: Sequence[Task]) -> Iterator[tuple[str, Holding | None]]:
    for task in tasks:
        if not task.is_cancelled:
            yield task.asset, None if task.takes_over else task.old
            yield from ((service_id, old) for service_id, (old, _) in task.also.items())
