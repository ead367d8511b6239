"""Random commands over a random tree: what must hold for accounts at any moment (INV-ACC-1 to INV-ACC-6)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from processors.answering import Answered
from schemas.accounts import Account, AccountState
from schemas.envelope import Mode, Status
from tests.accounts.book import Book

pytestmark = pytest.mark.slow

ACTIVE, SUSPENDED, DEACTIVATED = AccountState.ACTIVE, AccountState.SUSPENDED, AccountState.DEACTIVATED
DEPTH_MAX, ACCOUNTS_MAX = 3, 7

ids = st.sampled_from("abcdefgh")
external_ids = st.sampled_from("XYZ") | st.none()
known = st.sampled_from("aaabbbcccdddefgh")
refs = known.map(lambda found: {"account_id": found}) | st.sampled_from("XYZ").map(lambda found: {"external_id": found})
past = st.none() | st.sampled_from([timedelta(days=-1), timedelta(hours=-1)])
future = st.sampled_from([timedelta(hours=5), timedelta(days=9), timedelta(days=20)])
states = st.sampled_from([*AccountState, SUSPENDED, ACTIVE])
reasons = {"INACTIVE": "NEW", "ACTIVE": "PAID", "SUSPENDED": "UNPAID", "DEACTIVATED": "CHURN"}


class Accounts(RuleBasedStateMachine):
    """A customer to whom anything may be done."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(account_depth_max=DEPTH_MAX, accounts_max=ACCOUNTS_MAX, state_backdate_days=1)

    @initialize()
    def a_small_tree(self) -> None:
        for account_id, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "a")):
            place = {"parent": {"account_id": parent}} if parent else {}
            self.tried("CreateAccount", account_id=account_id, account_profile="mobile", **place)

    # -- what happens

    def tried(self, command_type: str, **body: Any) -> Answered:
        """Preview the command, then give it: the preview promises what comes. Due work goes before the preview."""
        preview = self.book.ask(command_type, mode=Mode.PREVIEW, **body)
        self.book.asked -= 1  # the same id: derived ids must be the same too
        before = dict(self.book.state.scan(b""))
        answered = self.book.ask(command_type, **body)

        assert preview.outcome is not None
        assert answered.outcome is not None
        assert preview.outcome.violations == answered.outcome.violations
        assert preview.outcome.events == tuple(
            change.event for change in (answered.transaction.changes if answered.transaction else ())
        )
        if answered.outcome.status is Status.REJECTED:
            moved = {found for found, value in self.book.state.scan(b"") if before.get(found) != value}
            assert moved <= {found for found in moved if b"head" in found}, "a refusal changes nothing"
        return answered

    @rule(account_id=ids, external_id=external_ids, parent=st.none() | refs, own=st.booleans(), active=st.booleans())
    def create(self, account_id: str, external_id: str | None, parent: Any, own: bool, active: bool) -> None:
        self.tried(
            "CreateAccount",
            account_id=account_id,
            external_id=external_id,
            account_profile="mobile",
            payment_responsible=own,
            state={"state": "ACTIVE" if active else "INACTIVE"},
            parent=parent,
        )

    @rule(account=refs, external_id=external_ids)
    def give_another_external_id(self, account: Any, external_id: str | None) -> None:
        self.tried("UpdateAccountDetails", account=account, external_id=external_id)

    @rule(account=refs, parent=st.none() | refs)
    def move(self, account: Any, parent: Any) -> None:
        self.tried("UpdateAccountDetails", account=account, parent=parent)

    @rule(account=refs, state=states, valid_from=past, subordinates=st.booleans())
    def change_state(self, account: Any, state: AccountState, valid_from: timedelta | None, subordinates: bool) -> None:
        answered = self.asked_for_state(account, state, valid_from, subordinates)
        assert answered.outcome is not None
        if subordinates and answered.outcome.status is Status.COMPLETED:
            self.cascade_reached_all(account, state)

    @rule(account=refs, state=states, valid_from=future, subordinates=st.booleans())
    def plan_state(self, account: Any, state: AccountState, valid_from: timedelta, subordinates: bool) -> None:
        self.asked_for_state(account, state, valid_from, subordinates)

    def asked_for_state(
        self, account: Any, state: AccountState, valid_from: timedelta | None, subordinates: bool
    ) -> Answered:
        return self.tried(
            "ChangeAccountState",
            account=account,
            state=state.value,
            reason=reasons[state],
            valid_from=None if valid_from is None else (self.book.at + valid_from).isoformat(),
            include_subordinates=subordinates,
        )

    def cascade_reached_all(self, ref: dict[str, str], state: AccountState) -> None:
        view = self.book.view()
        root = (
            view.account(ref["account_id"]) if "account_id" in ref else view.account_by_external_id(ref["external_id"])
        )
        assert root is not None
        found = {account.state for account in self.below(root)}
        if state is SUSPENDED:
            assert ACTIVE not in found
        if state is DEACTIVATED:
            assert found <= {DEACTIVATED}

    @rule(account=refs)
    @precondition(lambda self: any(account.planned_state_change for account in self.book.accounts()))
    def cancel_plan(self, account: Any) -> None:
        self.tried("CancelPlannedStateChange", account=account)

    @rule(account=refs, cycle=st.sampled_from(["MONTHLY_15", "MONTHLY_1", "WEEKLY_MON"]), later=st.booleans())
    def change_bill_cycle(self, account: Any, cycle: str, later: bool) -> None:
        cutover = "AFTER_CURRENT_PERIOD" if later else "AT_VALID_FROM"
        self.tried("UpdateAccountBillCycle", account=account, bill_cycle=cycle, cutover=cutover)

    @rule(hours=st.sampled_from([1, 12, 24, 24 * 9, 24 * 40]))
    def time_passes(self, hours: int) -> None:
        self.book.passes(hours=hours)
        self.tried("RegisterCustomer")

    @rule()
    @precondition(lambda self: all(account.state is DEACTIVATED for account in self.book.accounts()))
    def erase(self) -> None:
        self.tried("EraseCustomerData", reason="asked for")

    # -- what holds

    @invariant()
    def external_ids_have_one_holder(self) -> None:
        """INV-ACC-1."""
        view = self.book.view()
        held = {account.external_id: account.account_id for account in self.book.accounts() if account.external_id}
        assert len(held) == sum(1 for account in self.book.accounts() if account.external_id)
        for external_id in "XYZ":
            holder = view.account_by_external_id(external_id)
            assert (holder.account_id if holder else None) == held.get(external_id)

    @invariant()
    def the_tree_is_a_tree(self) -> None:
        """INV-ACC-2, and the limits of ACC-13."""
        accounts = {account.account_id: account for account in self.book.accounts()}
        assert len(accounts) <= ACCOUNTS_MAX
        for account in accounts.values():
            seen = [account.account_id]
            while (parent := accounts[seen[-1]].parent_account_id) is not None:
                assert parent not in seen
                seen.append(parent)
            assert len(seen) <= DEPTH_MAX
            if account.parent_account_id is not None:
                assert account.account_id in self.book.view().children(account.parent_account_id)
        links = sum(len(self.book.view().children(account_id)) for account_id in accounts)
        assert links == sum(1 for account in accounts.values() if account.parent_account_id is not None)

    @invariant()
    def deactivated_is_the_end(self) -> None:
        """INV-ACC-3: what follows a deactivation is said in its own transaction."""
        ended: dict[str, int] = {}
        for place, event in enumerate(self.book.history):
            account_id = getattr(event, "account_id", None)
            if account_id in ended:
                between = self.book.history[ended[account_id] : place]
                assert all(getattr(said, "account_id", None) == account_id for said in between), event
                assert type(event).__name__ in ENDINGS, event
            if getattr(event, "to", None) is DEACTIVATED and type(event).__name__ == "AccountStateChanged":
                assert account_id is not None
                ended[account_id] = place

    @invariant()
    def state_history_is_contiguous(self) -> None:
        """INV-ACC-4."""
        for account in self.book.accounts():
            points = account.state_history
            assert all(one.valid_to == other.valid_from for one, other in pairwise(points))
            assert all(point.valid_to is None or point.valid_from <= point.valid_to for point in points)
            last = points[-1]
            assert (last.state, last.reason, last.valid_from) == (
                account.state,
                account.reason,
                account.state_valid_from,
            )
            assert last.valid_to is None
            assert account.suspended_by is None or account.state is SUSPENDED

    @invariant()
    def live_accounts_can_be_billed(self) -> None:
        """INV-ACC-5, and PER-1."""
        for account in self.book.accounts():
            assert self.book.catalog.definition(account.bill_cycle.code) is not None
            assert self.book.catalog.currency(account.currency) is not None
            assert (account.current_period is not None) == (account.state in (ACTIVE, SUSPENDED))

    @invariant()
    def nothing_waits_on_deactivated_accounts(self) -> None:
        """INV-ACC-6, and INV-BC-8: the due index holds what waits, and nothing else."""
        due = Counter(entry.command_type for _, entry in self.book.view().due())
        accounts = self.book.accounts()
        for account in accounts:
            if account.state is DEACTIVATED:
                assert account.planned_state_change is None
                assert account.planned_bill_cycle_change is None
                assert account.bill_cycle_history[-1].valid_to is not None
        assert due["ExecutePlannedStateChange"] == sum(1 for found in accounts if found.planned_state_change)
        assert due["ExecutePlannedBillCycleChange"] == sum(1 for found in accounts if found.planned_bill_cycle_change)
        assert due["StartBillingPeriod"] == sum(1 for found in accounts if found.current_period)

    def below(self, root: Account) -> list[Account]:
        view = self.book.view()
        children = [self.book.account(child) for child in view.children(root.account_id)]
        return children + [found for child in children for found in self.below(child)]


ENDINGS = {
    "BillCycleChangeCancelled",
    "AccountStateChangeCancelled",
    "BillingPeriodEndChanged",
    "BillingPeriodReplaced",
}
"""What a deactivation takes along (ACC-41)."""

Accounts.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestAccounts = Accounts.TestCase
