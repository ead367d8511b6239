"""The words of synchronization: from the lines of an order to the customer data that billing needs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from schemas.accounts import (
    AccountType,
    AddressField,
    ContactField,
    CustomName,
    InitialState,
    Role,
    Segment,
    TaxExemption,
    TaxResidence,
)
from schemas.bill_cycles import BillCycleSetting
from schemas.billing_profiles import (
    Brand,
    Expiry,
    FrequencyField,
    LastFour,
    PaymentMethodKind,
    ProfileId,
    Token,
)
from schemas.fields import AccountId, Attributes, Command, CurrencyCode, Event, ExternalId, Word, doc
from schemas.lineage import (
    AccountSync,
    ImplicitMove,
    LineAction,
    LineId,
    LineRef,
    LineStep,
    OrderId,
    OrderRevision,
    SyncState,
    Used,
    UseKind,
    ValueSet,
)
from schemas.orders import OnSuperseded
from schemas.references import AccountRef


class ImplicitMoves(StrEnum):
    """What becomes of services that would have to move along with those of an order (HIE-9)."""

    REJECT = "REJECT"
    ALLOW = "ALLOW"


class SkipReason(StrEnum):
    """Why a line asks nothing of customer data."""

    ACTION_NOT_SYNCED = "ACTION_NOT_SYNCED"
    TYPE_NOT_SYNCED = "TYPE_NOT_SYNCED"
    NO_CHANGE = "NO_CHANGE"


class Compensation(StrEnum):
    """What a line, compared with what it has in force, does to customer data."""

    ADD = "ADD"
    UPDATE = "UPDATE"
    MOVE_ADD = "MOVE_ADD"
    DELETE = "DELETE"
    NONE = "NONE"


class KeptReason(StrEnum):
    """Why an object outlives the cancelled line that named it; the first that holds is told (UND-2)."""

    NOT_MADE_BY_ORDER = "NOT_MADE_BY_ORDER"
    USED_BY_LINE = "USED_BY_LINE"
    USED_BY_ASSIGNMENT = "USED_BY_ASSIGNMENT"
    PAYS_FOR_OTHERS = "PAYS_FOR_OTHERS"
    HAS_PROFILE = "HAS_PROFILE"
    HAS_CHILDREN = "HAS_CHILDREN"
    IN_CORPORATE_HIERARCHY = "IN_CORPORATE_HIERARCHY"
    HAS_SUBSCRIPTION = "HAS_SUBSCRIPTION"
    HAS_CHARGE = "HAS_CHARGE"
    HAS_PAYMENT = "HAS_PAYMENT"


Row = Annotated[str, doc("Row of the revision matrix, REV-1 to REV-12")]
CompensationField = Annotated[Compensation, doc("What is done to customer data")]
Tracked = Annotated[dict[str, str | None], doc("Tracked attributes and their values; absent where not tracked")]
PaymentProfile = Annotated[str | None, doc("A payment taken at order time belongs to this profile")]


# -- what the command brings


class AccountData(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data of an account that may be missing: what CreateAccount takes, but for the parent, which lines decide."""

    account_id: AccountId | None = None
    external_id: ExternalId | None = None
    account_profile: Annotated[str | None, doc("Profile of the catalog that supplies defaults")] = None
    type: AccountType | None = None
    roles: Annotated[tuple[Role, ...] | None, doc("Default exactly the roles in which lines name it")] = None
    segment: Segment | None = None
    bill_cycle: Annotated[BillCycleSetting | None, doc("When the account is billed")] = None
    currency: CurrencyCode | None = None
    state: Annotated[InitialState | None, doc("State to begin with, default ACTIVE now")] = None
    payment_responsible: Annotated[bool | None, doc("Whether it pays for itself, default true")] = None
    test_account: Annotated[bool, doc("Marks accounts of tests")] = False
    custom_name: CustomName | None = None
    custom_attributes: Attributes | None = None
    contact: ContactField = None
    address: AddressField = None
    tax_residence: TaxResidence | None = None
    tax_exemption: TaxExemption | None = None

    def __post_init__(self) -> None:
        if self.account_id is None and self.external_id is None:
            raise ValueError("Expected `account_id` or `external_id`")


class PaymentMethodData(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a new profile's bills are paid."""

    payment_method_id: Annotated[str | None, doc("Default derived")] = None
    kind: Annotated[PaymentMethodKind, doc("How money is collected")]
    token: Token = None
    brand: Brand = None
    last_four: LastFour = None
    expiry: Expiry = None


class ProfileData(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data of a billing profile that may be missing."""

    billing_profile_id: ProfileId
    account: AccountRef
    frequency: FrequencyField
    currency: CurrencyCode | None = None
    primary: Annotated[bool, doc("Whether it is the account's primary profile")] = False
    contact: ContactField = None
    address: AddressField = None
    payment_method: PaymentMethodData | None = None


class NodeData(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of a corporate tree, and the one above it. A tree is told whole, and corporations are large."""

    listed_up_to: ClassVar[int] = 5_000

    account: AccountRef
    parent: Annotated[AccountRef | None, doc("The node above it; null for the root only")] = None


class CorporateData(Word, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A complete corporate tree."""

    corporate_account: AccountRef
    nodes: Annotated[tuple[NodeData, ...], doc("Every account of the tree")]


class SynchronizeOrderBillingAccounts(Command, frozen=True, kw_only=True):
    """Bring the customer data that billing needs in line with an order (SYN-1 .. SYN-10)."""

    order_id: OrderId
    revision: Annotated[int | None, doc("Default the order's current revision")] = None
    line_ids: Annotated[tuple[str, ...] | None, doc("Only these lines")] = None
    billing_system: Annotated[str | None, doc("Only lines for this billing system")] = None
    accounts: Annotated[tuple[AccountData, ...], doc("Data of accounts that may be missing")] = ()
    billing_profiles: Annotated[tuple[ProfileData, ...], doc("Data of billing profiles that may be missing")] = ()
    corporate_hierarchies: Annotated[tuple[CorporateData, ...], doc("Complete corporate trees")] = ()
    on_superseded: Annotated[OnSuperseded, doc("What becomes of values that a later line has set")] = (
        OnSuperseded.REJECT
    )
    implicit_moves: Annotated[ImplicitMoves, doc("Whether services of no line may move along")] = ImplicitMoves.REJECT
    payment_billing_profile: PaymentProfile = None


# -- what the answer says


class SyncedLine(Word, frozen=True, kw_only=True):
    """What became of one line (SYN-10)."""

    line_id: LineId
    row: Row | None = None
    compensation_action: CompensationField | None = None
    changed: Annotated[tuple[str, ...], doc("Attributes that changed")] = ()
    skipped: Annotated[SkipReason | None, doc("Why nothing was done, if so")] = None


class Unused(Word, frozen=True, kw_only=True):
    """Data that no line needed (CRE-14)."""

    kind: Annotated[str, doc("ACCOUNT, BILLING_PROFILE or CORPORATE_HIERARCHY")]
    id: Annotated[str, doc("Its id")]


# -- events


class KeptAttribute(Word, frozen=True, kw_only=True):
    """An attribute that was left as it is (FLP-3, FLP-4)."""

    attribute: Annotated[str, doc("Tracked attribute")]
    by: Annotated[LineRef | None, doc("The line that holds it; null: its old value is closed")] = None


class OrderLineSynchronized(Event, frozen=True, kw_only=True):
    """A line's customer data is in force, or taken back."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    revision: OrderRevision
    row: Row
    original_action: Annotated[LineAction, doc("Action of the line when it was first synchronized")]
    compensation_action: CompensationField
    service_id: Annotated[str | None, doc("The asset; a promotion has none")] = None
    applied: Tracked
    before: Annotated[dict[str, ValueSet], doc("Values before the line, and who had set them")]
    changed: Annotated[tuple[str, ...], doc("Attributes that changed")] = ()
    prior_values: Annotated[dict[str, str | None], doc("Prior values of the compensation line")] = msgspec.field(
        default_factory=dict
    )
    kept: Annotated[tuple[KeptAttribute, ...], doc("Attributes that were left as they are")] = ()
    implicit: Annotated[tuple[ImplicitMove, ...], doc("What moved along (HIE-9)")] = ()
    uses: Annotated[tuple[Used, ...], doc("What the line has named, over all its revisions")] = ()
    created: Annotated[tuple[Used, ...], doc("What was created or opened again for it")] = ()
    ignored: Annotated[bool, doc("The vendor's behaviour: a cancelled ADD changes nothing (UND-6)")] = False
    sync_state: Annotated[SyncState, doc("In force, or taken back")]
    customer_account: Annotated[str | None, doc("The customer account that it named")] = None
    owner_account: Annotated[str | None, doc("The owner account that it named, tracked or not")] = None
    billing_type: Annotated[str | None, doc("Billing type of the line")] = None
    product_type: Annotated[str | None, doc("Product type of the line")] = None
    steps: Annotated[tuple[LineStep, ...], doc("What it says of services with this revision")] = ()


class OrderLineRebased(Event, frozen=True, kw_only=True):
    """An earlier line left the chain: this line goes back to what was before that one (FLP-3)."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    service_id: Annotated[str | None, doc("A service that the line moved along (HIE-9); null: its own")] = None
    attribute: Annotated[str, doc("Tracked attribute")]
    old_before: Annotated[ValueSet, doc("What it would have gone back to")]
    new_before: Annotated[ValueSet, doc("What it goes back to now")]
    because: Annotated[LineRef, doc("The line that left")]


class OrderLineSkipped(Event, frozen=True, kw_only=True):
    """A line asks nothing of customer data in this revision."""

    about: ClassVar = ("line", "line_id")

    order_id: OrderId
    line_id: LineId
    revision: OrderRevision
    row: Row | None = None
    compensation_action: CompensationField | None = None
    reason: Annotated[SkipReason, doc("Why")]
    untracked_changes: Annotated[tuple[str, ...], doc("Attributes that changed but are not tracked (LIN-9)")] = ()


class OrderObjectKept(Event, frozen=True, kw_only=True):
    """An object outlives a cancelled line, because something needs it (UND-2)."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    line_id: LineId
    kind: Annotated[UseKind, doc("What it is")]
    id: Annotated[str, doc("Its id")]
    reason: Annotated[KeptReason, doc("What needs it")]
    by: Annotated[LineRef | None, doc("The line that needs it, if one does")] = None


class OrderAccountsSynchronized(Event, frozen=True, kw_only=True):
    """Lines of an order were synchronized."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    revision: OrderRevision
    line_ids: Annotated[tuple[str, ...], doc("Lines that were looked at")]
    rows: Annotated[dict[str, int], doc("How many lines were in each row of the matrix")]
    missing_lines: Annotated[tuple[str, ...], doc("Lines that are still to be synchronized")] = ()
    account_sync: Annotated[AccountSync, doc("How far customer data has come")]
    payment_billing_profile: PaymentProfile = None


class OrderAccountSyncCompleted(Event, frozen=True, kw_only=True):
    """All lines of a revision are synchronized, and its payment is recorded if one is awaited (PAY-4)."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    revision: OrderRevision
    payment_id: Annotated[str | None, doc("The order's recorded payment, if any")] = None
    account_sync: Annotated[AccountSync, doc("COMPLETED")] = AccountSync.COMPLETED


class OrderPaymentAwaited(Event, frozen=True, kw_only=True):
    """The order's payment was given back: another one is awaited (PAY-10)."""

    about: ClassVar = ("order", "order_id")

    order_id: OrderId
    billing_profile_id: ProfileId
    account_sync: Annotated[AccountSync, doc("AWAITING_PAYMENT")] = AccountSync.AWAITING_PAYMENT


LineSyncEvent = OrderLineSynchronized | OrderLineRebased | OrderLineSkipped
OrderSyncEvent = OrderObjectKept | OrderAccountsSynchronized | OrderAccountSyncCompleted | OrderPaymentAwaited
