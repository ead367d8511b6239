"""The account tree: who stands above and below whom, and where an account may be put.

The tree is kept as parent links and an index of children. Depth is walked, never stored: it is at most
`switch.account_depth_max` steps up, and a stored one would have to follow every move of everything below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from processors.references import as_given, find_account
from schemas.accounts import Account, AccountState
from schemas.refusals import Code, Violation, violation

if TYPE_CHECKING:
    from processors.context import Context
    from processors.view.customer import CustomerView
    from schemas.references import AccountRef


def lineage(customer: CustomerView, account: Account) -> Iterator[Account]:
    """The account itself, then its parent, and so on up to the root."""
    here: Account | None = account
    while here is not None:
        yield here
        here = None if here.parent_account_id is None else customer.account(here.parent_account_id)


def below(customer: CustomerView, account_id: str) -> Iterator[tuple[int, Account]]:
    """Every account below one, with its distance: depth first, siblings by account_id, deactivated ones included."""
    waiting = [(1, child) for child in reversed(customer.children(account_id))]
    while waiting:
        distance, found = waiting.pop()
        account = customer.account(found)
        assert account is not None, "the index of children names accounts that are there"
        yield distance, account
        waiting.extend((distance + 1, child) for child in reversed(customer.children(found)))


def new_child_violations(
    customer: CustomerView, ref: AccountRef, currency: str | None, context: Context
) -> Iterator[Violation]:
    """What keeps a new account from being put below `ref` (ACC-11 .. ACC-13, without the number of accounts)."""
    parent = find_account(customer, ref)
    if parent is None:
        yield violation(Code.PARENT_UNKNOWN, "ACC-11", "parent", parent=as_given(ref))
        return

    yield from _parent_violations(parent, "ACC-11")
    yield from _currency_violations(parent, currency, "ACC-12", "currency")
    yield from _depth_violations(customer, parent, 1, context, "ACC-13")


def move_violations(customer: CustomerView, account: Account, ref: AccountRef, context: Context) -> Iterator[Violation]:
    """What keeps an account, with all below it, from being moved below `ref` (ACC-25)."""
    parent = find_account(customer, ref)
    if parent is None:
        yield violation(Code.PARENT_UNKNOWN, "ACC-25", "parent", parent=as_given(ref))
        return
    if parent.account_id == account.parent_account_id:
        return

    yield from _parent_violations(parent, "ACC-25")
    yield from _currency_violations(parent, account.currency, "ACC-25", "parent")
    above = [found.account_id for found in lineage(customer, parent)]
    if account.account_id in above:
        cycle = [account.account_id, *above[: above.index(account.account_id)]]
        yield violation(Code.HIERARCHY_CYCLE, "ACC-25", "parent", cycle=cycle)
        return
    height = 1 + max((distance for distance, _ in below(customer, account.account_id)), default=0)
    yield from _depth_violations(customer, parent, height, context, "ACC-25")


def _parent_violations(parent: Account, rule: str) -> Iterator[Violation]:
    if parent.state is AccountState.DEACTIVATED:
        yield violation(Code.PARENT_DEACTIVATED, rule, "parent", parent=parent.account_id)


def _currency_violations(parent: Account, currency: str | None, rule: str, path: str) -> Iterator[Violation]:
    if currency is not None and currency != parent.currency:
        yield violation(Code.CURRENCY_MISMATCH, rule, path, of="PARENT", given=currency, expected=parent.currency)


def _depth_violations(
    customer: CustomerView, parent: Account, height: int, context: Context, rule: str
) -> Iterator[Violation]:
    limit = context.catalog.switches.account_depth_max
    reached = sum(1 for _ in lineage(customer, parent)) + height
    if reached > limit:
        yield violation(Code.LIMIT_EXCEEDED, rule, "parent", limit_rule="ACCOUNT_DEPTH", limit=limit, found=reached)
