"""In which order accounts are billed: who is paid for before who pays, members before their owner (HIE-12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from schemas.billing_profiles import ProfileState

if TYPE_CHECKING:
    from processors.view.customer import CustomerView

Edges = Mapping[str, tuple[str, ...]]
"""For each account those that come after it."""


def billing_order(customer: CustomerView, account_ids: Iterable[str] | None = None) -> tuple[str, ...]:
    """Accounts in the order of billing; default all of the customer. Never a matter of configuration.

    Nonpaying accounts stand before their payers; members of a collections group before its owner, where that is not
    against the first; else by account_id.
    """
    accounts = sorted(customer.ids("account") if account_ids is None else set(account_ids))
    return ordered(accounts, _payers(customer, accounts), _owners(customer, accounts))


def _payers(customer: CustomerView, accounts: list[str]) -> Edges:
    found: dict[str, tuple[str, ...]] = {}
    for account_id in accounts:
        mine = (profile for profile in customer.nonpaying_profiles(account_id) if profile.state is ProfileState.ACTIVE)
        payers = (customer.billing_profile(profile.payer_profile_id or "") for profile in mine)
        found[account_id] = tuple(sorted({payer.account_id for payer in payers if payer is not None} - {account_id}))
    return found


def _owners(customer: CustomerView, accounts: list[str]) -> Edges:
    found: dict[str, list[str]] = {account_id: [] for account_id in accounts}
    for owner in accounts:
        group = customer.group_of_owner(owner)
        for member in group.members if group is not None else ():
            if member in found:
                found[member].append(owner)
    return {member: tuple(owners) for member, owners in found.items()}


def ordered(accounts: list[str], payers: Edges, owners: Edges) -> tuple[str, ...]:
    """Whoever nobody has to come before, by account_id; an owner waits for its members as long as others can go on.

    Accounts may pay for one another, with a second payer against the parent link (HIE-4): one of them goes first.
    """
    owners = {
        member: tuple(owner for owner in found if not _comes_before(owner, member, payers))
        for member, found in owners.items()
    }
    before, better = _counted(accounts, payers), _counted(accounts, owners)
    ready = [(better[account] > 0, account) for account in accounts if not before[account]]
    heapify(ready)
    done: dict[str, None] = {}
    while ready or len(done) < len(accounts):
        if not ready:
            heappush(ready, (False, _first_of_a_circle([left for left in accounts if left not in done], payers)))
        waits, here = heappop(ready)
        if here in done or (waits and not better[here]):
            continue  # it stands in the heap again, before those that wait
        done[here] = None
        for after in payers[here]:
            if after not in before:
                continue
            before[after] -= 1
            if not before[after]:
                heappush(ready, (better[after] > 0, after))
        for owner in owners[here]:
            better[owner] -= 1
            if not better[owner] and not before[owner]:
                heappush(ready, (False, owner))
    return tuple(done)


def _first_of_a_circle(left: list[str], payers: Edges) -> str:
    """An account that only those of its own circle have to come before: the last from which a walk has to begin."""
    unmet, first = set(left), left[0]
    for account in left:
        if account not in unmet:
            continue
        first, waiting = account, [account]
        while waiting:
            here = waiting.pop()
            if here in unmet:
                unmet.discard(here)
                waiting.extend(payers[here])
    return first


def _comes_before(account: str, other: str, payers: Edges) -> bool:
    """Whether an account has to stand before another one, because payers say so."""
    waiting, seen = [account], {account}
    while waiting:
        for after in payers.get(waiting.pop(), ()):
            if after == other:
                return True
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return False


def _counted(accounts: list[str], edges: Edges) -> dict[str, int]:
    found = dict.fromkeys(accounts, 0)
    for targets in edges.values():
        for target in targets:
            if target in found:
                found[target] += 1
    return found
