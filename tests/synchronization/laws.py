"""What must hold of payers, links, groups and assignments at any moment (INV-OBA-4 to INV-OBA-8)."""

from __future__ import annotations

from collections.abc import Iterator

from processors.acting import LIVE
from schemas.accounts import AccountState
from schemas.billing_profiles import BillingAssignment, BillingProfile, ProfileState, SwitchTo
from schemas.lineage import LineSync, SyncState, UseKind
from schemas.order_lines import LineState
from schemas.orders import OrderState
from tests.synchronization.office import Office, is_closed


def all_of_them(office: Office) -> None:
    """Everything that a state alone can show."""
    applied_values_are_assigned(office)
    profiles_pay_for_their_accounts(office)
    payers_cover_what_they_pay(office)
    services_are_covered_once(office)
    links_are_a_forest(office)
    profiles_of_an_account_agree(office)
    groups_are_as_assigned(office)


def in_force(office: Office) -> Iterator[tuple[str, str, LineSync]]:
    """Order, line and what is in force, of every applied line."""
    for entry in office.lines():
        if entry.sync is not None and entry.sync.state is SyncState.APPLIED:
            yield entry.order_id, entry.line_id, entry.sync


def applied_values_are_assigned(office: Office) -> None:
    """INV-OBA-4: the line that holds an attribute is in force, and has the same value applied."""
    lines = {line_id: sync for _, line_id, sync in in_force(office)}
    for service_id, assignment in office.assignments().items():
        for name, by in assignment.set_by.items():
            if by is None:
                continue
            assert by.line_id in lines, f"{service_id}.{name} is held by {by.line_id}, which is not in force"
            sync = lines[by.line_id]
            moved_along = service_id != sync.service_id
            assert moved_along or sync.applied.get(name) == assignment.values.get(name), (service_id, name, by.line_id)


def profiles_pay_for_their_accounts(office: Office) -> None:
    """CRE-11: the profile that pays for a service is one of its billing account."""
    accounts = {profile.billing_profile_id: profile.account_id for profile in office.profiles()}
    for service_id, assignment in office.assignments().items():
        account, profile = (assignment.values.get(name) for name in ("billing_account", "billing_profile"))
        assert profile is None or accounts[profile] == account, (service_id, account, profile)


# -- INV-OBA-5


def nonpaying(office: Office) -> dict[str, list[BillingProfile]]:
    """Nonpaying profiles that are not CLOSED, by account."""
    found: dict[str, list[BillingProfile]] = {}
    for profile in office.profiles():
        if not profile.paying and not is_closed(profile):
            found.setdefault(profile.account_id, []).append(profile)
    return found


def leaves(profile: BillingProfile) -> bool:
    """Whether its account is to pay itself from the next period on: until then it may cover nothing."""
    return profile.planned_switch is not None and profile.planned_switch.to is SwitchTo.OWN


def is_live(office: Office, service_id: str) -> bool:
    """On no subscription yet, or not at its end there."""
    service = office.view().service(service_id)
    return service is None or service.state in LIVE


def covering(profiles: list[BillingProfile], service_id: str) -> list[BillingProfile]:
    """The profiles that list a service, else those that cover ALL."""
    staying = [profile for profile in profiles if profile.covers is not None and not leaves(profile)]
    listing = [profile for profile in staying if profile.covers and profile.covers.lists(service_id)]
    return listing or [profile for profile in staying if profile.covers and profile.covers.all]


def ours(assignment: BillingAssignment) -> bool:
    """Whether an order said who pays; what began with prior values may have no profile (PVL-4)."""
    held = assignment.set_by
    return held.get("billing_account") is not None and held.get("billing_profile") is not None


def services_are_covered_once(office: Office) -> None:
    """INV-OBA-5: by the profile that points at who is to pay, and by none where the account pays itself."""
    profiles = nonpaying(office)
    for service_id, assignment in office.assignments().items():
        account, payer = (assignment.values.get(name) for name in ("service_account", "billing_account"))
        if not ours(assignment) or not is_live(office, service_id) or account is None or is_gone(office, account):
            continue
        found = covering(profiles.get(account, []), service_id)
        if account == payer:
            assert found == [], f"{service_id} is its account's own"
            continue
        assert [profile.payer_profile_id for profile in found] == [assignment.values["billing_profile"]], service_id
        assert found[0].state is ProfileState.ACTIVE or found[0].planned_switch is not None, service_id


def payers_cover_what_they_pay(office: Office) -> None:
    """INV-OBA-5: no nonpaying profile covers nothing, or another's service; each points at an ACTIVE paying one."""
    paying = {profile.billing_profile_id: profile for profile in office.profiles() if profile.paying}
    assignments = office.assignments()
    for account, profiles in nonpaying(office).items():
        for profile in profiles:
            assert paying[profile.payer_profile_id or ""].state is ProfileState.ACTIVE, profile.billing_profile_id
            assert profile.covers is not None
            if leaves(profile):
                continue
            held = {
                service_id
                for service_id, assignment in assignments.items()
                if assignment.values.get("service_account") == account
                and assignment.values.get("billing_profile") == profile.payer_profile_id
            }
            assert held, f"the profile of {account} at {profile.payer_profile_id} covers nothing"
            assert held.issuperset(profile.covers.services), (account, profile.payer_profile_id, profile.covers)


# -- INV-OBA-6, INV-OBA-7


def links_are_a_forest(office: Office) -> None:
    """INV-OBA-6: no cycle; a parent that an order gave is a payer (HIE-15)."""
    assignments = office.assignments().values()
    pairs = {(held.values.get("service_account"), held.values.get("billing_account")) for held in assignments}
    accounts = {account.account_id: account for account in office.accounts()}
    for account_id, account in accounts.items():
        met = {account_id}
        above = account.parent_account_id
        while above is not None:
            assert above not in met, f"a cycle above {account_id}"
            met.add(above)
            above = accounts[above].parent_account_id
        if account.parent_lineage is not None and account.state is not AccountState.DEACTIVATED:
            assert (account_id, account.parent_account_id) in pairs, f"nobody needs the parent of {account_id}"


def profiles_of_an_account_agree(office: Office) -> None:
    """INV-OBA-6: one profile per payer, one primary and one frequency per account."""
    pairs, primaries = list[tuple[str, str | None]](), list[str]()
    frequencies: dict[str, set[str]] = {}
    for profile in office.profiles():
        if is_closed(profile):
            continue
        if not profile.paying:
            pairs.append((profile.account_id, profile.payer_profile_id))
            continue
        frequencies.setdefault(profile.account_id, set()).add(profile.frequency)
        primaries += [profile.account_id] if profile.primary else []
    assert len(pairs) == len(set(pairs)), pairs
    assert len(primaries) == len(set(primaries)), primaries
    assert all(len(found) == 1 for found in frequencies.values()), frequencies


def groups_are_as_assigned(office: Office) -> None:
    """INV-OBA-7."""
    wanted: dict[str, set[str]] = {}
    for assignment in office.assignments().values():
        owner, payer = assignment.values.get("owner_account"), assignment.values.get("billing_account")
        if owner is not None and payer is not None and owner != payer:
            wanted.setdefault(owner, set()).add(payer)
    assert {owner: set(members) for owner, members in office.groups().items()} == wanted
    assert office.legal or not list(office.view().ids("collections_group"))


# -- INV-OBA-8


def needs(office: Office, kind: UseKind, name: str) -> Iterator[str]:
    """Facts of UND-2 that keep an object, as the state shows them."""
    view = office.view()
    if kind is UseKind.PAYMENT_METHOD:
        method = view.payment_method(name)
        assert method is not None
        if method.lineage is None:
            yield "NOT_MADE_BY_ORDER"
        if any(profile.payment_method_id == name and not is_closed(profile) for profile in office.profiles()):
            yield "HAS_PROFILE"
        return
    fields = ("billing_profile",) if kind is UseKind.BILLING_PROFILE else ACCOUNT_FIELDS
    for _, line_id, sync in in_force(office):
        before = {field: held.value for field, held in sync.before.items()}
        if name in names(sync.applied, fields) | names(before, fields):
            yield f"USED_BY_LINE {line_id}"
        if kind is UseKind.ACCOUNT and sync.customer_account == name:
            yield f"USED_BY_LINE {line_id}"
    for service_id, assignment in office.assignments().items():
        if name in names(assignment.values, fields):
            yield f"USED_BY_ASSIGNMENT {service_id}"
    yield from _profile_needs(office, name) if kind is UseKind.BILLING_PROFILE else _account_needs(office, name)


ACCOUNT_FIELDS = ("service_account", "billing_account", "owner_account")


def names(values: dict[str, str | None], fields: tuple[str, ...]) -> set[str | None]:
    """The ids that some attributes hold."""
    return {values.get(field) for field in fields}


def _profile_needs(office: Office, name: str) -> Iterator[str]:
    view = office.view()
    profile = view.billing_profile(name)
    assert profile is not None
    if profile.lineage is None:
        yield "NOT_MADE_BY_ORDER"
    if any(
        found.payer_profile_id == name and not found.paying and found.state is ProfileState.ACTIVE
        for found in office.profiles()
    ):
        yield "PAYS_FOR_OTHERS"
    payments = (view.payment(payment_id) for payment_id in view.ids("payment"))
    if any(payment and payment.billing_profile_id == name and payment.recorded_at for payment in payments):
        yield "HAS_PAYMENT"
    for order_id in view.ids("order"):
        order = view.order(order_id)
        if order and order.payment_billing_profile == name and is_in_flight(order.state):
            yield "HAS_PAYMENT"


def _account_needs(office: Office, name: str) -> Iterator[str]:
    view = office.view()
    account = office.account(name)
    if account.created_by is None:
        yield "NOT_MADE_BY_ORDER"
    if any(profile.account_id == name and not is_closed(profile) for profile in office.profiles()):
        yield "HAS_PROFILE"
    if any(other.parent_account_id == name and not is_gone(office, other.account_id) for other in office.accounts()):
        yield "HAS_CHILDREN"
    if view.subscriptions_of(name):
        yield "HAS_SUBSCRIPTION"


def is_gone(office: Office, account_id: str) -> bool:
    """Whether an account is DEACTIVATED."""
    return office.account(account_id).state is AccountState.DEACTIVATED


def is_in_flight(state: OrderState) -> bool:
    """Whether an order has live lines."""
    return state not in (OrderState.COMPLETED, OrderState.CANCELLED)


def charged(office: Office) -> set[str | None]:
    """Accounts and profiles for which a service was ever billed: what its line had in force (UND-4)."""
    found: set[str | None] = set()
    for entry in office.lines():
        if entry.state is LineState.BILLED and entry.sync is not None and entry.service_action == "ADD":
            found |= set(entry.sync.applied.values())
    return found
