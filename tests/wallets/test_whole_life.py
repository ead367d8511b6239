"""A prepaid and a postpaid subscription through months of whatever may be asked; the ledger is read from the log."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from processors.acting import LIVE, ON
from processors.answering import Answered
from processors.provisioning.requests import wanted
from schemas.envelope import Status
from schemas.fields import Event
from schemas.provisioning import ProvisioningRequested
from schemas.subscriptions import SubscriptionServiceAdded, SubscriptionServiceStateChanged
from schemas.wallets import DebitKind, WalletAdjusted, WalletCredited, WalletDebited
from tests.accounts.book import Book

pytestmark = pytest.mark.slow

PREPAID, POSTPAID, WALLET = "u-1", "u-2", "w-1"
COMPONENTS = ("LINE_A", "LINE_B", "POTS", "QUEUE_S")
FLAT = ("STATIC_IP", "FIBER_500", "TV_MAX", "WIFI_PLUS", "LINE_A")
EURO = st.integers(-3000, 9000).map(lambda cents: str(Decimal(cents) / 100))
WHEN = st.sampled_from([None, {"when": "AFTER_DAYS", "days": 3}, {"when": "AFTER_DAYS", "days": 40}])
STEPS = st.one_of(
    st.tuples(st.just("top up"), EURO),
    st.tuples(st.just("adjust"), EURO),
    st.tuples(st.just("add"), st.lists(st.sampled_from(FLAT), min_size=1, max_size=3), st.booleans(), WHEN),
    st.tuples(st.just("board"), st.lists(st.sampled_from(COMPONENTS), min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("amend"), st.sampled_from(COMPONENTS), st.sampled_from((None, *COMPONENTS)), WHEN),
    st.tuples(st.just("service"), st.sampled_from(["START", "STOP", "CANCEL"]), st.integers(0, 9), WHEN),
    st.tuples(st.just("subscription"), st.sampled_from(["START", "STOP", "REST", "END_RESTING"])),
    st.tuples(st.just("account"), st.sampled_from(["ACTIVE", "SUSPENDED"])),
    st.tuples(st.just("wait"), st.integers(1, 40)),
)


class Life:
    """A customer, walked through the same answers as in the worker."""

    def __init__(self, *, refunds: bool) -> None:
        self.book = Book(wallet_refund_on_removal=refunds)
        self.book.ask(
            "CreateAccount", account_id="a-1", type="BUSINESS", currency="EUR", bill_cycle={"code": "MONTHLY_1"}
        )
        account = {"account_id": "a-1"}
        self.book.ask("CreateSubscription", subscription_id=PREPAID, account=account, kind="PREPAID", wallet_id=WALLET)
        self.book.ask("CreateSubscription", subscription_id=POSTPAID, account=account, kind="POSTPAID")

    def both(self, command: str, schedule: dict[str, Any] | None = None, **body: Any) -> None:
        """The same of either subscription."""
        body |= {} if schedule is None else {"schedule": schedule}
        self.one(command, subscription_id=PREPAID, **body)
        self.one(command, subscription_id=POSTPAID, **body)

    def one(self, command: str, **body: Any) -> Answered:
        before = len(self.book.history)
        answered = self.book.ask(command, **body)
        assert answered.outcome is not None
        if answered.outcome.status is Status.REJECTED:
            assert answered.transaction is None
        elif answered.transaction is not None:
            mine = [change.event for change in answered.transaction.changes]
            assert self.book.history[-len(mine) :] == mine
            self.check_charges(mine)
        assert len(self.book.history) >= before
        return answered

    def do(self, step: str, *values: Any) -> None:
        match step, values:
            case "top up", (amount,):
                self.one("TopUpWallet", wallet_id=WALLET, amount=amount, currency="EUR")
            case "adjust", (amount,):
                self.one("AdjustWallet", wallet_id=WALLET, amount=amount, currency="EUR", reason="GOODWILL")
            case "add", (products, effective, schedule):
                services = [{"product": product} for product in products]
                state = "EFFECTIVE" if effective else "DRAFT"
                self.both("ChangeServiceState", schedule, action="ADD", services=services, initial_state=state)
            case "board", (components,):
                board = {"product": "PBX", "components": [{"product": component} for component in components]}
                self.both("ChangeServiceState", action="ADD", services=[board], initial_state="EFFECTIVE")
            case "amend", (add, remove, schedule):
                self.amend(add, remove, schedule)
            case "service", (action, place, schedule):
                self.service(action, place, schedule)
            case "subscription", (action,):
                self.both("ChangeSubscriptionState", action=action)
            case "account", (state,):
                reason = "UNPAID" if state == "SUSPENDED" else "PAID"
                self.one("ChangeAccountState", account={"account_id": "a-1"}, state=state, reason=reason)
            case "wait", (days,):
                self.book.at += timedelta(days=days)
                self.one("TopUpWallet", wallet_id=WALLET, amount="0.01", currency="EUR")
            case _:
                raise AssertionError(step)

    def amend(self, add: str, remove: str | None, schedule: dict[str, Any] | None) -> None:
        more = {} if schedule is None else {"schedule": schedule}
        for subscription_id in (PREPAID, POSTPAID):
            boards = [member for member in self.book.view().top_level(subscription_id) if member.product == "PBX"]
            for board in boards[:1]:
                self.one(
                    "AmendBundleServices",
                    subscription_id=subscription_id,
                    bundle_service_id=board.service_id,
                    add=[{"product": add}],
                    remove=[] if remove is None else [{"product": remove}],
                    **more,
                )

    def service(self, action: str, place: int, schedule: dict[str, Any] | None) -> None:
        more = {} if schedule is None else {"schedule": schedule}
        for subscription_id in (PREPAID, POSTPAID):
            members = self.book.view().top_level(subscription_id)
            if members:
                service_id = members[place % len(members)].service_id
                self.one(
                    "ChangeServiceState",
                    subscription_id=subscription_id,
                    action=action,
                    service_ids=[service_id],
                    **more,
                )

    # -- what must hold

    def check_charges(self, events: list[Event]) -> None:
        """One ACTIVATION entry per prepaid service that the command activated, and no other (INV-WAL-2)."""
        paid_in = isinstance(events[0], WalletAdjusted | WalletCredited)
        activated = [
            event.service_id
            for event in events
            if isinstance(event, SubscriptionServiceAdded | SubscriptionServiceStateChanged)
            and event.subscription_id == PREPAID
            and not paid_in  # what starts again for money pays its period, not its activation (WAL-12)
            and _activates(event)
        ]
        charged = [
            event.service_id
            for event in events
            if isinstance(event, WalletDebited) and event.kind is DebitKind.ACTIVATION
        ]
        assert sorted(activated) == sorted(charged)

    def check(self) -> None:
        """INV-WAL-1, INV-PRV-1 and INV-PRV-2, from the log alone."""
        view = self.book.view()
        entries = [
            event for event in self.book.history if isinstance(event, WalletDebited | WalletCredited | WalletAdjusted)
        ]
        balance = Decimal(0)
        for number, entry in enumerate(entries, 1):
            assert (entry.wallet_id, entry.entry_number, entry.balance_before) == (WALLET, number, balance)
            balance += -entry.amount if isinstance(entry, WalletDebited) else entry.amount
            assert entry.balance_after == balance >= 0
        wallet = view.wallet(WALLET)
        assert wallet is not None
        assert (wallet.balance, wallet.entry_number) == (balance, len(entries))

        asked: dict[str, list[ProvisioningRequested]] = {}
        for event in self.book.history:
            if isinstance(event, ProvisioningRequested):
                asked.setdefault(event.service_id, []).append(event)
        for subscription_id in (PREPAID, POSTPAID):
            for service in view.services(subscription_id):
                mine = asked.get(service.service_id, [])
                assert [event.version for event in mine] == list(range(1, len(mine) + 1))
                assert (mine[-1].desired_state if mine else "INACTIVE") == wanted(service)
                assert service.distributor_id is None or service.state in LIVE
            for distributor in view.distributors(subscription_id):
                assert view.distributed_services(distributor.distributor_id)


def _activates(event: SubscriptionServiceAdded | SubscriptionServiceStateChanged) -> bool:
    if isinstance(event, SubscriptionServiceAdded):
        return event.state in ON
    return event.new_state in ON and event.old_state in ("DRAFT", "NOT_EFFECTIVE")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a life is long: shrinking one takes minutes
)
@given(st.lists(STEPS, min_size=5, max_size=30), st.booleans())
def test_money_and_networks_through_a_whole_life(steps: list[tuple[Any, ...]], refunds: bool) -> None:
    life = Life(refunds=refunds)
    for step, *values in steps:
        life.do(step, *values)
        life.check()
