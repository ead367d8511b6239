"""What prepaid services cost from period to period (WAL-11, WAL-12)."""

from datetime import date, datetime
from decimal import Decimal

from processors.wallets.units import period_started
from schemas.accounts import AccountState, AccountStateChanged, StateCause
from schemas.actions import ServiceState
from schemas.fields import Event
from schemas.provisioning import (
    DesiredState,
    ProvisioningDistributionAdded,
    ProvisioningDistributorCreated,
    ProvisioningRequested,
)
from schemas.subscriptions import (
    ServiceCause,
    SubscriptionServiceStateChanged,
    SubscriptionStateChanged,
)
from schemas.wallets import TopUpWallet, WalletDebited
from tests.wallets.prepaid import ACCOUNT, BERLIN, SUBSCRIPTION, WALLET, Prepaid, catalog, names, product

JUNE = date(2026, 6, 1)
SOLD = catalog(
    product("U1", "0.00", "18.00"),
    product("U2", "0.00", "15.00"),
    product("U3", "0.00", "10.00"),
    product("ONCE", "5.00"),
    product("FREE", "0.00", "0.00"),
    product("NET", "0.00", "7.00", provider="NETCO"),
)


def prepaid(balance: str, *products: str) -> Prepaid:
    made = Prepaid(SOLD, balance)
    for place, sold in enumerate(products, 1):
        made.add(f"s-{place}", sold)
    made.at = datetime(2026, 6, 1, tzinfo=BERLIN)
    return made


def june(made: Prepaid) -> list[Event]:
    events = period_started(made.view, ACCOUNT, JUNE, made.context())
    made.given(*events)
    return events


def top_up(made: Prepaid, amount: str) -> tuple[Event, ...]:
    decision = made.ask(TopUpWallet(wallet_id=WALLET, amount=Decimal(amount), currency="EUR"))
    assert isinstance(decision, tuple), decision
    return decision


def test_units_carry_on_by_number_and_start_again_when_there_is_money() -> None:
    made = prepaid("30.00", "U1", "U2", "U3")
    events = june(made)
    assert names(events) == ["WalletDebited", "SubscriptionServiceStateChanged", "WalletDebited"]
    first, stopped, third = events
    assert isinstance(first, WalletDebited)
    assert (str(first.balance_after), first.kind, first.period_start) == ("12.00", "RECURRING", JUNE)
    assert isinstance(stopped, SubscriptionServiceStateChanged)
    assert (stopped.service_id, stopped.new_state, stopped.cause) == ("s-2", "NOT_EFFECTIVE", "WALLET_SHORT")
    assert isinstance(third, WalletDebited)
    assert (third.service_id, str(third.balance_after)) == ("s-3", "2.00")

    events = list(top_up(made, "13.00"))
    assert names(events) == ["WalletCredited", "WalletDebited", "SubscriptionServiceStateChanged"]
    back = events[2]
    assert isinstance(back, SubscriptionServiceStateChanged)
    assert (back.service_id, back.new_state, back.cause) == ("s-2", "EFFECTIVE", "WALLET_FUNDED")
    assert made.wallet().balance == 0
    paid = events[1]
    assert isinstance(paid, WalletDebited)
    assert paid.period_start == date(2026, 5, 1)  # the account's current period, here still the one that was given


def test_what_costs_nothing_goes_on_and_only_what_is_priced_has_an_entry() -> None:
    made = prepaid("0.00", "ONCE", "FREE")
    events = june(made)
    assert names(events) == ["WalletDebited"]
    assert isinstance(events[0], WalletDebited)
    assert (events[0].service_id, events[0].amount) == ("s-2", Decimal(0))


def test_a_bundle_and_its_components_are_one_unit() -> None:
    made = prepaid("30.00", "U1")
    made.add("s-2", "U3", bundle="s-1")
    made.add("s-3", "ONCE", bundle="s-1")
    made.add("s-4", "U2")
    events = june(made)
    assert [event.service_id for event in events if isinstance(event, WalletDebited)] == ["s-1", "s-2"]
    assert made.service("s-4").state is ServiceState.NOT_EFFECTIVE
    made.at = datetime(2026, 7, 1, tzinfo=BERLIN)
    events = june(made)
    changed = [event for event in events if isinstance(event, SubscriptionServiceStateChanged)]
    assert [(event.service_id, event.cause) for event in changed] == [
        ("s-1", "WALLET_SHORT"),
        ("s-2", "BUNDLE"),
        ("s-3", "BUNDLE"),
    ]
    followed = events[-1]
    assert isinstance(followed, SubscriptionStateChanged)
    assert (followed.old_state, followed.new_state, followed.cause) == ("EFFECTIVE", "NOT_EFFECTIVE", "WALLET_SHORT")

    assert names(top_up(made, "1.00")) == ["WalletCredited"]  # 3.00 is too little for either unit
    events = list(top_up(made, "25.00"))
    assert names(events)[:6] == ["WalletCredited", "WalletDebited", "WalletDebited"] + 3 * [
        "SubscriptionServiceStateChanged"
    ]
    assert isinstance(events[6], SubscriptionStateChanged)
    assert (events[6].new_state, events[6].cause) == ("EFFECTIVE", "WALLET_FUNDED")
    assert (made.service("s-3").state, made.service("s-4").state) == ("EFFECTIVE", "NOT_EFFECTIVE")


def test_only_what_stopped_for_want_of_money_starts_again() -> None:
    made = prepaid("0.00")
    made.add("s-1", "U1", ServiceState.NOT_EFFECTIVE)
    made.add("s-2", "U2", ServiceState.NOT_EFFECTIVE, cause=ServiceCause.WALLET_SHORT)
    assert june(made) == []
    top_up(made, "100.00")
    assert made.service("s-1").state is ServiceState.NOT_EFFECTIVE
    assert made.service("s-2").state is ServiceState.EFFECTIVE


def test_money_starts_nothing_while_the_account_is_suspended() -> None:
    made = prepaid("0.00", "U1")
    june(made)
    made.given(
        AccountStateChanged(
            account_id=ACCOUNT,
            from_=AccountState.ACTIVE,
            old_reason="NEW",
            to=AccountState.SUSPENDED,
            reason="UNPAID",
            effective_at=made.at,
            effective_date=JUNE,
            cause=StateCause.REQUESTED,
        )
    )
    assert names(top_up(made, "100.00")) == ["WalletCredited"]


def test_networks_are_asked_to_stop_and_to_start() -> None:
    made = prepaid("0.00", "NET")
    made.given(
        ProvisioningDistributorCreated(subscription_id=SUBSCRIPTION, distributor_id="d-1", number=1, provider="NETCO"),
        ProvisioningDistributionAdded(
            subscription_id=SUBSCRIPTION, distributor_id="d-1", provider="NETCO", service_id="s-1"
        ),
        ProvisioningRequested(
            subscription_id=SUBSCRIPTION,
            distributor_id="d-1",
            provider="NETCO",
            service_id="s-1",
            product="NET",
            desired_state=DesiredState.ACTIVE,
            version=1,
            requested_at=made.at,
        ),
    )
    asked = [event for event in june(made) if isinstance(event, ProvisioningRequested)]
    assert [(event.desired_state, event.version) for event in asked] == [("INACTIVE", 2)]
    asked = [event for event in top_up(made, "7.00") if isinstance(event, ProvisioningRequested)]
    assert [(event.desired_state, event.version) for event in asked] == [("ACTIVE", 3)]
