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

ORDERS = ("o-1", "o-2", "o-3", "o-4")
WITHOUT_PRIOR = (Compensation.ADD, Compensation.DELETE, Compensation.NONE)

order_ids = st.sampled_from(ORDERS)
places = st.integers(0, 5)
wishes = st.builds(
    Wish, st.integers(0, 4), st.integers(0, 3), st.none() | st.integers(0, 4)
)
asked = st.tuples(st.sampled_from(SERVICES), st.sampled_from(["FITTING"] * 6 + ["ADD", "UPDATE", "MOVE_ADD"]), wishes)
how = st.fixed_dictionaries(
    {"on_superseded": st.sampled_from(["REJECT", "KEEP_CURRENT"]), "implicit_moves": st.sampled_from(["REJECT", "ALLOW"])}
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
    )
    def opens(self, *, legal: bool, split: bool, strict: bool, known: bool) -> None:
        self.office = Office(legal_hierarchy_sync=legal, split_payer=split, strict_vendor_behaviour=strict)
        if known:  # accounts that no order made, one under the other
            for account, more in (("n-4", {}), ("n-3", {"parent": {"account_id": "n-4"}})):
                self.office.ask("CreateAccount", account_id=account, account_profile="mobile", **more)

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
        return line(f"{order_id}-{self.made}", service, self.fitting(service, action), wish)

    @rule(order_id=order_ids, wanted=st.lists(asked, min_size=1, max_size=3, unique_by=lambda found: found[0]))
    def submit(self, order_id: str, wanted: list[tuple[str, str, Wish]]) -> None:
        if order_id in self.office.orders:
            self.revise(order_id, 0, wanted[0][2], wanted[-1], "add")
            return
        lines = [self.new_line(order_id, found) for found in wanted]
        before, seen = self.taken(), len(self.office.history)
        assert self.tried(self.office.submit(order_id, lines), before, seen)

    @rule(
        order_id=order_ids,
        place=places,
        wish=wishes,
        wanted=asked,
        change=st.sampled_from(["add", "drop", "wish", "wish", "payer", "owner"]),
    )
    def revise(self, order_id: str, place: int, wish: Wish, wanted: tuple[str, str, Wish], change: str) -> None:
        lines = [dict(found) for found in self.office.orders.get(order_id, [])[:-1]]
        if change == "add" and lines and wanted[0] not in {found["service_id"] for found in lines}:
            lines.insert(place % (len(lines) + 1), self.new_line(order_id, wanted))
        elif not lines:
            return
        elif change == "drop":
            del lines[place % len(lines)]
        else:
            fields = {"payer": ("billing_account", "billing_profile"), "owner": ("owner_account",)}
            said = wish.values()
            lines[place % len(lines)] |= {
                field: said[field] for field in fields.get(change, tuple(said)) if field in said
            }
        before, seen = self.taken(), len(self.office.history)
        self.tried(self.office.revise(order_id, lines), before, seen)

    @rule(order_id=order_ids, picked=st.none() | st.lists(places, min_size=1, max_size=2), how=how, profile=places)
    def synchronize(self, order_id: str, picked: list[int] | None, how: dict[str, str], profile: int) -> None:
        """INV-OBA-1: the message again, and the same order by another one, change nothing."""
        more: dict[str, Any] = dict(how)
        lines = self.office.lines()
        mine = [entry.line_id for entry in lines if entry.order_id == order_id]
        if picked is not None and mine:
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

    @rule(order_id=order_ids, place=places, wish=wishes, change=st.sampled_from(["REMOVE", "CHANGE"]))
    def modify(self, order_id: str, place: int, wish: Wish, change: str) -> None:
        lines = self.office.orders.get(order_id, [])[:-1]
        if not lines:
            return
        there = lines[place % len(lines)]
        more = {"set": wish.values()} if change == "CHANGE" else {}
        if not self.ask("ModifyOrderLine", order_id=order_id, operation=change, line_id=there["line_id"], **more):
            return
        kept = [found for found in self.office.orders[order_id] if found is not there or change == "CHANGE"]
        self.office.orders[order_id] = [found | more.get("set", {}) if found is there else found for found in kept]

    @rule(order_id=order_ids, how=how, sure=places)
    def cancel(self, order_id: str, how: dict[str, str], sure: int) -> None:
        if sure < 3:  # else most orders would end so
            self.ask("CancelOrder", order_id=order_id, reason="no more", on_superseded=how["on_superseded"])

    @rule(order_id=order_ids, place=places)
    def bill(self, order_id: str, place: int) -> None:
        lines = self.office.orders.get(order_id, [])
        if lines:
            self.ask("UpdateBillingSystem", order_id=order_id, line_ids=[lines[place % len(lines)]["line_id"]])

    @rule(order_id=order_ids, number=places, profile=places, failed=st.sampled_from([True, False, False]))
    def pay(self, order_id: str, number: int, profile: int, *, failed: bool) -> None:
        """A payment twice is one."""
        said = {"billing_profile_id": list(PROFILES)[profile]} if profile < len(PROFILES) else {}
        result = {"result": "FAILED", "failure_reason": "NOT_FOUND"} if failed else {"amount": "7.50", "currency": "EUR"}
        body = {"order_id": order_id, "payment_id": f"pay-{number}", **said, **result}
        if self.ask("RecordOrderPayment", **body):
            seen = len(self.office.history)
            assert self.ask("RecordOrderPayment", **body)
            assert len(self.office.history) == seen

    @rule(order_id=order_ids, number=places)
    def reverse(self, order_id: str, number: int) -> None:
        self.ask("ReverseOrderPayment", order_id=order_id, payment_id=f"pay-{number}", reason="asked for")

    @rule(
        account=st.sampled_from(ACCOUNTS),
        state=st.sampled_from([("SUSPENDED", "REQUESTED"), ("ACTIVE", "PAID"), ("DEACTIVATED", "CHURN")]),
    )
    def change_account(self, account: str, state: tuple[str, str]) -> None:
        to, reason = state
        self.ask("ChangeAccountState", account={"account_id": account}, state=to, reason=reason)

    @rule(days=st.sampled_from([1, 12, 31]))
    def days_pass(self, days: int) -> None:
        self.office.passes(days=days)

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
