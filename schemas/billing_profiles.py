"""The words of who pays for what: billing profiles, payment methods, and the billing assignment of each service."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from schemas.accounts import AddressField, ContactField
from schemas.fields import AccountId, CurrencyCode, Entity, Event, Word, doc
from schemas.lineage import Lineage, LineRef, SetBy


class Frequency(StrEnum):
    """How often a profile is billed."""

    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"


class PaymentMethodKind(StrEnum):
    """How money is collected."""

    CARD = "CARD"
    DIRECT_DEBIT = "DIRECT_DEBIT"
    INVOICE = "INVOICE"


class PaymentMethodState(StrEnum):
    """The life of a payment method."""

    ACTIVE = "ACTIVE"
    CLOSED = "CLOSED"


class AssignmentState(StrEnum):
    """The life of a billing assignment."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class ProfileState(StrEnum):
    """The life of a billing profile."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    CLOSED = "CLOSED"


class ProfileCause(StrEnum):
    """Why a profile's state changed."""

    ORDER_LINE_CANCELLED = "ORDER_LINE_CANCELLED"
    COVERS_NOTHING = "COVERS_NOTHING"
    PAYER_CLOSED = "PAYER_CLOSED"
    REOPENED = "REOPENED"


class LinkCause(StrEnum):
    """Why a parent link, a nonpaying profile or a billing assignment changed."""

    LINK = "LINK"
    REVISION = "REVISION"
    FLIP = "FLIP"
    UNDO = "UNDO"
    CORPORATE = "CORPORATE"
    IMPLICIT = "IMPLICIT"


class SwitchTo(StrEnum):
    """Who is to pay from the next period on (HIE-13)."""

    PAYER = "PAYER"
    OWN = "OWN"


ProfileId = Annotated[str, doc("Id of the billing profile, unique within the customer")]
PaymentMethodId = Annotated[str, doc("Id of the payment method, unique within the customer")]
ServiceKey = Annotated[str, doc("The service; of a promotion the order line")]
Systems = Annotated[tuple[str, ...], doc("Billing systems that know it")]
AddedSystems = Annotated[tuple[str, ...], doc("Billing systems that came")]
Primary = Annotated[bool, doc("Whether it is the account's primary profile")]
FrequencyField = Annotated[Frequency, doc("How often it is billed")]
ByLine = Annotated[LineRef | None, doc("The order line that led to it; null: no order did")]
MadeBy = Annotated[Lineage | None, doc("The order line that made it; null: no order did")]
Token = Annotated[str | None, doc("What stands for the card or bank account; never its number")]
Brand = Annotated[str | None, doc("Brand of the card")]
LastFour = Annotated[str | None, doc("Last four digits of the card or bank account")]
Expiry = Annotated[str | None, doc("Month in which the card expires, YYYY-MM")]


class Covers(Word, frozen=True, kw_only=True):
    """What a nonpaying profile has its payer pay: all services of its account, or those that are listed."""

    all: Annotated[bool, doc("Every service that no other profile lists")] = False
    services: Annotated[tuple[str, ...], doc("Services that it lists")] = ()

    def lists(self, service_id: str) -> bool:
        """Whether it names this service."""
        return service_id in self.services


ALL = Covers(all=True)


class PlannedSwitch(Word, frozen=True, kw_only=True):
    """A change of payer that waits for the account's next billing period (HIE-13)."""

    to: Annotated[SwitchTo, doc("Who is to pay")]
    effective_at: Annotated[datetime, doc("When")]
    own_profile_id: Annotated[str | None, doc("The account's own paying profile")] = None
    line: ByLine = None


class PayerLink(Word, frozen=True, kw_only=True):
    """Whom a nonpaying profile points at, and what for."""

    payer_profile_id: ProfileId
    payer_account_id: AccountId
    covers: Annotated[Covers, doc("What the payer pays")]
    currency: CurrencyCode
    frequency: FrequencyField


# -- entities


class PaymentMethod(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """How a profile's bills are paid. Holds no card or bank account number."""

    identity: ClassVar = ("payment_method", "payment_method_id")

    payment_method_id: PaymentMethodId
    account_id: AccountId
    kind: Annotated[PaymentMethodKind, doc("How money is collected")]
    state: Annotated[PaymentMethodState, doc("State")] = PaymentMethodState.ACTIVE
    token: Token = None
    brand: Brand = None
    last_four: LastFour = None
    expiry: Expiry = None
    lineage: MadeBy = None


class BillingProfile(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """What is billed together: a paying one has a payment method, a nonpaying one points at its payer's profile."""

    identity: ClassVar = ("billing_profile", "billing_profile_id")

    billing_profile_id: ProfileId
    account_id: AccountId
    paying: Annotated[bool, doc("Whether it pays itself")]
    payment_method_id: Annotated[str | None, doc("Of a paying profile: how")] = None
    payer_profile_id: Annotated[str | None, doc("Of a nonpaying profile: the payer's profile")] = None
    covers: Annotated[Covers | None, doc("Of a nonpaying profile: what its payer pays")] = None
    frequency: FrequencyField
    currency: CurrencyCode
    primary: Primary = False
    contact: ContactField = None
    address: AddressField = None
    billing_systems: Systems = ()
    state: Annotated[ProfileState, doc("State")] = ProfileState.ACTIVE
    planned_switch: Annotated[PlannedSwitch | None, doc("A change of payer that waits (HIE-13)")] = None
    closed_by: Annotated[LineRef | None, doc("The cancelled order line that closed it unused (UND-5)")] = None
    lineage: MadeBy = None


class BillingAssignment(Entity, frozen=True, kw_only=True, omit_defaults=True):
    """Who pays for a service now, and which order line said so."""

    identity: ClassVar = ("billing_assignment", "service_id")

    service_id: ServiceKey
    product_id: Annotated[str, doc("Product of the service")]
    values: Annotated[dict[str, str | None], doc("service_account, billing_account, billing_profile, owner_account")]
    set_by: Annotated[dict[str, SetBy | None], doc("Per attribute the line that set it; null: no order did")]
    state: Annotated[AssignmentState, doc("ACTIVE, or ENDED where no line holds it any more")] = AssignmentState.ACTIVE
    since: Annotated[datetime | None, doc("Moment of its latest event")] = None
    known_before: Annotated[bool, doc("Whether it began with prior values: somebody paid before any order (PVL-4)")] = (
        False
    )


# -- events


class PaymentMethodCreated(Event, frozen=True, kw_only=True):
    """A payment method exists."""

    about: ClassVar = ("payment_method", "payment_method_id")

    payment_method_id: PaymentMethodId
    account_id: AccountId
    kind: Annotated[PaymentMethodKind, doc("How money is collected")]
    token: Token = None
    brand: Brand = None
    last_four: LastFour = None
    expiry: Expiry = None
    lineage: MadeBy = None


class PaymentMethodClosed(Event, frozen=True, kw_only=True):
    """A payment method that only a cancelled order line needed is closed (UND-1)."""

    about: ClassVar = ("payment_method", "payment_method_id")

    payment_method_id: PaymentMethodId
    line: ByLine = None
    old_state: Annotated[PaymentMethodState, doc("State before")]
    new_state: Annotated[PaymentMethodState, doc("State after")]


class PaymentMethodReopened(Event, frozen=True, kw_only=True):
    """A payment method that was closed unused is used after all (UND-5)."""

    about: ClassVar = ("payment_method", "payment_method_id")

    payment_method_id: PaymentMethodId
    line: ByLine = None
    old_state: Annotated[PaymentMethodState, doc("State before")]
    new_state: Annotated[PaymentMethodState, doc("State after")]


class BillingProfileCreated(Event, frozen=True, kw_only=True):
    """A billing profile exists."""

    about: ClassVar = ("billing_profile", "billing_profile_id")

    billing_profile_id: ProfileId
    account_id: AccountId
    paying: Annotated[bool, doc("Whether it pays itself")]
    payment_method_id: Annotated[str | None, doc("Of a paying profile: how")] = None
    payer_profile_id: Annotated[str | None, doc("Of a nonpaying profile: the payer's profile")] = None
    covers: Annotated[Covers | None, doc("Of a nonpaying profile: what its payer pays")] = None
    frequency: FrequencyField
    currency: CurrencyCode
    primary: Primary = False
    contact: ContactField = None
    address: AddressField = None
    billing_systems: Systems = ()
    state: Annotated[ProfileState, doc("ACTIVE, or INACTIVE until a planned switch")] = ProfileState.ACTIVE
    lineage: MadeBy = None


class BillingProfileSystemAdded(Event, frozen=True, kw_only=True):
    """A profile is known to more billing systems."""

    about: ClassVar = ("billing_profile", "billing_profile_id")

    billing_profile_id: ProfileId
    added: AddedSystems
    billing_systems: Systems
    lineage: MadeBy = None


class BillingProfileHierarchyChanged(Event, frozen=True, kw_only=True):
    """A nonpaying profile has another payer, or has it pay for other services."""

    about: ClassVar = ("billing_profile", "billing_profile_id")

    billing_profile_id: ProfileId
    account_id: AccountId
    old: Annotated[PayerLink, doc("Before")]
    new: Annotated[PayerLink, doc("After")]
    billing_systems: Systems = ()
    lineage: MadeBy = None
    cause: Annotated[LinkCause, doc("Why")]


class BillingProfileStateChanged(Event, frozen=True, kw_only=True):
    """A profile is in another state."""

    about: ClassVar = ("billing_profile", "billing_profile_id")

    billing_profile_id: ProfileId
    account_id: AccountId
    old_state: Annotated[ProfileState, doc("State before")]
    new_state: Annotated[ProfileState, doc("State after")]
    cause: Annotated[ProfileCause, doc("Why")]
    line: ByLine = None


class BillingProfileSwitchPlanned(Event, frozen=True, kw_only=True):
    """An account's payer is to change at its next billing period (HIE-13)."""

    about: ClassVar = ("billing_profile", "billing_profile_id")

    billing_profile_id: ProfileId
    account_id: AccountId
    own_profile_id: Annotated[str | None, doc("The account's own paying profile")] = None
    to: Annotated[SwitchTo, doc("Who is to pay")]
    effective_at: Annotated[datetime, doc("When")]
    line: ByLine = None


class BillingProfileSwitchDropped(Event, frozen=True, kw_only=True):
    """A planned change of payer will not take place."""

    about: ClassVar = ("billing_profile", "billing_profile_id")

    billing_profile_id: ProfileId
    account_id: AccountId
    own_profile_id: Annotated[str | None, doc("The account's own paying profile")] = None
    to: Annotated[SwitchTo, doc("Who was to pay")]
    effective_at: Annotated[datetime, doc("When it was to be")]
    line: ByLine = None


class BillingProfileSwitched(Event, frozen=True, kw_only=True):
    """An account's payer changed with its billing period: to the payer (ACTIVE), or back to itself (CLOSED)."""

    about: ClassVar = ("billing_profile", "billing_profile_id")

    billing_profile_id: ProfileId
    account_id: AccountId
    own_profile_id: Annotated[str | None, doc("The account's own paying profile")] = None
    to: Annotated[SwitchTo, doc("Who pays now")]
    effective_at: Annotated[datetime, doc("Since when")]
    line: ByLine = None


class AssignmentChange(Word, frozen=True, kw_only=True):
    """One attribute of a billing assignment, before and after."""

    attribute: Annotated[str, doc("service_account, billing_account, billing_profile or owner_account")]
    old: Annotated[str | None, doc("Id before")] = None
    new: Annotated[str | None, doc("Id after")] = None
    old_set_by: Annotated[SetBy | None, doc("Who had set it")] = None
    new_set_by: Annotated[SetBy | None, doc("Who holds it now")] = None


class BillingAssignmentStarted(Event, frozen=True, kw_only=True):
    """It is known who pays for a service."""

    about: ClassVar = ("billing_assignment", "service_id")

    service_id: ServiceKey
    product_id: Annotated[str, doc("Product of the service")]
    values: Annotated[dict[str, str | None], doc("Who pays, by attribute")]
    set_by: Annotated[dict[str, SetBy | None], doc("Per attribute the line that set it; null: no order did")]
    at: Annotated[datetime, doc("Since when")]


class BillingAssignmentChanged(Event, frozen=True, kw_only=True):
    """Someone else pays for a service, or another line has the say."""

    about: ClassVar = ("billing_assignment", "service_id")

    service_id: ServiceKey
    changes: Annotated[tuple[AssignmentChange, ...], doc("Each attribute that differs")]
    line: ByLine = None
    cause: Annotated[LinkCause, doc("Why")]
    at: Annotated[datetime, doc("Since when")]


class BillingAssignmentEnded(Event, frozen=True, kw_only=True):
    """No line holds that a service is paid for."""

    about: ClassVar = ("billing_assignment", "service_id")

    service_id: ServiceKey
    values: Annotated[dict[str, str | None], doc("Last values, by attribute")]
    line: ByLine = None
    at: Annotated[datetime, doc("Since when")]


ProfileEvent = (
    BillingProfileCreated
    | BillingProfileSystemAdded
    | BillingProfileHierarchyChanged
    | BillingProfileStateChanged
    | BillingProfileSwitchPlanned
    | BillingProfileSwitchDropped
    | BillingProfileSwitched
)
MethodEvent = PaymentMethodCreated | PaymentMethodClosed | PaymentMethodReopened
AssignmentEvent = BillingAssignmentStarted | BillingAssignmentChanged | BillingAssignmentEnded
