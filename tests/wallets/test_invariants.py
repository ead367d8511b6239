"""Whatever is asked of a wallet, its entries add up and it is never overdrawn (INV-WAL-1, INV-WAL-2)."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from processors.periods import start_of_day
from processors.wallets.charging import charge, refund
from processors.wallets.units import period_started
from schemas.actions import ServiceState
from schemas.bill_cycles import BillingPeriodStarted, PeriodKind
from schemas.subscriptions import ServiceCause, SubscriptionServiceStateChanged
from schemas.wallets import AdjustWallet, DebitKind, TopUpWallet, WalletAdjusted, WalletCredited, WalletDebited
from tests.wallets.prepaid import ACCOUNT, BERLIN, SUBSCRIPTION, WALLET, Prepaid, catalog, product

SOLD = catalog(
    product("P", "25.00", "9.99"),
    product("Q", "0.01", "20.00"),
    product("R", "0.00"),
    product("S", "7.35", "0.00", provider="NETCO"),
    refunds=True,
)

AMOUNTS = st.integers(-6000, 6000).map(lambda cents: (Decimal(cents) / 100).quantize(Decimal("1e-9")))
STEPS = st.one_of(
    st.tuples(st.just("add"), st.lists(st.sampled_from("PQRS"), min_size=1, max_size=4)),
    st.tuples(st.just("top up"), AMOUNTS),
    st.tuples(st.just("adjust"), AMOUNTS),
    st.tuples(st.just("period"), st.none()),
    st.tuples(st.just("remove"), st.integers(0, 20)),
)


class Ledger:
    """A prepaid subscription, and all entries of its wallet."""

    def __init__(self) -> None:
        self.prepaid = Prepaid(SOLD)
        self.entries: list[WalletDebited | WalletCredited | WalletAdjusted] = []
        self.added = 0
        self.paid: dict[str, Decimal] = {}
        """What services paid since the running billing period began."""

    def do(self, step: str, value: object) -> None:
        match step, value:
            case "add", list():
                self.add(value)
            case "top up", Decimal():
                self.keep(self.prepaid.ask(TopUpWallet(wallet_id=WALLET, amount=value, currency="EUR")))
            case "adjust", Decimal():
                self.keep(
                    self.prepaid.ask(AdjustWallet(wallet_id=WALLET, amount=value, currency="EUR", reason="GOODWILL"))
                )
            case "period", _:
                self.start_period()
            case "remove", int():
                self.remove(value % max(self.added, 1) + 1)
            case _:
                raise AssertionError(step)

    def add(self, products: list[str]) -> None:
        """Add EFFECTIVE services, if their activation can be paid."""
        prepaid, draft = self.prepaid, self.prepaid.view.draft()
        first = self.added
        services = [prepaid.add(f"s-{place}", sold, view=draft) for place, sold in enumerate(products, first + 1)]
        balance = prepaid.wallet().balance
        violations, events = charge(draft, prepaid.subscription(), services, prepaid.action(), prepaid.context())
        cost = sum((SOLD.product(sold).prices[0].activation for sold in products), Decimal(0))  # type: ignore[union-attr]
        assert bool(violations) == (cost > balance)
        if violations:
            assert events == []
            assert prepaid.wallet().balance == balance
            return
        self.added += len(products)
        for place, sold in enumerate(products, first + 1):
            prepaid.add(f"s-{place}", sold)
        prepaid.given(*events)
        self.keep(tuple(events))
        charged = [event.service_id for event in events if isinstance(event, WalletDebited)]
        assert charged == [service.service_id for service in services]

    def start_period(self) -> None:
        """The next billing period, of a month, at its first moment."""
        prepaid = self.prepaid
        current = prepaid.account().current_period
        assert current is not None
        prepaid.at = start_of_day(current.end, BERLIN)
        end = (current.end + timedelta(days=31)).replace(day=1)
        start = BillingPeriodStarted(
            account_id=ACCOUNT,
            number=current.number + 1,
            start=current.end,
            end=end,
            kind=PeriodKind.REGULAR,
            bill_cycle="MONTHLY_1",
            days=(end - current.end).days,
            of_days=(end - current.end).days,
            previous_end=current.end,
        )
        charged = period_started(prepaid.view, ACCOUNT, current.end, prepaid.context())
        prepaid.given(start, *charged)
        self.paid.clear()
        self.keep(tuple(charged))

    def remove(self, place: int) -> None:
        service = self.prepaid.view.service(f"s-{place}")
        if service is None or service.state is ServiceState.REMOVED:
            return
        self.prepaid.given(
            SubscriptionServiceStateChanged(
                subscription_id=SUBSCRIPTION,
                service_id=service.service_id,
                product=service.product,
                old_state=service.state,
                new_state=ServiceState.REMOVED,
                effective_at=self.prepaid.at,
                cause=ServiceCause.AMENDED,
            )
        )
        events = refund(
            self.prepaid.view, self.prepaid.subscription(), (service,), self.prepaid.action(), self.prepaid.context()
        )
        self.prepaid.given(*events)
        self.keep(tuple(events))
        owed = self.paid.pop(service.service_id, Decimal(0))
        assert [event.amount for event in events if isinstance(event, WalletCredited)] == ([owed] if owed else [])

    def keep(self, decision: object) -> None:
        if isinstance(decision, tuple):
            for event in decision:
                if isinstance(event, WalletDebited | WalletCredited | WalletAdjusted):
                    self.entries.append(event)
                if isinstance(event, WalletDebited):
                    self.paid[event.service_id] = self.paid.get(event.service_id, Decimal(0)) + event.amount

    def check(self) -> None:
        wallet = self.prepaid.wallet()
        assert [entry.entry_number for entry in self.entries] == list(range(1, len(self.entries) + 1))
        balance = Decimal(0)
        for entry in self.entries:
            assert entry.balance_before == balance
            balance += -entry.amount if isinstance(entry, WalletDebited) else entry.amount
            assert entry.balance_after == balance >= 0
            assert entry.balance_after.as_tuple().exponent == -2
            assert entry.amount.as_tuple().exponent == -2
            assert entry.amount > 0 or isinstance(entry, WalletDebited | WalletAdjusted)
        assert (wallet.balance, wallet.entry_number) == (balance, len(self.entries))
        activations = [
            entry.service_id
            for entry in self.entries
            if isinstance(entry, WalletDebited) and entry.kind is DebitKind.ACTIVATION
        ]
        assert len(activations) == len(set(activations)) == self.added


@given(st.lists(STEPS, max_size=30))
def test_entries_add_up_and_nothing_is_overdrawn(steps: list[tuple[str, object]]) -> None:
    ledger = Ledger()
    ledger.do("top up", Decimal("75.00"))
    for step, value in steps:
        ledger.do(step, value)
        ledger.check()
