"""Random commands on orders that say who pays: what must hold at any moment (INV-OBA-1, INV-OBA-4 to INV-OBA-9, 11)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from processors.answering import Answered
from schemas.accounts import AccountStateChanged, StateCause
from schemas.billing_profiles import (
    BillingAssignmentChanged,
    BillingProfileStateChanged,
    LinkCause,
    PaymentMethodClosed,
    ProfileCause,
    ProfileState,
)
from schemas.fields import Event
from schemas.lineage import LineSync, PaymentState, SyncState, UseKind
from schemas.payments import PaymentRecorded, PaymentReversed
from schemas.synchronization import (
    Compensation,
    OrderAccountSyncCompleted,
    OrderLineSynchronized,
    OrderPaymentAwaited,
)
from tests.synchronization import laws
from tests.synchronization.office import ACCOUNTS, PROFILES, SERVICES, Office, Wish, happened, is_done, line

pytestmark = pytest.mark.slow

ORDERS = 4
WITHOUT_PAYMENT = 9
STATES = (None, None, ("SUSPENDED", "REQUESTED"), ("ACTIVE", "PAID"), ("DEACTIVATED", "CHURN"))
REVISED = {
    "payer": ("billing_account", "billing_profile"),
    "account": ("service_account",),
    "owner": ("owner_account",),
}
"""Which fields of a line a revision changes."""
WITHOUT_PRIOR = (Compensation.ADD, Compensation.DELETE, Compensation.NONE)

places = st.integers(0, 5)
wishes = st.builds(Wish, st.integers(0, 4), st.integers(0, 3), st.none() | st.integers(0, 4))
asked = st.tuples(st.sampled_from(SERVICES), st.sampled_from(["FITTING"] * 6 + ["ADD", "UPDATE", "MOVE_ADD"]), wishes)
wanted_lines = st.lists(asked, min_size=1, max_size=3, unique_by=lambda found: found[0])
how = st.fixed_dictionaries(
    {
        "on_superseded": st.sampled_from(["REJECT", "KEEP_CURRENT"]),
        "implicit_moves": st.sampled_from(["REJECT", "ALLOW"]),
    }
)


class Synchronizations(RuleBasedStateMachine):
    """Four orders of one customer, in any interleaving with payments, bills and commands about its accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office()
        self.made = 0
        self.recorded: Counter[str] = Counter()
        self.completed: Counter[tuple[str, int]] = Counter()
        self.awaited: Counter[str] = Counter()
        self.amounts: dict[str, Decimal] = {}

    @initialize(
        legal=st.booleans(),
        split=st.sampled_from([True, True, False]),
        strict=st.sampled_from([False, False, False, True]),
        known=st.booleans(),
        first=st.tuples(wanted_lines, wanted_lines),
        how=how,
    )
    def opens(  # the switches, whether accounts are there that no order made, and two orders
        self,
        *,
        legal: bool,
        split: bool,
        strict: bool,
        known: bool,
        first: tuple[list[tuple[str, str, Wish]], ...],
        how: dict[str, str],
    ) -> None:
        self.office = Office(legal_hierarchy_sync=legal, split_payer=split, strict_vendor_behaviour=strict)
        if known:
            self.office.ask("CreateAccount", account_id="n-4", account_profile="mobile")
            above = {"account_id": "n-4"}
            self.office.ask("CreateAccount", account_id="n-3", account_profile="mobile", parent=above)
        for wanted in first:
            self.submit(wanted, how)

    # -- what happens

    def tried(self, answer: Answered, before: tuple[dict[bytes, bytes], dict[str, LineSync | None]], seen: int) -> bool:
        """Judge what a command has done; whether it was accepted."""
        rows, lines = before
        assert answer.outcome is not None
        if not is_done(answer):
            assert happened(answer) == []
        news = self.office.history[seen:]
        if not news:
            moved = {key for key, value in self.office.rows().items() if rows.get(key) != value}
            assert all(b"head" in key for key in moved), "nothing changes without an event"
        for event in news:
            self.lines_change_what_they_hold(event, lines)
            self.prior_values_name_what_changes(event)
            self.nothing_needed_is_closed(event)
            self.payments_are_booked_once(event)
        self.office.passes(minutes=1)
        return is_done(answer)

    def ask(self, command: str, **body: Any) -> bool:
        """Give a command, and judge what it does."""
        before, seen = self.taken(), len(self.office.history)
        return self.tried(self.office.ask(command, **body), before, seen)

    def taken(self) -> tuple[dict[bytes, bytes], dict[str, LineSync | None]]:
        """What is there before a command."""
        return self.office.rows(), {entry.line_id: entry.sync for entry in self.office.lines()}

    def fitting(self, service: str, action: str) -> str:
        """An action that fits: a service that nobody holds is added, else it moves."""
        if action != "FITTING":
            return action
        return "UPDATE" if service in self.office.assignments() else "ADD"

    def new_line(self, order_id: str, wanted: tuple[str, str, Wish]) -> dict[str, Any]:
        self.made += 1
        service, action, wish = wanted
        action = self.fitting(service, action)
        said = line(f"{order_id}-{self.made}", service, action, wish)
        if action != "ADD" and service not in self.office.assignments():
            said["prior_values"] = Wish(wish.account, wish.profile + 1).values()  # it was there before any order
        return said

    def order(self, place: int) -> str:
        """One of the orders that were submitted."""
        return list(self.office.orders)[place % len(self.office.orders)]

    def said(self, place: int) -> list[dict[str, Any]]:
        """What the CRM believes one of the orders to be, without the line that asks nothing."""
        return [dict(found) for found in self.office.orders[self.order(place)][:-1]]

    @rule(wanted=wanted_lines, how=how)
    def submit(self, wanted: list[tuple[str, str, Wish]], how: dict[str, str]) -> None:
        number = len(self.office.orders)
        if number == ORDERS:
            return
        lines = [self.new_line(f"o-{number}", found) for found in wanted]
        before, seen = self.taken(), len(self.office.history)
        assert self.tried(self.office.submit(f"o-{number}", lines), before, seen)
        self.synchronize(number, None, how, WITHOUT_PAYMENT)

    @rule(
        order=places,
        place=places,
        wish=wishes,
        wanted=asked,
        change=st.sampled_from(["wish", "payer", "account", "owner", "drop", "add"]),
        how=st.none() | how,
    )
    def revise(  # which order and line, what becomes of it, and how it is synchronized at once, if it is
        self,
        order: int,
        place: int,
        wish: Wish,
        wanted: tuple[str, str, Wish],
        change: str,
        how: dict[str, str] | None,
    ) -> None:
        lines = self.said(order)
        if change == "add" or not lines:
            if wanted[0] not in {found["service_id"] for found in lines}:
                lines.insert(place % (len(lines) + 1), self.new_line(self.order(order), wanted))
        elif change == "drop":
            del lines[place % len(lines)]
        else:
            said = wish.values()
            fields = REVISED.get(change, tuple(said))
            lines[place % len(lines)] |= {field: said[field] for field in fields if field in said}
        before, seen = self.taken(), len(self.office.history)
        if self.tried(self.office.revise(self.order(order), lines), before, seen) and how is not None:
            self.synchronize(order, None, how, WITHOUT_PAYMENT)

    @rule(order=places, picked=st.none() | st.lists(places, min_size=1, max_size=2), how=how, profile=places)
    def synchronize(self, order: int, picked: list[int] | None, how: dict[str, str], profile: int) -> None:
        """INV-OBA-1: the message again, and the same order by another one, change nothing."""
        order_id, more = self.order(order), dict[str, Any](how)
        mine = [entry.line_id for entry in self.office.lines() if entry.order_id == order_id]
        if picked is not None:
            more["line_ids"] = [mine[place % len(mine)] for place in picked]
        if profile < 2:
            more["payment_billing_profile"] = list(PROFILES)[profile]
        before, seen = self.taken(), len(self.office.history)
        asked_as = self.office.asked
        if not self.tried(self.office.synchronize(order_id, **more), before, seen):
            return
        rows, events = self.office.rows(), len(self.office.history)
        self.office.asked = asked_as
        again = self.office.synchronize(order_id, **more).outcome
        assert again is not None
        assert again.repeated
        another = self.office.synchronize(order_id, **more).outcome
        assert another is not None
        assert (another.status.name, another.changed) == ("COMPLETED", False), another.violations
        assert len(self.office.history) == events
        assert {key: value for key, value in self.office.rows().items() if b"head" not in key} == {
            key: value for key, value in rows.items() if b"head" not in key
        }

    @rule(order=places, place=places, wish=wishes, change=st.sampled_from(["REMOVE", "CHANGE"]))
    def modify(self, order: int, place: int, wish: Wish, change: str) -> None:
        lines, order_id = self.said(order), self.order(order)
        if not lines:
            return
        there = lines[place % len(lines)]
        more = {"set": wish.values()} if change == "CHANGE" else {}
        if not self.ask("ModifyOrderLine", order_id=order_id, operation=change, line_id=there["line_id"], **more):
            return
        kept = [found for found in lines if found is not there or change == "CHANGE"]
        told = [found | more.get("set", {}) if found is there else found for found in kept]
        self.office.orders[order_id][:-1] = told

    @rule(order=places, how=how)
    def cancel(self, order: int, how: dict[str, str]) -> None:
        self.ask("CancelOrder", order_id=self.order(order), reason="no more", on_superseded=how["on_superseded"])

    @rule(order=places, place=places)
    def bill(self, order: int, place: int) -> None:
        if lines := self.said(order):
            line_ids = [lines[place % len(lines)]["line_id"]]
            self.ask("UpdateBillingSystem", order_id=self.order(order), line_ids=line_ids)

    @rule(order=places, number=places, profile=places, failed=st.sampled_from([True, False, False]))
    def pay(self, order: int, number: int, profile: int, *, failed: bool) -> None:
        """A payment twice is one; now and then it is given back."""
        said = {"billing_profile_id": list(PROFILES)[profile]} if profile < len(PROFILES) else {}
        result = (
            {"result": "FAILED", "failure_reason": "NOT_FOUND"} if failed else {"amount": "7.50", "currency": "EUR"}
        )
        body = {"order_id": self.order(order), "payment_id": f"pay-{number}", **said, **result}
        if self.ask("RecordOrderPayment", **body):
            seen = len(self.office.history)
            assert self.ask("RecordOrderPayment", **body)
            assert len(self.office.history) == seen
        else:
            self.ask("ReverseOrderPayment", order_id=self.order(order), payment_id=f"pay-{number}", reason="asked for")

    @rule(account=st.sampled_from(ACCOUNTS), state=st.sampled_from(STATES), days=st.sampled_from([0, 1, 12, 31]))
    def elsewhere(self, account: str, state: tuple[str, str] | None, days: int) -> None:
        """Time passes, and something happens to an account."""
        self.office.passes(days=days)
        if state is not None:
            to, reason = state
            self.ask("ChangeAccountState", account={"account_id": account}, state=to, reason=reason)

    # -- what must hold of every event

    def lines_change_what_they_hold(self, event: Event, lines: dict[str, LineSync | None]) -> None:
        """INV-OBA-4: nothing that a later line has set is overwritten."""
        if not isinstance(event, BillingAssignmentChanged) or event.cause is LinkCause.IMPLICIT:
            return
        assert event.line is not None
        sync = lines.get(event.line.line_id)
        if sync is None or sync.state is SyncState.CANCELLED:
            return  # a new line
        for change in event.changes:
            by = change.old_set_by
            if by is None or by.line_id == event.line.line_id:
                continue
            before = sync.before.get(change.attribute)
            never_changed_by_it = before is None or before.set_by == by
            assert never_changed_by_it, f"{event.line.line_id} overwrites {change}"

    def prior_values_name_what_changes(self, event: Event) -> None:
        """INV-OBA-9."""
        if not isinstance(event, OrderLineSynchronized):
            return
        expected = set() if event.compensation_action in WITHOUT_PRIOR else set(event.changed)
        assert set(event.prior_values) == expected, event

    def nothing_needed_is_closed(self, event: Event) -> None:
        """INV-OBA-8."""
        match event:
            case BillingProfileStateChanged(new_state=ProfileState.CLOSED, cause=ProfileCause.ORDER_LINE_CANCELLED):
                kind, name = UseKind.BILLING_PROFILE, event.billing_profile_id
            case PaymentMethodClosed():
                kind, name = UseKind.PAYMENT_METHOD, event.payment_method_id
            case AccountStateChanged(cause=StateCause.ORDER):
                kind, name = UseKind.ACCOUNT, event.account_id
            case _:
                return
        assert not self.office.strict, event
        assert list(laws.needs(self.office, kind, name)) == [], event
        assert name not in laws.charged(self.office), event

    def payments_are_booked_once(self, event: Event) -> None:
        """INV-OBA-11."""
        match event:
            case PaymentRecorded():
                self.recorded[event.payment_id] += 1
                assert self.recorded[event.payment_id] == 1
                self.amounts[event.payment_id] = event.amount
            case PaymentReversed():
                assert event.amount == self.amounts[event.payment_id]
            case OrderPaymentAwaited():
                self.awaited[event.order_id] += 1
            case OrderAccountSyncCompleted():
                self.completed[event.order_id, event.revision] += 1
                assert self.completed[event.order_id, event.revision] <= 1 + self.awaited[event.order_id]
                self.is_complete(event.order_id)
            case _:
                pass

    def is_complete(self, order_id: str) -> None:
        """All lines were answered, and the awaited payment is there."""
        view = self.office.view()
        order = view.order(order_id)
        assert order is not None
        for entry in view.lines(order_id):
            if not entry.cancelled_because:
                assert entry.synchronized_revision is not None
                assert entry.synchronized_revision >= entry.customer_data_revision
        states = [payment.state for payment in view.payments_of(order_id)]
        assert order.payment_billing_profile is None or PaymentState.RECORDED in states

    # -- what must hold of every state

    @invariant()
    def applied_values_are_assigned(self) -> None:
        """INV-OBA-4."""
        laws.applied_values_are_assigned(self.office)

    @invariant()
    def services_are_covered_once(self) -> None:
        """INV-OBA-5."""
        laws.services_are_covered_once(self.office)
        laws.payers_cover_what_they_pay(self.office)

    @invariant()
    def links_and_profiles_agree(self) -> None:
        """INV-OBA-6."""
        laws.links_are_a_forest(self.office)
        laws.profiles_of_an_account_agree(self.office)

    @invariant()
    def groups_are_as_assigned(self) -> None:
        """INV-OBA-7."""
        laws.groups_are_as_assigned(self.office)


TestSynchronizations = Synchronizations.TestCase
TestSynchronizations.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
