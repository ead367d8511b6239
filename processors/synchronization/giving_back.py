"""What lines that are cancelled give back: the accounts on which they did something stand as if they had never been.

Where an account stands and whose profile covers ALL of it follow from its past without them (hierarchies/past.py,
INV-OBA-2).
"""

from __future__ import annotations

from collections.abc import Sequence

from processors.billing_profiles import nonpaying
from processors.billing_profiles.payers import Desk
from processors.hierarchies.parents import touch
from processors.hierarchies.past import Past, Place, steps_about
from processors.hierarchies.standing import Standing
from processors.synchronization.matrix import SERVICE_ACCOUNT
from processors.synchronization.work import Holding, Phase, Task, Work
from processors.view.rows.billing import accounts_of
from schemas.accounts import Account
from schemas.lineage import SyncState


class Pasts:
    """The pasts of the accounts on which cancelled lines have done something. To be made before any line is done.

    What lines have said is as before the command for as long as it runs: their own events come last.
    """

    def __init__(self, work: Work, desk: Desk, tasks: Sequence[Task]) -> None:
        self._work, self._desk, self._held = work, desk, _held(tasks)
        self._concerned = [
            (task, account, Past(work, account, self._held))
            for account_id, task in _accounts(work, tasks).items()
            if (account := work.view.account(account_id)) is not None
        ]
        self._standings: dict[str, Standing | None] = {}

    def standing(self, account_id: str) -> Standing | None:
        """Where an account is to stand that is concerned, or was asked for; null: it stays."""
        return self._standings.get(account_id)

    def knows(self, account_id: str) -> bool:
        """Whether an account is concerned, or was asked for."""
        return account_id in self._standings

    def ask(self, account: Account) -> Standing | None:
        """Where any account is to stand without the cancelled lines; null: it stays."""
        if account.account_id not in self._standings:
            self._remember(account, Past(self._work, account, self._held).without(self._work.cancelled_lines))
        return self.standing(account.account_id)

    def _remember(self, account: Account, place: Place) -> None:
        is_elsewhere = place.standing.parent != account.parent_account_id
        self._standings[account.account_id] = place.standing if is_elsewhere else None

    def give_back(self) -> None:
        """Let profiles cover what they are to cover, and parents be looked at."""
        for task, account, past in self._concerned:
            account_id = account.account_id
            place = past.without(self._work.cancelled_lines)
            self._remember(account, place)
            touch(self._work, Phase.UNDO_PARENTS, task, account_id)
            changes, final = self._work.changes.get(account_id, ()), self._desk.final(account_id)
            place.follow(changes, final, in_tree=self._work.view.corporate_of(account_id) is not None)
            nonpaying.cover_all(self._work, self._desk, Phase.UNDO_NONPAYING, task, account_id, place.coverage.whole)


def _accounts(work: Work, tasks: Sequence[Task]) -> dict[str, Task]:
    """Accounts that ever had a service of a cancelled line, each with the first line to give back something."""
    found: dict[str, Task] = {}
    cancelled = [task for task in tasks if task.is_cancelled and not task.ignored]
    for task in cancelled:
        for service_id in dict.fromkeys(step.service_id for step in task.steps):
            for step in steps_about(work, service_id):
                for account_id in (step.before(SERVICE_ACCOUNT).value, step.said.account_id):
                    if account_id is not None:
                        found.setdefault(account_id, task)
    if work.only_takes_back and cancelled:  # a circle that was in the way of a line that went before may be open now
        for line in work.view.lines(work.order.order_id):
            if line.sync is not None and line.sync.state is SyncState.CANCELLED:
                for account_id in accounts_of(line.sync):
                    found.setdefault(account_id, cancelled[0])
    return found


def _held(tasks: Sequence[Task]) -> dict[str, Holding | None]:
    """Who has the services that lines of the command ask for, once the cancelled ones have gone."""
    found: dict[str, Holding | None] = {}
    for task in tasks:
        if not task.is_cancelled:
            found.setdefault(task.asset, None if task.takes_over else task.old)
            for service_id, (old, _) in task.also.items():
                found.setdefault(service_id, old)
    return found
