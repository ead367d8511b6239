"""The words of accounts: the customer, its accounts, their states, their tree."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from schemas.bill_cycles import (
    BillCycleHistoryPoint,
    BillCycleSetting,
    BillingPeriod,
    EndedChange,
    PlannedBillCycleChange,
)
from schemas.fields import (
    AccountId,
    Attributes,
    ChangeId,
    Command,
    CurrencyCode,
    CustomerId,
    Entity,
    Event,
    ExternalId,
    Word,
    doc,
    pii,
)
from schemas.lineage import Lineage, LineRef
from schemas.references import AccountRef
from schemas.refusals import Violation


class AccountState(StrEnum):
    """The life of an account. DEACTIVATED is terminal."""

    INACTIVE = "INACTIVE"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DEACTIVATED = "DEACTIVATED"


class Role(StrEnum):
    """What an account is for."""

    CUSTOMER = "CUSTOMER"
    BILLING = "BILLING"
    SERVICE = "SERVICE"


class StateCause(StrEnum):
    """Why an account's state changed."""

    REQUESTED = "REQUESTED"
    DUE = "DUE"
    SUBORDINATE = "SUBORDINATE"
    ORDER = "ORDER"


class PlanEnd(StrEnum):
    """Why a planned state change was dropped."""

    REQUESTED = "REQUESTED"
    SUPERSEDED = "SUPERSEDED"
    ACCOUNT_DEACTIVATED = "ACCOUNT_DEACTIVATED"


Segment = Annotated[str, doc("Segment, a code of the catalog")]
AccountType = Annotated[str, doc("Account type, a code of the catalog")]
Reason = Annotated[str, doc("Reason of a state, a code of the catalog")]
CustomName = Annotated[str, doc("Name that the caller gives the account")]
TaxResidence = Annotated[str, doc("Tax residence, as the caller writes it")]
TaxExemption = Annotated[str, doc("Tax exemption, as the caller writes it")]


class Contact(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who to reach."""

    first_name: Annotated[str | None, pii("First name")] = None
    last_name: Annotated[str, pii("Last name, or the name of an organization")]
    email: Annotated[str | None, pii("E-mail address")] = None
    phone: Annotated[str | None, pii("Telephone number")] = None


class Address(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to find them."""

    street: Annotated[str, pii("Street and number")]
    street_2: Annotated[str | None, pii("Second line of the street")] = None
    city: Annotated[str, pii("City")]
    postal_code: Annotated[str | None, pii("Postal code")] = None
    region: Annotated[str | None, pii("Region, province or state")] = None
    country: Annotated[str, pii("Country, ISO 3166-1 alpha-2")]


ContactField = Annotated[Contact | None, doc("Contact; every value of it is personal data")]
AddressField = Annotated[Address | None, doc("Address; every value of it is personal data")]


class InitialState(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The state that a new account asks for."""

    state: Annotated[AccountState, doc("INACTIVE or ACTIVE")]
    reason: Annotated[str | None, doc("Reason, default the state's first in the catalog")] = None
    valid_from: Annotated[datetime | None, doc("From when; a future moment plans it")] = None


# -- commands


class CreateAccount(Command, frozen=True, kw_only=True):
    """Create an account (ACC-1 .. ACC-16)."""

    account_id: AccountId | None = None
    external_id: ExternalId | None = None
    account_profile: Annotated[str | None, doc("Profile of the catalog that supplies defaults")] = None
    type: AccountType | None = None
    roles: Annotated[tuple[Role, ...] | None, doc("What the account is for, default all")] = None
    segment: Segment | None = None
    bill_cycle: Annotated[BillCycleSetting | None, doc("When the account is billed")] = None
    currency: CurrencyCode | None = None
    state: Annotated[InitialState | None, doc("State to begin with, default ACTIVE now")] = None
    payment_responsible: Annotated[bool | None, doc("Whether it pays for itself, default true")] = None
    test_account: Annotated[bool, doc("Marks accounts of tests")] = False
    parent: Annotated[AccountRef | None, doc("The account above it")] = None
    custom_name: CustomName | None = None
    custom_attributes: Attributes | None = None
    contact: ContactField = None
    address: AddressField = None
    tax_residence: TaxResidence | None = None
    tax_exemption: TaxExemption | None = None


class UpdateAccountDetails(Command, frozen=True, kw_only=True):
    """Change what is given, and nothing else; an explicit null takes a value away (ACC-20 .. ACC-27)."""

    account: AccountRef
    external_id: ExternalId | msgspec.UnsetType | None = msgspec.UNSET
    custom_name: CustomName | msgspec.UnsetType | None = msgspec.UNSET
    custom_attributes: Annotated[
        dict[str, str | None] | msgspec.UnsetType | None,
        doc("Names and values; with merge a null takes a name away. Null is a map without names"),
    ] = msgspec.UNSET
    merge: Annotated[bool, doc("Merge custom_attributes into what is there instead of replacing it")] = False
    segment: Segment | msgspec.UnsetType | None = msgspec.UNSET
    contact: Contact | msgspec.UnsetType | None = msgspec.UNSET
    address: Address | msgspec.UnsetType | None = msgspec.UNSET
    tax_residence: TaxResidence | msgspec.UnsetType | None = msgspec.UNSET
    tax_exemption: TaxExemption | msgspec.UnsetType | None = msgspec.UNSET
    parent: Annotated[AccountRef | msgspec.UnsetType | None, doc("The account above it; null detaches")] = msgspec.UNSET


class ChangeAccountState(Command, frozen=True, kw_only=True):
    """Change an account's state now or later (ACC-30 .. ACC-42, ACC-49)."""

    account: AccountRef
    state: Annotated[AccountState, doc("The state to reach")]
    reason: Reason
    valid_from: Annotated[datetime | None, doc("From when; null is now, a future moment plans it")] = None
    include_subordinates: Annotated[bool, doc("Also every live account below it")] = False
    expected_state: Annotated[AccountState | None, doc("The state that the caller believes to be there")] = None


class CancelPlannedStateChange(Command, frozen=True, kw_only=True):
    """Drop a planned state change (ACC-44 .. ACC-47)."""

    account: AccountRef
    change_id: ChangeId | None = None


class ExecutePlannedStateChange(Command, frozen=True, kw_only=True):
    """From the clock: a planned state change is due (ACC-36, ACC-48)."""

    account_id: AccountId
    change_id: ChangeId


# -- entities


class StateHistoryPoint(Word, frozen=True, kw_only=True):
    """A state with its days."""

    state: Annotated[AccountState, doc("State")]
    reason: Reason
    valid_from: Annotated[datetime, doc("From this moment")]
    valid_to: Annotated[datetime | None, doc("Until this moment; null is still so")] = None


class PlannedStateChange(Word, frozen=True, kw_only=True):
    """A state change that waits for its moment."""

    change_id: ChangeId
    to: Annotated[AccountState, doc("State to reach")]
    reason: Reason
    due_at: Annotated[datetime, doc("When")]
    include_subordinates: Annotated[bool, doc("Also every live account below it")] = False


class Account(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """Who is billed."""

    identity: ClassVar = ("account", "account_id")

    account_id: AccountId
    customer_id: CustomerId
    external_id: ExternalId | None = None
    type: AccountType
    roles: Annotated[tuple[Role, ...], doc("What the account is for")] = ()
    segment: Segment | None = None
    currency: CurrencyCode
    state: Annotated[AccountState, doc("State now")]
    reason: Reason
    state_valid_from: Annotated[datetime, doc("Since when")]
    state_history: Annotated[tuple[StateHistoryPoint, ...], doc("Dated states, the last is open; the latest 24")] = ()
    planned_state_change: Annotated[PlannedStateChange | None, doc("State change that waits for its moment")] = None
    suspended_by: Annotated[str | None, doc("Root of the cascade that suspended it, while that holds")] = None
    payment_responsible: Annotated[bool, doc("Whether it pays for itself")] = True
    test_account: Annotated[bool, doc("Marks accounts of tests")] = False
    parent_account_id: Annotated[str | None, doc("The account above it")] = None
    custom_name: CustomName | None = None
    custom_attributes: Attributes = msgspec.field(default_factory=dict)
    contact: ContactField = None
    address: AddressField = None
    tax_residence: TaxResidence | None = None
    tax_exemption: TaxExemption | None = None
    account_profile: Annotated[str | None, doc("Profile that supplied defaults")] = None
    billing_systems: Annotated[tuple[str, ...], doc("Billing systems that know the account")] = ()
    created_by: Annotated[Lineage | None, doc("The order line that created it")] = None
    parent_lineage: Annotated[Lineage | None, doc("The order line that made the parent link; null: none did")] = None
    parent_before: Annotated[str | None, doc("The parent that an order line replaced first (HIE-14)")] = None
    parent_since: Annotated[int, doc("Transaction in which a command or a tree said who is above it; 0: at first")] = 0
    parent_earlier: Annotated[str | None, doc("The parent that no order's line had made, before that")] = None
    closed_by: Annotated[LineRef | None, doc("The cancelled order line that closed it unused (UND-5)")] = None
    bill_cycle: Annotated[BillCycleSetting, doc("When the account is billed")]
    bill_cycle_history: Annotated[
        tuple[BillCycleHistoryPoint, ...], doc("Dated bill cycles without gaps; the latest 24")
    ] = ()
    planned_bill_cycle_change: Annotated[
        PlannedBillCycleChange | None, doc("Bill cycle change that waits for its moment")
    ] = None
    current_period: Annotated[BillingPeriod | None, doc("The billing period that runs")] = None
    previous_period: Annotated[
        BillingPeriod | None, doc("The period before the current one, or the last one where none runs")
    ] = None
    last_period_number: Annotated[int, doc("Number of the last period; the next gets one more")] = 0
    last_executed_change_id: Annotated[str | None, doc("Last bill cycle change that was executed")] = None
    ended_changes: Annotated[tuple[EndedChange, ...], doc("Plans that were there and are gone; the latest 16")] = ()


# -- events


class AccountCreated(Event, frozen=True, kw_only=True):
    """An account exists."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    customer_id: CustomerId
    external_id: ExternalId | None = None
    type: AccountType
    roles: Annotated[tuple[Role, ...], doc("What the account is for")]
    segment: Segment | None = None
    bill_cycle: Annotated[BillCycleSetting, doc("When the account is billed")]
    bill_cycle_valid_from: Annotated[date, doc("Local day from which the bill cycle holds")]
    currency: CurrencyCode
    state: Annotated[AccountState, doc("State to begin with")]
    reason: Reason
    state_valid_from: Annotated[datetime, doc("Since when")]
    payment_responsible: Annotated[bool, doc("Whether it pays for itself")]
    test_account: Annotated[bool, doc("Marks accounts of tests")]
    parent_account_id: Annotated[str | None, doc("The account above it")] = None
    custom_name: CustomName | None = None
    custom_attributes: Attributes = msgspec.field(default_factory=dict)
    contact: ContactField = None
    address: AddressField = None
    tax_residence: TaxResidence | None = None
    tax_exemption: TaxExemption | None = None
    account_profile: Annotated[str | None, doc("Profile that supplied defaults")] = None
    billing_systems: Annotated[tuple[str, ...], doc("Billing systems that know the account")] = ()
    created_by: Annotated[Lineage | None, doc("The order line that created it")] = None


class DetailChange(Word, frozen=True, kw_only=True):
    """One field, its old and its new value. Maps and structures stand as canonical JSON, sealed leaf by leaf."""

    field: Annotated[str, doc("Name of the account's field")]
    old: Annotated[str | None, doc("Value before, canonical text")] = None
    new: Annotated[str | None, doc("Value after, canonical text")] = None


class AccountDetailsChanged(Event, frozen=True, kw_only=True):
    """An account has other details."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    changes: Annotated[tuple[DetailChange, ...], doc("Each field that differs, in the order of the command's fields")]
    sequence: Annotated[int | None, doc("Number of the transaction, where the parent changes")] = None


class AccountStateChangePlanned(Event, frozen=True, kw_only=True):
    """A state change waits for its moment."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    change_id: ChangeId
    from_: Annotated[AccountState, doc("State when it was planned")] = msgspec.field(name="from")
    to: Annotated[AccountState, doc("State to reach")]
    reason: Reason
    due_at: Annotated[datetime, doc("When")]
    include_subordinates: Annotated[bool, doc("Also every live account below it")]
    supersedes_change_id: Annotated[str | None, doc("The plan that this one replaces")] = None


class AccountStateChangeCancelled(Event, frozen=True, kw_only=True):
    """A planned state change was dropped."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    change_id: ChangeId
    cause: Annotated[PlanEnd, doc("Why")]
    superseded_by: Annotated[str | None, doc("The plan that replaces it")] = None


class AccountStateChangeFailed(Event, frozen=True, kw_only=True):
    """A planned state change was refused at its moment; the account stays."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    change_id: ChangeId
    due_at: Annotated[datetime, doc("Its moment")]
    violations: Annotated[tuple[Violation, ...], doc("Every rule that it broke")]


class AccountStateChanged(Event, frozen=True, kw_only=True):
    """An account is in another state, or in the same state for another reason."""

    about: ClassVar = ("account", "account_id")

    account_id: AccountId
    change_id: ChangeId | None = None
    from_: Annotated[AccountState, doc("State before")] = msgspec.field(name="from")
    old_reason: Annotated[str, doc("Reason before")]
    to: Annotated[AccountState, doc("State after")]
    reason: Reason
    effective_at: Annotated[datetime, doc("Since when")]
    effective_date: Annotated[date, doc("Local day of effective_at")]
    cause: Annotated[StateCause, doc("Why")]
    root_account_id: Annotated[str | None, doc("Root of the cascade, on accounts below it")] = None
    line: Annotated[LineRef | None, doc("With cause ORDER: the line")] = None


AccountCommand = CreateAccount | UpdateAccountDetails | ChangeAccountState | CancelPlannedStateChange
AccountClockCommand = ExecutePlannedStateChange
AccountEvent = (
    AccountCreated
    | AccountDetailsChanged
    | AccountStateChangePlanned
    | AccountStateChangeCancelled
    | AccountStateChangeFailed
    | AccountStateChanged
)
